/**
 * How often to poll, so that all live Runs together stay inside the limit of a PostHog key, and how long a Run waits
 * for anything.
 */
import { postHogAllowance } from '../model/call-budget.ts'
import { hour, minute, second } from '../model/time.ts'
import { isQueued, isTerminal, type Run } from './run.ts'

export const callsPerPoll = 2

/** ms until the next poll of a Run `age` ms old, with `live` Runs on one key. */
export function pollInterval(age: number, live: number): number {
  return Math.max(wishedInterval(age), afforded(live))
}

function wishedInterval(age: number) {
  if (age < minute) return 2 * second
  return age < 10 * minute ? 5 * second : 15 * second
}

const afforded = (live: number) =>
  Math.round((Math.max(live, 1) * callsPerPoll * hour) / postHogAllowance.perHour)

/**
 * Polls are only a safety net where there is a stream: a quiet Run costs ten calls an hour, its four connections
 * included. What came just before the stream was open, a late log shows a little later.
 * @param age ms since the stream was seen to be open
 */
export const pollIntervalWithStream = (age: number, live: number): number =>
  Math.max(
    age < limits.latestLog ? pollIntervalUntil(limits.latestLog, age) : 20 * minute,
    afforded(live),
  )

/** Polls 2, 4, 8, 16 … s after `age` was 0, and just after the limit. */
export const pollIntervalUntil = (limit: number, age: number): number =>
  age > limit ? minute : Math.min(Math.max(2 * second, age), limit + second - age)

export const limits = {
  /** ms between two polls at the least, however many events come. */
  soonestPoll: 2 * second,
  editEvery: 15 * second,
  /** While a Run waits for its turn, its place in the line changes with every one that ends. */
  editInLineEvery: 3 * minute,
  /** Also of a Run that waits for weeks: see `recover-runs.ts`. */
  editAtLeastEvery: 24 * hour,
  /** How long after the end of a turn PostHog may write its pull request into the run: 0.6 s was seen. */
  lateRow: 2 * second,
  /** How long after the end of a run its log may not show all of it: 3.2 s was seen on a busy machine. */
  lateLog: 15 * second,
  /** The same for one that does not show yet what its agent, or its server, must have logged before: 60 s was seen. */
  latestLog: 75 * second,
  queued: 15 * minute,
  /** ms in which many checks and reviews count as one piece of news. */
  checkedEvery: 5 * second,
  /** How long PostHog may take to send its agent to a check that failed. */
  ownRound: 5 * minute,
  /** How long GitHub may take to find conflicts after a push. */
  findsConflicts: 45 * second,
  /** PostHog ends an idle run after an hour; one silent for longer is lost. */
  silent: 3 * hour,
  stopping: 5 * minute,
  unanswered: 5 * second,
  outage: 24 * hour,
  /** A try that comes later than this after its time shows that nothing was tried meanwhile. */
  lateTry: 10 * minute,
  /** How long reads may be refused: with an agent at work, and before. */
  refused: 15 * minute,
  refusedBefore: 2 * minute,
  absent: 3 * second,
  /** How long words wait for GitHub to tell what else was written. */
  withoutContext: 30 * second,
  /** How long an earlier session may be unknown before a new one is begun. */
  gone: minute,
  /** How long the right to what was written holds. It is longer than `withoutContext`, so that words go out at all. */
  rightHolds: minute,
  seeingTo: 10 * minute,
  /** How long words are offered to an agent that takes none. */
  notTaken: 10 * minute,
  unseenPull: 5 * minute,
  worthTelling: 20 * second,
  inVain: second,
  /** Steps in a row that threw, and locks lost in a row, after which a job is given up. */
  failures: 10,
  stalls: 5,
} as const

/** When a working Run must be polled, because a limit has then passed. */
export function deadlinesOf({ session: { taskRun }, result: { outcome } }: Run): number[] {
  if (!taskRun || isTerminal(taskRun.status) || outcome) return []
  return [taskRun.changedAt + (isQueued(taskRun.status) ? limits.queued : limits.silent) + second]
}
