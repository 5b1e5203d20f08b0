/**
 * One budget of PostHog calls for all processes: a bucket for an hour and one for a minute, from which calls are taken.
 * Starts and cancels are only counted; looks reserve. Each class of looks leaves a share of both buckets to the classes
 * before it, and an owner leaves the more to others, the larger its part of the last looks is. Who has to wait is told a
 * time of its own, at the pace at which calls flow in.
 *
 * It is a function of a small state, which a process keeps for itself, or Redis for all of them.
 */

import { z } from 'zod'
import { RetryLater } from './errors.ts'
import { hour, minute } from './time.ts'

/**
 * The order in which they are let through: what tells or makes an end; what a Run looks at in its own time; what a
 * stream told of a single act of the agent; what can do without.
 */
const callClasses = ['end', 'poll', 'act', 'spare'] as const
export type CallClass = (typeof callClasses)[number]

interface Reservation {
  owner: string
  id: string
  calls: number
  kind: CallClass
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

/**
 * Shares of a burst that looks of a class leave: `kept` to the classes before them, and up to `spared` to owners who
 * looked less. What can do without leaves more than a look needs, or a steady flow of it would hold all looks up.
 */
const sharesLeft: Record<CallClass, { kept: number; spared: number }> = {
  end: { kept: 0, spared: 0 },
  poll: { kept: 0.2, spared: 0.35 },
  act: { kept: 0.3, spared: 0.55 },
  spare: { kept: 0.4, spared: 0.4 },
}
/** The time in which looks count for their owner's share. */
const sharesFor = minute
const fewCalls = 20
/** How long a time that was told is kept for who does not come back. */
const ticketKept = 10 * minute

/** Moments are by the clock of who keeps the state. */
export const BudgetState = z.object({
  at: z.number(),
  levels: z.object({ hour: z.number(), minute: z.number() }),
  /** For each id, when it was told to ask again. */
  tickets: z.record(z.string(), z.number()),
  /** The last time that was told in each line. */
  lines: z.record(z.string(), z.number()),
  /** Calls of each owner's last looks, decaying with time. */
  lately: z.record(z.string(), z.number()),
  expected: z.record(z.string(), z.object({ kind: z.enum(['end', 'act']), at: z.number() })),
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
    expected: {},
  })
  const change = <T>(act: (state: BudgetState, now: number) => T): Promise<T> =>
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
    /** Says why `id` will look next: for an end, before all others; for an act of its agent, after them. */
    expect: (id: string, kind: 'end' | 'act'): Promise<void> =>
      change((state, at) => {
        if (kind === 'end' || !state.expected[id]) state.expected[id] = { kind, at }
      }),
  }
}

function takeCalls({ levels }: BudgetState, calls: number, buckets: Buckets): void {
  for (const { of, burst } of buckets) levels[of] = Math.max(-burst, levels[of] - calls)
}

function refill(state: BudgetState, now: number, buckets: Buckets): void {
  const { levels, tickets, lines, lately, expected } = state
  const passed = now - state.at
  for (const { of, burst, rate } of buckets)
    levels[of] = Math.min(burst, levels[of] + passed * rate)
  for (const [owner, calls] of Object.entries(lately))
    lately[owner] = calls * Math.exp(-passed / sharesFor)
  state.at = now
  deleteOld(tickets, at => now - at > ticketKept)
  deleteOld(lines, at => at <= now)
  deleteOld(lately, calls => calls < 0.5)
  deleteOld(expected, ({ at }) => now - at > ticketKept)
}

function deleteOld<T>(all: Record<string, T>, isOld: (each: T) => boolean): void {
  for (const [key, each] of Object.entries(all)) if (isOld(each)) delete all[key]
}

/** @returns ms, or `undefined` where it was counted */
function reserve(
  state: BudgetState,
  { owner, id, calls, kind: wanted }: Reservation,
  now: number,
  buckets: Buckets,
): number | undefined {
  const { levels, tickets, lines, lately, expected } = state
  const known = expected[id]?.kind
  const kind = known === 'end' || (known === 'act' && wanted === 'poll') ? known : wanted
  const { kept, spared } = sharesLeft[kind]
  const returnAt = tickets[id] ?? 0
  const isPaced = kind === 'poll' || kind === 'act'
  if (isPaced && returnAt > now) return returnAt - now
  const own = (lately[owner] ?? 0) + calls
  const all = Object.values(lately).reduce((sum, each) => sum + each, calls)
  const left = kept + (spared - kept) * (own / Math.max(all, fewCalls))
  /** ms until both buckets have so many calls above what is left to others. */
  const until = Math.max(
    0,
    ...buckets.map(({ of, burst, rate }) => (burst * left + calls - levels[of]) / rate),
  )
  const line = `${kind} ${returnAt === 0 ? 'new' : 'late'} ${owner}`
  if (until === 0 && (returnAt > 0 || lines[line] === undefined)) {
    delete tickets[id]
    delete expected[id]
    if (isPaced) lately[owner] = own
    takeCalls(state, calls, buckets)
    return undefined
  }
  if (!isPaced) return Math.ceil(until)
  // Whoever comes back in vain waits in front of those who have not come back yet, and still at a pace.
  const lacking = buckets.filter(({ of, burst }) => levels[of] - calls < burst * spared)
  const pace = calls / Math.min(...(lacking.length > 0 ? lacking : buckets).map(({ rate }) => rate))
  const at = Math.ceil(Math.max((lines[line] ?? now) + pace, now + until))
  tickets[id] = at
  lines[line] = at
  // What comes in serves the two lines together.
  const behind = `${kind} new ${owner}`
  if (returnAt > 0) lines[behind] = (lines[behind] ?? now) + pace
  return at - now
}

type RateLimit = Pick<RetryLater, 'service' | 'until' | 'why' | 'message'>

/** `lasts`: ms, since other processes have other clocks. */
type StoredLimit = Omit<RateLimit, 'until'> & { lasts: number }

export interface LimitStore {
  read(name: string): Promise<StoredLimit | undefined>
  write(name: string, limit: StoredLimit): Promise<void>
}

interface SharedLimits {
  name: string
  store: LimitStore
}

export type LimitGate = ReturnType<typeof limitGate>

/**
 * There is one gate for each rate limit. Until the limit is over, nobody who shares the gate calls.
 * @param shared without it, or while the store is away, a process knows only the limits that it met itself
 */
export function limitGate(now: () => number, shared?: SharedLimits) {
  let known: RateLimit | undefined
  const learn = (limit: RateLimit | undefined): void => {
    if (limit && (!known || limit.until > known.until)) known = limit
  }
  let reading: Promise<RateLimit | undefined> | undefined
  /** Concurrent calls share one read of the store. */
  const readStore = ({ name, store }: SharedLimits): Promise<RateLimit | undefined> => {
    reading ??= store
      .read(name)
      .then(
        limit => limit && { ...limit, until: now() + limit.lasts },
        () => undefined,
      )
      .finally(() => setImmediate(() => (reading = undefined)))
    return reading
  }
  const lasting = (): RateLimit | undefined => (known && now() < known.until ? known : undefined)
  return {
    async pass(): Promise<void> {
      if (shared && !lasting()) learn(await readStore(shared))
      const limit = lasting()
      if (limit) throw new RetryLater(limit.service, limit.until, limit.why, limit.message)
    },
    async remember(limit: RetryLater): Promise<void> {
      learn(limit)
      const { service, why, message, until } = limit
      await shared?.store
        .write(shared.name, { service, why, message, lasts: until - now() })
        .catch(() => {})
    },
  }
}
