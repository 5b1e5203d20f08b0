/** A branch without commits. The agent may still use it until its task run ends, up to an hour after the Run. */
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
  since: z.number(),
  removing: z.boolean().default(false),
  removed: z.boolean().default(false),
})
export type UnusedBranch = z.infer<typeof UnusedBranch>

/** Only a branch that this thread's Runs recorded as made, without commits and without an agent at work. */
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
