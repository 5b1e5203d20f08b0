/**
 * One budget of PostHog calls for all processes. Starts and cancels are only counted; looks reserve. It has a token
 * bucket for an hour and one for a minute. Each class of calls leaves a share of both to the classes before it. While
 * the hour's is full enough, whoever asks may look. Below `spared`, the calls of an owner are spaced: `each` ms are paid
 * for a call, and who has paid until later than now waits. Below `kept`, all of a class stand in one line (`nextFree`). A
 * time that was promised once is kept, so that nobody who waits is overtaken, except by a class before its own.
 */

import { RetryLater } from './errors.ts'
import { hour, minute } from './time.ts'

/**
 * In the order in which they are let through: what tells or makes an end; what a Run looks at in its own time; what a
 * stream told of a single act of the agent; what can do without.
 */
export const callClasses = ['end', 'poll', 'act', 'spare'] as const
export type CallClass = (typeof callClasses)[number]

interface Reservation {
  owner: string
  id: string
  calls: number
  kind: CallClass
}

export interface CallBudget {
  /** @returns `undefined` when the calls may be made now, and are counted; else the ms after which to ask again */
  reserve(reservation: Reservation): Promise<number | undefined>
  spend(calls: number): Promise<void>
  /** Says why `id` will look next: for an end, before all others; for an act of its agent, after them. */
  expect(id: string, kind: 'end' | 'act'): Promise<void>
}

export interface Allowance {
  burst: number
  perHour: number
  /** The bucket of a minute: at most `burst + perMinute` calls in any 60 s. */
  minute: { burst: number; perMinute: number }
}

/** PostHog allows 4,800 calls an hour and 480 a minute; 1,000 an hour and 80 a minute are left to others with the key. */
export const postHogAllowance: Allowance = {
  burst: 1_000,
  perHour: 3_800,
  minute: { burst: 160, perMinute: 240 },
}

/**
 * Shares of a burst that looks of a class leave: to the classes before them, and to owners who looked less. What can do
 * without leaves more than a look needs, or a steady flow of it would hold all looks up.
 */
export const leaves: Record<Exclude<CallClass, 'end'>, { kept: number; spared: number }> = {
  poll: { kept: 0.2, spared: 0.35 },
  act: { kept: 0.3, spared: 0.55 },
  spare: { kept: 0.35, spared: 0.35 },
}
export const ownShare = 0.02
export const sharesFor = minute
export const promiseKept = 10 * minute

export const unlimited: CallBudget = {
  reserve: async () => undefined,
  spend: async () => {},
  expect: async () => {},
}

interface Owner {
  askedAt: number
  paidUntil: number
  /** Recent calls, decaying with time. */
  lately: number
}

interface Bucket {
  burst: number
  /** Calls a ms. */
  rate: number
  level: number
}

export function callBudget({ burst, perHour, minute: short }: Allowance, now: () => number): CallBudget {
  const hours: Bucket = { burst, rate: perHour / hour, level: burst }
  const minutes: Bucket = { burst: short.burst, rate: short.perMinute / minute, level: short.burst }
  const buckets = [hours, minutes]
  const owners = new Map<string, Owner>()
  const promises = new Map<string, number>()
  const expected = new Map<string, { kind: 'end' | 'act'; at: number }>()
  const nextFree = { poll: 0, act: 0 }
  let at = now()

  const refill = (time: number): void => {
    for (const bucket of buckets)
      bucket.level = Math.min(bucket.burst, bucket.level + Math.max(0, time - at) * bucket.rate)
    at = time
    for (const [owner, { askedAt }] of owners) if (time - askedAt > sharesFor) owners.delete(owner)
    for (const [id, when] of promises) if (time - when > promiseKept) promises.delete(id)
    for (const [id, { at: since }] of expected) if (time - since > promiseKept) expected.delete(id)
  }

  const take = (calls: number): void => {
    for (const bucket of buckets) bucket.level = Math.max(-bucket.burst, bucket.level - calls)
  }

  const lacking = (bucket: Bucket, share: number, calls: number): number =>
    Math.max(0, bucket.burst * share + calls - bucket.level)

  /** ms until both buckets have so many calls above a share. */
  const wait = (share: number, calls: number): number =>
    Math.max(...buckets.map(bucket => lacking(bucket, share, calls) / bucket.rate))

  /** ms between two calls of an owner who waits. */
  const eachFor = (own: Owner, time: number): number => {
    const { rate } = hours
    const even = rate / owners.size
    const others = [...owners.values()].filter(other => other !== own)
    const content = others.filter(({ paidUntil }) => paidUntil <= time)
    const taken = content.reduce((sum, { lately }) => sum + Math.min(even, lately / sharesFor), 0)
    return (owners.size - content.length) / (rate - taken)
  }

  /** When a look may be made, ms since the epoch. */
  function looksAt({ owner, id, calls }: Reservation, kind: 'poll' | 'act', time: number): number {
    const { kept, spared } = leaves[kind]
    const unspared = lacking(hours, spared, calls)
    const promised = promises.get(id)
    const own = owners.get(owner) ?? { askedAt: time, paidUntil: 0, lately: 0 }
    own.lately =
      own.lately * Math.exp((own.askedAt - time) / sharesFor) + (promised === undefined ? calls : 0)
    own.askedAt = time
    owners.set(owner, own)
    const each = eachFor(own, time)
    if (promised !== undefined && promised > time) return promised
    if (promised === undefined) {
      const paid = Math.max(own.paidUntil, time - burst * ownShare * each) + calls * each
      if (paid <= time || unspared > 0) own.paidUntil = paid
      if (paid > time && unspared > 0) return paid
    }
    const free = wait(kept, calls)
    if (free <= 0) return time
    const slowest = Math.max(...buckets.map(one => (lacking(one, kept, calls) > 0 ? calls / one.rate : 0)))
    nextFree[kind] = Math.max(time + free, nextFree[kind] + slowest)
    if (lacking(hours, kept, calls) > 0) own.paidUntil = Math.max(own.paidUntil, nextFree[kind])
    return nextFree[kind]
  }

  return {
    async reserve(reservation) {
      const { id, calls, kind: asked } = reservation
      const time = now()
      refill(time)
      const known = expected.get(id)?.kind
      const kind = known === 'end' || (known === 'act' && asked === 'poll') ? known : asked
      if (kind === 'end' || kind === 'spare') {
        const later = wait(kind === 'end' ? 0 : leaves.spare.kept, calls)
        if (later > 0) return Math.ceil(later)
      } else {
        const key = `${kind} ${id}`
        const when = looksAt({ ...reservation, id: key }, kind, time)
        if (when > time) {
          promises.set(key, when)
          return Math.ceil(when - time)
        }
      }
      for (const each of callClasses) promises.delete(`${each} ${id}`)
      expected.delete(id)
      take(calls)
      return undefined
    },
    async spend(calls) {
      refill(now())
      take(calls)
    },
    async expect(id, kind) {
      if (kind === 'end' || !expected.has(id)) expected.set(id, { kind, at: now() })
    },
  }
}

// One gate for each rate limit: until it is over, nobody who shares it calls.

type Limit = Pick<RetryLater, 'service' | 'until' | 'why' | 'message'>

/** `lasts`: ms, since other processes have other clocks. */
type Lasting = Omit<Limit, 'until'> & { lasts: number }

export interface LimitStore {
  read(name: string): Promise<Lasting | undefined>
  write(name: string, limit: Lasting): Promise<void>
}

interface Shared {
  name: string
  store: LimitStore
}

export interface LimitGate {
  pass(): Promise<void>
  remember(limit: RetryLater): Promise<void>
}

/** @param shared without it, or while the store is away, a process knows only the limits that it met itself */
export function limitGate(now: () => number, shared?: Shared): LimitGate {
  let known: Limit | undefined
  const learn = (limit: Limit | undefined): void => {
    if (limit && (!known || limit.until > known.until)) known = limit
  }
  let reading: Promise<Limit | undefined> | undefined
  /** Concurrent calls share one read of the store. */
  const read = ({ name, store }: Shared): Promise<Limit | undefined> => {
    reading ??= store
      .read(name)
      .then(
        limit => limit && { ...limit, until: now() + limit.lasts },
        () => undefined,
      )
      .finally(() => setImmediate(() => (reading = undefined)))
    return reading
  }
  const lasting = (): Limit | undefined => (known && now() < known.until ? known : undefined)
  return {
    async pass() {
      if (shared && !lasting()) learn(await read(shared))
      const limit = lasting()
      if (limit) throw new RetryLater(limit.service, limit.until, limit.why, limit.message)
    },
    async remember(limit) {
      learn(limit)
      const { service, why, message, until } = limit
      const lasting = { service, why, message, lasts: until - now() }
      await shared?.store.write(shared.name, lasting).catch(() => {})
    },
  }
}
