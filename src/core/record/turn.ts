/** How the agent's turn stands, by PostHog's log and status alone: when a Run is over follows from nothing else. */
import type { Fault, Unfinished } from '../model/task-run.ts'
import {
  agentFailure,
  brokenBy,
  cancelledBy,
  gaveUpFailure,
  saysLimit,
  storedFault,
} from './agent-failures.ts'
import type { Failure } from './failures.ts'
import { inTaskRun, isAwaited, unread } from './ledger.ts'
import type { Word } from './mailbox-part.ts'
import { hasNewPull, isTerminal, type Outcome, type Run } from './run.ts'
import type { RecordedTaskRun, SessionLog, TurnEnd } from './session-part.ts'
import { limits } from './timing.ts'
import { announces } from './turn-log.ts'

export type Turn =
  | { kind: 'working' }
  /** The run is over, and its log may not show all of it yet. */
  | { kind: 'late-log' }
  /** It ended by itself, and has read all words. */
  | { kind: 'ended' }
  | { kind: 'unfinished'; why: Unfinished }
  | { kind: 'failed'; failure: Failure }

export function turnOf(run: Run): Turn {
  const { taskRun, sessionLog } = run.session
  const end = lastTurnEnd(run)
  const isOver = taskRun !== undefined && isTerminal(taskRun.status)
  const goesOn = { kind: isOver ? 'late-log' : 'working' } as const
  if (taskRun && agentGaveUp(taskRun, sessionLog))
    return { kind: 'failed', failure: gaveUpFailure(taskRun.error ?? '') }
  if (end) return finalPollAt(run) === undefined ? turnEnd(run, end) : goesOn
  if (!isOver) return goesOn
  return isReadToItsEnd(run, taskRun) ? runEnd(run, taskRun) : { kind: 'late-log' }
}

/** Its agent ended the run itself as failed: the row has the reason that the agent gave in its log. */
const agentGaveUp = (
  { status, marker, error = '' }: RecordedTaskRun,
  log: SessionLog | undefined,
) => status === 'failed' && !marker && log?.gaveUp !== undefined && error.startsWith(log.gaveUp)

/** How the last prompt was answered, unless words are on their way to the agent. */
const lastTurnEnd = (run: Run) => (isAwaited(run) ? undefined : run.session.sessionLog?.ended)

export const isAnswered = (run: Run): boolean => lastTurnEnd(run) !== undefined

/** It answered, and no words of its answer are known. */
export function isWordless(run: Run): boolean {
  const { answer, isReported } = run.session.sessionLog ?? {}
  return lastTurnEnd(run)?.stopReason === 'end_turn' && (!answer || isReported === true)
}

export const agentWorks = (run: Run): boolean =>
  run.session.taskRun !== undefined && !isTerminal(run.session.taskRun.status) && !isAnswered(run)

function turnEnd(run: Run, { stopReason, fault, at }: TurnEnd): Turn {
  if (fault) {
    const stored =
      run.session.taskRun?.status === 'failed' ? storedFault(run.session.taskRun.error) : undefined
    const named = stored?.class ?? fault.class ?? 'agent_error'
    return broken(run, { class: named, text: fault.text || (stored?.text ?? '') }, at)
  }
  switch (stopReason) {
    case 'end_turn':
    case undefined:
      return { kind: 'ended' }
    case 'cancelled':
      return { kind: 'unfinished', why: 'interrupted' }
    case 'refusal': {
      // A subscription's limit comes as a refusal, in the agent's words alone.
      const { answer = '' } = run.session.sessionLog ?? {}
      return saysLimit(answer)
        ? broken(run, { class: 'subscription_usage_limit', text: answer }, at)
        : { kind: 'unfinished', why: 'refusal' }
    }
    default:
      return { kind: 'unfinished', why: 'ended-early' }
  }
}

function broken(run: Run, fault: Fault, at: number): Turn {
  const { resumed } = run.result
  const why = resumed ? undefined : brokenBy(fault)
  if (why) return { kind: 'unfinished', why }
  return { kind: 'failed', failure: agentFailure(fault, resumed?.since ?? at) }
}

/** Says how a run ended that is over before its agent answered, as far as its log shows. */
function runEnd(run: Run, taskRun: RecordedTaskRun): Turn {
  if (taskRun.status === 'cancelled') {
    const failure = cancelledBy(taskRun.error)
    return failure ? { kind: 'failed', failure } : { kind: 'unfinished', why: 'interrupted' }
  }
  const end = rowEnd(run, taskRun)
  return end.kind !== 'failed' && neverRead(run).length > 0
    ? { kind: 'unfinished', why: 'unread' }
    : end
}

function rowEnd(run: Run, { status, marker, error, changedAt }: RecordedTaskRun): Turn {
  if (marker) return { kind: 'unfinished', why: marker }
  return status === 'completed' && !error
    ? { kind: 'ended' }
    : broken(run, storedFault(error), changedAt)
}

/** What people said and a run that is over never read. One that its agent ended has read what it was started with. */
export function neverRead(run: Run): Word[] {
  const { taskRun, sessionLog } = run.session
  if (sessionLog?.absent) return []
  const done = endedByAgent(run) && !taskRun?.from ? inTaskRun(run).at(0) : undefined
  return unread(run).filter(word => word !== done)
}

/** Its agent ended its task run itself. */
const endedByAgent = ({ session: { taskRun } }: Run) =>
  taskRun?.status === 'completed' && !taskRun.marker && !taskRun.error

/** The agent's server ended it, and says why with a class. */
const endedByServer = ({ session: { taskRun } }: Run) =>
  taskRun?.status === 'failed' && storedFault(taskRun.error).class !== undefined

/** A turn that broke is resumed once a round, and words are said again once. What its agent or a person ended is not. */
export function mayGoOn(run: Run, why: Unfinished): boolean {
  if (why === 'interrupted' || why === 'refusal') return false
  return !run.result.resumed || neverRead(run).some(({ again }) => !again)
}

/**
 * Its log shows the answer, or that all words were read before the agent's server failed it, and the row says why. Else only
 * a poll after the limit proves that the log shows no more.
 */
const isReadToItsEnd = (run: Run, { changedAt }: RecordedTaskRun) =>
  run.session.sessionLog?.absent === true ||
  isAnswered(run) ||
  (endedByServer(run) && inTaskRun(run).every(({ state }) => state === 'read')) ||
  (run.schedule.lastPollAt ?? 0) - changedAt >= lateLog(run)

/** How late the log of a run that is over may be. One that its own agent or server ended shows that, or is late itself. */
export function lateLog(run: Run): number {
  const isShown = endedByServer(run)
    ? inTaskRun(run).some(({ state }) => state === 'read')
    : !endedByAgent(run) || run.session.sessionLog?.finishes === true
  return isShown ? limits.lateLog : limits.latestLog
}

/**
 * PostHog writes a pull request into the run just after the answer is logged, and words may be logged behind it: both
 * count from a look after that.
 * @returns when that look is due, ms since the epoch; `undefined` where none is needed
 */
export function finalPollAt(run: Run): number | undefined {
  const { taskRun } = run.session
  const end = lastTurnEnd(run)
  const saysNothing = isWordless(run)
  const isKnown = hasNewPull(run) || (taskRun && isTerminal(taskRun.status))
  if (!end || (isKnown && !saysNothing)) return undefined
  const at = end.at + (saysNothing ? limits.lateLog : limits.lateRow)
  return at > (run.schedule.lastPollAt ?? 0) ? at : undefined
}

export function outcomeOf(run: Run): Outcome {
  const { stop } = run.mailbox
  if (stop) return { kind: 'stopped', by: stop.by.login, because: stop.because }
  const turn = turnOf(run)
  switch (turn.kind) {
    case 'unfinished':
      return turn
    case 'failed':
      return turn.failure
    default: {
      const { pushed } = run.result
      if (hasNewPull(run)) return { kind: 'pull' }
      if (pushed !== undefined) return { kind: 'pushed', sha: pushed }
      // Where the log breaks off behind a promise, the last words are lost.
      const { answer, last } = run.session.sessionLog ?? {}
      const isLost = announces(last) && !isAnswered(run)
      return { kind: answer && !isLost ? 'answer' : 'nothing' }
    }
  }
}
