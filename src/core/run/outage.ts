/** Outages of GitHub and PostHog, each waited out by itself. */

import type { Rejected, Service } from '../model/errors.ts'
import type { Outage } from './record/attempts-part.ts'
import { changed, type Run } from './run.ts'
import type { StepEntry } from './steps/step-entry.ts'
import { limits } from './timing.ts'

type Outages = Pick<Run, 'attempts'>

export const services: readonly Service[] = ['posthog', 'github']

export const outageOf = ({ attempts: { outages } }: Outages, service: Service): Outage | undefined =>
  outages[service]

export const withOutage = (run: Run, service: Service, outage: Outage | undefined): Run =>
  changed(run, { attempts: { outages: { ...run.attempts.outages, [service]: outage } } })

/** A step that ends during an outage began before it was known. */
export const isInForce = ({ until }: Outage, now: number): boolean => now < until

export function eased(
  run: Run,
  service: Service,
  { call, now }: { call: StepEntry['call']; now: number },
): Run {
  const outage = outageOf(run, service)
  if (!outage || isInForce(outage, now) || (call === 'effect' && outage.refusedSince !== undefined))
    return run
  return withOutage(run, service, undefined)
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
