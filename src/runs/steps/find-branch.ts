/** The branch of a thread: found, made, and taken away again when nothing came of it. */
import { issueBranch } from '../../core/model/branch-name.ts'
import { Refused } from '../../core/model/errors.ts'
import type { BranchView, IssueBranches } from '../../core/model/views.ts'
import type { Branch, Outcome, Run } from '../../core/run/run.ts'
import { isUsed, removableBranch, sessionAtWork } from '../../core/run/unused-branch.ts'
import { believeAbsent, type Hand } from './step-context.ts'
import { ignoreRefusal } from './tell-thread.ts'

export async function findBranch(hand: Hand): Promise<Run> {
  const branch = await branchOf(hand)
  if ('is' in branch) return failed(hand, branch)
  const { run } = hand
  if (isOutdated(run, branch)) return failed(hand, planOutdated(branch))
  const moved = run.head?.ref === branch.name && run.head.sha !== branch.sha
  if (!moved) return { ...run, branch }
  // Taken up again while its agent works, it began where its head was.
  if (run.taskRun) return { ...run, branch: { ...branch, sha: run.head?.sha ?? branch.sha } }
  if (run.settings.head_moved === 'ask') return failed(hand, movedHead)
  return { ...run, branch, headMoved: { from: run.head?.sha ?? '', to: branch.sha } }
}

/** A plan may have waited for its start; once the agent has begun, what moves is its own work. */
function isOutdated({ ask: { approves }, asked }: Run, { name, sha }: Branch): boolean {
  if (!approves?.branch || asked) return false
  return name !== approves.branch || (approves.sha !== undefined && sha !== approves.sha)
}

const planOutdated = ({ name, sha }: Branch): Outcome => ({
  is: 'failed',
  class: 'permission',
  reason: `The plan was made for another state than ${name} at ${sha.slice(0, 7)}, where this thread stands now`,
  fix: 'Make a new one with `/codex plan …`, then approve that.',
})

/** Its agent is seen to next; what may have set one to work is looked for then, and words that may have reached it count. */
export function failed({ run, deps }: Hand, outcome: Outcome): Run {
  const effect = run.intent?.effect
  const open = effect === 'start-run' || effect === 'rejoin'
  return {
    ...run,
    outcome,
    intent: open ? run.intent : undefined,
    concludedAt: deps.now(),
    ...(effect === 'deliver' && run.heard ? { heard: { ...run.heard, idle: false } } : {}),
  }
}

async function branchOf(hand: Hand): Promise<Branch | Outcome> {
  const { run } = hand
  const named = run.ask.options.branch ?? openPullHead(run)
  if (named !== undefined) {
    const found = await hand.github.branch(named)
    if (found) return existing(found, intoOf(run, named))
    if (run.ask.options.branch !== undefined) return gone(hand, named)
  }
  return run.thread.kind === 'pull' ? headBranch(hand) : forIssue(hand)
}

/** A session with an open pull request goes on there. */
const openPullHead = (run: Run): string | undefined => run.pulls.find(pull => pull.state === 'open')?.head

const intoOf = (run: Run, branch: string): string =>
  run.pulls.find(pull => pull.head === branch)?.base ??
  (run.head?.ref === branch ? run.head.base : run.thread.defaultBranch)

const existing = ({ name, sha }: BranchView, into: string): Branch => ({
  name,
  sha,
  into,
  made: false,
  fresh: false,
  recorded: false,
  linked: false,
})

async function headBranch(hand: Hand): Promise<Branch | Outcome> {
  const { head } = hand.run
  const found = head && (await hand.github.branch(head.ref))
  return head && found ? existing(found, head.base) : gone(hand, head?.ref ?? 'of this pull request')
}

async function forIssue(hand: Hand): Promise<Branch | Outcome> {
  const { run } = hand
  const into = run.thread.defaultBranch
  const branches = await hand.github.issueBranches()
  const linked = branches.linked[0]
  const ours = linked ? branches.ours.find(({ name }) => name === linked.name) : branches.ours[0]
  // One of ours is found again after a crash between making it and writing that down.
  if (ours) return madeBefore(hand, ours, { base: branches.base, linked: linked !== undefined })
  if (linked) return { ...existing(linked, into), linked: true }
  if (!branches.base) return emptyRepository(hand, into)
  const direct = run.ask.what === 'plan' || run.settings.branch === 'default'
  return direct ? existing(branches.base, into) : make(hand, branches.base, branches.ids)
}

function madeBefore(
  { run }: Hand,
  ours: BranchView,
  { base, linked }: { base: BranchView | undefined; linked: boolean },
): Branch {
  const found = existing(ours, run.thread.defaultBranch)
  // Whatever is on it, when the Run is taken up again while its agent works, is the agent's.
  const sha = run.taskRun && base ? base.sha : ours.sha
  const recorded = run.madeBranch === ours.name
  return { ...found, sha, made: true, fresh: ours.sha === base?.sha, recorded, linked }
}

async function make(hand: Hand, base: BranchView, ids: IssueBranches['ids']): Promise<Branch | Outcome> {
  const name = issueBranch(hand.run.thread.number, hand.run.snapshot.title)
  await hand.save({ ...hand.run, madeBranch: name })
  await hand.job.assertHeld()
  try {
    const { linked } = await hand.github.makeBranch(name, base.sha, ids)
    hand.deps.reached('branch made, not recorded')
    return { name, into: base.name, sha: base.sha, made: true, fresh: true, recorded: true, linked }
  } catch (error) {
    if (!(error instanceof Refused) || (error.status !== 422 && error.status !== 403)) throw error
    return /archived/i.test(error.message) ? archived : refusedBranch(name, error)
  }
}

const archived: Outcome = {
  is: 'failed',
  class: 'setup',
  reason: 'This repository is archived, so nothing can be pushed to it',
  fix: 'Unarchive it, then `/codex retry`.',
}

const refusedBranch = (name: string, { message }: Refused): Outcome => ({
  is: 'failed',
  class: 'setup',
  reason: `GitHub does not let the bot make the branch ${name}: ${message}`,
  fix: 'Let this App make branches called `codex/…` in the rulesets of the repository; or link a branch to the issue, name one with `/codex --branch NAME …`, or set `branch: default`. Then `/codex retry`.',
})

const movedHead: Outcome = {
  is: 'failed',
  class: 'permission',
  reason:
    'Commits were pushed to this pull request after this was asked, and its settings want to be asked again',
  fix: 'Look at the new commits, then `/codex retry`.',
}

function gone(hand: Hand, name: string): Outcome {
  believeAbsent(hand, `The branch ${name}`)
  return {
    is: 'failed',
    class: 'setup',
    reason: `The branch ${name} does not exist in this repository`,
    fix: 'Push it, or name another one with `/codex --branch NAME …`.',
  }
}

function emptyRepository(hand: Hand, branch: string): Outcome {
  believeAbsent(hand, `The branch ${branch}`)
  return {
    is: 'failed',
    class: 'setup',
    reason: `The default branch ${branch} has no commit yet`,
    fix: 'Push a first commit, then `/codex retry`.',
  }
}

/** A branch that nothing was pushed to and that no pull request uses goes away, as soon as no agent may use it any more. */
export async function dropBranch(hand: Hand): Promise<Run> {
  const { run } = hand
  const branch = removableBranch(run)
  if (branch) await ignoreRefusal(hand, dropIfUnused(hand, branch))
  return { ...run, told: { ...run.told, branch: true } }
}

async function dropIfUnused(hand: Hand, { name, sha }: Branch): Promise<void> {
  const { run, deps, job, github } = hand
  const now = await github.branch(name)
  if (!now) believeAbsent(hand, `The branch ${name}`)
  if (now?.sha !== sha || (await isUsed(github, name))) return
  const session = sessionAtWork(run)
  await job.assertHeld()
  if (session) {
    const unused = { thread: run.thread, name, sha, session, since: deps.now(), removing: false }
    await deps.removeLater(`${run.id}-${run.round}`, unused)
    deps.reached('branch left for later, not recorded')
    return
  }
  await github.deleteBranch(name, sha)
  deps.reached('branch dropped, not recorded')
}
