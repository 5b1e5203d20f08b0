/**
 * Reads GitHub's log of deliveries for what reached nobody: GitHub keeps it for three days and repeats nothing by itself.
 * With an address, GitHub is asked to deliver again what failed (`redeliver.ts`). With `WEBHOOKS=poll` it can deliver
 * nothing, so all is taken from the log (`take-from-log.ts`).
 *
 * 1. List what is new: from the newest entry down to one that is known.
 * 2. The remedy says what of it is missed, together with what was missed before.
 * 3. Do what is due. A trigger's id is made from what happened: what comes twice is done once.
 * 4. Remember. Who dies before this reads it again; who lost the memory, or has none, reads three days.
 */
import { z } from 'zod'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { ChoreContext, Log } from '../core/model/ports.ts'
import { backoff, minute, redelivered, second } from '../core/model/time.ts'

/** An entry of the log. An entry that failed stays failed: another try is another entry. */
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

const MissedDelivery = z.object({
  guid: z.string(),
  event: z.string(),
  id: z.string(),
  since: z.number(),
  dueAt: z.number(),
  times: z.number(),
  hurried: z.boolean().optional(),
})
export type MissedDelivery = z.infer<typeof MissedDelivery>

/** What is done about what reached nobody. */
export interface Remedy {
  /** ms between two looks */
  every: number
  /** So many are done at once, and then none for so many ms. */
  sideBySide: number
  pause: number
  /** ms before each try; the last repeats. */
  delays: readonly number[]
  /** The log was read. */
  looked?(): void
  /** @param attempts oldest first */
  missed(before: readonly MissedDelivery[], attempts: readonly Attempt[]): MissedDelivery[]
  /** @returns whether it is over; if not, it is tried again, until the log shows that it was delivered */
  act(missed: MissedDelivery, began: number): Promise<boolean>
}

export const delayBefore = (times: number, delays: Remedy['delays']): number =>
  delays[times] ?? delays.at(-1) ?? 0

export const firstMissed = (
  { guid, event, id, at }: Attempt,
  delays: Remedy['delays'],
): MissedDelivery => ({ guid, event, id, since: at, dueAt: at + delayBefore(0, delays), times: 0 })

export function triedAt(
  missed: MissedDelivery,
  at: number,
  delays: Remedy['delays'],
): MissedDelivery {
  const times = missed.times + 1
  return { ...missed, times, dueAt: at + delayBefore(times, delays) }
}

const LogMemory = z.object({
  readUntil: z.number(),
  missed: z.array(MissedDelivery),
  /** Ids of the newest that were listed. */
  known: z.array(z.string()),
  /** When it began without a memory: before, another may have been here. ms since the epoch */
  began: z.number(),
})
type LogMemory = z.infer<typeof LogMemory>

/** A look does so many. */
const maxDone = 50
/** More than a page, as GitHub may show an entry late. */
const maxKnown = 300
const logOverlap = 10 * minute
/** Calls in this hour: with fewer left, only what is new is taken. */
const keptForNews = 1_000

interface ReadDeps {
  deliveries: Pick<DeliveryLog, 'page'>
  events: readonly string[]
  log: Log
  now(): number
}

/** @returns ms until the next look; nothing for the usual time */
export function readDeliveries(deps: ReadDeps, remedy: Remedy) {
  const { now, log } = deps
  let failures = 0
  return async (context: ChoreContext) => {
    try {
      const listed = await list(deps, remedy, context)
      remedy.looked?.()
      if (failures > 0) log.info({}, 'GitHub’s log of deliveries is read again')
      failures = 0
      const left = await doDue(listed, remedy, { ...context, now })
      if (listed.callsLeft < keptForNews) return undefined
      const dueAt = Math.min(...left.map(each => each.dueAt))
      const wait = Math.max(dueAt - now(), remedy.pause)
      return wait < remedy.every ? wait : undefined
    } catch (error) {
      if (error instanceof RetryLater) {
        log.warn({ until: new Date(error.until).toISOString() }, 'webhooks wait for GitHub’s limit')
        return Math.max(error.until - now(), second)
      }
      if (!(error instanceof Rejected) && !(error instanceof NoResponse)) throw error
      if (failures === 0)
        log.error({ err: error }, 'GitHub’s log of deliveries can not be read: what is asked waits')
      return backoff(failures++, { first: remedy.every, most: Math.max(minute, remedy.every) })
    }
  }
}

type ListedDeliveries = Awaited<ReturnType<typeof list>>

async function list(deps: ReadDeps, remedy: Remedy, { memory: kept, signal }: ChoreContext) {
  const now = deps.now()
  const before: LogMemory = LogMemory.safeParse(kept).data ?? {
    readUntil: 0,
    missed: [],
    known: [],
    began: now,
  }
  const until = Math.max(now - redelivered, before.readUntil - logOverlap)
  const known = new Set(before.known)
  const read = await readDown(deps.deliveries, { until, known, signal })
  const { callsLeft } = read
  const attempts = read.attempts.filter(({ event }) => deps.events.includes(event)).toReversed()
  const missed = remedy
    .missed(before.missed, attempts)
    .filter(({ since }) => since > now - redelivered)
  const fresh = new Set(read.attempts.map(({ id }) => id))
  const due = missed
    .filter(({ id, dueAt }) => dueAt <= now && (callsLeft >= keptForNews || fresh.has(id)))
    .toSorted((a, b) => b.since - a.since)
    .slice(0, maxDone)
    .toReversed()
  const memory: LogMemory = {
    readUntil: now,
    missed,
    known: [...fresh, ...before.known].slice(0, maxKnown),
    began: before.began,
  }
  return { memory, due, callsLeft, isNews: fresh.size > 0 }
}

/** @returns what is still missed */
async function doDue(
  { memory, due, isNews }: ListedDeliveries,
  remedy: Remedy,
  { signal, remember, now }: ChoreContext & Pick<ReadDeps, 'now'>,
): Promise<MissedDelivery[]> {
  const missed = new Map(memory.missed.map(each => [each.id, each]))
  const save = () => remember({ ...memory, missed: [...missed.values()] })
  const faults: unknown[] = []
  for (let first = 0; first < due.length && faults.length === 0; first += remedy.sideBySide) {
    if (first > 0) await new Promise(resolve => setTimeout(resolve, remedy.pause))
    signal.throwIfAborted()
    const together = due.slice(first, first + remedy.sideBySide)
    // Saved before, so that a crash repeats nothing.
    for (const each of together) missed.set(each.id, triedAt(each, now(), remedy.delays))
    await save()
    await Promise.all(
      together.map(async each => {
        try {
          if (await remedy.act(each, memory.began)) missed.delete(each.id)
        } catch (error) {
          faults.push(error)
          if (!(error instanceof NoResponse)) missed.set(each.id, each)
        }
      }),
    )
  }
  if (isNews || due.length > 0) await save()
  if (faults.length > 0) throw faults[0]
  return [...missed.values()]
}

interface Down {
  /** ms since the epoch */
  until: number
  known?: ReadonlySet<string>
  /** pages */
  most?: number
  signal: AbortSignal
}

/** Reads the newest first, with a call for each hundred. @returns `isCut` if it goes on below */
export async function readDown(
  deliveries: Pick<DeliveryLog, 'page'>,
  { until, known = new Set(), most = Number.POSITIVE_INFINITY, signal }: Down,
): Promise<{ attempts: Attempt[]; isCut: boolean; callsLeft: number }> {
  const attempts: Attempt[] = []
  let callsLeft = Number.POSITIVE_INFINITY
  let next: string | undefined
  for (let pages = 0; pages < most; pages++) {
    signal.throwIfAborted()
    const page = await deliveries.page(next)
    callsLeft = page.callsLeft ?? callsLeft
    attempts.push(...page.attempts.filter(({ id, at }) => at >= until && !known.has(id)))
    next = page.next
    const oldest = page.attempts.at(-1)
    if (!next || !oldest || oldest.at < until || known.has(oldest.id))
      return { attempts, isCut: false, callsLeft }
  }
  return { attempts, isCut: true, callsLeft }
}
