/** Asks GitHub to redeliver failed webhooks: it logs deliveries for three days and repeats none by itself. */
import { z } from 'zod'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { Log } from '../core/model/ports.ts'
import { hour, minute, redelivered } from '../core/model/time.ts'
import type { FlowMeter } from '../core/record/flow-meter.ts'

export interface Attempt {
  id: string
  guid: string
  event: string
  /** ms since the epoch, GitHub's clock */
  at: number
  ok: boolean
  redelivery: boolean
  /** Of what it tells, where that is a repository. */
  where?: { installationId: number; repoId: number } | undefined
}

export interface DeliveryLog {
  page(cursor?: string): Promise<{ attempts: Attempt[]; next: string | undefined }>
  redeliver(id: string): Promise<void>
}

export interface SweepDeps {
  deliveries: DeliveryLog
  events: readonly string[]
  log: Log
  meter?: Pick<FlowMeter, 'swept'>
  now(): number
  /** ms; GitHub asks for a second between writes. */
  pause: number
}

export interface SweepContext {
  memory: unknown
  signal: AbortSignal
  remember(memory: unknown): Promise<void>
}

export const sweepEvery = 5 * minute

/**
 * Waits before each attempt: a first delivery may be under way, and the endpoint may be down for days. The last
 * repeats.
 */
const rests = [minute, 15 * minute, 3 * hour]
const lastRest = 6 * hour
const overlap = 10 * minute
const maxPages = 1_000
const maxInOneSweep = 250
const maxRemembered = 2_000

const Missed = z.object({
  guid: z.string(),
  event: z.string(),
  id: z.string(),
  since: z.number(),
  last: z.number(),
  times: z.number(),
})
export type Missed = z.infer<typeof Missed>

export const Memory = z.object({
  readUntil: z.number(),
  notBefore: z.number(),
  missed: z.array(Missed),
})
export type Memory = z.infer<typeof Memory>

export const nothing: Memory = { readUntil: 0, notBefore: 0, missed: [] }

export const dueAt = ({ last, times }: Missed): number => last + (rests[times] ?? lastRest)

export const dueOf = ({ missed }: Memory, now: number): Missed[] =>
  missed.filter(each => dueAt(each) <= now).slice(0, maxInOneSweep)

export const readFrom = ({ readUntil }: Memory, now: number): number =>
  Math.max(now - redelivered, readUntil - overlap)

interface Reading {
  attempts: readonly Attempt[]
  events: readonly string[]
  now: number
}

export function withRead(memory: Memory, { attempts, events, now }: Reading): Memory {
  const worthIt = (each: Missed): boolean => events.includes(each.event) && each.since > now - redelivered
  const before = new Map(memory.missed.map(missed => [missed.guid, missed]))
  const seen = new Map<string, Attempt[]>(memory.missed.map(({ guid }) => [guid, []]))
  for (const attempt of attempts) {
    const group = seen.get(attempt.guid)
    if (group) group.push(attempt)
    else seen.set(attempt.guid, [attempt])
  }
  const missed = [...seen]
    .flatMap(([guid, group]) => stillMissed(before.get(guid), group) ?? [])
    .filter(worthIt)
    .sort((a, b) => a.since - b.since)
  const readUntil = missed[maxRemembered]?.since ?? now
  return { readUntil, notBefore: 0, missed: missed.slice(0, maxRemembered) }
}

function stillMissed(known: Missed | undefined, attempts: readonly Attempt[]): Missed | undefined {
  const first = attempts.find(({ redelivery }) => !redelivery)
  const missed =
    known ??
    (first && {
      ...{ guid: first.guid, event: first.event, id: first.id },
      ...{ since: first.at, last: first.at, times: 0 },
    })
  if (!missed || attempts.some(({ ok }) => ok)) return undefined
  const redeliveries = attempts.filter(({ redelivery }) => redelivery).length
  const last = Math.max(missed.last, ...attempts.map(({ at }) => at))
  return { ...missed, last, times: Math.max(missed.times, redeliveries) }
}

export const sweepDeliveries =
  (deps: SweepDeps) =>
  async (context: SweepContext): Promise<number | undefined> => {
    const memory = Memory.safeParse(context.memory).data ?? nothing
    // A new process starts the sweep whatever limit GitHub named.
    if (deps.now() < memory.notBefore) return memory.notBefore - deps.now()
    const sweep: Sweep = { ...deps, context, memory, redelivered: 0 }
    try {
      const now = deps.now()
      const { attempts, isWhole } = await attemptsSince(deps.deliveries, readFrom(memory, now), {
        signal: context.signal,
        maxPages,
      })
      if (!isWhole) deps.log.warn({ pages: maxPages }, 'the log of deliveries is too long to read it all')
      await remember(sweep, withRead(memory, { attempts, events: deps.events, now }))
      for (const missed of dueOf(sweep.memory, now)) await redeliver(sweep, missed)
    } catch (error) {
      return sweepAfter(sweep, error)
    }
    deps.meter?.swept({ result: 'done', redelivered: sweep.redelivered })
    const soonest = Math.min(...sweep.memory.missed.map(dueAt)) - deps.now()
    return soonest < sweepEvery ? Math.max(soonest, 1_000) : undefined
  }

interface Sweep extends SweepDeps {
  context: SweepContext
  memory: Memory
  redelivered: number
}

/** Newest first, a call for each hundred. */
export async function attemptsSince(
  deliveries: Pick<DeliveryLog, 'page'>,
  from: number,
  { signal, maxPages }: { signal: AbortSignal; maxPages: number },
): Promise<{ attempts: Attempt[]; isWhole: boolean }> {
  const attempts: Attempt[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < maxPages; pages++) {
    signal.throwIfAborted()
    const page = await deliveries.page(cursor)
    attempts.push(...page.attempts.filter(({ at }) => at >= from))
    cursor = page.next
    const oldest = page.attempts.at(-1)
    if (cursor === undefined || !oldest || oldest.at < from) return { attempts, isWhole: true }
  }
  return { attempts, isWhole: false }
}

/** Saved before the request, so that a crash does not repeat it. */
async function redeliver(sweep: Sweep, missed: Missed): Promise<void> {
  const { memory, now, log, deliveries } = sweep
  const { guid: delivery, event, id, times } = missed
  if (sweep.redelivered > 0) await new Promise(done => setTimeout(done, sweep.pause))
  sweep.context.signal.throwIfAborted()
  const redelivered = { ...missed, last: now(), times: times + 1 }
  await remember(sweep, {
    ...memory,
    missed: memory.missed.map(each => (each.guid === delivery ? redelivered : each)),
  })
  try {
    await deliveries.redeliver(id)
  } catch (error) {
    if (error instanceof RetryLater) sweep.memory = memory
    if (!(error instanceof Rejected)) throw error
    log.warn({ delivery, event, err: error }, 'GitHub will not send this webhook again')
    return
  }
  sweep.redelivered++
  log.info({ delivery, event, times: times + 1 }, 'requested the webhook again')
}

async function remember(sweep: Sweep, memory: Memory): Promise<void> {
  await sweep.context.remember(memory)
  sweep.memory = memory
}

async function sweepAfter(sweep: Sweep, error: unknown): Promise<number | undefined> {
  const { log, meter, redelivered, now } = sweep
  if (error instanceof RetryLater) {
    await remember(sweep, { ...sweep.memory, notBefore: error.until })
    log.warn(
      { until: new Date(error.until).toISOString() },
      'the search for missed webhooks waits for GitHub’s limit',
    )
    meter?.swept({ result: 'limited', redelivered })
    return Math.max(error.until - now(), 1_000)
  }
  if (!(error instanceof Rejected) && !(error instanceof NoResponse)) throw error
  log.warn({ err: error }, 'the search for missed webhooks failed')
  meter?.swept({ result: 'failed', redelivered })
  // A server without this log will not have one in five minutes.
  return error instanceof Rejected ? hour : undefined
}
