/**
 * Reads GitHub's log of deliveries for what reached nobody: GitHub keeps it for three days and repeats nothing by itself.
 * With an address, GitHub is asked to deliver again what failed. With `WEBHOOKS=poll` it can deliver nothing, so each
 * payload is read, and enqueued as if it had come to the door.
 *
 * 1. List what is new: from the newest entry down to one that is known. An entry that failed stays failed in the log.
 * 2. If that is long, go on from where the list stopped with each look. What is new goes before what is old.
 * 3. Do what is due. A trigger's id is made from what happened: what comes twice is done once.
 * 4. Remember what is known. Who dies before this reads it again; who lost the memory, or has none, reads three days,
 *    and looks in the threads for what was answered already.
 */
import { z } from 'zod'
import { NoResponse, QueueUnavailable, Rejected, RetryLater } from '../core/model/errors.ts'
import type { WebhookMeter, WebhookResult } from '../core/model/meter.ts'
import type { ChoreContext, Log } from '../core/model/ports.ts'
import { backoff, hour, minute, redelivered, second } from '../core/model/time.ts'

export interface Attempt {
  id: string
  guid: string
  event: string
  /** ms since the epoch, GitHub's clock */
  at: number
  ok: boolean
  redelivery: boolean
  /** The repository that it is about, if it is about one. */
  where?: { installationId: number; repoId: number } | undefined
}

export interface DeliveryLog {
  /** `callsLeft`: of this hour. */
  page(
    cursor?: string,
  ): Promise<{ attempts: Attempt[]; next: string | undefined; callsLeft?: number | undefined }>
  redeliver(id: string): Promise<void>
}

interface ReadDeps {
  deliveries: Pick<DeliveryLog, 'page'>
  events: readonly string[]
  log: Log
  now(): number
}

/** What is done about what reached nobody. */
export interface Way {
  /** ms between two looks */
  every: number
  /** A look reads at most so many pages of a hundred entries. */
  mostPages: number
  sideBySide: number
  /** ms between two that are done; GitHub asks for a second between writes. */
  pause: number
  /** ms before each try; the last repeats. */
  rests: readonly number[]
  /** The log shows what GitHub delivered. */
  delivers: boolean
  /** The log was read. */
  looked?(): void
  /** @returns whether it is over; if not, it is tried again later, until the log shows that it was delivered */
  act(missed: MissedDelivery, began: number): Promise<boolean>
}

const mostTaken = 50
/** More than a page, as GitHub may show an entry late. */
const mostKnown = 300
/** Calls in this hour: with fewer left, only what is new is taken. */
const keptForNews = 1_000
const logOverlap = 10 * minute

const MissedDelivery = z.object({
  guid: z.string(),
  event: z.string(),
  id: z.string(),
  since: z.number(),
  last: z.number(),
  times: z.number(),
})
type MissedDelivery = z.infer<typeof MissedDelivery>

const LogMemory = z.object({
  readUntil: z.number(),
  notBefore: z.number(),
  missed: z.array(MissedDelivery),
  /** Ids of the newest that were listed. */
  known: z.array(z.string()).default([]),
  /** Where the list stopped, and how far down it has to go. */
  rest: z.object({ cursor: z.string(), until: z.number() }).optional(),
  /** What GitHub delivered at a later attempt, while the first may be further down. */
  delivered: z.array(z.string()).default([]),
  /** When it began without a memory: before, another may have been here. ms since the epoch */
  began: z.number().default(0),
})
type LogMemory = z.infer<typeof LogMemory>

const nothing: LogMemory = {
  readUntil: 0,
  notBefore: 0,
  missed: [],
  known: [],
  delivered: [],
  began: 0,
}

const readFrom = ({ readUntil }: LogMemory, now: number): number =>
  Math.max(now - redelivered, readUntil - logOverlap)

export function readDeliveries(deps: ReadDeps, way: Way) {
  const { now, log } = deps
  let failures = 0
  return async ({ memory: kept, signal, remember }: ChoreContext): Promise<number | undefined> => {
    let memory: LogMemory = LogMemory.safeParse(kept).data ?? { ...nothing, began: now() }
    // A new process starts a look whatever limit GitHub named.
    if (now() < memory.notBefore) return memory.notBefore - now()
    const save = async (next: LogMemory): Promise<void> => {
      await remember(next)
      memory = next
    }
    try {
      const listed = await list(deps, way, memory, signal)
      way.looked?.()
      if (failures > 0) log.info({}, 'GitHub’s log of deliveries is read again')
      failures = 0
      const due = dueOf(listed, way, now())
      const left = new Map(listed.memory.missed.map(each => [each.id, each]))
      const saveLeft = () => save({ ...listed.memory, missed: [...left.values()] })
      let stoppedBy: unknown
      for (let first = 0; first < due.length && stoppedBy === undefined; first += way.sideBySide) {
        if (first > 0 && way.pause > 0) await new Promise(resolve => setTimeout(resolve, way.pause))
        signal.throwIfAborted()
        const together = due.slice(first, first + way.sideBySide)
        for (const each of together)
          left.set(each.id, { ...each, last: now(), times: each.times + 1 })
        // It is saved before the request, so that a crash does not repeat it. What is read twice is done once.
        if (way.delivers) await saveLeft()
        const act = async (each: MissedDelivery): Promise<void> => {
          try {
            if (await way.act(each, memory.began)) left.delete(each.id)
          } catch (error) {
            stoppedBy ??= error
            if (!(error instanceof NoResponse)) left.set(each.id, each)
          }
        }
        await Promise.all(together.map(act))
      }
      if (listed.isNews || due.length > 0) await saveLeft()
      if (stoppedBy !== undefined) throw stoppedBy
      return nextReadMs(listed, [...left.values()], way, now())
    } catch (error) {
      if (error instanceof RetryLater) {
        await save({ ...memory, notBefore: error.until })
        log.warn({ until: new Date(error.until).toISOString() }, 'webhooks wait for GitHub’s limit')
        return Math.max(error.until - now(), second)
      }
      if (!(error instanceof Rejected) && !(error instanceof NoResponse)) throw error
      if (failures === 0)
        log.error({ err: error }, 'GitHub’s log of deliveries can not be read: what is asked waits')
      return backoff(failures++, { first: way.every, most: Math.max(minute, way.every) })
    }
  }
}

type ListedDeliveries = Awaited<ReturnType<typeof list>>

/** @returns `fresh`: the ids of what nobody has seen before */
async function list(deps: ReadDeps, way: Way, memory: LogMemory, signal: AbortSignal) {
  const { deliveries } = deps
  const now = deps.now()
  const known = new Set(memory.known)
  const until = known.size > 0 ? now - redelivered : readFrom(memory, now)
  const top = await readDown(deliveries, { until, known, most: way.mostPages, signal })
  const cut = top.next && {
    cursor: top.next,
    until: Math.min(readFrom(memory, now), memory.rest?.until ?? now),
  }
  const { callsLeft } = top
  const { rest } = memory
  const isBusy =
    cut !== undefined ||
    callsLeft < keptForNews ||
    memory.missed.filter(each => dueAt(each, way) <= now).length > mostTaken
  const older =
    rest && !isBusy
      ? await readDown(deliveries, { ...rest, known: new Set(), most: 1, signal })
      : { attempts: [], next: rest?.cursor }
  const all = [...top.attempts, ...older.attempts]
  const fresh = new Set(top.attempts.map(({ id }) => id))
  if (all.length === 0 && older.next === rest?.cursor)
    return { memory, isNews: false, fresh, callsLeft }
  const below = cut || (rest && older.next ? { ...rest, cursor: older.next } : undefined)
  const used = all.filter(({ event }) => deps.events.includes(event))
  const { missed, delivered } = way.delivers
    ? withFailed(memory, used)
    : { missed: eachOnce([...used.map(missedOf), ...memory.missed]), delivered: [] }
  return {
    isNews: true,
    fresh,
    callsLeft,
    memory: {
      readUntil: now,
      notBefore: 0,
      missed: missed.filter(({ since }) => since > now - redelivered),
      known: [...fresh, ...memory.known].slice(0, mostKnown),
      delivered: below ? delivered : [],
      began: memory.began,
      rest: below,
    },
  }
}

const eachOnce = (all: readonly MissedDelivery[]): MissedDelivery[] => [
  ...new Map(all.map(each => [each.id, each])).values(),
]

function missedOf({ guid, event, id, at }: Attempt): MissedDelivery {
  return { guid, event, id, since: at, last: at, times: 0 }
}

/** @param attempts newest first */
function withFailed(
  memory: LogMemory,
  attempts: readonly Attempt[],
): Pick<LogMemory, 'missed' | 'delivered'> {
  const missed = new Map(memory.missed.map(each => [each.guid, each]))
  const delivered = new Set(memory.delivered)
  const tries = new Map<string, number>()
  for (const attempt of attempts.toReversed()) {
    const { guid, at, ok, redelivery } = attempt
    const before = missed.get(guid)
    if (ok) {
      missed.delete(guid)
      if (redelivery) delivered.add(guid)
    } else if (before && redelivery) {
      const times = (tries.get(guid) ?? 0) + 1
      tries.set(guid, times)
      missed.set(guid, {
        ...before,
        last: Math.max(before.last, at),
        times: Math.max(before.times, times),
      })
    } else if (!before && !redelivery && !delivered.has(guid)) missed.set(guid, missedOf(attempt))
  }
  return { missed: [...missed.values()], delivered: [...delivered] }
}

interface Down {
  cursor?: string
  /** ms since the epoch */
  until: number
  known?: ReadonlySet<string>
  most: number
  signal: AbortSignal
}

/** Reads the newest first, with a call for each hundred. @returns a cursor if it goes on below */
export async function readDown(
  deliveries: ReadDeps['deliveries'],
  { cursor, until, known = new Set(), most, signal }: Down,
): Promise<{ attempts: Attempt[]; next: string | undefined; callsLeft: number }> {
  const attempts: Attempt[] = []
  let callsLeft = Number.POSITIVE_INFINITY
  let next = cursor
  for (let pages = 0; pages < most; pages++) {
    signal.throwIfAborted()
    const page = await deliveries.page(next)
    callsLeft = page.callsLeft ?? callsLeft
    attempts.push(...page.attempts.filter(({ id, at }) => at >= until && !known.has(id)))
    next = page.next
    const oldest = page.attempts.at(-1)
    if (!next || !oldest || oldest.at < until || known.has(oldest.id))
      return { attempts, next: undefined, callsLeft }
  }
  return { attempts, next, callsLeft }
}

const dueAt = ({ last, times }: MissedDelivery, { rests }: Way): number =>
  last + (rests[times] ?? rests.at(-1) ?? 0)

/** The newest of all, in their order. */
const dueOf = (
  { memory: { missed }, fresh, callsLeft }: ListedDeliveries,
  way: Way,
  now: number,
): MissedDelivery[] =>
  missed
    .filter(each => dueAt(each, way) <= now && each.since > now - redelivered)
    .filter(({ id }) => callsLeft >= keptForNews || fresh.has(id))
    .sort((a, b) => b.since - a.since)
    .slice(0, mostTaken)
    .reverse()

/** @returns ms, or nothing for the usual time */
function nextReadMs(
  { memory: { rest }, callsLeft }: ListedDeliveries,
  left: MissedDelivery[],
  way: Way,
  now: number,
) {
  if (callsLeft < keptForNews) return undefined
  const soonest = rest ? now : Math.min(...left.map(each => dueAt(each, way)))
  const wait = Math.max(soonest - now, way.pause)
  return way.pause > 0 && wait < way.every ? wait : undefined
}

export const redeliverEvery = minute

interface Redelivering {
  deliveries: Pick<DeliveryLog, 'redeliver'>
  log: Log
  pause?: number
}

/** GitHub sends it again. A first delivery may be under way, and the endpoint may be down for days. */
export const redelivering = ({ deliveries, log, pause = second }: Redelivering): Way => ({
  every: redeliverEvery,
  mostPages: 20,
  sideBySide: 1,
  pause,
  rests: [minute, 15 * minute, 3 * hour, 6 * hour],
  delivers: true,
  async act({ id, guid: delivery, event, times }) {
    try {
      await deliveries.redeliver(id)
      log.info({ delivery, event, times: times + 1 }, 'requested the webhook again')
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      log.warn({ delivery, event, err: error }, 'GitHub will not send this webhook again')
    }
    return false
  },
})

interface SentDelivery {
  id: string
  event: string
  payload: object
}

export interface Reading {
  deliveries: {
    /** @throws Rejected if it can't be taken, now or ever */
    sent(id: string): Promise<SentDelivery>
  }
  receive(delivery: SentDelivery): Promise<{ kind: 'added' | 'known' | 'ignored' }>
  /** Whether the thread shows it. */
  wasAnswered(delivery: SentDelivery): Promise<boolean>
  looked(): void
  log: Log
  meter?: WebhookMeter
}

/** GitHub has it no more, or it is too large. */
const lost = new Set([404, 410, 413, 422])

/** What is read here costs 720 calls of the 5,000 that GitHub lets an App make in an hour, and one for each webhook. */
export const reading = (deps: Reading): Way => ({
  every: 5 * second,
  mostPages: 5,
  // GitHub takes 900 calls a minute.
  sideBySide: 5,
  pause: 0,
  rests: [0, minute, 15 * minute, 3 * hour, 6 * hour],
  delivers: false,
  looked: deps.looked,
  async act({ id, guid: delivery, event, since }, beganAt) {
    const { deliveries, receive, log, meter } = deps
    const countResult = (result: WebhookResult): void => meter?.answered(event, result)
    try {
      const sent = await deliveries.sent(id)
      const isDone = since < beganAt && (await deps.wasAnswered(sent))
      const { kind } = isDone ? ({ kind: 'known' } as const) : await receive(sent)
      countResult(kind === 'added' ? 'queued' : kind)
      return true
    } catch (error) {
      // One that can't be had now is no reason to keep the others waiting.
      if (error instanceof RetryLater || error instanceof QueueUnavailable) throw error
      const isLost = error instanceof Rejected && lost.has(error.status)
      log.warn({ delivery, event, isLost, err: error }, 'a webhook in GitHub’s log was not taken')
      countResult(isLost ? 'refused' : 'unavailable')
      return isLost
    }
  },
})
