/** Times at which a working Run must be polled, because a limit has then passed. */
import { second } from '../model/time.ts'
import { isTerminal, type Run } from './run.ts'
import { limits } from './timing.ts'

export function deadlinesOf({ session: { taskRun }, result: { outcome } }: Run): number[] {
  if (!taskRun || isTerminal(taskRun.status) || outcome) return []
  const isQueued = taskRun.status === 'queued' || taskRun.status === 'not_started'
  return [taskRun.changedAt + (isQueued ? limits.queued : limits.silent) + second]
}
