/** How often to look at what, so that all live Runs together stay inside PostHog's limit for one key. */

import { hour, minute, second } from '../model/time.ts'

/** PostHog allows a personal key 4,800 calls an hour; a fifth is kept for everything that is not a look. */
export const callsPerHour = 4800 * 0.8

export const callsPerPoll = 2

/** ms until the next look at a Run that is `age` ms old, while `live` Runs share the key. */
export function pollInterval(age: number, live: number): number {
  const wished = age < minute ? 2 * second : age < 10 * minute ? 5 * second : 15 * second
  const afforded = (Math.max(live, 1) * callsPerPoll * hour) / callsPerHour
  return Math.max(wished, Math.round(afforded))
}

/**
 * The next look when a stream tells of news: only the net below it. With the four connections that a stream takes in an
 * hour, a quiet Run makes ten calls.
 */
export const pollIntervalWithStream = (live: number): number =>
  Math.max(pollInterval(hour, live), 20 * minute)

/**
 * A stop is followed closely, however many Runs there are: at twice its age each time, nine looks in all, the last of
 * them just after its limit.
 */
export const pollIntervalWhenStopping = (age: number): number =>
  age > limits.stopping ? minute : Math.min(Math.max(2 * second, age), limits.stopping + second - age)

export const limits = {
  /** How soon after a look news may bring the next one, as far as the budget of calls goes. */
  soonestPoll: 2 * second,
  /** A status comment is edited at most this often for details; a new phase is shown at once. */
  editEvery: 15 * second,
  editForTimeEvery: 5 * minute,
  summaryEvery: 5 * minute,
  /** A pull request may be reported a moment after the turn that opened it. */
  settle: 2 * second,
  /** After words were passed on, a turn may end that did not read them yet. */
  settleUnread: 20 * second,
  queued: 15 * minute,
  /** PostHog ends an idle run after an hour itself; one that says nothing for so long is lost. */
  silent: 3 * hour,
  stopping: 5 * minute,
  /** After the pull request was reported, the Run stays for the rest of the turn, at most this long. */
  tail: 10 * minute,
  unanswered: 5 * second,
  outage: 24 * hour,
  /** How long reads may be refused while an agent works, and before one does. */
  refused: 15 * minute,
  refusedBefore: 2 * minute,
  absent: 3 * second,
  /** How long PostHog may not know an earlier session, before a new one is begun. */
  gone: minute,
  seeingTo: 10 * minute,
  unseenPull: 5 * minute,
  worthTelling: 20 * second,
  inVain: second,
  stalls: 10,
  triggerStalls: 3,
} as const

/** ms to wait after the n-th failure in a row, growing to a minute. */
export const backoff = (failures: number): number => Math.min(minute, second * 2 ** Math.min(failures, 6))

/** The same after the n-th refusal of what a thread may take again when it is unlocked, growing to five minutes. */
export const refusedBackoff = (refusals: number): number =>
  Math.min(5 * minute, 5 * second * 2 ** Math.min(refusals, 6))
