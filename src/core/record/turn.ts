/** How the agent's turn stands, by PostHog's log and status alone: when a Run is over follows from nothing else. */
import type { Unfinished } from '../model/task-run.ts'
import { agentFailures } from './failures.ts'
import type { FollowUp } from './mailbox-part.ts'
import { hasNewPull, isTerminal, type Outcome, type Run } from './run.ts'
import type { SessionLog } from './session-part.ts'
import { limits } from './timing.ts'

export type Turn =
  | { kind: 'working' }
  /** The run is over, and its log may not show all of it yet. */
  | { kind: 'settling' }
  /** By itself, and it has read all words. */
  | { kind: 'ended' }
  | { kind: 'unfinished'; why: Unfinished }
  | { kind: 'failed' }
  | { kind: 'cancelled' }

type TaskRun = NonNullable<Run['session']['taskRun']>

export function standingOf(run: Run): Turn {
  const { taskRun, sessionLog } = run.session
  if (sessionLog?.idle && settledAt(run, sessionLog) <= (run.schedule.lastPollAt ?? 0)) {
    // Older agents give no reason.
    const { stopReason = 'end_turn' } = sessionLog
    if (stopReason === 'end_turn') return { kind: 'ended' }
    return { kind: 'unfinished', why: stopReasons[stopReason] ?? 'ended-early' }
  }
  if (!taskRun || !isTerminal(taskRun.status)) return { kind: 'working' }
  if (taskRun.status === 'cancelled') return { kind: 'cancelled' }
  const hasFailed = taskRun.status === 'failed' && !taskRun.marker
  // PostHog fails a background run for a mere hiccup upstream.
  const mayBeResumed = !run.result.resumed && failureKind(taskRun.error) === 'failed'
  if (hasFailed && !mayBeResumed) return { kind: 'failed' }
  if (sessionLog?.absent && !taskRun.marker) return { kind: hasFailed ? 'failed' : 'ended' }
  if (!isReadToItsEnd(run, taskRun)) return { kind: 'settling' }
  // What failed before its agent read anything is told.
  const { instruction, followUps } = unreadWords(run)
  if (hasFailed && !taskRun.from && instruction) return { kind: 'failed' }
  if (instruction || followUps.length > 0) return { kind: 'unfinished', why: 'unread' }
  const why = taskRun.marker ?? (taskRun.status === 'failed' ? 'failed' : 'ended-early')
  return { kind: 'unfinished', why }
}

/**
 * What a run that is over never read. An older log shows no words and can't tell, unless nothing came after them.
 */
export function unreadWords({ session: { taskRun, sessionLog } }: Run): {
  instruction: boolean
  followUps: FollowUp[]
} {
  const { turns = 0, answer, activity } = sessionLog ?? {}
  const hasStirred = turns > 0 || answer !== undefined || activity?.doing !== undefined
  if (!sessionLog?.showsWords && hasStirred) return { instruction: false, followUps: [] }
  return { instruction: taskRun?.instructionUnread === true, followUps: taskRun?.unread ?? [] }
}

/** A turn that ended before it was done is resumed once a round, and words are said again once. */
export function mayGoOn(run: Run): boolean {
  const { resumed } = run.result
  return !resumed || unreadWords(run).followUps.some(({ id }) => !resumed.words.includes(id))
}

/** Whether the log of a run that is over may yet show that words were read which seem unread. */
export function mayHaveBeenRead(run: Run): boolean {
  const { taskRun } = run.session
  if (!taskRun || !isTerminal(taskRun.status)) return false
  const isInDoubt = taskRun.instructionUnread === true || (taskRun.unread?.length ?? 0) > 0
  return isInDoubt && !isReadToItsEnd(run, taskRun)
}

/** Only a poll after the limit proves that a log shows no more. */
const isReadToItsEnd = (run: Run, { status, changedAt }: TaskRun): boolean =>
  run.session.sessionLog?.absent === true ||
  (status === 'failed' && hasReadAllMessages(run)) ||
  (run.schedule.lastPollAt ?? 0) - changedAt >= limits.lateLog

/**
 * The end of a turn counts once a poll saw no more of it, however long nobody looked: it may belong to a turn before our
 * words, and PostHog may report a pull request just after its turn.
 * @returns when that poll is due, ms since the epoch; `undefined` where none is needed
 */
export function settlesAt(run: Run): number | undefined {
  const { sessionLog } = run.session
  if (!sessionLog?.idle) return undefined
  const at = settledAt(run, sessionLog)
  return Number.isFinite(at) && at > (run.schedule.lastPollAt ?? 0) ? at : undefined
}

function settledAt(run: Run, { idleSince = 0, showsWords }: SessionLog): number {
  const hasReadAll = hasReadAllMessages(run)
  const status = run.session.taskRun?.status
  const isOver = status !== undefined && isTerminal(status)
  if (hasReadAll) return isOver || hasNewPull(run) ? 0 : idleSince + limits.settle
  if (showsWords || status === 'failed') return Number.POSITIVE_INFINITY
  return idleSince + limits.settleUnread
}

/** Source: `stopReason` of the Agent Client Protocol, and `error_recoverable` of PostHog's agent. */
const stopReasons: Readonly<Record<string, Unfinished | undefined>> = {
  cancelled: 'interrupted',
  error_recoverable: 'error',
  refusal: 'refusal',
  max_tokens: 'max-tokens',
}

export function hasReadAllMessages({ session: { sessionLog, taskRun } }: Run): boolean {
  if (!sessionLog) return false
  const isAwaited = sessionLog.awaitedMessageId !== undefined
  if (sessionLog.showsWords) return !isAwaited
  // Without messages in the log, turns are counted; in a session that went on, another's turn may be among them.
  const { messages = 0, from = 0 } = taskRun ?? {}
  return sessionLog.turns > messages && (!isAwaited || from === 0)
}

const knownFailures: readonly { match: RegExp; kind: keyof typeof agentFailures }[] = [
  { match: /spend limit|usage limit|quota|billing|rate.?limit|429/i, kind: 'at-limit' },
  {
    match: /clone|repository (?:not found|access)|could not read from remote|authentication failed/i,
    kind: 'no-repository',
  },
  {
    match: /model .*(?:not found|does not exist|not available|unknown)|unknown model/i,
    kind: 'no-model',
  },
]

export function outcomeOf(run: Run): Outcome {
  const { stop } = run.mailbox
  if (stop) return { kind: 'stopped', by: stop.by.login, because: stop.because }
  const stands = standingOf(run)
  switch (stands.kind) {
    case 'unfinished':
      return stands
    case 'failed': {
      const { error = '' } = run.session.taskRun ?? {}
      return agentFailures[failureKind(error)](error)
    }
    case 'cancelled':
      return { kind: 'stopped', by: 'PostHog' }
    default: {
      const { pushed } = run.result
      if (hasNewPull(run)) return { kind: 'pull' }
      if (pushed !== undefined) return { kind: 'pushed', sha: pushed }
      return { kind: run.session.sessionLog?.answer ? 'answer' : 'nothing' }
    }
  }
}

const failureKind = (said = ''): keyof typeof agentFailures =>
  knownFailures.find(({ match }) => match.test(said))?.kind ?? 'failed'
