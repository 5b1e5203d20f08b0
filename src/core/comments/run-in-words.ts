import { serviceNames } from '../model/errors.ts'
import { outageOf, services } from '../run/outage.ts'
import { phaseOf, type Run } from '../run/run.ts'

const phases: Record<ReturnType<typeof phaseOf>, string> = {
  waiting: 'waiting for its turn',
  preparing: 'getting ready',
  starting: 'waiting for PostHog to start it',
  working: 'the agent is working',
  stopping: 'being stopped',
  pull: 'it opened a pull request',
  pushed: 'it pushed its commits',
  answer: 'it answered',
  nothing: 'it finished without a change',
  stopped: 'it was stopped',
  failed: 'it failed',
}

export const phaseInWords = (run: Run): string => phases[phaseOf(run)]

export function runInWords(run: Run): string {
  const pull = run.result.pulls.at(-1)
  const comment = run.report.status
    ? ` ([details](${run.thread.url}#issuecomment-${run.report.status.commentId}))`
    : ''
  const away = services.filter(service => outageOf(run, service) && !run.result.outcome)
  const waits =
    away.length === 0 ? '' : `, waiting for ${away.map(service => serviceNames[service]).join(' and ')}`
  return `${phaseInWords(run)}${waits}, asked by ${run.request.by.login}${pull ? `, [#${pull.number}](${pull.url})` : ''}${comment}`
}
