/**
 * A branch that the bot made and that nothing came of. The agent takes it as the base of its pull request until its
 * task run has ended, which may be an hour after the Run did.
 */
import { z } from 'zod'
import { Thread } from '../model/thread.ts'
import type { Branch } from './record/workspace-part.ts'
import { isTerminal, type Run, sessionOf } from './run.ts'
import { Session } from './session.ts'

export const UnusedBranch = z.object({
  thread: Thread,
  name: z.string(),
  sha: z.string(),
  session: Session,
  /** When its Run ended, ms since the epoch. */
  since: z.number(),
  removing: z.boolean().default(false),
  removed: z.boolean().default(false),
})
export type UnusedBranch = z.infer<typeof UnusedBranch>

/**
 * Only what a Run of this thread recorded as made, and found without a commit of its own, may be removed; and not where
 * an agent may work of which nobody knows when it ends.
 */
export function removableBranch(run: Run): Branch | undefined {
  const { thread } = run
  const { branch } = run.workspace
  if (run.session.agentLeft && !sessionAtWork(run)) return undefined
  return branch?.fresh && branch.recorded && branch.name !== thread.defaultBranch ? branch : undefined
}

export function sessionAtWork(run: Run): Session | undefined {
  const { taskRun, earlier } = run.session
  if (taskRun) return isTerminal(taskRun.status) ? undefined : sessionOf(run)
  return earlier && !earlier.over ? { taskId: earlier.taskId, taskRunId: earlier.taskRunId } : undefined
}
