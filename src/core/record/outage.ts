/** Outages of GitHub and PostHog, each waited out by itself. */
import { type CallKind, Rejected, type Service } from '../model/errors.ts'
import { changed, type Outage, type Run } from './run.ts'
import { limits } from './timing.ts'

type Outages = Pick<Run, 'attempts'>

export const services: readonly Service[] = ['posthog', 'github']

/** What may be out of use: a service, or the agent behind PostHog. */
export type Called = Service | 'agent'

export const outageOf = ({ attempts: { outages } }: Outages, called: Called): Outage | undefined =>
  outages[called]

export const withOutage = (run: Run, service: Called, outage: Outage | undefined): Run =>
  changed(run, { attempts: { outages: { ...run.attempts.outages, [service]: outage } } })

/** A step that ends during an outage began before it was known. */
export const isInForce = ({ until }: Outage, now: number): boolean => now < until

export function eased(
  run: Run,
  service: Called,
  { call, now }: { call: CallKind | 'both'; now: number },
): Run {
  const outage = outageOf(run, service)
  if (!outage || isInForce(outage, now) || (call === 'effect' && outage.refusedSince !== undefined))
    return run
  return withOutage(run, service, undefined)
}

/** When reads were first refused, without one that succeeded since, and what time it is: ms since the epoch. */
export interface RefusedReads {
  refusedSince: number | undefined
  now: number
}

export const areRefusedFor = (ms: number, { refusedSince, now }: RefusedReads): boolean =>
  refusedSince !== undefined && now - refusedSince >= ms

/**
 * That something is not there is asked again before it is believed: GitHub may not show it for a moment.
 * @throws Rejected, of a read, until then
 */
export function believeAbsent(what: string, reads: RefusedReads): undefined {
  if (areRefusedFor(limits.absent, reads)) return undefined
  throw new Rejected('github', 404, '', `${what} is not there`, undefined, 'read')
}

const maxPromiseMs = 31 * 24 * 60 * 60_000

/** A limit with a known end may last until then; anything else ends the Run after `limits.outage`. */
export function isTooLong({ since, promised = 0 }: Outage, now: number): boolean {
  const from = Math.max(since, Math.min(promised, since + maxPromiseMs))
  return now - from > limits.outage
}

export function isFinal({ refusedSince }: Outage, refused: Rejected, run: Run, now: number): boolean {
  return refusedSince !== undefined && now - refusedSince > refusedReadsTimeoutMs(refused, run)
}

function refusedReadsTimeoutMs({ status }: Rejected, { session: { taskRun } }: Run): number {
  if (!taskRun) return limits.refusedBefore
  // The operator needs time to fix a key or its rights.
  return status === 401 || status === 403 ? limits.outage : limits.refused
}
