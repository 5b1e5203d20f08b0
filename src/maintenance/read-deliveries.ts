/**
 * `WEBHOOKS=poll`: what GitHub could deliver to nobody is read from its log of deliveries, and enqueued as if it had
 * come to the door. It takes the place, and the memory, of the search for missed webhooks.
 *
 * 1. List what is new: from the newest entry down to one that is known.
 * 2. If that is long, go on from where the list stopped, a page with each look. What is new goes before what is old.
 * 3. Read what was listed, and enqueue it. A trigger's id is made from what happened: what is read twice is done once.
 * 4. Remember what is known. Who dies before this reads it again; who lost the memory, or has none, reads three days,
 *    and looks in the threads for what was answered already.
 */
import { z } from 'zod'
import { NoResponse, QueueUnavailable, Rejected, RetryLater } from '../core/model/errors.ts'
import type { WebhookMeter, WebhookResult } from '../core/model/meter.ts'
import type { Log } from '../core/model/ports.ts'
import { backoff, minute, redelivered, second } from '../core/model/time.ts'
import type { FlowMeter } from '../core/record/flow-meter.ts'
import {
  type Attempt,
  dueAt,
  type Missed,
  nothing,
  readFrom,
  type SweepContext,
  Memory as SweepMemory,
} from './redeliver-webhooks.ts'

interface Sent {
  id: string
  event: string
  payload: object
}

interface LogPage {
  attempts: Attempt[]
  next: string | undefined
  /** Calls of this hour. */
  callsLeft: number | undefined
}

export interface ReadDeps {
  deliveries: {
    page(cursor?: string): Promise<LogPage>
    /** @throws Rejected if it can't be taken, now or ever */
    sent(id: string): Promise<Sent>
  }
  receive(delivery: Sent): Promise<{ kind: 'added' | 'known' | 'ignored' }>
  /** Whether the thread shows it. */
  wasAnswered(delivery: Sent): Promise<boolean>
  events: readonly string[]
  /** The log was read. */
  looked(): void
  log: Log
  meter?: Pick<FlowMeter, 'swept'> & WebhookMeter
  now(): number
}

/** 720 calls of the 5,000 that GitHub lets an App make in an hour, and one for each webhook. */
export const readEvery = 5 * second

const mostPages = 5
/** GitHub takes 900 calls a minute. */
const mostTaken = 50
const sideBySide = 5
/** More than a page, as GitHub may show an entry late. */
const mostKnown = 300
/** Calls in this hour: with fewer left, only what is new is read. */
const keptForNews = 1_000

const Memory = SweepMemory.extend({
  /** Ids of the newest that were listed. */
  known: z.array(z.string()).default([]),
  /** Where the list stopped, and how far down it has to go. */
  rest: z.object({ cursor: z.string(), until: z.number() }).optional(),
  /** When it began without a memory: before, another may have been here. ms since the epoch */
  began: z.number().default(0),
})
type Memory = z.infer<typeof Memory>

export function readDeliveries(deps: ReadDeps): (context: SweepContext) => Promise<number | undefined> {
  const { now, log, meter } = deps
  let failures = 0
  return async context => {
    const memory: Memory = Memory.safeParse(context.memory).data ?? { ...nothing, known: [], began: now() }
    try {
      const listed = await list(deps, memory, context.signal)
      deps.looked()
      if (failures > 0) log.info({}, 'GitHub’s log of deliveries is read again')
      failures = 0
      const taken = await take(deps, listed, context.signal)
      if (listed.isNews || taken.some) await context.remember({ ...listed.memory, missed: taken.left })
      if (taken.stoppedBy !== undefined) throw taken.stoppedBy
      meter?.swept({ result: 'done', redelivered: 0 })
      return undefined
    } catch (error) {
      if (error instanceof RetryLater) {
        meter?.swept({ result: 'limited', redelivered: 0 })
        log.warn({ until: new Date(error.until).toISOString() }, 'webhooks wait for GitHub’s limit')
        return Math.max(error.until - now(), second)
      }
      if (!(error instanceof Rejected) && !(error instanceof NoResponse)) throw error
      meter?.swept({ result: 'failed', redelivered: 0 })
      if (failures === 0)
        log.error({ err: error }, 'GitHub’s log of deliveries can not be read: what is asked waits')
      return backoff(failures++, { first: readEvery, most: minute })
    }
  }
}

interface Listed {
  memory: Memory
  isNews: boolean
  /** Ids of what nobody has seen before. */
  fresh: ReadonlySet<string>
  callsLeft: number
}

async function list(deps: ReadDeps, memory: Memory, signal: AbortSignal): Promise<Listed> {
  const now = deps.now()
  const known = new Set(memory.known)
  const until = known.size > 0 ? now - redelivered : readFrom(memory, now)
  const top = await readDown(deps, { until, known, most: mostPages, signal })
  const cut = top.next && {
    cursor: top.next,
    until: Math.min(readFrom(memory, now), memory.rest?.until ?? now),
  }
  const isBusy = cut !== undefined || top.callsLeft < keptForNews || memory.missed.length > mostTaken
  const { rest } = memory
  const older =
    rest && !isBusy
      ? await readDown(deps, { ...rest, known: new Set(), most: 1, signal })
      : { attempts: [], next: rest?.cursor }
  const all = [...top.attempts, ...older.attempts]
  const fresh = new Set(top.attempts.map(({ id }) => id))
  const { callsLeft } = top
  if (all.length === 0 && older.next === rest?.cursor) return { memory, isNews: false, fresh, callsLeft }
  const used = all.filter(({ event }) => deps.events.includes(event))
  return {
    isNews: true,
    fresh,
    callsLeft,
    memory: {
      readUntil: now,
      notBefore: 0,
      missed: [...new Map([...used.map(missedOf), ...memory.missed].map(each => [each.id, each])).values()],
      known: [...fresh, ...memory.known].slice(0, mostKnown),
      began: memory.began,
      rest: cut || (rest && older.next ? { ...rest, cursor: older.next } : undefined),
    },
  }
}

const missedOf = ({ guid, event, id, at }: Attempt): Missed => ({
  ...{ guid, event, id },
  ...{ since: at, last: at, times: 0 },
})

interface Down {
  cursor?: string
  /** ms since the epoch */
  until: number
  known: ReadonlySet<string>
  most: number
  signal: AbortSignal
}

/** Newest first, a call for each hundred. @returns a cursor if it goes on below */
async function readDown(
  { deliveries }: ReadDeps,
  { cursor, until, known, most, signal }: Down,
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

/** Some of what is due, the newest of all, in their order. */
async function take(
  deps: ReadDeps,
  { memory: { missed, began }, fresh, callsLeft }: Listed,
  signal: AbortSignal,
): Promise<{ some: boolean; left: Missed[]; stoppedBy: unknown }> {
  const now = deps.now()
  const due = missed
    .filter(each => each.times === 0 || dueAt({ ...each, times: each.times - 1 }) <= now)
    .filter(({ id }) => callsLeft >= keptForNews || fresh.has(id))
    .sort((a, b) => b.since - a.since)
    .slice(0, mostTaken)
    .reverse()
  const left = new Map(missed.map(each => [each.id, each]))
  const takeOne = async (each: Missed): Promise<void> => {
    if (await isTaken(deps, each, began)) left.delete(each.id)
    else left.set(each.id, { ...each, last: now, times: each.times + 1 })
  }
  let stoppedBy: unknown
  for (let first = 0; first < due.length && stoppedBy === undefined; first += sideBySide) {
    signal.throwIfAborted()
    const fates = await Promise.allSettled(due.slice(first, first + sideBySide).map(takeOne))
    stoppedBy = fates.find(fate => fate.status === 'rejected')?.reason
  }
  const some = due.length > 0
  return { some, left: [...left.values()].filter(({ since }) => since > now - redelivered), stoppedBy }
}

/** GitHub has it no more, or it is too large. */
const lost = new Set([404, 410, 413, 422])

/** One that can't be had now is no reason to keep the others waiting. */
async function isTaken(deps: ReadDeps, missed: Missed, beganAt: number): Promise<boolean> {
  const { deliveries, receive, log, meter } = deps
  const { id, guid: delivery, event } = missed
  const began = performance.now()
  const tell = (result: WebhookResult): void =>
    meter?.answered({ event, result, ms: performance.now() - began })
  try {
    const sent = await deliveries.sent(id)
    const isDone = missed.since < beganAt && (await deps.wasAnswered(sent))
    const { kind } = isDone ? ({ kind: 'known' } as const) : await receive(sent)
    tell(kind === 'added' ? 'queued' : kind)
    return true
  } catch (error) {
    if (error instanceof RetryLater || error instanceof QueueUnavailable) throw error
    const isLost = error instanceof Rejected && lost.has(error.status)
    log.warn({ delivery, event, isLost, err: error }, 'a webhook in GitHub’s log was not taken')
    tell(isLost ? 'refused' : 'unavailable')
    return isLost
  }
}
