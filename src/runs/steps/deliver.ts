/**
 * The steps that pass words on: `deliver` sends the next ones, `answer-permission` answers the agent.
 * They leave in the record what the agent was sent, or that a new task run has to begin.
 */
import { promptOf } from '../../core/agent/prompt.ts'
import { RetryLater } from '../../core/model/errors.ts'
import { logOffset, messagesRead, observe } from '../../core/record/apply-snapshot.ts'
import { inNewTaskRun } from '../../core/record/going-on.ts'
import { openIntent } from '../../core/record/intents.ts'
import { type AddedWord, pending, unread } from '../../core/record/ledger.ts'
import type { FollowUp } from '../../core/record/mailbox-part.ts'
import { handedOver, refusedWords } from '../../core/record/messages.ts'
import { optionByWords, withoutChoice } from '../../core/record/permission-request.ts'
import type { Session } from '../../core/record/request-part.ts'
import { type ChangeOf, changed, type Run, sessionOf } from '../../core/record/run.ts'
import { turnOf } from '../../core/record/turn.ts'
import { contextGiven } from '../../core/record/words-to-say.ts'
import type { StagedAttachments } from '../../core/record/workspace-part.ts'
import { attach, attachedTo, none } from './stage-attachments.ts'
import { attempt, type StepContext, step } from './step-context.ts'

export const deliver = step('deliver', {
  github: ['comments.attachments'],
  posthog: ['stageArtifact', 'sendMessage', 'respondToPermission', 'poll'],
  writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  async do(context) {
    const { run, deps, posthog } = context
    const tried = openIntent(run, 'deliver')
    const shown = run.mailbox.words.find(
      ({ id, state }) => id === tried?.messageId && state !== 'waiting',
    )
    if (shown?.kind === 'follow-up') return sentFollowUp(run, shown, none, shown.to)
    const [followUp] = pending(run)
    const session = sessionOf(run)
    if (!followUp || !session) return {}
    const spoken = tried?.messageId === followUp.id ? tried : undefined
    const decided = await decideByWords(context, session, followUp, spoken?.permission)
    if (decided === 'resolved') return withPermissionDecided(run, followUp)
    if (decided === 'over') {
      const { mailbox, report, result } = refusedWords(run, undefined)
      return { mailbox, report, result }
    }
    const attached = await attach(context, attachedTo(followUp), session)
    const text = promptOf(run, followUp, deps.fence(), attached.names)
    const intent = { kind: 'deliver' as const, at: deps.now(), messageId: followUp.id }
    const message = { id: followUp.id, text, attachments: attached.ids }
    const took = await attempt(context, intent, () => posthog.sendMessage(session, message))
    if (took === 'ended') {
      // What was read of the log before is not read again.
      const looked = { offset: logOffset(context.run), id: followUp.id }
      const hasTakenUp = spoken !== undefined && (await tookUp(context, session, looked))
      if (!hasTakenUp) return afterItsEnd(context, session)
    }
    return sentFollowUp(run, followUp, attached, session.taskRunId)
  },
})

/** Whether words before these were read only shows once the log does. */
async function afterItsEnd(
  { run, deps, posthog }: StepContext<never, 'poll'>,
  session: Session,
): Promise<DeliveryChange> {
  if (unread(run).length === 0) return inNewTaskRun(run, session)
  const lastPollAt = deps.now()
  const snapshot = await posthog.poll(session, logOffset(run))
  const looked = { schedule: { lastPollAt, nextPollAt: undefined } }
  const seen = changed(observe(run, snapshot, deps.now()), looked)
  const isInDoubt = unread(seen).length > 0 && turnOf(seen).kind === 'late-log'
  const after = isInDoubt ? seen : changed(seen, inNewTaskRun(seen, session))
  const { result, mailbox, report, schedule, workspace } = after
  return { result, mailbox, report, schedule, workspace, session: after.session }
}

type DeliveryChange = ChangeOf<
  'mailbox' | 'report' | 'workspace' | 'session' | 'schedule' | 'result'
>

/** Whether a run that has ended had taken up a message: the log after `offset` shows it. */
export const tookUp = async (
  { posthog }: StepContext<never, 'poll'>,
  session: Session,
  { offset, id }: { offset: number; id: string },
): Promise<boolean> => messagesRead((await posthog.poll(session, offset)).log).includes(id)

function sentFollowUp(
  run: Run,
  followUp: AddedWord,
  attached: StagedAttachments,
  to: string | undefined,
) {
  const before = run.workspace.attachments ?? none
  return {
    ...(followUp.state === 'waiting' ? handedOver(run, followUp, to) : {}),
    result: { resultChecked: false },
    workspace: {
      ...contextGiven(run, followUp).workspace,
      attachments: { ...before, failed: [...before.failed, ...attached.failed] },
    },
    schedule: { nextPollAt: undefined },
  }
}

export const respondToPermission = step('answer-permission', {
  posthog: ['respondToPermission'],
  writes: ['session', 'schedule'],
  async do(context, { option: optionId }) {
    const { run, posthog } = context
    const session = sessionOf(run)
    const request = run.session.sessionLog?.permissionRequest
    if (!session || !request) return {}
    const { id, title, options } = request
    await context.job.assertLocked()
    const took = await posthog.respondToPermission(session, { requestId: id, optionId })
    const allows = options.find(option => option.id === optionId)?.kind.startsWith('allow') ?? false
    const answer =
      took === 'resolved'
        ? { allowed: allows, untaken: undefined }
        : { allowed: false, untaken: took }
    const permission = { id, title, ...answer }
    return { session: { permission }, schedule: { nextPollAt: undefined } }
  },
})

/**
 * Text that names an option decides the permission; any other closes it and goes to the agent as a message.
 * @param tried the permission that these words decided, if PostHog's answer was lost: one that is over then has ours
 */
async function decideByWords(
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
  if (optionId !== undefined) {
    const intent = { kind: 'deliver' as const, at: deps.now(), messageId, permission: requestId }
    const answer = { requestId, optionId }
    const took = await attempt(context, intent, () =>
      posthog.respondToPermission(session, answer),
    ).catch(error => {
      if (error instanceof RetryLater) context.setIntent('deliver', undefined)
      throw error
    })
    return tried === undefined ? took : 'resolved'
  }
  const closes = withoutChoice(request)
  if (closes === undefined) return 'no'
  await job.assertLocked()
  await posthog.respondToPermission(session, { requestId, optionId: closes })
  return 'no'
}

/** The words are the answer to its question, and no message. */
function withPermissionDecided(run: Run, followUp: AddedWord): DeliveryChange {
  const { sessionLog } = run.session
  return {
    ...sentFollowUp(run, followUp, none, undefined),
    session: { sessionLog: sessionLog && { ...sessionLog, permissionRequest: undefined } },
  }
}
