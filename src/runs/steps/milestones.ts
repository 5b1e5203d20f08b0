import type { Log } from '../../core/model/ports.ts'
import { outageOf, services } from '../../core/run/outage.ts'
import type { Run } from '../../core/run/run.ts'

export function logMilestones(log: Log, before: Run, after: Run): void {
  const {
    session: { taskRun },
    result: { outcome },
  } = after
  if (!before.session.taskRun && taskRun)
    log.info({ task: after.session.taskId, taskRun: taskRun.id }, 'run started')
  for (const { url, state, draft } of after.result.pulls.slice(before.result.pulls.length))
    log.info({ pull: url, state, draft }, 'pull request')
  for (const service of services) {
    const outage = outageOf(after, service)
    if (!outage || outage.until === outageOf(before, service)?.until) continue
    log.info({ service, why: outage.why, until: new Date(outage.until).toISOString() }, 'waiting')
  }
  if (!before.mailbox.stop && after.mailbox.stop)
    log.info({ by: after.mailbox.stop.by.login }, 'stop asked for')
  if (!before.session.agentLeft && after.session.agentLeft)
    log.warn({ taskRun: taskRun?.id }, 'the agent may still work')
  if (!before.result.outcome && outcome) log.info({ outcome }, 'outcome')
}
