/**
 * The step `find-branch` finds the branch that the agent works on, or makes one for an issue:
 * 1. the branch that was asked for, or that of the Run's open pull request,
 * 2. for a pull request its head,
 * 3. for an issue the branch that was made for it, one that people linked, or a new one.
 *
 * It leaves in the record the branch and where all of its branches stand, or the failure if there is none to use.
 */
import { isBranchOfIssue, issueBranch, stemOf } from '../../core/model/branch-name.ts'
import { isEmptyRepository, Rejected } from '../../core/model/errors.ts'
import { second } from '../../core/model/time.ts'
import type { BaseView, BranchView, HeadView, IssueBranches } from '../../core/model/views.ts'
import * as failures from '../../core/record/failures.ts'
import { instructionSent } from '../../core/record/ledger.ts'
import { failed } from '../../core/record/outcome.ts'
import { isByAnyAgent, ownHead, watchedBranches } from '../../core/record/own-pull-request.ts'
import { isReadOnly } from '../../core/record/request-part.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { baseOf, type Run } from '../../core/record/run.ts'
import type { Branch } from '../../core/record/workspace-part.ts'
import { withoutEmpty } from '../../core/text/phrases.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

interface Found {
  branch: Branch
  /** Where the other branches of the Run stand. */
  heads: readonly BranchView[]
  /** The base that was asked for, if it had to be read. */
  base?: BaseView
  elsewhere?: IssueBranches['elsewhere']
  /** Whether the issue was open when the branch was made. */
  isOpen?: boolean
}

const branchCalls = [
  'branches.heads',
  'branches.base',
  'branches.default',
  'branches.ofIssue',
  'branches.create',
  'thread.closing',
] as const
type BranchContext = StepContext<(typeof branchCalls)[number], never, 'workspace'>

export const findBranch = step('find-branch', {
  github: branchCalls,
  writes: ['workspace', 'schedule', 'result', 'session'],
  async do(context) {
    const { run, deps } = context
    try {
      const found = await branchOf(context)
      const { branch, base, elsewhere } = found
      if (branch.name === run.thread.defaultBranch && !isReadOnly(run.request.what))
        throw new NoBranch(failures.onDefaultBranch)
      if (isPlanOutdated(run, branch)) throw new NoBranch(failures.planOutdated(branch))
      const head = ownHead(run)
      const hasMoved = head?.ref === branch.name && head.sha !== branch.sha
      return {
        workspace: {
          branch,
          headMoved: hasMoved ? { from: head.sha, to: branch.sha } : undefined,
          stackedOn: base?.pull && { base: base.name, ...base.pull },
          linkedElsewhere: elsewhere,
        },
        result: { heads: headsBefore(run, found) },
        schedule: (await wasThreadClosed(context, found)) ? { admitted: false } : {},
      }
    } catch (error) {
      return failed(context.run, whyNone(run, error), deps.now())
    }
  },
})

async function branchOf(context: BranchContext) {
  const { thread, request, result } = context.run
  const wanted = request.options.branch
  const named = wanted ?? result.pulls.find(({ state }) => state === 'open')?.head
  const found = named === undefined ? undefined : await branchNamed(context, named)
  if (found) return found
  if (wanted !== undefined) throw absent(context, wanted)
  return thread.kind === 'issue' ? branchOfIssue(context) : branchOfPull(context)
}

async function branchNamed(context: BranchContext, named: string): Promise<Found | undefined> {
  const { run } = context
  const ofThread = ownHead(run)
  const pull = run.result.pulls.find(({ head }) => head === named)
  const known = pull?.base ?? (ofThread?.ref === named ? ofThread.base : undefined)
  const [heads, base] = await Promise.all([
    headsWith(context, named, known),
    known === undefined ? askedBase(context) : undefined,
  ])
  const found = heads.find(({ name }) => name === named)
  const into = known ?? base?.name ?? run.thread.defaultBranch
  return found && { branch: existing(found, into), base, heads }
}

/** Beside a fork, what its pull request goes into: nothing of a fork is checked out with rights in this repository. */
async function branchOfPull(context: BranchContext): Promise<Found> {
  const { head, snapshot } = context.run.baseline
  if (!head) throw absent(context, 'of this pull request')
  const { ref } = ownHead(context.run) ?? { ref: head.base }
  const heads = await headsWith(context, ref, head.base)
  // The branch of a closed one may be gone.
  const names = snapshot.open ? [ref] : [ref, head.base]
  const found = names.flatMap(name => heads.find(each => each.name === name) ?? [])[0]
  if (!found) throw absent(context, ref)
  return { branch: existing(found, head.base), heads }
}

async function branchOfIssue(context: BranchContext): Promise<Found> {
  const { thread, request, baseline, workspace } = context.run
  const stem = stemOf(baseline.settings.branch_prefix, thread.number)
  const [branches, asked] = await Promise.all([
    context.github.branches.ofIssue(stem),
    askedBase(context),
  ])
  const { elsewhere, ids } = branches
  const base = asked ?? branches.base ?? (await renamedDefault(context))
  const into = base?.name ?? thread.defaultBranch
  const seen = { base: asked, elsewhere, heads: branches.base ? [branches.base] : [] }
  const [linked] = branches.linked
  const own = linked ?? branches.ours[0]
  const isMade = own?.name === workspace.madeBranch || isBranchOfIssue(own?.name ?? '', stem)
  if (own && isMade) return { ...seen, branch: made(context.run, own, { into, base }) }
  if (linked) return { ...seen, branch: existing(linked, into) }
  if (!base) throw absent(context, into, failures.noCommit(into))
  // What changes nothing needs no branch of its own.
  if (isReadOnly(request.what)) return { ...seen, branch: existing(base, into) }
  const name = issueBranch(stem, baseline.snapshot.title)
  const isOpen = await makeBranch(context, name, base, ids)
  return { ...seen, branch: { name, into, sha: base.sha, made: true, fresh: true }, isOpen }
}

/** The default branch comes with what is read of the issue. */
async function askedBase(context: BranchContext) {
  const { run } = context
  const name = baseOf(run)
  if (name === undefined || name === run.thread.defaultBranch) return undefined
  const view = await context.github.branches.base(name)
  const isSetting = run.request.options.base === undefined
  if (!view) throw absent(context, name, failures.noBase(name, isSetting))
  return view
}

/** The default branch may have another name than the thread's record says. */
async function renamedDefault({ github, run }: BranchContext) {
  const name = await github.branches.default()
  return name === run.thread.defaultBranch ? undefined : github.branches.base(name)
}

async function makeBranch(
  context: BranchContext,
  name: string,
  { sha }: BranchView,
  ids: IssueBranches['ids'],
) {
  // Saved first: after a crash, and after no answer, the branch is looked for by this name.
  await context.save({ workspace: { madeBranch: name, madeFrom: sha } })
  await context.job.assertLocked()
  try {
    return (await context.github.branches.create(name, sha, ids)).open
  } catch (error) {
    if (!(error instanceof Rejected) || (error.status !== 422 && error.status !== 403)) throw error
    if (/archived/i.test(error.message)) throw new NoBranch(failures.archived)
    const prefix = context.run.baseline.settings.branch_prefix
    throw new NoBranch(failures.refusedBranch(name, error, prefix))
  }
}

const existing = ({ name, sha }: BranchView, into: string): Branch => ({
  name,
  sha,
  into,
  made: false,
  fresh: false,
})

/** The head counts only until the agent starts: afterwards it moves the branch itself. */
function isPlanOutdated(run: Run, branch: Branch) {
  const { approves } = run.request
  if (approves?.branch === undefined || instructionSent(run)) return false
  return branch.name !== approves.branch || branch.sha !== (approves.sha ?? branch.sha)
}

// Why there is no branch to use.

class NoBranch extends Error {
  readonly failure: failures.Failure
  constructor(failure: failures.Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

function absent(context: StepContext, name: string, failure = failures.noBranch(name)) {
  believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  return new NoBranch(failure)
}

function whyNone({ thread }: Run, error: unknown) {
  if (error instanceof NoBranch) return error.failure
  if (isEmptyRepository(error)) return failures.noCommit(thread.defaultBranch)
  throw error
}

// What is seen late: a Run that was restored, and a thread that was closed meanwhile.

/** Where the branches of a Run stood when its round began. Those of a restored one may have moved since. */
function headsBefore({ session, result }: Run, { branch, base, heads }: Found) {
  if (session.taskRun) return result.heads
  const seen = [...heads, ...(base ? [base] : []), branch]
  return { ...result.heads, ...Object.fromEntries(seen.map(({ name, sha }) => [name, sha])) }
}

async function headsWith({ run, github }: BranchContext, ...others: (string | undefined)[]) {
  const names = new Set(withoutEmpty([...watchedBranches(run), ...others]))
  const heads = (await github.branches.heads([...names])).filter(({ name }) => names.has(name))
  const head = ownHead(run)
  return heads.map(view =>
    head?.ref === view.name && hasWork(run, view) ? { ...view, sha: head.sha } : view,
  )
}

/** The agent's commits are on the head of a restored Run, and of one whose record may have forgotten its start. */
const hasWork = ({ session, attempts, request }: Run, head: HeadView) =>
  session.taskRun !== undefined ||
  (attempts.lagsSince !== undefined && isByAnyAgent(head) && head.at + second > request.at)

/** A branch that was made for the issue, perhaps with the commits of the agent of a restored Run. */
function made(
  { workspace, session }: Run,
  { name, sha }: BranchView,
  { into, base }: { into: string; base: BranchView | undefined },
): Branch {
  return {
    name,
    into,
    sha: session.taskRun && base ? base.sha : sha,
    made: true,
    fresh: sha === base?.sha || sha === workspace.madeFrom,
  }
}

/** What was prefetched may be older than a closing that found no Run to stop, so GitHub is asked again. */
async function wasThreadClosed({ run, github }: BranchContext, { isOpen }: Found) {
  const { session, mailbox, baseline } = run
  if (session.taskRun || mailbox.ignoredStop || !baseline.snapshot.open) return false
  return !(isOpen ?? (await github.thread.closing()) === undefined)
}
