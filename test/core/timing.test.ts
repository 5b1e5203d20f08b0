import { describe, expect, test } from 'vitest'
import { postHogAllowance } from '../../src/core/model/call-budget.ts'
import { backoff } from '../../src/core/model/time.ts'
import {
  limits,
  pollInterval,
  pollIntervalUntil,
  pollIntervalWithStream,
} from '../../src/core/record/timing.ts'
import { hour, minute, second } from './given.ts'

describe('the time until the next look', () => {
  test.each([
    ['new and alone', 0, 1, 2 * second],
    ['59 s old and alone', 59 * second, 1, 2 * second],
    ['a minute old and alone', minute, 1, 5 * second],
    ['ten minutes old and alone', 10 * minute, 1, 15 * second],
    ['new, nobody counted', 0, 0, 2 * second],
    ['new, ten live', 0, 10, 18_947],
    ['old, ten live', hour, 10, 18_947],
    ['old, a hundred live', hour, 100, 189_474],
    ['asked in the future, by another clock', -minute, 1, 2 * second],
  ])('%s: %d ms', (_, age, live, expected) => expect(pollInterval(age, live)).toBe(expected))

  test('all live Runs together stay within the calls of an hour, for 1 to 500 of them', () => {
    for (let live = 1; live <= 500; live += 1) {
      for (const age of [0, minute, 10 * minute, hour]) {
        const looks = (hour / pollInterval(age, live)) * live
        // A look is two calls; rounding to a millisecond may cost a call.
        expect(looks * 2, `${live} live Runs of ${age} ms`).toBeLessThanOrEqual(
          postHogAllowance.perHour + 1,
        )
      }
    }
  })
})

test('a stop is looked for nine times until just after its time limit, and then each minute', () => {
  const times: number[] = []
  for (let age = 0; times.length < 11; times.push(age))
    age += pollIntervalUntil(limits.stopping, age)
  expect(times.map(at => at / second)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 301, 361, 421])
  expect(pollIntervalUntil(limits.stopping, limits.stopping)).toBe(second)
  expect(pollIntervalUntil(limits.stopping, -minute)).toBe(2 * second)
})

test.each([
  [0, 1 * second],
  [1, 2 * second],
  [3, 8 * second],
  [5, 32 * second],
  [6, minute],
  [7, minute],
  [10_000, minute],
])('after %d failures in a row %d ms are waited, or up to half less', (failures, expected) => {
  expect(backoff(failures)).toBe(expected)
  expect(backoff(failures, { jitter: 1 })).toBe(expected / 2)
})

test('the first wait and the longest may be others', () => {
  const waits = [0, 1, 2, 3, 4].map(failures => backoff(failures, { first: 100, most: second }))
  expect(waits).toEqual([100, 200, 400, 800, 1_000])
})

test('the limits are in order', () => {
  expect(limits.lateRow).toBeLessThan(limits.lateLog)
  expect(limits.stopping).toBeLessThan(limits.queued)
  expect(limits.queued).toBeLessThan(limits.silent)
  expect(limits.silent).toBeLessThan(limits.outage)
})

test.each([
  ['alone', 1, 20 * minute],
  ['with many', 100, 20 * minute],
  ['with so many that no more can be afforded', 1_000, 1_894_737],
])('with a stream that tells of news, the timer is only the net, %s', (_, live, expected) =>
  expect(pollIntervalWithStream(limits.latestLog, live)).toBe(expected),
)

test('a stream that has just opened is no reason to look rarely: the log may be late', () => {
  const times = [0]
  for (let age = 0; age < limits.latestLog; times.push(age)) age += pollIntervalWithStream(age, 1)
  expect(times).toEqual([0, 2, 4, 8, 16, 32, 64, 76].map(age => age * second))
})
