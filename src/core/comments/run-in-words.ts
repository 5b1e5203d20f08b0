import { serviceNames } from '../model/errors.ts'
import { outageOf, services } from '../run/outage.ts'
import { openQuestion } from '../run/permission-request.ts'
import { phaseOf, type Run } from '../run/run.ts'
import { code } from '../text/safe-markdown.ts'
import { questionUrl } from './question.ts'

const phases: Record<ReturnType<typeof phaseOf>, string> = {
  waiting: 'it waits for its turn',
  preparing: 'it is getting ready',
  starting: 'PostHog is starting it',
  working: 'Codex is working',
  stopping: 'it is being stopped',
  pull: 'it opened a pull request',
  pushed: 'it pushed commits',
  answer: 'it answered',
  nothing: 'it changed nothing',
  unfinished: 'it did not finish',
  stopped: 'it was stopped',
  failed: 'it failed',
}

export function phaseInWords(run: Run): string {
  if (run.mailbox.stop || !openQuestion(run)) return phases[phaseOf(run)]
  const url = questionUrl(run)
  return `it waits for your answer${url === undefined ? '' : ` to [this question](${url})`}`
}

export function runInWords(run: Run): string {
  const pull = run.result.pulls.at(-1)
  const away = services.filter(service => outageOf(run, service) && !run.result.outcome)
  return [
    `${phaseInWords(run)}.`,
    ...away.map(service => `It waits for ${serviceNames[service]}.`),
    `${code(run.request.by.login)} asked for it.`,
    ...(pull ? [`Pull request: [#${pull.number}](${pull.url}).`] : []),
    ...(run.report.status
      ? [`[Details](${run.thread.url}#issuecomment-${run.report.status.commentId}).`]
      : []),
  ].join(' ')
}
