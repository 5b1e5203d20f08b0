/** Removes unused branches once their task runs have ended; any Run of the thread goes first. */
import type { CallBudget } from '../core/model/call-budget.ts'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { GitHub, JobQueue, Log, TasksClient } from '../core/model/ports.ts'
import { type Thread, threadSlot } from '../core/model/thread.ts'
import { minute } from '../core/model/time.ts'
import { UnusedBranch } from '../core/record/own-pull-request.ts'
import { isTerminal, type Run } from '../core/record/run.ts'

export interface RemovalDeps {
  github: GitHub
  tenantOf(
    thread: Thread,
  ): Promise<{ posthog: Pick<TasksClient, 'statusOf'>; budget: Pick<CallBudget, 'reserve'> } | undefined>
  runs: Pick<JobQueue<Run>, 'get' | 'holder'>
  log: Log
  now(): number
  reached(point: 'unused branch removed, not recorded'): void
  every?: number
}

interface RemovalContext {
  what: unknown
  remember(what: unknown): Promise<void>
}

const usualPause = 5 * minute
/** A task run ends an hour after its last turn; one still there after this may stay for ever. */
const giveUpAfterMs = 48 * 60 * minute

/** @returns ms until the next try, or `done` */
export const removeBranch =
  (deps: RemovalDeps) =>
  async (context: RemovalContext): Promise<number | 'done'> => {
    const pause = deps.every ?? usualPause
    const read = UnusedBranch.safeParse(context.what)
    if (!read.success) return pause
    const unused = read.data
    const about = { thread: unused.thread.url, branch: unused.name }
    if (deps.now() - unused.since > giveUpAfterMs) {
      deps.log.warn(about, 'did not remove an unused branch: its task run does not end')
      return 'done'
    }
    try {
      return await poll(deps, context, unused, pause)
    } catch (error) {
      if (error instanceof RetryLater) return Math.max(pause, error.until - deps.now())
      if (!(error instanceof Rejected) && !(error instanceof NoResponse)) throw error
      deps.log.warn({ ...about, err: error }, 'could not remove an unused branch')
      return error instanceof Rejected && error.of === 'effect' ? 'done' : pause
    }
  }

async function poll(
  deps: RemovalDeps,
  context: RemovalContext,
  unused: UnusedBranch,
  pause: number,
): Promise<number | 'done'> {
  const { thread, name, sha, session } = unused
  const tenant = await deps.tenantOf(thread)
  if (!tenant) return pause
  const github = deps.github(thread)
  const live = await liveRun(deps, thread)
  if (live) {
    const wantsIt = unused.removing && live.workspace.branch?.name === name
    if (wantsIt && !(await github.branch(name))) await putBack(deps, unused)
    return pause
  }
  if (unused.removed) return 'done'
  const later = await notYet(tenant.budget, unused)
  if (later !== undefined) return Math.max(pause, later)
  if (!isTerminal(await tenant.posthog.statusOf(session, { counted: true }))) return pause
  const use = await github.branchUse(name)
  if (use.sha !== sha || use.isUsed) return 'done'
  await context.remember({ ...unused, removing: true })
  await github.deleteBranch(name, sha)
  deps.reached('unused branch removed, not recorded')
  await context.remember({ ...unused, removing: true, removed: true })
  deps.log.info({ thread: thread.url, branch: name }, 'removed an unused branch')
  return 0
}

/** Optional calls: those of Runs come first. */
const notYet = (
  budget: Pick<CallBudget, 'reserve'>,
  { thread, session }: UnusedBranch,
): Promise<number | undefined> =>
  budget
    .reserve({
      owner: thread.owner.toLowerCase(),
      id: `branch ${session.taskRunId}`,
      calls: 1,
      kind: 'spare',
    })
    .catch(() => undefined)

async function liveRun({ runs }: RemovalDeps, thread: Thread): Promise<Run | undefined> {
  const id = await runs.holder(threadSlot(thread))
  const kept = id === undefined ? undefined : await runs.get(id)
  return kept?.standing === 'live' ? kept.data : undefined
}

async function putBack({ github, log }: RemovalDeps, { thread, name, sha }: UnusedBranch): Promise<void> {
  const client = github(thread)
  const { ids } = await client.issueBranches(name)
  await client.makeBranch(name, sha, ids)
  log.info({ thread: thread.url, branch: name }, 'restored a branch because a run had just found it')
}
