import { cancelledAt, refusedCancel } from '../agent-end.ts'
import { onlyIntents, openIntents } from '../intents.ts'
import type { Intent } from '../record/attempts-part.ts'
import { type ChangeOf, isTerminal, type Run } from '../run.ts'
import { limits } from '../timing.ts'
import type { ActingStep, Step } from './step-registry.ts'

export interface Now {
  at: number
  text: 'same' | 'time' | 'details' | 'phase'
}

/** ms from the last edit to the next. */
const editAfter = ({ schedule: { admitted, ahead } }: Run, text: Now['text']): number => {
  switch (text) {
    case 'phase':
      return 0
    case 'details':
      return !admitted && ahead !== undefined ? limits.editInLineEvery : limits.editEvery
    case 'time':
      return limits.editForTimeEvery
    case 'same':
      return Number.POSITIVE_INFINITY
  }
}

export type Due = Generator<Step, void>

export const waiting = (until: number, now: Now): Step => ({ kind: 'wait', ms: Math.max(1, until - now.at) })

const stepOf = ({ kind }: Pick<Intent, 'kind'>): Exclude<Intent['kind'], 'open-pull'> | 'find-result' =>
  kind === 'open-pull' ? 'find-result' : kind

/** Removes the intent of a step that succeeded or was cancelled. */
export const settled = (run: Run, { kind }: ActingStep): ChangeOf<'attempts'> =>
  onlyIntents(run, each => stepOf({ kind: each }) !== kind)

export function* unsettled(run: Run, intents: readonly Intent[], now: Now): Due {
  for (const intent of intents) yield { kind: stepOf(intent) }
  if (run.session.taskRun && run.mailbox.stop && cancelledAt(run) === undefined) yield { kind: 'cancel' }
  yield* meanwhile(run, now)
}

export const canComment = (
  { report: { threadBlocked }, mailbox: { accessLost } }: Run,
  now: Pick<Now, 'at'>,
): boolean => !accessLost && (threadBlocked === undefined || now.at >= threadBlocked.until)

export function* replies(run: Run, now: Now): Due {
  const [next] = run.mailbox.answers
  if (next && canComment(run, now) && (!next.reply || openIntents(run).length === 0))
    yield { kind: 'answer-message' }
}

export function* meanwhile(run: Run, now: Now): Due {
  yield* replies(run, now)
  if (run.session.taskRun && !isTerminal(run.session.taskRun.status)) return yield* keepPolling(run, now)
  if (run.report.status && now.text === 'phase' && canComment(run, now)) yield { kind: 'edit-status' }
}

export function* claims(run: Run, now: Now): Due {
  const url = run.result.claimedPulls.find(claimed => now.at >= (run.result.unseenPulls[claimed]?.until ?? 0))
  if (url !== undefined) yield { kind: 'adopt-pull', url }
}

export function* keepPolling(run: Run, now: Now, poll: ActingStep = { kind: 'poll' }): Due {
  const { nextPollAt } = run.schedule
  const isDue = nextPollAt === undefined || now.at >= nextPollAt
  if (isDue) yield poll
  const sinceEdit = now.at - (run.report.status?.at ?? 0)
  if (canComment(run, now) && now.text !== 'same' && sinceEdit >= editAfter(run, now.text))
    yield { kind: 'edit-status' }
  const times = [
    isDue ? Number.POSITIVE_INFINITY : nextPollAt,
    now.at + editAfter(run, now.text) - sinceEdit,
    now.text === 'same'
      ? Number.POSITIVE_INFINITY
      : (run.report.threadBlocked?.until ?? Number.POSITIVE_INFINITY),
    refusedCancel(run)?.until ?? Number.POSITIVE_INFINITY,
    ...run.result.claimedPulls.map(url => run.result.unseenPulls[url]?.until ?? Number.POSITIVE_INFINITY),
    idleCounts(run, now.at),
  ]
  yield waiting(Math.min(...times.filter(at => at > now.at), Number.POSITIVE_INFINITY), now)
}

function idleCounts(run: Run, now: number): number {
  if (!run.session.sessionLog?.idle) return Number.POSITIVE_INFINITY
  const since = run.session.sessionLog.idleSince ?? now
  const due = [limits.settle, limits.settleUnread].map(wait => since + wait).filter(at => at > now)
  return Math.min(...due, Number.POSITIVE_INFINITY)
}
