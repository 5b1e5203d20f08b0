/** A question of the agent, or a permission that it wants: a comment that mentions, since edits notify nobody. */
import { hour } from '../model/time.ts'
import { listener } from '../run/last-word.ts'
import { openQuestion, type PermissionRequest, questionKey, rejecting } from '../run/permission-request.ts'
import type { Run } from '../run/run.ts'
import { limits } from '../run/timing.ts'
import { code, quoted } from '../text/safe-markdown.ts'
import { briefly, session } from './while-working.ts'
import { counted, type Deployment, small } from './words.ts'

export function questionComment(run: Run, request: PermissionRequest, deployment: Deployment): string {
  const asks = request.question ? 'Codex has a question.' : 'Codex asks for your permission.'
  return [
    `@${listener(run)} ${asks}`,
    questionText(request),
    `Codex waits for you. Without an answer, this run ends within ${limits.silent / hour} hours.`,
    small([briefly(run), ...session(run, deployment)]),
  ].join('\n\n')
}

export function questionText(request: PermissionRequest): string {
  const { more = 0 } = request
  const options = request.options.map(({ name }, index) => `${index + 1}. ${code(name)}`)
  if (more > 0) options.push('', `And ${counted(more, 'more option')}.`)
  return [quoted(request.title, 1_000), options.join('\n'), `**What to do:** ${howToAnswer(request)}`]
    .filter(part => part !== '')
    .join('\n\n')
}

function howToAnswer(request: PermissionRequest): string {
  if (request.options.length === 0) return 'reply `/codex <your answer>`.'
  const otherwise =
    rejecting(request) === undefined
      ? 'You can also reply `/codex` and your own words.'
      : 'Any other reply means no, and Codex reads your words.'
  return `reply \`/codex 1\` for the first choice, and so on. ${otherwise}`
}

/** Where it was put to people. */
export function questionUrl(run: Run): string | undefined {
  const request = openQuestion(run)
  const key = request && questionKey(run, request)
  const asked = run.report.questions?.find(known => known.key === key)
  return asked && `${run.thread.url}#${asked.inline ? 'discussion_r' : 'issuecomment-'}${asked.commentId}`
}
