/**
 * The step `find-branch` finds the branch that the agent works on, or makes one for an issue.
 * It leaves the branch in the workspace, or the failure if there is none to use.
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
import { baseOf, type ChangeOf, type Outcome, type Run } from '../../core/record/run.ts'
import type { Branch } from '../../core/record/workspace-part.ts'
import { withoutEmpty } from '../../core/text/phrases.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

type BranchFound =
  | {
      kind: 'found'
      branch: Branch
      open?: boolean
      elsewhere?: IssueBranches['elsewhere']
      base?: BaseView | undefined
      /** What else was seen. */
      heads?: readonly (BranchView | undefined)[]
    }
  | Outcome

const branchCalls = [
  ...(['branches.heads', 'branches.base', 'branches.default', 'branches.ofIssue'] as const),
  ...(['branches.create', 'thread.closing'] as const),
] as const
type BranchContext = StepContext<(typeof branchCalls)[number], never, 'workspace'>

export const findBranch = step('find-branch', {
  github: branchCalls,
  writes: ['workspace', 'schedule', 'result', 'session'],
  async do(context) {
    const { run } = context
    const found = await branchOf(context).catch((error: unknown): Outcome => {
      if (isEmptyRepository(error)) return failures.noCommit(run.thread.defaultBranch)
      throw error
    })
    if (found.kind !== 'found') return failed(context.run, found, context.deps.now())
    const isDefault = found.branch.name === run.thread.defaultBranch
    if (isDefault && !isReadOnly(run.request.what))
      return failed(context.run, failures.onDefaultBranch, context.deps.now())
    const change = settleBranch(context, found.branch)
    const stackedOn = found.base?.pull && { base: found.base.name, ...found.base.pull }
    const heads = [found.branch, found.base, ...(found.heads ?? [])].flatMap(each =>
      each ? [[each.name, each.sha]] : [],
    )
    // They may have moved since the round of a restored Run began.
    const before = run.session.taskRun
      ? {}
      : { heads: { ...run.result.heads, ...Object.fromEntries(heads) } }
    return {
      ...(await closedMeanwhile(context, found.open)),
      ...change,
      result: { ...before, ...change.result },
      workspace: { ...change.workspace, linkedElsewhere: found.elsewhere, stackedOn },
    }
  },
})

/** What was prefetched may be older than a closing that found no Run to stop, so GitHub is asked again. */
async function closedMeanwhile(
  { run, github }: BranchContext,
  open: boolean | undefined,
): Promise<ChangeOf<'schedule'>> {
  if (run.session.taskRun) return {}
  const isOpen = open ?? (await github.thread.closing()) === undefined
  return isOpen || run.mailbox.ignoredStop ? {} : { schedule: { admitted: false } }
}

function settleBranch(
  context: BranchContext,
  branch: Branch,
): ChangeOf<'workspace' | 'result' | 'session'> {
  const { run } = context
  const { approves } = run.request
  // The head counts only until the agent starts: afterwards it moves the branch itself.
  if (approves?.branch && !instructionSent(run)) {
    const { sha = branch.sha } = approves
    if (branch.name !== approves.branch || branch.sha !== sha)
      return failed(context.run, failures.planOutdated(branch), context.deps.now())
  }
  const head = ownHead(run)
  const hasMoved = head?.ref === branch.name && head.sha !== branch.sha
  return {
    workspace: hasMoved ? { branch, headMoved: { from: head.sha, to: branch.sha } } : { branch },
  }
}

async function branchOf(context: BranchContext): Promise<BranchFound> {
  const { run } = context
  const { head } = run.baseline
  const { pulls } = run.result
  const named = run.request.options.branch ?? pulls.find(({ state }) => state === 'open')?.head
  if (named !== undefined) {
    const ofHead = ownHead(run)?.ref === named ? head?.base : undefined
    const known = pulls.find(pull => pull.head === named)?.base ?? ofHead
    const [heads, wanted] = await Promise.all([
      headsWith(context, named, known),
      known === undefined ? otherBase(context) : undefined,
    ])
    if (wanted && wanted.kind !== 'base') return wanted
    const into = known ?? wanted?.view.name ?? run.thread.defaultBranch
    const found = heads.find(({ name }) => name === named)
    if (found) return { kind: 'found', branch: existing(found, into), base: wanted?.view, heads }
    if (run.request.options.branch !== undefined) return gone(context, named)
  }
  if (run.thread.kind === 'issue') return forIssue(context)
  if (!head) return gone(context, 'of this pull request')
  // Beside a fork, what its pull request goes into: nothing of a fork is checked out with rights in this repository.
  const { ref } = ownHead(run) ?? { ref: head.base }
  const heads = await headsWith(context, ref, head.base)
  const found = heads.find(({ name }) => name === ref)
  return found ? { kind: 'found', branch: existing(found, head.base), heads } : gone(context, ref)
}

/** Where they stood when the round began. */
async function headsWith(
  { run, github }: BranchContext,
  ...others: (string | undefined)[]
): Promise<BranchView[]> {
  const names = new Set(withoutEmpty([...watchedBranches(run), ...others]))
  const heads = (await github.branches.heads([...names])).filter(({ name }) => names.has(name))
  const head = ownHead(run)
  return heads.map(view =>
    head?.ref === view.name && hasWork(run, view) ? { ...view, sha: head.sha } : view,
  )
}

/** The agent's commits are on the head of a restored Run, and of one whose record may have forgotten its start. */
const hasWork = ({ session, attempts, request }: Run, head: HeadView): boolean =>
  session.taskRun !== undefined ||
  (attempts.lagsSince !== undefined && isByAnyAgent(head) && head.at + second > request.at)

function existing({ name, sha }: BranchView, into: string): Branch {
  return { name, sha, into, made: false, fresh: false, recorded: false }
}

async function forIssue(context: BranchContext): Promise<BranchFound> {
  const { run } = context
  const stem = stemOf(run.baseline.settings.branch_prefix, run.thread.number)
  const [branches, wanted] = await Promise.all([
    context.github.branches.ofIssue(stem),
    otherBase(context),
  ])
  if (wanted && wanted.kind !== 'base') return wanted
  const base = wanted?.view ?? branches.base ?? (await defaultOfNow(context))
  const found = await branchOfIssue(
    context,
    { ...branches, base },
    base?.name ?? run.thread.defaultBranch,
  )
  return found.kind === 'found'
    ? { ...found, elsewhere: branches.elsewhere, base: wanted?.view, heads: [branches.base] }
    : found
}

/** It may have been renamed since. */
async function defaultOfNow({ github, run }: BranchContext): Promise<BaseView | undefined> {
  const name = await github.branches.default()
  return name === run.thread.defaultBranch ? undefined : github.branches.base(name)
}

/** The default branch comes with what is read of the issue. */
async function otherBase(
  context: BranchContext,
): Promise<{ kind: 'base'; view: BaseView } | Outcome | undefined> {
  const { run } = context
  const name = baseOf(run)
  if (name === undefined || name === run.thread.defaultBranch) return undefined
  const view = await context.github.branches.base(name)
  return view
    ? { kind: 'base', view }
    : gone(context, name, failures.noBase(name, run.request.options.base === undefined))
}

/** A branch that was made for it, one that people linked, or a new one. */
async function branchOfIssue(
  context: BranchContext,
  branches: IssueBranches,
  into: string,
): Promise<BranchFound> {
  const { thread, request, baseline, workspace, session } = context.run
  const stem = stemOf(baseline.settings.branch_prefix, thread.number)
  const isOurs = ({ name }: BranchView): boolean =>
    name === workspace.madeBranch || isBranchOfIssue(name, stem)
  const { base } = branches
  const [linked] = branches.linked
  const ours = linked ? [linked].find(isOurs) : branches.ours[0]
  if (ours) {
    const branch = {
      ...existing(ours, into),
      // On a restored Run the agent's commits are on the branch.
      sha: session.taskRun && base ? base.sha : ours.sha,
      made: true,
      fresh: ours.sha === base?.sha || ours.sha === workspace.madeFrom,
      recorded: workspace.madeBranch === ours.name,
    }
    return { kind: 'found', branch }
  }
  if (linked) return { kind: 'found', branch: existing(linked, into) }
  if (!base) return gone(context, into, failures.noCommit(into))
  // What changes nothing needs no branch of its own.
  if (isReadOnly(request.what)) return { kind: 'found', branch: existing(base, into) }
  return make(context, issueBranch(stem, baseline.snapshot.title), base, branches.ids)
}

function gone(context: StepContext, name: string, outcome = failures.noBranch(name)): Outcome {
  believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  return outcome
}

async function make(
  context: BranchContext,
  name: string,
  base: BranchView,
  ids: IssueBranches['ids'],
): Promise<BranchFound> {
  // Saved first: after a crash, and after no answer, the branch is looked for by this name.
  await context.save({ workspace: { madeBranch: name, madeFrom: base.sha } })
  await context.job.assertLocked()
  try {
    const { open } = await context.github.branches.create(name, base.sha, ids)
    const branch = { name, into: base.name, sha: base.sha, made: true, fresh: true, recorded: true }
    return { kind: 'found', branch, open }
  } catch (error) {
    if (!(error instanceof Rejected) || (error.status !== 422 && error.status !== 403)) throw error
    return /archived/i.test(error.message)
      ? failures.archived
      : failures.refusedBranch(name, error, context.run.baseline.settings.branch_prefix)
  }
}
