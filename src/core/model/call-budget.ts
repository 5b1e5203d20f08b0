/**
 * One budget of PostHog calls for all processes. Starts and cancels are only counted; polls reserve. It is a token
 * bucket. While it is full enough, whoever asks may poll. Below `sparedShare`, the calls of an owner are spaced: `each`
 * ms are paid for a call, and who has paid until later than now waits. Below `keptShare`, all stand in one line
 * (`nextFree`). A time that was promised once is kept, so that nobody who waits is overtaken.
 */
import { hour, minute } from './time.ts'

interface Reservation {
  owner: string
  id: string
  calls: number
  optional?: boolean
}

export interface CallBudget {
  /**
   * @returns `undefined` when the calls may be made now, and are counted; else when to ask again, ms since the epoch
   */
  reserve(reservation: Reservation): Promise<number | undefined>
  spend(calls: number): Promise<void>
}

export interface Allowance {
  burst: number
  perHour: number
}

/** PostHog allows 4,800 calls an hour and 480 a minute. */
export const postHogAllowance: Allowance = { burst: 1_000, perHour: 3_800 }

/** Shares of a burst that polls leave: for starts and cancels, and for owners who polled less. */
export const keptShare = 0.2
export const sparedShare = 0.35
export const ownShare = 0.02
export const sharesFor = minute
export const promiseKept = 10 * minute

export const unlimited: CallBudget = { reserve: async () => undefined, spend: async () => {} }

interface Owner {
  askedAt: number
  paidUntil: number
  /** Recent calls, decaying with time. */
  lately: number
}

export function callBudget({ burst, perHour }: Allowance, now: () => number): CallBudget {
  const rate = perHour / hour
  const owners = new Map<string, Owner>()
  const promises = new Map<string, number>()
  let level = burst
  let at = now()
  let nextFree = 0

  const refill = (time: number): void => {
    level = Math.min(burst, level + Math.max(0, time - at) * rate)
    at = time
    for (const [owner, { askedAt }] of owners) if (time - askedAt > sharesFor) owners.delete(owner)
    for (const [id, when] of promises) if (time - when > promiseKept) promises.delete(id)
  }

  /** ms between two calls of an owner who waits. */
  const eachFor = (own: Owner, time: number): number => {
    const even = rate / owners.size
    const others = [...owners.values()].filter(other => other !== own)
    const content = others.filter(({ paidUntil }) => paidUntil <= time)
    const taken = content.reduce((sum, { lately }) => sum + Math.min(even, lately / sharesFor), 0)
    return (owners.size - content.length) / (rate - taken)
  }

  const promise = (id: string, when: number): number => {
    promises.set(id, when)
    return when
  }

  return {
    async reserve({ owner, id, calls, optional = false }) {
      const time = now()
      refill(time)
      const unspared = burst * sparedShare + calls - level
      if (optional && unspared > 0) return time + unspared / rate
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
        if (paid > time && unspared > 0) return promise(id, paid)
      }
      const lacking = burst * keptShare + calls - level
      if (lacking > 0) {
        nextFree = Math.max(time + lacking / rate, nextFree + calls / rate)
        own.paidUntil = Math.max(own.paidUntil, nextFree)
        return promise(id, nextFree)
      }
      promises.delete(id)
      level -= calls
      return undefined
    },
    async spend(calls) {
      refill(now())
      level = Math.max(-burst, level - calls)
    },
  }
}
