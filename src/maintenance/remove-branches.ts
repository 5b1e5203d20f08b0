/** Removes unused branches once their task runs have ended; any Run of the thread goes first. */
import type { CallBudget } from '../core/model/call-budget.ts'
import { isOfService, Rejected, RetryLater } from '../core/model/errors.ts'
import type { ChoreContext, GitHub, JobQueue, Log, TasksClient } from '../core/model/ports.ts'
import { type Thread, threadSlot } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { UnusedBranch } from '../core/record/own-pull-request.ts'
import { isTerminal, type Run } from '../core/record/run.ts'

export interface RemovalDeps {
  github: GitHub
  tenantOf(
    thread: Thread,
  ): { posthog: Pick<TasksClient, 'statusOf'>; budget: Pick<CallBudget, 'reserve'> } | undefined
  runs: Pick<JobQueue<Run>, 'get' | 'holder'>
  log: Log
  now(): number
  every?: number | undefined
}

const usualPause = 5 * minute
/** A task run ends an hour after its last turn; one still there after this may stay for ever. */
const giveUpAfterMs = 48 * 60 * minute

/** @returns ms until the next try, or `done` */
export const removeBranch =
  (deps: RemovalDeps) =>
  async (context: ChoreContext): Promise<number | 'done'> => {
    const pause = deps.every ?? usualPause
    const read = UnusedBranch.safeParse(context.memory)
    if (!read.success) return pause
    const unused = read.data
    const about = { thread: unused.thread.url, branch: unused.name }
    if (deps.now() - unused.since > giveUpAfterMs) {
      deps.log.warn(about, 'did not remove an unused branch: its task run does not end')
      return 'done'
    }
    try {
      return await pollBranch(deps, context, unused, pause)
    } catch (error) {
      if (error instanceof RetryLater) return Math.max(pause, error.until - deps.now())
      if (!isOfService(error)) throw error
      deps.log.warn({ ...about, err: error }, 'could not remove an unused branch')
      return error instanceof Rejected && error.of === 'effect' ? 'done' : pause
    }
  }

async function pollBranch(
  deps: RemovalDeps,
  context: ChoreContext,
  unused: UnusedBranch,
  pause: number,
): Promise<number | 'done'> {
  const { thread, name, sha, session } = unused
  const tenant = deps.tenantOf(thread)
  if (!tenant) return pause
  const github = deps.github(thread)
  const holder = await deps.runs.holder(threadSlot(thread))
  const kept = holder === undefined ? undefined : await deps.runs.get(holder)
  if (kept?.standing === 'live') {
    const wantsIt = unused.removing && kept.data.workspace.branch?.name === name
    if (!wantsIt || (await github.branches.find(name))) return pause
    const { ids } = await github.branches.ofIssue(name)
    await github.branches.create(name, sha, ids)
    deps.log.info(
      { thread: thread.url, branch: name },
      'restored a branch because a run had just found it',
    )
    return pause
  }
  if (unused.removed) return 'done'
  const call = { owner: thread.owner.toLowerCase(), id: `branch ${session.taskRunId}`, calls: 1 }
  const later = await tenant.budget.reserve(call).catch(() => undefined)
  if (later !== undefined) return Math.max(pause, later)
  if (!isTerminal(await tenant.posthog.statusOf(session, { counted: true }))) return pause
  const use = await github.branches.use(name)
  if (use.sha !== sha || use.isUsed) return 'done'
  await context.remember({ ...unused, removing: true })
  await github.branches.delete(name, sha, use.repository)
  await context.remember({ ...unused, removing: true, removed: true })
  deps.log.info({ thread: thread.url, branch: name }, 'removed an unused branch')
  return 0
}
