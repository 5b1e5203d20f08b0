/**
 * Sends the next words to the agent, and leaves in the record what it was sent.
 *
 * 1. Words for an agent that asks for a permission may be the answer to that: `answer-permission.ts`.
 * 2. What is attached to them is passed on, then they are sent.
 * 3. If the task run has ended, a new one begins with them.
 * After a crash, what the log shows of the last try is delivered.
 */
import { promptOf } from '../../core/agent/prompt.ts'
import { logOffset, messagesRead, observe } from '../../core/record/apply-snapshot.ts'
import { inNewTaskRun } from '../../core/record/going-on.ts'
import { openIntent } from '../../core/record/intents.ts'
import { type AddedWord, pending, unread } from '../../core/record/ledger.ts'
import { handedOver, refusedWords } from '../../core/record/messages.ts'
import type { Session } from '../../core/record/request-part.ts'
import { type ChangeOf, changed, type Run, sessionOf } from '../../core/record/run.ts'
import { turnOf } from '../../core/record/turn.ts'
import { withoutRequest } from '../../core/record/turn-log.ts'
import { contextGiven } from '../../core/record/words-to-say.ts'
import { answeredByWords } from './answer-permission.ts'
import { attach, attachedTo, none } from './stage-attachments.ts'
import { attempt, type StepContext, step } from './step-context.ts'

export const deliver = step('deliver', {
  github: ['comments.attachments'],
  posthog: ['stageArtifact', 'sendMessage', 'respondToPermission', 'poll'],
  writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  async do(context) {
    const { run, deps, posthog } = context
    const lastTry = openIntent(run, 'deliver')
    const sentByLastTry = run.mailbox.words.find(
      ({ id, state }) => id === lastTry?.messageId && state !== 'waiting',
    )
    if (sentByLastTry?.kind === 'follow-up') return whenDelivered(run, sentByLastTry)
    const [words] = pending(run)
    const session = sessionOf(run)
    if (!words || !session) return {}

    const tried = lastTry?.messageId === words.id ? lastTry : undefined
    const answered = await answeredByWords(context, session, words, tried?.permission)
    if (answered !== 'no') {
      const { sessionLog } = run.session
      const id = tried?.permission ?? sessionLog?.permissionRequest?.id ?? ''
      const after = sessionLog && withoutRequest(sessionLog, id, deps.now())
      return { ...afterAnswer(run, words, answered), session: { sessionLog: after } }
    }

    const attached = await attach(context, attachedTo(words), session)
    const text = promptOf(run, words, deps.fence(), attached.names)
    const message = { id: words.id, text, attachments: attached.ids }
    const intent = { kind: 'deliver' as const, at: deps.now(), messageId: words.id }
    const took = await attempt(context, intent, () => posthog.sendMessage(session, message))
    const isTaken =
      took === 'queued' ||
      (tried && (await hasReadMessage(context, session, { offset: logOffset(run), id: words.id })))
    return isTaken
      ? {
          ...handedOver(run, words, session.taskRunId),
          ...whenDelivered(run, words, attached.failed),
        }
      : afterItsEnd(context, session)
  },
})

/** The words are the answer to its question, and no message. */
function afterAnswer(run: Run, words: AddedWord, answered: 'resolved' | 'over') {
  if (answered === 'resolved') return { ...handedOver(run, words), ...whenDelivered(run, words) }
  const { mailbox, report, result } = refusedWords(run, undefined)
  return { mailbox, report, result }
}

function whenDelivered(run: Run, words: AddedWord, failed = none.failed) {
  const before = run.workspace.attachments ?? none
  return {
    result: { resultChecked: false },
    workspace: {
      ...contextGiven(run, words).workspace,
      attachments: { ...before, failed: [...before.failed, ...failed] },
    },
    schedule: { nextPollAt: undefined },
  }
}

/** Whether words before these were read only shows once the log does. */
async function afterItsEnd(
  { run, deps, posthog }: StepContext<never, 'poll'>,
  session: Session,
): Promise<ChangeOf<'mailbox' | 'report' | 'workspace' | 'session' | 'schedule' | 'result'>> {
  if (unread(run).length === 0) return inNewTaskRun(run, session)
  const lastPollAt = deps.now()
  const snapshot = await posthog.poll(session, logOffset(run))
  const polled = changed(observe(run, snapshot, deps.now()), {
    schedule: { lastPollAt, nextPollAt: undefined },
  })
  const isInDoubt = unread(polled).length > 0 && turnOf(polled).kind === 'late-log'
  const after = isInDoubt ? polled : changed(polled, inNewTaskRun(polled, session))
  const { result, mailbox, report, schedule, workspace } = after
  return { result, mailbox, report, schedule, workspace, session: after.session }
}

/** Whether a run that has ended had taken up a message: the log after `offset` shows it. */
export const hasReadMessage = async (
  { posthog }: StepContext<never, 'poll'>,
  session: Session,
  { offset, id }: { offset: number; id: string },
): Promise<boolean> => messagesRead((await posthog.poll(session, offset)).log).includes(id)
