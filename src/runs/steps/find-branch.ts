/** The branch of a thread: found, made, and taken away again when nothing came of it. */

import { isBranchOfIssue, issueBranch, stemOf } from '../../core/model/branch-name.ts'
import { Rejected, RetryLater } from '../../core/model/errors.ts'
import type { BranchView, IssueBranches } from '../../core/model/views.ts'
import type { Outcome } from '../../core/run/record/result-part.ts'
import type { Branch } from '../../core/run/record/workspace-part.ts'
import { changed, type Run } from '../../core/run/run.ts'
import { removableBranch, sessionAtWork } from '../../core/run/unused-branch.ts'
import { believeAbsent, type StepContext } from './step-context.ts'
import { makeTask } from './task-run.ts'
import { ignoreRefusal } from './tell-thread.ts'

/** `open`: the thread was when the branch was made. */
type Found = { branch: Branch; open?: boolean } | Outcome

export async function findBranch(context: StepContext): Promise<Run> {
  const found = await branchOf(context)
  if ('kind' in found) return failed(context, found)
  const run = await closedMeanwhile(context, found.open)
  return onBranch({ ...context, run }, found.branch)
}

/** What was read with the command may be older than a closing that found no Run to stop: its turn is taken again. */
async function closedMeanwhile({ run, github }: StepContext, open: boolean | undefined): Promise<Run> {
  if (run.baseline.settings.when.closed !== 'stop' || run.session.taskRun) return run
  const isOpen = open ?? (await github.closing('now')) === undefined
  return isOpen || run.mailbox.ignoredStop ? run : changed(run, { schedule: { admitted: false } })
}

function onBranch(context: StepContext, branch: Branch): Run {
  const { run } = context
  if (isOutdated(run, branch)) return failed(context, planOutdated(branch))
  const moved = run.baseline.head?.ref === branch.name && run.baseline.head.sha !== branch.sha
  if (!moved) return changed(run, { workspace: { branch } })
  // Taken up again while its agent works, it began where its head was.
  if (run.session.taskRun)
    return changed(run, { workspace: { branch: { ...branch, sha: run.baseline.head?.sha ?? branch.sha } } })
  if (run.baseline.settings.head_moved === 'ask') return failed(context, movedHead)
  return changed(run, {
    workspace: { branch, headMoved: { from: run.baseline.head?.sha ?? '', to: branch.sha } },
  })
}

/** A plan may have waited for its start; once the agent has begun, what moves is its own work. */
function isOutdated(
  { request: { approves }, session: { instructionSent } }: Run,
  { name, sha }: Branch,
): boolean {
  if (!approves?.branch || instructionSent) return false
  return name !== approves.branch || (approves.sha !== undefined && sha !== approves.sha)
}

const planOutdated = ({ name, sha }: Branch): Outcome => ({
  kind: 'failed',
  class: 'permission',
  reason: `The plan was made for another state than ${name} at ${sha.slice(0, 7)}, where this thread stands now`,
  fix: 'Make a new one with `/codex plan …`, then approve that.',
})

/** Its agent is seen to next; what may have set one to work is looked for then, and words that may have reached it count. */
export function failed({ run, deps }: StepContext, outcome: Outcome): Run {
  const effect = run.attempts.intent?.kind
  const open = effect === 'start-run' || effect === 'rejoin'
  return changed(run, {
    result: { outcome, concludedAt: deps.now() },
    attempts: { intent: open ? run.attempts.intent : undefined },
    session: {
      sessionLog:
        effect === 'deliver' && run.session.sessionLog
          ? { ...run.session.sessionLog, idle: false }
          : run.session.sessionLog,
    },
  })
}

async function branchOf(context: StepContext): Promise<Found> {
  const { run } = context
  const named = run.request.options.branch ?? openPullHead(run)
  if (named !== undefined) {
    const found = await context.github.branch(named)
    if (found) return { branch: existing(found, intoOf(run, named)) }
    if (run.request.options.branch !== undefined) return gone(context, named)
  }
  return run.thread.kind === 'pull' ? headBranch(context) : forIssue(context)
}

/** A session with an open pull request goes on there. */
const openPullHead = (run: Run): string | undefined =>
  run.result.pulls.find(pull => pull.state === 'open')?.head

const intoOf = (run: Run, branch: string): string =>
  run.result.pulls.find(pull => pull.head === branch)?.base ??
  (run.baseline.head?.ref === branch ? run.baseline.head.base : run.thread.defaultBranch)

const existing = ({ name, sha }: BranchView, into: string): Branch => ({
  name,
  sha,
  into,
  made: false,
  fresh: false,
  recorded: false,
  linked: false,
})

async function headBranch(context: StepContext): Promise<Found> {
  const { head } = context.run.baseline
  const found = head && (await context.github.branch(head.ref))
  return head && found
    ? { branch: existing(found, head.base) }
    : gone(context, head?.ref ?? 'of this pull request')
}

async function forIssue(context: StepContext): Promise<Found> {
  const { run } = context
  const into = run.thread.defaultBranch
  const stem = stemOf(run.baseline.settings.branch_prefix, run.thread.number)
  const branches = await context.github.issueBranches(stem)
  const linked = branches.linked[0]
  const isOurs = ({ name }: BranchView): boolean =>
    name === run.workspace.madeBranch || isBranchOfIssue(name, stem)
  const ours = linked ? [linked].find(isOurs) : branches.ours[0]
  // One of ours is found again after a crash between making it and writing that down.
  if (ours)
    return { branch: madeBefore(context, ours, { base: branches.base, linked: linked !== undefined }) }
  if (linked) return { branch: { ...existing(linked, into), linked: true } }
  if (!branches.base) return emptyRepository(context, into)
  const direct = run.request.what === 'plan' || run.baseline.settings.branch === 'default'
  return direct
    ? { branch: existing(branches.base, into) }
    : make(context, stem, { ...branches, base: branches.base })
}

function madeBefore(
  { run }: StepContext,
  ours: BranchView,
  { base, linked }: { base: BranchView | undefined; linked: boolean },
): Branch {
  const found = existing(ours, run.thread.defaultBranch)
  // Whatever is on it, when the Run is taken up again while its agent works, is the agent's.
  const sha = run.session.taskRun && base ? base.sha : ours.sha
  const recorded = run.workspace.madeBranch === ours.name
  return { ...found, sha, made: true, fresh: ours.sha === base?.sha, recorded, linked }
}

interface Basis {
  base: BranchView
  ids: IssueBranches['ids']
}

/** The task, which everything else is known for, is made meanwhile. */
async function make(context: StepContext, stem: string, { base, ids }: Basis): Promise<Found> {
  const name = issueBranch(stem, context.run.baseline.snapshot.title)
  const also = { workspace: { madeBranch: name } }
  let making: Promise<Found> | undefined
  const begin = (): void => {
    making = makeOne(context, { name, base, ids })
    // Told of when the task is there, or is not.
    making.catch(() => {})
  }
  if (context.run.session.taskId === undefined) {
    try {
      const taskId = await makeTask(context, { also, begin })
      context.run = changed(context.run, {
        attempts: { intent: undefined },
        session: { taskId, taskMade: true },
      })
    } catch (error) {
      const made = await making?.catch((fault: unknown) => {
        // A limit counts for all, whatever failed beside it.
        if (fault instanceof RetryLater) throw fault
      })
      if (made && !('kind' in made))
        context.run = changed(context.run, { workspace: { branch: made.branch } })
      throw error
    }
    if (making) return making
  }
  await context.save(changed(context.run, also))
  await context.job.assertLocked()
  return makeOne(context, { name, base, ids })
}

interface Making {
  name: string
  base: BranchView
  ids: IssueBranches['ids']
}

async function makeOne(context: StepContext, { name, base, ids }: Making): Promise<Found> {
  try {
    const { linked, open } = await context.github.makeBranch(name, base.sha, ids)
    context.deps.reached('branch made, not recorded')
    const branch = { name, into: base.name, sha: base.sha, made: true, fresh: true, recorded: true, linked }
    return { branch, ...(open === undefined ? {} : { open }) }
  } catch (error) {
    if (!(error instanceof Rejected) || (error.status !== 422 && error.status !== 403)) throw error
    return /archived/i.test(error.message)
      ? archived
      : refusedBranch(name, error, context.run.baseline.settings.branch_prefix)
  }
}

const archived: Outcome = {
  kind: 'failed',
  class: 'setup',
  reason: 'This repository is archived, so nothing can be pushed to it',
  fix: 'Unarchive it, then `/codex retry`.',
}

const refusedBranch = (name: string, { message }: Rejected, prefix: string): Outcome => ({
  kind: 'failed',
  class: 'setup',
  reason: `GitHub does not let the bot make the branch ${name}: ${message}`,
  fix: `Let this App make branches called \`${prefix}…\` in the rulesets of the repository; or link a branch to the issue, name one with \`/codex --branch NAME …\`, or set \`branch: default\` or another \`branch_prefix\`. Then \`/codex retry\`.`,
})

const movedHead: Outcome = {
  kind: 'failed',
  class: 'permission',
  reason:
    'Commits were pushed to this pull request after this was asked, and its settings want to be asked again',
  fix: 'Look at the new commits, then `/codex retry`.',
}

function gone(context: StepContext, name: string): Outcome {
  believeAbsent(context, `The branch ${name}`)
  return {
    kind: 'failed',
    class: 'setup',
    reason: `The branch ${name} does not exist in this repository`,
    fix: 'Push it, or name another one with `/codex --branch NAME …`.',
  }
}

function emptyRepository(context: StepContext, branch: string): Outcome {
  believeAbsent(context, `The branch ${branch}`)
  return {
    kind: 'failed',
    class: 'setup',
    reason: `The default branch ${branch} has no commit yet`,
    fix: 'Push a first commit, then `/codex retry`.',
  }
}

/** A branch that nothing was pushed to and that no pull request uses goes away, as soon as no agent may use it any more. */
export async function dropBranch(context: StepContext): Promise<Run> {
  const { run } = context
  const branch = removableBranch(run)
  if (branch) await ignoreRefusal(context, dropIfUnused(context, branch))
  return changed(run, { report: { announced: { ...run.report.announced, branch: true } } })
}

async function dropIfUnused(context: StepContext, { name, sha }: Branch): Promise<void> {
  const { run, deps, job, github } = context
  if (
    run.result.pushed !== undefined ||
    run.result.pulls.some(({ head, state }) => head === name && state === 'open')
  )
    return
  const session = sessionAtWork(run)
  if (session) {
    // Whether it is used is asked then.
    await job.assertLocked()
    const unused = {
      thread: run.thread,
      name,
      sha,
      session,
      since: deps.now(),
      removing: false,
      removed: false,
    }
    await deps.removeLater(`${run.id}-${run.result.round}`, unused)
    deps.reached('branch left for later, not recorded')
    return
  }
  const use = await github.branchUse(name)
  if (use.sha === undefined) believeAbsent(context, `The branch ${name}`)
  if (use.sha !== sha || use.isUsed) return
  await job.assertLocked()
  await github.deleteBranch(name, sha)
  deps.reached('branch dropped, not recorded')
}
