/** A budget of calls is shared fairly, also where a minute of it is empty while the hour is full. */
import { describe, expect, test } from 'vitest'
import {
  callBudget,
  inMemory,
  limitGate,
  postHogAllowance,
} from '../../src/core/model/call-budget.ts'
import { RetryLater } from '../../src/core/model/errors.ts'
import { hour, minute, second, t0 } from './given.ts'

interface Asker {
  owner: string
  id: string
  due: number
}

const askers = (owner: (n: number) => string, count: number, due: number) =>
  Array.from({ length: count }, (_, n) => ({ owner: owner(n), id: `${owner(n)}-${n}`, due }))

/** Each asks when it is told to, until it has looked. @returns ms that each waited, by owner */
async function looks(all: Asker[]) {
  let now = t0
  const budget = callBudget(
    postHogAllowance,
    inMemory(() => now),
  )
  const looked: { owner: string; at: number; waited: number }[] = []
  let asked = 0
  const since = new Map(all.map(({ id, due }) => [id, due]))
  for (let line = all; line.length > 0; line = line.toSorted((a, b) => a.due - b.due)) {
    const [first, ...rest] = line
    if (!first) break
    now = Math.max(now, first.due)
    const later = await budget.reserve({ owner: first.owner, id: first.id, calls: 2 })
    asked += 1
    if (later === undefined)
      looked.push({ owner: first.owner, at: now, waited: now - (since.get(first.id) ?? now) })
    line = later === undefined ? rest : [...rest, { ...first, due: now + later }]
  }
  const slowest = (isOf: (owner: string) => boolean) =>
    Math.max(...looked.filter(({ owner }) => isOf(owner)).map(({ waited }) => waited))
  return { looked, asked, slowest }
}

const isLoud = (owner: string) => owner === 'loud'

describe.each([200, 1_000])('%s runs of one owner that are woken together', woken => {
  test('make the first looks of twenty others wait for seconds, and have what is left', async () => {
    const { looked, asked, slowest } = await looks([
      ...askers(() => 'loud', woken, t0),
      ...askers(n => `quiet-${n}`, 20, t0 + second),
    ])
    expect(slowest(owner => !isLoud(owner))).toBeLessThan(6 * second)
    // All that the owner may take: it leaves a share of both buckets to those who look seldom.
    const { perHour, minute: short, burst } = postHogAllowance
    const flows = (level: number, rate: number) => (2 * looked.length - 0.65 * level) / rate
    const soonest = Math.max(
      flows(short.burst, short.perMinute / minute),
      flows(burst, perHour / hour),
    )
    expect(slowest(isLoud)).toBeLessThan(soonest + 10 * second)
    expect(asked).toBeLessThan(4 * looked.length)
    for (const { at } of looked) {
      const within = looked.filter(each => each.at >= at && each.at < at + minute).length
      expect(2 * within).toBeLessThanOrEqual(short.burst + short.perMinute)
    }
  })
})

test('owners who wait have even shares, and one with fewer Runs does not wait for those before it', async () => {
  const { looked, asked, slowest } = await looks([
    ...askers(() => 'loud', 400, t0),
    ...askers(() => 'louder', 800, t0),
    ...askers(() => 'busy', 50, t0 + minute),
  ])
  expect(slowest(owner => owner === 'busy')).toBeLessThan(minute)
  const early = (owner: string) =>
    looked.filter(each => each.owner === owner && each.at < t0 + 5 * minute).length
  expect(early('loud') / early('louder')).toBeGreaterThan(0.8)
  expect(early('loud') / early('louder')).toBeLessThan(1.25)
  expect(asked).toBeLessThan(4 * looked.length)
})

test('who is in line and comes late, after a restart, finds no more than a burst together with the others', async () => {
  let now = t0
  const budget = callBudget(
    postHogAllowance,
    inMemory(() => now),
  )
  const ask = async () => {
    let calls = 0
    for (let n = 0; n < 500; n += 1) {
      const later = await budget.reserve({ owner: 'loud', id: `run-${n}`, calls: 2 })
      if (later === undefined) calls += 2
    }
    return calls
  }
  expect(await ask()).toBeGreaterThan(100)
  now += 5 * minute
  expect(await ask()).toBeLessThanOrEqual(postHogAllowance.minute.burst)
})

test('a short limit, met after a long one, does not end it', () => {
  let at = 0
  const gate = limitGate(() => at)
  gate.remember(new RetryLater('github', 60_000, 'rate-limit', 'wait a minute'))
  gate.remember(new RetryLater('github', 1_000, 'rate-limit', 'wait a second'))
  at = 2_000
  expect(() => gate.pass()).toThrow('wait a minute')
  at = 60_000
  gate.pass()
})
