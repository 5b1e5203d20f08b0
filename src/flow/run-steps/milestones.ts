/** What a Run has reached since its record was last saved, in lines for the operator. */
import type { Run } from '../../core/run.ts'
import type { Log } from '../edges.ts'

export function logMilestones(log: Log, before: Run, after: Run): void {
  const { taskRun, outcome, trouble } = after
  if (!before.taskRun && taskRun) log.info({ task: after.taskId, taskRun: taskRun.id }, 'run started')
  for (const { url, state, draft } of after.pulls.slice(before.pulls.length))
    log.info({ pull: url, state, draft }, 'pull request')
  if (trouble && trouble.until !== before.trouble?.until) {
    const { service, why, until } = trouble
    log.info({ service, why, until: new Date(until).toISOString() }, 'waiting')
  }
  if (!before.stop && after.stop) log.info({ by: after.stop.by.login }, 'stop asked for')
  if (!before.outcome && outcome) log.info({ outcome }, 'outcome')
}
