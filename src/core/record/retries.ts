/** What is asked again later, since a service did not answer or refused. Each service is waited out by itself. */
import {
  type CallKind,
  isOfService,
  NoResponse,
  Rejected,
  ResultPending,
  RetryLater,
  type Service,
} from '../model/errors.ts'
import { backoff } from '../model/time.ts'
import { changed, type Retry, type Run } from './run.ts'
import { limits } from './timing.ts'

/** A service, the agent behind PostHog, a thread that takes no comment, the end of a task run, a claimed pull request. */
export type RetryKey = Service | 'agent' | 'thread' | `cancel ${string}` | `pull ${string}`

export const services: readonly Service[] = ['posthog', 'github']

export const retryOf = ({ retries }: Pick<Run, 'retries'>, key: RetryKey): Retry | undefined =>
  retries[key]

export const withRetry = (run: Run, key: RetryKey, retry: Retry | undefined): Run =>
  changed(run, { retries: { [key]: retry } })

/** A step that ends after a fault was noted may have begun before. */
export const isHeld = (run: Pick<Run, 'retries'>, key: RetryKey, now: number): boolean =>
  now < (retryOf(run, key)?.until ?? 0)

/**
 * What counts is time in which it was tried: while the process was off, or had nothing to ask, nothing was waited for.
 * @returns the retry as if it had begun later by that time
 */
export function triedRetry(
  run: Pick<Run, 'retries'>,
  key: RetryKey,
  now: number,
): Retry | undefined {
  const retry = retryOf(run, key)
  const idle = retry ? idleMs(retry.until, now) : 0
  if (!retry || idle === 0) return retry
  const { since, refusedSince } = retry
  return { ...retry, since: since + idle, refusedSince: refusedSince && refusedSince + idle }
}

/** @param due when it was to be tried again */
export const idleMs = (due: number, now: number): number =>
  now - due > limits.lateTry ? now - due : 0

/** A fault that ends nothing, and is waited out. A refusal is one only of a read. */
export type Passing = NoResponse | ResultPending | RetryLater | Rejected

export const passes = (error: unknown): error is Passing =>
  error instanceof ResultPending ||
  (isOfService(error) && !(error instanceof Rejected && error.of === 'effect'))

/**
 * What such a fault means, for a Run and for a command: when to try again, and what is known of the reason. A read that
 * is refused is repeated, as one refusal, or a minute of them, proves nothing.
 * @param mostMs between two tries of what no service gave a time for
 */
export function afterPassing(
  holder: Pick<Run, 'retries'>,
  service: Service,
  fault: Passing,
  { now, why = fault.message, mostMs }: { now: number; why?: string; mostMs?: number },
): Retry {
  const before = triedRetry(holder, service, now)
  const waits = (wait: Parameters<typeof retriedAt>[3]): Retry =>
    retriedAt(holder, service, now, wait)
  if (fault instanceof ResultPending) return waits({ why, until: fault.until, count: 0 })
  if (fault instanceof RetryLater) {
    const { until } = fault
    if (fault.why === 'setup') return waits({ why, until, setup: true })
    const promised = fault.why === 'usage-limit' ? until : undefined
    return waits({ why, until, promised, limit: fault.why === 'unavailable' ? undefined : true })
  }
  const until = now + backoff(before?.count ?? 0, { most: mostMs })
  if (fault instanceof NoResponse) return waits({ why, until: Math.max(until, fault.until ?? 0) })
  return waits({ why, until, refusedSince: before?.refusedSince ?? now })
}

/** Failures of the same moment count once; the longest wait wins. */
export function retriedAt(
  run: Pick<Run, 'retries'>,
  key: RetryKey,
  now: number,
  wait: Omit<Retry, 'since' | 'count'> & { count?: 0 },
): Retry {
  const before = triedRetry(run, key, now)
  const { since = now, count = 0 } = before ?? {}
  if (!before || now >= before.until) return { ...wait, since, count: count + (wait.count ?? 1) }
  return before.until < wait.until ? { ...wait, since, count } : before
}

export function eased(
  run: Run,
  key: RetryKey,
  { call, now }: { call: CallKind | 'both'; now: number },
): Run {
  const retry = retryOf(run, key)
  if (!retry || now < retry.until || (call === 'effect' && retry.refusedSince !== undefined))
    return run
  return withRetry(run, key, undefined)
}

/** When reads were first refused, without one that succeeded since, and what time it is: ms since the epoch. */
export interface ReadRefusals {
  refusedSince: number | undefined
  now: number
}

export const refusedReadsOf = (
  run: Pick<Run, 'retries'>,
  service: Service,
  now: number,
): ReadRefusals => ({
  refusedSince: triedRetry(run, service, now)?.refusedSince,
  now,
})

export const areRefusedFor = (ms: number, { refusedSince, now }: ReadRefusals): boolean =>
  refusedSince !== undefined && now - refusedSince >= ms

/**
 * Asks again before it believes that something is not there: GitHub may not show it for a moment.
 * @throws Rejected, of a read, until then
 */
export function believeAbsent(what: string, reads: ReadRefusals): undefined {
  if (areRefusedFor(limits.absent, reads)) return undefined
  throw new Rejected('github', 404, '', `${what} is not there`, undefined, 'read')
}

const maxPromiseMs = 31 * 24 * 60 * 60_000

/** A limit with a known end may last until then; anything else ends the Run after `limits.outage`. */
export function isTooLong({ since, promised = 0 }: Retry, now: number): boolean {
  const from = Math.max(since, Math.min(promised, since + maxPromiseMs))
  return now - from > limits.outage
}

/** Says whether refused reads are believed. They are believed later where an agent is at work. */
export function isFinal(
  { refusedSince }: Retry,
  { status }: Rejected,
  atWork: boolean,
  now: number,
): boolean {
  // The operator needs time to fix a key or its rights.
  const withAgent = status === 401 || status === 403 ? limits.outage : limits.refused
  return (
    refusedSince !== undefined && now - refusedSince > (atWork ? withAgent : limits.refusedBefore)
  )
}
