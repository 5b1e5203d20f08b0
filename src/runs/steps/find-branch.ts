import { isBranchOfIssue, issueBranch, stemOf } from '../../core/model/branch-name.ts'
import { isEmptyRepository, Rejected } from '../../core/model/errors.ts'
import type { BranchView, IssueBranches, LinkedElsewhere } from '../../core/model/views.ts'
import {
  archived,
  movedHead,
  noBranch,
  noCommit,
  planOutdated,
  refusedBranch,
} from '../../core/record/failures.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import type { Branch, ChangeOf, Outcome, Run } from '../../core/record/run.ts'
import { failed } from './outcome.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

type Found =
  | { kind: 'found'; branch: Branch; open?: boolean; elsewhere?: LinkedElsewhere | undefined }
  | Outcome

type Finding = StepContext<'branch' | 'issueBranches' | 'makeBranch' | 'closing', never, 'workspace'>

export const findBranch = step('find-branch', {
  github: ['branch', 'issueBranches', 'makeBranch', 'closing'],
  writes: ['workspace', 'schedule', 'result', 'session'],
  async do(context) {
    const { run } = context
    const found = await branchOf(context).catch((error: unknown): Outcome => {
      if (isEmptyRepository(error)) return noCommit(run.thread.defaultBranch)
      throw error
    })
    if (found.kind !== 'found') return failed(context, found)
    const closed = await closedMeanwhile(context, found.open)
    const change = onBranch(context, found.branch)
    const linked = found.elsewhere ? { linkedElsewhere: found.elsewhere } : {}
    return {
      ...closed,
      ...change,
      ...(change.workspace ? { workspace: { ...change.workspace, ...linked } } : {}),
    }
  },
})

/** The read-ahead may be older than a closing that found no Run to stop, so it is asked again. */
async function closedMeanwhile(
  { run, github }: Finding,
  open: boolean | undefined,
): Promise<ChangeOf<'schedule'>> {
  if (run.baseline.settings.when.closed !== 'stop' || run.session.taskRun) return {}
  const isOpen = open ?? (await github.closing('now')) === undefined
  return isOpen || run.mailbox.ignoredStop ? {} : { schedule: { admitted: false } }
}

function onBranch(context: Finding, branch: Branch): ChangeOf<'workspace' | 'result' | 'session'> {
  const { run } = context
  if (isOutdated(run, branch)) return failed(context, planOutdated(branch))
  const moved = run.baseline.head?.ref === branch.name && run.baseline.head.sha !== branch.sha
  if (!moved) return { workspace: { branch } }
  if (run.session.taskRun)
    return { workspace: { branch: { ...branch, sha: run.baseline.head?.sha ?? branch.sha } } }
  if (run.baseline.settings.head_moved === 'ask') return failed(context, movedHead)
  return { workspace: { branch, headMoved: { from: run.baseline.head?.sha ?? '', to: branch.sha } } }
}

/** Before the agent starts only: afterwards it moves the branch itself. */
function isOutdated(
  { request: { approves }, session: { instructionSent } }: Run,
  { name, sha }: Branch,
): boolean {
  if (!approves?.branch || instructionSent) return false
  return name !== approves.branch || (approves.sha !== undefined && sha !== approves.sha)
}

async function branchOf(context: Finding): Promise<Found> {
  const { run } = context
  const { head } = run.baseline
  const { pulls } = run.result
  const named = run.request.options.branch ?? pulls.find(({ state }) => state === 'open')?.head
  if (named !== undefined) {
    const found = await context.github.branch(named)
    const ofHead = head?.ref === named ? head.base : run.thread.defaultBranch
    const into = pulls.find(pull => pull.head === named)?.base ?? ofHead
    if (found) return { kind: 'found', branch: existing(found, into) }
    if (run.request.options.branch !== undefined) return gone(context, named)
  }
  if (run.thread.kind === 'issue') return forIssue(context)
  const found = head && (await context.github.branch(head.ref))
  return head && found
    ? { kind: 'found', branch: existing(found, head.base) }
    : gone(context, head?.ref ?? 'of this pull request')
}

const existing = ({ name, sha }: BranchView, into: string): Branch => ({
  name,
  sha,
  into,
  made: false,
  fresh: false,
  recorded: false,
  linked: false,
})

async function forIssue(context: Finding): Promise<Found> {
  const { run } = context
  const into = run.thread.defaultBranch
  const stem = stemOf(run.baseline.settings.branch_prefix, run.thread.number)
  const branches = await context.github.issueBranches(stem)
  const linked = branches.linked[0]
  const isOurs = ({ name }: BranchView): boolean =>
    name === run.workspace.madeBranch || isBranchOfIssue(name, stem)
  const ours = linked ? [linked].find(isOurs) : branches.ours[0]
  const { elsewhere } = branches
  if (ours) {
    const branch = madeBefore(context, ours, { base: branches.base, linked: linked !== undefined })
    return { kind: 'found', branch, elsewhere }
  }
  if (linked) return { kind: 'found', branch: { ...existing(linked, into), linked: true } }
  if (!branches.base) return gone(context, into, noCommit(into))
  const direct = run.request.what === 'plan' || run.baseline.settings.branch === 'default'
  const found: Found = direct
    ? { kind: 'found', branch: existing(branches.base, into) }
    : await make(context, issueBranch(stem, run.baseline.snapshot.title), branches.base, branches.ids)
  return found.kind === 'found' ? { ...found, elsewhere } : found
}

function madeBefore(
  { run }: StepContext,
  ours: BranchView,
  { base, linked }: { base: BranchView | undefined; linked: boolean },
): Branch {
  const found = existing(ours, run.thread.defaultBranch)
  // On a restored Run the agent's commits are on the branch.
  const sha = run.session.taskRun && base ? base.sha : ours.sha
  const recorded = run.workspace.madeBranch === ours.name
  return { ...found, sha, made: true, fresh: ours.sha === base?.sha, recorded, linked }
}

function gone(context: StepContext, name: string, outcome = noBranch(name)): Outcome {
  believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  return outcome
}

async function make(
  context: Finding,
  name: string,
  base: BranchView,
  ids: IssueBranches['ids'],
): Promise<Found> {
  // Saved first: after a crash, and after no answer, the branch is looked for by this name.
  await context.save({ workspace: { madeBranch: name } })
  await context.job.assertLocked()
  try {
    const { linked, open } = await context.github.makeBranch(name, base.sha, ids)
    context.deps.reached('branch made, not recorded')
    const branch = { name, into: base.name, sha: base.sha, made: true, fresh: true, recorded: true, linked }
    return { kind: 'found', branch, open }
  } catch (error) {
    if (!(error instanceof Rejected) || (error.status !== 422 && error.status !== 403)) throw error
    return /archived/i.test(error.message)
      ? archived
      : refusedBranch(name, error, context.run.baseline.settings.branch_prefix)
  }
}
