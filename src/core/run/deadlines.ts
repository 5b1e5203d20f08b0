/** When time alone decides something about a Run that works, so that it has to be looked at then. */
import { second } from '../model/time.ts'
import { isTerminal, type Run } from './run.ts'
import { limits } from './timing.ts'

/** Each a moment after its limit, which only a look that was made later can say is passed. */
export function deadlinesOf({ session: { taskRun }, result: { outcome, concludedAt } }: Run): number[] {
  if (!taskRun || isTerminal(taskRun.status)) return []
  if (outcome) return concludedAt === undefined ? [] : [concludedAt + limits.tail + second]
  const isQueued = taskRun.status === 'queued' || taskRun.status === 'not_started'
  return [taskRun.changedAt + (isQueued ? limits.queued : limits.silent) + second]
}
