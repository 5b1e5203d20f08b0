/**
 * One budget of PostHog calls for all processes: a bucket for an hour and one for a minute, from which calls are taken.
 * Starts and cancels are only counted; looks reserve. Each class of calls leaves a share of both buckets to the classes
 * before it. Above `spared`, whoever asks may look. Below it, in either bucket, owners have lines: what flows in is shared
 * evenly by the owners whose lines are not empty, and who has looked seldom may still take what is left above `kept`.
 *
 * It is a function of a small state, which a process keeps for itself, or Redis for all of them.
 */

import { z } from 'zod'
import { RetryLater } from './errors.ts'
import { hour, minute } from './time.ts'

/**
 * In the order in which they are let through: what tells or makes an end; what a Run looks at in its own time; what a
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
const leaves: Record<Exclude<CallClass, 'end'>, { kept: number; spared: number }> = {
  poll: { kept: 0.2, spared: 0.35 },
  act: { kept: 0.3, spared: 0.55 },
  spare: { kept: 0.35, spared: 0.35 },
}
/** Of a burst, what an owner may take in a minute that has to be spared. */
const ownShare = 0.02
const sharesFor = minute
/** How long a ticket is kept for who does not come back. */
const ticketKept = 10 * minute

export const unlimited: CallBudget = {
  reserve: async () => undefined,
  spend: async () => {},
  expect: async () => {},
}

/** Of one owner and class: calls that ever stood in line, and how many of those may be made. */
const Line = z.object({ asked: z.number(), given: z.number() })
type Line = z.infer<typeof Line>

/** Up to which call of its line it waits. */
const Ticket = z.object({ owner: z.string(), calls: z.number(), asked: z.number(), until: z.number() })

/** Moments are by the clock of who keeps the state. */
export const BudgetState = z.object({
  at: z.number(),
  levels: z.object({ hour: z.number(), minute: z.number() }),
  lines: z.object({ poll: z.record(z.string(), Line), act: z.record(z.string(), Line) }),
  /** By id. */
  tickets: z.object({ poll: z.record(z.string(), Ticket), act: z.record(z.string(), Ticket) }),
  /** Recent calls of owners, decaying with time. */
  lately: z.record(z.string(), z.object({ calls: z.number(), at: z.number() })),
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

export function callBudget({ burst, perHour, minute: short }: Allowance, store: BudgetStore): CallBudget {
  const buckets: Buckets = [
    { of: 'hour', burst, rate: perHour / hour },
    { of: 'minute', burst: short.burst, rate: short.perMinute / minute },
  ]
  const begun = (at: number): BudgetState => ({
    ...{ at, levels: { hour: burst, minute: short.burst } },
    ...{ lines: { poll: {}, act: {} }, tickets: { poll: {}, act: {} }, lately: {}, expected: {} },
  })
  const change = <T>(act: (state: BudgetState, now: number) => T): Promise<T> =>
    store((kept, now) => {
      // A clock that was put back: no moment means anything any more.
      const state = kept && kept.at <= now ? kept : { ...begun(now), ...(kept && { levels: kept.levels }) }
      refill(state, now, buckets)
      return [state, act(state, now)]
    })
  return {
    reserve: reservation => change((state, now) => reserve(state, reservation, now, buckets)),
    spend: calls => change(state => take(state, calls, buckets)),
    expect: (id, kind) =>
      change((state, at) => {
        if (kind === 'end' || !state.expected[id]) state.expected[id] = { kind, at }
      }),
  }
}

interface Bucket {
  of: keyof BudgetState['levels']
  burst: number
  /** Calls a ms. */
  rate: number
}
type Buckets = readonly Bucket[]

const lineKinds = ['poll', 'act'] as const

function take({ levels }: BudgetState, calls: number, buckets: Buckets): void {
  for (const { of, burst } of buckets) levels[of] = Math.max(-burst, levels[of] - calls)
}

/** What of the levels is meant for those in line who have not come back for it. */
function owed({ lines, tickets }: BudgetState): number {
  let sum = 0
  for (const kind of lineKinds)
    for (const { owner, calls, asked } of Object.values(tickets[kind])) {
      const given = (lines[kind][owner]?.given ?? 0) - (asked - calls)
      sum += Math.min(calls, Math.max(0, given))
    }
  return sum
}

/** What flows in is for the lines, those of polls before those of acts, as far as they leave enough to others. */
function refill(state: BudgetState, now: number, buckets: Buckets): void {
  const { levels, lines, tickets, lately, expected } = state
  const isGone = ({ until }: { until: number }) => now - until > ticketKept
  for (const kind of lineKinds) {
    forget(tickets[kind], isGone)
    const inLine = new Set(Object.values(tickets[kind]).map(({ owner }) => owner))
    forget(lines[kind], (_, owner) => !inLine.has(owner))
  }
  forget(lately, ({ at }) => now - at > sharesFor)
  forget(expected, ({ at }) => now - at > ticketKept)
  const before = { ...levels }
  for (const { of, burst, rate } of buckets)
    levels[of] = Math.min(burst, levels[of] + (now - state.at) * rate)
  state.at = now
  const taken = owed(state)
  const room = (kind: 'poll' | 'act'): number =>
    Math.min(
      ...buckets.map(({ of, burst }) => {
        const { kept, spared } = leaves[kind]
        return levels[of] - taken - Math.max(burst * kept, Math.min(before[of] - taken, burst * spared))
      }),
    )
  const polls = share(Object.values(lines.poll), room('poll'))
  share(Object.values(lines.act), room('act') - polls)
}

function forget<T>(all: Record<string, T>, isOld: (each: T, key: string) => boolean): void {
  for (const [key, each] of Object.entries(all)) if (isOld(each, key)) delete all[key]
}

/** Evenly, to none more than it asks for. @returns how much was given */
function share(lines: readonly Line[], room: number): number {
  const waiting = lines.filter(isWaiting).toSorted((a, b) => a.asked - a.given - (b.asked - b.given))
  let left = Math.max(0, room)
  waiting.forEach((line, n) => {
    const given = Math.min(line.asked - line.given, left / (waiting.length - n))
    line.given += given
    left -= given
  })
  return Math.max(0, room) - left
}

/** Sums of fractions. */
const nothing = 1e-6
const isWaiting = ({ asked, given }: Line): boolean => asked - given > nothing

/** @returns ms, or `undefined` where it was counted */
function reserve(
  state: BudgetState,
  { owner, id, calls, kind: wanted }: Reservation,
  now: number,
  buckets: Buckets,
): number | undefined {
  const known = state.expected[id]?.kind
  const kind = known === 'end' || (known === 'act' && wanted === 'poll') ? known : wanted
  const taken = kind === 'end' ? 0 : owed(state)
  /** ms until both buckets have so many calls above a share. */
  const until = (part: number, wanted = calls): number =>
    Math.max(
      0,
      ...buckets.map(({ of, burst, rate }) => (burst * part + wanted - state.levels[of] + taken) / rate),
    )
  const passes = (): undefined => {
    for (const each of lineKinds) delete state.tickets[each][id]
    delete state.expected[id]
    take(state, calls, buckets)
  }
  if (kind === 'end' || kind === 'spare')
    return Math.ceil(until(kind === 'end' ? 0 : leaves.spare.kept)) || passes()
  const { kept, spared } = leaves[kind]
  const line = state.lines[kind][owner] ?? { asked: 0, given: 0 }
  const ticket = state.tickets[kind][id]
  if (!ticket) {
    const before = state.lately[owner] ?? { calls: 0, at: now }
    const lately = before.calls * Math.exp((before.at - now) / sharesFor) + calls
    state.lately[owner] = { calls: lately, at: now }
    const isSeldom = buckets.every(bucket => lately <= bucket.burst * ownShare)
    if (!isWaiting(line) && until(isSeldom ? kept : spared) === 0) return passes()
    line.asked += calls
    state.lines[kind][owner] = line
  }
  const asked = ticket?.asked ?? line.asked
  const missing = asked - line.given
  if (missing <= nothing) return passes()
  const owners = Object.values(state.lines[kind]).filter(isWaiting).length
  const lacking = buckets.filter(({ of, burst }) => state.levels[of] - taken <= burst * spared)
  const rate = Math.min(...(lacking.length > 0 ? lacking : buckets).map(bucket => bucket.rate))
  const later = Math.ceil(until(kept, 0) + (missing * owners) / rate)
  state.tickets[kind][id] = { owner, calls, asked, until: now + later }
  return later
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
