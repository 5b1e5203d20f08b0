/** Answers an agent that asks for a permission: as the settings say, or in the words of a person. */
import { RetryLater } from '../../core/model/errors.ts'
import type { FollowUp } from '../../core/record/mailbox-part.ts'
import { optionByWords, withoutChoice } from '../../core/record/permission-request.ts'
import type { Session } from '../../core/record/request-part.ts'
import { sessionOf } from '../../core/record/run.ts'
import { withoutRequest } from '../../core/record/turn-log.ts'
import { attempt, type StepContext, step } from './step-context.ts'

export const respondToPermission = step('answer-permission', {
  posthog: ['respondToPermission'],
  writes: ['session', 'schedule'],
  async do({ run, deps, job, posthog }, { option: optionId }) {
    const session = sessionOf(run)
    const { sessionLog } = run.session
    const request = sessionLog?.permissionRequest
    if (!session || !request) return {}
    const { id, title, options } = request
    await job.assertLocked()
    const took = await posthog.respondToPermission(session, { requestId: id, optionId })
    const isTaken = took === 'resolved'
    const isYes = options.find(option => option.id === optionId)?.kind.startsWith('allow') ?? false
    const permission = { id, title, allowed: isTaken && isYes, untaken: isTaken ? undefined : took }
    return {
      session: { permission, sessionLog: withoutRequest(sessionLog, id, deps.now()) },
      schedule: { nextPollAt: undefined },
    }
  },
})

/**
 * Text that names an option decides the permission; any other closes it and goes to the agent as a message.
 * @param tried the permission that these words decided, if PostHog's answer was lost: one that is over then has ours
 */
export async function answeredByWords(
  context: StepContext<never, 'respondToPermission'>,
  session: Session,
  { id: messageId, text }: FollowUp,
  tried: string | undefined,
): Promise<'no' | 'resolved' | 'over'> {
  const { run, deps, job, posthog } = context
  const request = run.session.sessionLog?.permissionRequest
  if (tried !== undefined && request?.id !== tried) return 'resolved'
  if (!request) return 'no'
  const { id: requestId } = request
  const optionId = optionByWords(request, text)
  if (optionId === undefined) {
    const closing = withoutChoice(request)
    if (closing === undefined) return 'no'
    await job.assertLocked()
    await posthog.respondToPermission(session, { requestId, optionId: closing })
    return 'no'
  }
  const intent = { kind: 'deliver' as const, at: deps.now(), messageId, permission: requestId }
  try {
    const took = await attempt(context, intent, () =>
      posthog.respondToPermission(session, { requestId, optionId }),
    )
    return tried === undefined ? took : 'resolved'
  } catch (error) {
    if (error instanceof RetryLater) context.setIntent('deliver', undefined)
    throw error
  }
}
