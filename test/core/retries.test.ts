/** What a fault that ends nothing means, for a Run and for a command alike. */
import { expect, test } from 'vitest'
import { NoResponse, Rejected, ResultPending, RetryLater } from '../../src/core/model/errors.ts'
import {
  afterPassing,
  eased,
  isFinal,
  isTooLong,
  type Passing,
  retriedAt,
} from '../../src/core/record/retries.ts'
import type { Retry } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { hour, minute, runWith, second, t0 } from './given.ts'

const later = t0 + 10 * minute

test.each<[string, Passing, Partial<Retry>]>([
  ['silence', new NoResponse('github', 'w'), { until: t0 + second, count: 1 }],
  [
    'silence with a time',
    new NoResponse('github', 'w', { until: later }),
    { until: later, count: 1 },
  ],
  ['an answer to come', new ResultPending(later), { until: later, count: 0 }],
  ['a limit', new RetryLater('github', later, 'rate-limit', 'w'), { until: later, limit: true }],
  ['a wrong set-up', new RetryLater('github', later, 'setup', 'w'), { until: later, setup: true }],
  [
    'a spent account',
    new RetryLater('github', later, 'usage-limit', 'w'),
    { limit: true, promised: later },
  ],
  [
    'no service',
    new RetryLater('github', later, 'unavailable', 'w'),
    { until: later, limit: undefined },
  ],
  [
    'a read that is refused',
    new Rejected('github', 404, '', 'w', undefined, 'read'),
    { refusedSince: t0, until: t0 + second },
  ],
])('after %s it is tried again in its time', (_, fault, expected) =>
  expect(afterPassing({ retries: {} }, 'github', fault, { now: t0 })).toMatchObject({
    since: t0,
    ...expected,
  }),
)

/** The seconds between the tries. */
function spans(fault: Passing, tries: number, mostMs?: number): number[] {
  const holder: { retries: Record<string, Retry | undefined> } = { retries: {} }
  let now = t0
  return Array.from({ length: tries }, () => {
    const retry = afterPassing(holder, 'github', fault, { now, mostMs })
    holder.retries.github = retry
    const waited = (retry.until - now) / second
    now = retry.until
    return waited
  })
}

const silence = new NoResponse('github', 'w')

test('each try waits twice as long as the one before, up to a most', () => {
  expect(spans(silence, 9)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  expect(spans(silence, 11, 6 * minute)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360])
})

test('refused reads are believed after two minutes, and later where an agent is at work', () => {
  const refused = (ms: number): Retry => ({
    why: 'w',
    since: t0,
    until: t0,
    count: 1,
    refusedSince: t0 - ms,
  })
  const no = (status: number) => new Rejected('github', status, '', 'w', undefined, 'read')
  expect(isFinal(refused(limits.refusedBefore + 1), no(404), false, t0)).toBe(true)
  expect(isFinal(refused(limits.refusedBefore + 1), no(404), true, t0)).toBe(false)
  expect(isFinal(refused(limits.refused + 1), no(404), true, t0)).toBe(true)
  expect(isFinal(refused(limits.refused + 1), no(403), true, t0)).toBe(false)
})

test('what a service promised is waited for, and a day of silence is too long', () => {
  const since = t0 - 25 * hour
  expect(isTooLong({ why: 'w', since, until: t0, count: 9 }, t0)).toBe(true)
  expect(isTooLong({ why: 'w', since, until: t0, count: 9, promised: t0 + hour }, t0)).toBe(false)
})

test('what counts is time in which it was tried: a night in which the process was off is none', () => {
  const refusal = new Rejected('github', 404, '', 'w', undefined, 'read')
  const morning = t0 + 25 * hour
  for (const fault of [silence, refusal]) {
    const evening = afterPassing({ retries: {} }, 'github', fault, { now: t0 })
    const again = afterPassing({ retries: { github: evening } }, 'github', fault, { now: morning })
    expect(isTooLong(again, morning)).toBe(false)
    expect(isFinal(again, refusal, false, morning)).toBe(false)
    // What was waited before it still counts.
    const long = { ...evening, since: t0 - 24 * hour, refusedSince: t0 - limits.refusedBefore }
    const last = afterPassing({ retries: { github: long } }, 'github', fault, { now: morning })
    expect(isTooLong(last, morning)).toBe(true)
    expect(isFinal(last, refusal, false, morning)).toBe(fault === refusal)
  }
})

test('tries that come a little late count as a whole', () => {
  const holder: { retries: Record<string, Retry | undefined> } = { retries: {} }
  let now = t0
  while (now < t0 + 24 * hour + 2 * minute) {
    holder.retries.github = afterPassing(holder, 'github', silence, { now })
    now = holder.retries.github.until + 30 * second
  }
  expect(holder.retries.github && isTooLong(holder.retries.github, now)).toBe(true)
})

const known: Retry = { why: 'w', since: t0, until: later, count: 1 }
test.each<[string, number, number, Partial<Retry>]>([
  ['of the same end changes nothing', t0, later, { why: 'w' }],
  ['that ends later is waited out', t0, later + 1, { until: later + 1, count: 1 }],
  ['after the first is over is another', later, later, { count: 2 }],
])('a wait beside another %s', (_, now, until, expected) => {
  const wait = retriedAt({ retries: { github: known } }, 'github', now, { why: 'v', until })
  expect(wait).toMatchObject(expected)
})

test('a call that went well ends a wait that is over', () => {
  const run = runWith({ retries: { github: known } })
  expect(eased(run, 'github', { call: 'effect', now: later - 1 })).toBe(run)
  expect(eased(run, 'github', { call: 'effect', now: later }).retries).toEqual({})
})
