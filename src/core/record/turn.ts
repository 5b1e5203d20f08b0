/** How the agent's turn stands, by PostHog's log and status alone: when a Run is over follows from nothing else. */
import type { Fault, Unfinished } from '../model/task-run.ts'
import { agentFailure, faultIn, mayGoOnAfter } from './agent-failures.ts'
import type { Failure } from './failures.ts'
import type { FollowUp } from './mailbox-part.ts'
import { hasNewPull, isTerminal, type Outcome, type Run } from './run.ts'
import type { SessionLog } from './session-part.ts'
import { limits } from './timing.ts'

export type Turn =
  | { kind: 'working' }
  /** The run is over, and its log may not show all of it yet. */
  | { kind: 'settling' }
  /** It ended by itself, and has read all words. */
  | { kind: 'ended' }
  | { kind: 'unfinished'; why: Unfinished }
  | { kind: 'failed'; failure: Failure }

type TaskRun = NonNullable<Run['session']['taskRun']>
type TurnEnd = NonNullable<SessionLog['ended']>

export function standingOf(run: Run): Turn {
  const { taskRun, sessionLog } = run.session
  // Its agent ended the run itself, and said that it could not do it.
  const gaveUp = taskRun?.status === 'failed' && !taskRun.marker && sessionLog?.finishes === true
  const end = answered(run)
  if (end && !gaveUp) return settlesAt(run) === undefined ? turnEnd(run, end) : { kind: 'working' }
  if (!taskRun || !isTerminal(taskRun.status)) return { kind: 'working' }
  return isReadToItsEnd(run, taskRun) ? runEnd(run, taskRun) : { kind: 'settling' }
}

const hasReadAll = ({ session: { taskRun, sessionLog } }: Run): boolean =>
  sessionLog !== undefined &&
  sessionLog.awaitedMessageId === undefined &&
  !taskRun?.instructionUnread &&
  !taskRun?.unread?.length

/** How the last prompt was answered, unless words are on their way to the agent: it may read later ones first. */
const answered = ({ session: { taskRun, sessionLog } }: Run): TurnEnd | undefined =>
  sessionLog?.awaitedMessageId === undefined && !taskRun?.unread?.length ? sessionLog?.ended : undefined

export const isAnswered = (run: Run): boolean => answered(run) !== undefined

export const agentWorks = (run: Run): boolean =>
  run.session.taskRun !== undefined && !isTerminal(run.session.taskRun.status) && !isAnswered(run)

function turnEnd(run: Run, { stopReason, fault, at }: TurnEnd): Turn {
  if (fault) {
    const stored = run.session.taskRun?.status === 'failed' ? faultIn(run.session.taskRun.error) : undefined
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
      const isLimit = /\busage limit\b/i.test(answer)
      return isLimit
        ? broken(run, { class: 'subscription_usage_limit', text: answer }, at)
        : { kind: 'unfinished', why: 'refusal' }
    }
    default:
      return { kind: 'unfinished', why: 'ended-early' }
  }
}

function broken(run: Run, fault: Fault, at: number): Turn {
  const bySelf = run.session.sessionLog?.finishes === true
  const { resumed } = run.result
  if (!resumed && mayGoOnAfter(fault, bySelf)) return { kind: 'unfinished', why: 'failed' }
  return { kind: 'failed', failure: agentFailure(fault, { bySelf, since: resumed?.since ?? at }) }
}

/** Says how a run ended that is over before its agent answered, as far as its log shows. */
function runEnd(run: Run, taskRun: TaskRun): Turn {
  const { instruction, followUps } = unreadWords(run)
  const isUnread = instruction || followUps.length > 0
  const { status, marker, error, changedAt } = taskRun
  if (status === 'cancelled') return { kind: 'unfinished', why: 'interrupted' }
  if (marker) return { kind: 'unfinished', why: isUnread ? 'unread' : marker }
  if (status === 'completed' && !error)
    return isUnread ? { kind: 'unfinished', why: 'unread' } : { kind: 'ended' }
  // What failed before its agent read anything is told.
  const end = broken(run, faultIn(error), changedAt)
  if (end.kind === 'failed' || (!taskRun.from && instruction)) return failedAs(run, taskRun, end)
  return { kind: 'unfinished', why: isUnread ? 'unread' : status === 'failed' ? 'failed' : 'ended-early' }
}

const failedAs = (run: Run, { error, changedAt }: TaskRun, end: Turn): Turn =>
  end.kind === 'failed'
    ? end
    : {
        kind: 'failed',
        failure: agentFailure(faultIn(error), { since: run.result.resumed?.since ?? changedAt }),
      }

/** What a run that is over never read. One that its agent ended has read what it was started with. */
export function unreadWords({ id, session: { taskRun, sessionLog } }: Run): {
  instruction: boolean
  followUps: FollowUp[]
} {
  if (sessionLog?.absent) return { instruction: false, followUps: [] }
  const { status, marker, error, begunWith, instructionUnread, unread = [] } = taskRun ?? {}
  const done = status === 'completed' && !marker && !error ? begunWith : undefined
  return {
    instruction: instructionUnread === true && done !== id,
    followUps: unread.filter(words => words.id !== done),
  }
}

/** A turn that broke is resumed once a round, and words are said again once. What its agent or a person ended is not. */
export function mayGoOn(run: Run, why: Unfinished): boolean {
  const { resumed } = run.result
  if (why === 'interrupted' || why === 'refusal') return false
  return !resumed || unreadWords(run).followUps.some(({ id }) => !resumed.words.includes(id))
}

/** Whether the log of a run that is over may yet show that words were read which seem unread. */
export function mayHaveBeenRead(run: Run): boolean {
  const { taskRun } = run.session
  if (!taskRun || !isTerminal(taskRun.status)) return false
  const isInDoubt = taskRun.instructionUnread === true || (taskRun.unread?.length ?? 0) > 0
  return isInDoubt && !isReadToItsEnd(run, taskRun)
}

/**
 * Its log shows the answer, or that all words were read before it failed, of which the row says why. Else only a poll after
 * the limit proves that the log shows no more.
 */
const isReadToItsEnd = (run: Run, { status, changedAt }: TaskRun): boolean =>
  run.session.sessionLog?.absent === true ||
  isAnswered(run) ||
  (status === 'failed' && hasReadAll(run)) ||
  (run.schedule.lastPollAt ?? 0) - changedAt >= limits.lateLog

/**
 * PostHog writes a pull request into the run just after the answer is logged: it counts from a look after that.
 * @returns when that look is due, ms since the epoch; `undefined` where none is needed
 */
export function settlesAt(run: Run): number | undefined {
  const { taskRun } = run.session
  const end = answered(run)
  if (!end || hasNewPull(run) || (taskRun && isTerminal(taskRun.status))) return undefined
  const at = end.at + limits.lateRow
  return at > (run.schedule.lastPollAt ?? 0) ? at : undefined
}

export function outcomeOf(run: Run): Outcome {
  const { stop } = run.mailbox
  if (stop) return { kind: 'stopped', by: stop.by.login, because: stop.because, lost: stop.lost }
  const stands = standingOf(run)
  switch (stands.kind) {
    case 'unfinished':
      return stands
    case 'failed':
      return stands.failure
    default: {
      const { pushed } = run.result
      if (hasNewPull(run)) return { kind: 'pull' }
      if (pushed !== undefined) return { kind: 'pushed', sha: pushed }
      return { kind: run.session.sessionLog?.answer ? 'answer' : 'nothing' }
    }
  }
}
