/** A permission that the agent waits for. The Run's rights decide; a question goes to people. */
import type { PermissionRequest } from '../model/task-run.ts'
import { hashOf } from '../model/thread.ts'
import { isAwaited } from './ledger.ts'
import type { Run } from './run.ts'

export function optionByRights(
  { question, options }: PermissionRequest,
  { request }: Pick<Run, 'request'>,
) {
  if (question) return undefined
  const kind = request.options.permission === 'read-only' ? 'reject' : 'allow'
  const fitting = options.filter(option => option.kind.startsWith(kind))
  return (fitting.find(option => option.kind.endsWith('_once')) ?? fitting[0])?.id
}

/** What only people can answer. */
export function openQuestion(run: Run): PermissionRequest | undefined {
  const request = run.result.outcome ? undefined : run.session.sessionLog?.permissionRequest
  if (!request) return undefined
  return isRefused(run, request) || optionByRights(request, run) === undefined ? request : undefined
}

/** PostHog did not take the answer that the rights give, of which the thread is told already. */
const isRefused = ({ session: { permission } }: Run, { id }: PermissionRequest) =>
  permission?.id === id && permission.untaken === 'refused'

const maxQuestions = 20

/** A resumed agent may use an id again. */
export const questionKey = (
  { session: { taskRun } }: Run,
  { id, title }: PermissionRequest,
): string => hashOf(16, `${taskRun?.id}`, id, title)

/** What the comment that asks it is signed with. */
export const questionId = (run: Run, request: PermissionRequest): string =>
  `${run.id}-question-${questionKey(run, request)}`

/** The request that was not put to people yet. */
export function questionToAsk(run: Run): PermissionRequest | undefined {
  const isOurs = !run.mailbox.stop && (!run.session.sessionLog?.ofOthers || isAwaited(run))
  const request = isOurs ? openQuestion(run) : undefined
  const { questions = [] } = run.report
  if (!request || isRefused(run, request) || questions.length >= maxQuestions) return undefined
  const key = questionKey(run, request)
  return questions.some(known => known.key === key) ? undefined : request
}

/** What the rights say to the request that is open. */
export function permissionToAnswer(run: Run): string | undefined {
  const request = run.session.sessionLog?.permissionRequest
  return request && !isRefused(run, request) ? optionByRights(request, run) : undefined
}

export function optionByWords({ options }: PermissionRequest, text: string): string | undefined {
  const said = text.trim().toLowerCase()
  return options.find(({ id, name }, index) =>
    [id.toLowerCase(), name.toLowerCase(), String(index + 1)].includes(said),
  )?.id
}

/** What closes a request without a choice: its answer in words comes as a message. A question takes any name for that. */
export const withoutChoice = ({ question, options }: PermissionRequest): string | undefined =>
  rejecting({ options }) ?? (question ? 'answered-in-words' : undefined)

export const rejecting = ({ options }: Pick<PermissionRequest, 'options'>): string | undefined =>
  options.find(({ kind }) => kind.startsWith('reject'))?.id
