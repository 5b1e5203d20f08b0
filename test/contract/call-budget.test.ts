/** The budget of calls, in a process and in Redis: the same words hold for both. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Allowance,
  type CallBudget,
  callBudget,
  inMemory,
} from '../../src/core/model/call-budget.ts'
import { redisBudgets } from '../../src/queue/redis-budget.ts'
import { until } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'

/** 100 at once; then one each 2 s, so slow that time plays no part in a test. */
const rare = { burst: 10_000, perMinute: 10_000 }
const slow = { burst: 100, perHour: 1_800, minute: rare }

const kinds = [{ of: 'one process', redis: false }]
if (redisAvailable()) kinds.push({ of: 'processes on one Redis', redis: true })

describe.each(kinds)('of $of', ({ redis }) => {
  let server: RedisServer | undefined
  const connections: Redis[] = []
  let names = 0
  /** Clients of one budget. */
  let first: CallBudget
  let second: CallBudget

  beforeAll(async () => {
    if (!redis) return
    server = await startRedis()
    for (let n = 0; n < 2; n += 1) connections.push(new Redis(server.url))
  })
  afterAll(async () => {
    for (const each of connections) each.disconnect()
    await server?.stop()
  })

  const open = (allowance: Allowance): void => {
    names += 1
    const alone = callBudget(allowance, inMemory(Date.now))
    const [one = alone, two = alone] = connections.map(each =>
      callBudget(allowance, redisBudgets(each, '{budget}')(`b${names}`)),
    )
    first = one
    second = two
  }
  beforeEach(() => open(slow))

  const looksAt = (
    id: string,
    of: { owner?: string; isAwaited?: true | undefined } = {},
    budget = first,
  ) => budget.reserve({ owner: 'acme', id, calls: 2, ...of })

  /** How many looks of an owner are let through of so many, each by another Run. */
  async function looks(budget: CallBudget, owner: string, count: number): Promise<number> {
    let through = 0
    for (let n = 0; n < count; n += 1) {
      const later = await looksAt(`${owner}-${names}-${n}`, { owner }, budget)
      if (later === undefined) through += 1
    }
    return through
  }

  test('what one process calls, another lacks', async () => {
    await first.spend(70)
    expect(await looks(second, 'acme', 50)).toBeLessThanOrEqual(10)
    expect(await looks(first, 'acme', 50)).toBe(0)
  })

  test('looks leave alone what is kept for starts and stops, which are never held back', async () => {
    const through = await looks(first, 'acme', 200)
    expect(through).toBeGreaterThan(10)
    expect(through * 2).toBeLessThanOrEqual(80)
    await second.spend(1)
    await second.spend(1)
  })

  test('what is asked at the same time is counted, each of it', async () => {
    const asked = Array.from({ length: 100 }, (_, n) =>
      looksAt(`at-once-${n}`, {}, n % 2 === 0 ? first : second),
    )
    const through = (await Promise.all(asked)).filter(later => later === undefined).length
    expect(through).toBeGreaterThan(10)
    expect(through * 2).toBeLessThanOrEqual(80)
  })

  test('what starts and stops have taken is made up for by looks', async () => {
    await first.spend(180)
    const later = await looksAt('x', {}, second)
    // 80 are owed, 20 are kept, and two are asked for, at one each two seconds.
    expect(Number(later)).toBeGreaterThan(190_000)
  })

  test('one owner’s looks do not make another’s wait', async () => {
    const loud = await looks(first, 'loud', 500)
    expect(loud).toBeLessThan(50)
    expect(await looksAt('q1', { owner: 'quiet' }, second)).toBeUndefined()
    expect(await looksAt('o1', { owner: 'other' })).toBeUndefined()
  })

  test('who waits gets what owners that look seldom leave over', async () => {
    await looks(first, 'loud', 60)
    for (const owner of ['a', 'b', 'c']) await looksAt(owner, { owner }, second)
    const told: number[] = []
    for (let n = 0; n <= 10; n += 1)
      told.push(Number(await looksAt(`waits-${n}`, { owner: 'loud' })))
    // Ten looks take forty seconds of the whole budget.
    expect(Number(told.at(-1)) - Number(told[0])).toBeLessThan(60_000)
  })

  test('who waits is told a time of its own, one after another, and the same when it asks too early', async () => {
    await looks(first, 'acme', 60)
    const [a, b] = [await looksAt('a'), await looksAt('b', {}, second)]
    expect(Number(b)).toBeGreaterThan(Number(a))
    expect(Number(a) - Number(await looksAt('a', {}, second))).toBeLessThan(1_000)
    expect(await looksAt('a', {}, second)).toBeGreaterThan(0)
  })

  test('who comes back at the time that was told is let through, before those who ask anew', async () => {
    open({ burst: 100, perHour: 36_000_000 / 5, minute: { ...rare, perMinute: 10_000_000 } })
    // Two calls a millisecond: time passes by itself.
    let told: number | undefined
    await until(async () => {
      const later = await first.reserve({ owner: 'acme', id: 'returns', calls: 60 })
      told = later === undefined ? undefined : Date.now() + later
      return told !== undefined
    })
    await until(() => Date.now() > Number(told) + 50)
    expect(await second.reserve({ owner: 'acme', id: 'returns', calls: 60 })).toBeUndefined()
  })

  const passes = async (isAwaited?: true): Promise<number> => {
    let through = 0
    while ((await looksAt(`${isAwaited}-${through}`, { isAwaited })) === undefined) through += 1
    return through
  }

  test('what may wait leaves calls to what people wait for', async () => {
    expect(await passes()).toBeGreaterThan(10)
    expect(await passes()).toBe(0)
    expect(await passes(true)).toBeGreaterThan(5)
    expect(Number(await looksAt('last', { isAwaited: true }))).toBeLessThanOrEqual(4_000)
  })

  test('an end that is expected does not wait for the time that its run was told before', async () => {
    await passes()
    const waits = Number(await looksAt('run'))
    expect(waits).toBeGreaterThan(1_000)
    await second.expectEnd('run')
    expect(await looksAt('run')).toBeUndefined()
    expect(await looksAt('run')).toBeGreaterThan(1_000)
  })

  test('no minute has more than its share, whatever the hour has left', async () => {
    open({ burst: 1_000, perHour: 3_600, minute: { burst: 40, perMinute: 60 } })
    expect((await passes()) * 2).toBeLessThanOrEqual(32)
    const [one, two] = [await looksAt('one'), await looksAt('two')]
    expect(Number(two) - Number(one)).toBeGreaterThan(1_500)
    expect(await passes(true)).toBeGreaterThan(2)
  })

  test('comes back with time, and no further than it was', async () => {
    // So slow that a busy machine, too, uses it up faster than it comes back.
    open({ burst: 100, perHour: 360_000, minute: { ...rare, perMinute: 10_000_000 } })
    await first.spend(100)
    await until(async () => (await looksAt('x', {}, second)) === undefined)
    await new Promise(resolve => setTimeout(resolve, 1_500))
    expect(await looks(second, 'acme', 1_000)).toBeLessThan(1_000)
  })
})
