/**
 * The steps for the session that a thread had before this Run.
 * `rejoin` speaks to it while its task run lasts, and leaves that task run as this Run's own.
 * `end-earlier` cancels it, and leaves that it is over.
 */
import { promptOf } from '../../core/agent/prompt.ts'
import { isNotFound } from '../../core/model/errors.ts'
import type { LogEntry } from '../../core/model/task-run.ts'
import { threadName } from '../../core/model/thread.ts'
import { grantTakenBack } from '../../core/record/failures.ts'
import { openIntent } from '../../core/record/intents.ts'
import { failed } from '../../core/record/outcome.ts'
import type { Session } from '../../core/record/request-part.ts'
import { areRefusedFor } from '../../core/record/retries.ts'
import { type ChangeOf, isTerminal, type Run } from '../../core/record/run.ts'
import type { SessionLog } from '../../core/record/session-part.ts'
import { limits, pollIntervalUntil } from '../../core/record/timing.ts'
import { withOtherEntry } from '../../core/record/turn-log.ts'
import { firstWords } from '../../core/record/words-to-say.ts'
import { givesWay } from './await-admission.ts'
import { hasReadMessage } from './deliver.ts'
import { attach, attachmentsOf, none } from './stage-attachments.ts'
import { justStarted, lostGrant } from './start-run.ts'
import { attempt, refusedReads, type StepContext, step } from './step-context.ts'

type Rejoining = StepContext<
  'comments.attachments',
  'logLength' | 'stageArtifact' | 'sendMessage' | 'poll' | 'sandboxes'
>

export const rejoin = step('rejoin', {
  github: ['comments.attachments'],
  posthog: ['logLength', 'stageArtifact', 'sendMessage', 'poll', 'sandboxes'],
  writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  async do(context) {
    const { run, posthog } = context
    const { earlier } = run.session
    if (!earlier) return {}
    const spoken = openIntent(run, 'rejoin') ?? (await spokenBefore(context, earlier))
    const waits = spoken ? undefined : await givesWay(context)
    if (waits) return waits
    const lost = spoken ? undefined : await lostGrant(context)
    if (lost !== undefined) return failed(context.run, grantTakenBack(lost), context.deps.now())
    try {
      const offset = spoken ? spoken.offset : await posthog.logLength(earlier)
      const { status, log } = await posthog.poll(earlier, Math.max(0, offset - entriesOfATurn))
      const attachments = isTerminal(status) ? undefined : await speakTo(context, earlier, offset)
      if (
        !attachments &&
        !(spoken && (await hasReadMessage(context, earlier, { offset, id: run.id })))
      )
        return { session: { earlier: { ...earlier, over: true } } }
      // The agent asked while nobody looked, in a turn of PostHog's own. It takes up no words before it is answered.
      const { taskRunId: id, may } = earlier
      const begun = await justStarted(context, { id, offset, may, ...openRequests(context, log) })
      return { ...begun, workspace: { ...begun.workspace, attachments: attachments ?? none } }
    } catch (error) {
      if (isNotFound(error) && isGone(context)) return withoutSession(run, earlier)
      throw error
    }
  },
})

const entriesOfATurn = 500

/** What the agent asked in its last turn, and nobody answered. */
function openRequests({ run, deps }: Rejoining, log: readonly LogEntry[]) {
  const begun = log.findLastIndex(({ what }) => what.kind === 'answer' && !what.steer) + 1
  const { permissionRequest, laterRequests } = log
    .slice(begun)
    .reduce<SessionLog>((soFar, { what }) => withOtherEntry(run, soFar, { what, at: deps.now() }), {
      offset: 0,
      prompts: [],
      turns: 0,
    })
  return { permissionRequest, laterRequests }
}

/** A record that lags may have forgotten it. */
async function spokenBefore(context: Rejoining, earlier: Session) {
  const { id, attempts } = context.run
  const found =
    attempts.lagsSince !== undefined && (await hasReadMessage(context, earlier, { offset: 0, id }))
  return found ? { offset: 0 } : undefined
}

export const endEarlier = step('end-earlier', {
  posthog: ['statusOf', 'cancel'],
  writes: ['session', 'workspace', 'schedule'],
  async do(context) {
    const { run, deps, job, posthog } = context
    const { earlier } = run.session
    if (!earlier) return {}
    const waits = earlier.cancelledAt === undefined ? await givesWay(context) : undefined
    if (waits) return waits
    try {
      if (isTerminal(await posthog.statusOf(earlier)))
        return {
          session: { earlier: { ...earlier, over: true } },
          schedule: { nextPollAt: undefined },
        }
      if (earlier.cancelledAt === undefined) {
        await job.assertLocked()
        await posthog.cancel(earlier, `Makes room for what was asked on ${threadName(run.thread)}`)
      }
      const now = deps.now()
      const cancelledAt = earlier.cancelledAt ?? now
      const nextPollAt = now + pollIntervalUntil(limits.stopping, now - cancelledAt)
      return {
        session: { earlier: { ...earlier, cancelledAt } },
        schedule: { lastPollAt: now, nextPollAt },
      }
    } catch (error) {
      if (isNotFound(error) && isGone(context)) return withoutSession(run, earlier)
      throw error
    }
  },
})

const withoutSession = (run: Run, { taskId }: Session): ChangeOf<'session' | 'workspace'> => ({
  session: {
    earlier: undefined,
    taskId: run.session.taskId === taskId ? undefined : run.session.taskId,
  },
  workspace: { attachments: undefined },
})

/** One 404 proves nothing. */
const isGone = (context: StepContext) =>
  areRefusedFor(limits.gone, refusedReads(context, 'posthog'))

/** `undefined` when the run has ended. PostHog drops a message with a known id. */
async function speakTo(context: Rejoining, earlier: Session, offset: number) {
  const { run, deps, posthog } = context
  // It may have been sent before the stop; a needless cancel does no harm.
  if (run.mailbox.stop || run.result.outcome) return none
  const text = promptOf(run, firstWords(run), deps.fence())
  const attachments = await attach(context, attachmentsOf(run), earlier)
  const intent = openIntent(run, 'rejoin') ?? { kind: 'rejoin' as const, at: deps.now(), offset }
  const message = { id: run.id, text, attachments: attachments.ids }
  const took = await attempt(context, intent, () => posthog.sendMessage(earlier, message))
  return took === 'ended' ? undefined : attachments
}
