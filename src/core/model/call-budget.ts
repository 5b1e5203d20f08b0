/**
 * One budget of PostHog calls for all processes: a bucket for an hour and one for a minute, from which calls are taken.
 * What people wait for may empty both: starts and cancels are only counted, looks at an end ask. All else may wait: it
 * leaves a share of both buckets, the more the larger its owner's part of the last calls is. Who has to wait is told a
 * time of its own, at the pace at which calls flow in.
 *
 * It is a function of a small state, which a process keeps for itself, or Redis for all of them.
 */

import { z } from 'zod'
import type { RetryLater } from './errors.ts'
import { hour, minute } from './time.ts'

interface Reservation {
  owner: string
  id: string
  calls: number
  /** People wait for it: it tells or makes an end. */
  isAwaited?: boolean
}

export type CallBudget = ReturnType<typeof callBudget>

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

/** Shares of a burst: what is left to those for whom people wait, and to owners who called less besides. */
const kept = 0.2
const spared = 0.15
/** The time in which calls count for their owner's share. */
const sharesFor = minute
const fewCalls = 20
/** How long is known who was told a time and does not come back, or whose end does not come. */
const knownFor = 10 * minute

const numbers = z.record(z.string(), z.number())

/** Moments are by the clock of who keeps the state. */
export const BudgetState = z.object({
  at: z.number(),
  levels: z.object({ hour: z.number(), minute: z.number() }),
  /** For each id, when it was told to ask again. */
  tickets: numbers,
  /** The last time that was told in each owner's line. */
  lines: numbers,
  /** Calls of each owner lately, decaying with time. */
  lately: numbers,
  /** For each id whose end is expected, since when. */
  ending: numbers,
})
export type BudgetState = z.infer<typeof BudgetState>

/** Changes the state in one step, whoever else does. `now` is ms since the epoch, the same for all. */
export type BudgetStore = <T>(
  change: (state: BudgetState | undefined, now: number) => [BudgetState, T],
) => Promise<T>

export function inMemory(now: () => number): BudgetStore {
  let kept: BudgetState | undefined
  return async change => {
    const [state, answer] = change(kept, now())
    kept = state
    return answer
  }
}

interface Bucket {
  of: keyof BudgetState['levels']
  burst: number
  /** Calls a ms. */
  rate: number
}
type Buckets = readonly Bucket[]

export function callBudget({ burst, perHour, minute: short }: Allowance, store: BudgetStore) {
  const buckets: Buckets = [
    { of: 'hour', burst, rate: perHour / hour },
    { of: 'minute', burst: short.burst, rate: short.perMinute / minute },
  ]
  const begun = (at: number, levels = { hour: burst, minute: short.burst }): BudgetState => ({
    at,
    levels,
    tickets: {},
    lines: {},
    lately: {},
    ending: {},
  })
  const change = <T>(act: (state: BudgetState, now: number) => T) =>
    store((kept, now) => {
      // A clock that was put back: no moment means anything any more.
      const state = kept && kept.at <= now ? kept : begun(now, kept?.levels)
      refill(state, now, buckets)
      return [state, act(state, now)]
    })
  return {
    /** @returns `undefined` when the calls may be made now, and are counted; else the ms after which to ask again */
    reserve: (reservation: Reservation): Promise<number | undefined> =>
      change((state, now) => reserve(state, reservation, now, buckets)),
    spend: (calls: number): Promise<void> => change(state => takeCalls(state, calls, buckets)),
    /** What `id` asks for next is awaited. */
    expectEnd: (id: string): Promise<void> =>
      change((state, at) => {
        state.ending[id] = at
      }),
  }
}

function takeCalls({ levels }: BudgetState, calls: number, buckets: Buckets) {
  for (const { of, burst } of buckets) levels[of] = Math.max(-burst, levels[of] - calls)
}

function refill(state: BudgetState, now: number, buckets: Buckets) {
  const { levels, tickets, lines, lately, ending } = state
  const passed = now - state.at
  for (const { of, burst, rate } of buckets)
    levels[of] = Math.min(burst, levels[of] + passed * rate)
  for (const [owner, calls] of Object.entries(lately))
    lately[owner] = calls * Math.exp(-passed / sharesFor)
  state.at = now
  for (const each of [tickets, ending]) deleteOld(each, at => now - at > knownFor)
  deleteOld(lines, at => at <= now)
  deleteOld(lately, calls => calls < 0.5)
}

function deleteOld(all: Record<string, number>, isOld: (each: number) => boolean) {
  for (const [key, each] of Object.entries(all)) if (isOld(each)) delete all[key]
}

/** @returns ms, or `undefined` where it was counted */
function reserve(
  state: BudgetState,
  { owner, id, calls, isAwaited = state.ending[id] !== undefined }: Reservation,
  now: number,
  buckets: Buckets,
): number | undefined {
  const { levels, tickets, lines, lately, ending } = state
  const own = (lately[owner] ?? 0) + calls
  const all = Object.values(lately).reduce((sum, each) => sum + each, calls)
  const left = isAwaited ? 0 : kept + (spared * own) / Math.max(all, fewCalls)
  /** ms until both buckets have so many calls above what is left to others. */
  const until = Math.max(
    0,
    ...buckets.map(({ of, burst, rate }) => (burst * left + calls - levels[of]) / rate),
  )
  const returnAt = tickets[id]
  if (!isAwaited && returnAt !== undefined && returnAt > now) return returnAt - now
  const isBehind = !isAwaited && returnAt === undefined && lines[owner] !== undefined
  if (until === 0 && !isBehind) {
    delete tickets[id]
    delete ending[id]
    if (!isAwaited) lately[owner] = own
    takeCalls(state, calls, buckets)
    return undefined
  }
  if (isAwaited) return Math.ceil(until)
  const lacking = buckets.filter(({ of, burst }) => levels[of] - calls < burst * (kept + spared))
  const pace = calls / Math.min(...(lacking.length > 0 ? lacking : buckets).map(({ rate }) => rate))
  const at = Math.ceil(Math.max((lines[owner] ?? now) + pace, now + until))
  tickets[id] = at
  lines[owner] = at
  return at - now
}

export type LimitGate = ReturnType<typeof limitGate>

/** There is one gate for each rate limit. Until the limit is over, nobody who shares the gate calls. */
export function limitGate(now: () => number) {
  let known: RetryLater | undefined
  return {
    /** @throws RetryLater */
    pass() {
      if (known && now() < known.until) throw known
    },
    remember(limit: RetryLater) {
      if (!known || limit.until > known.until) known = limit
    },
  }
}
