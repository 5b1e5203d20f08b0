/** What an answer of PostHog's that is no good means: wait, and until when; ask again; or a no for good. */
import { describe, expect, test } from 'vitest'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import { faultOf, retryAt } from '../../src/posthog/posthog-http.ts'
import { hour, minute, t0 as now, second } from '../core/given.ts'

type Body = Parameters<typeof faultOf>[1]

const rate = 'PostHog’s rate limit is reached'
const usage = 'PostHog’s usage limit is reached'

describe('a limit lets go', () => {
  test.each<[string, number, Body, number, string, string]>([
    [
      'when the text says',
      429,
      { detail: 'Expected available in 7 seconds.' },
      7 * second,
      'rate-limit',
      rate,
    ],
    ['in a second', 429, { detail: 'available in 1 second' }, second, 'rate-limit', rate],
    [
      'not before a part of a second',
      429,
      { detail: 'Available in 2.1 seconds' },
      3 * second,
      'rate-limit',
      rate,
    ],
    ['after a long time', 429, { detail: 'available in 120.75 seconds' }, 121 * second, 'rate-limit', rate],
    ['as another field says', 429, { error: 'available in 5 seconds' }, 5 * second, 'rate-limit', rate],
    ['in a minute, if nobody says', 429, { detail: 'Slow down.' }, minute, 'rate-limit', rate],
    ['in a minute, without a word', 429, {}, minute, 'rate-limit', rate],
    [
      'in a minute, with a number that is none',
      429,
      { detail: 'available in a few seconds' },
      minute,
      'rate-limit',
      rate,
    ],
    [
      'of use, at a time',
      429,
      { code: 'usage_limit_exceeded', reset_at: new Date(now + 90 * minute).toISOString() },
      90 * minute,
      'usage-limit',
      usage,
    ],
    [
      'of use, at a time in seconds',
      429,
      { code: 'usage_limit_exceeded', reset_at: now / 1000 + 60 },
      minute,
      'usage-limit',
      usage,
    ],
    ['of use, in ten minutes', 429, { code: 'usage_limit_exceeded' }, 10 * minute, 'usage-limit', usage],
    [
      'of use, null',
      429,
      { code: 'usage_limit_exceeded', reset_at: null },
      10 * minute,
      'usage-limit',
      usage,
    ],
    [
      'of use, no time',
      429,
      { code: 'usage_limit_exceeded', reset_at: 'soon' },
      10 * minute,
      'usage-limit',
      usage,
    ],
    [
      'of sandboxes, in half a minute',
      503,
      { code: 'desktop_access_unavailable' },
      30 * second,
      'unavailable',
      'PostHog is not available',
    ],
    [
      'of warm runs, in half a minute',
      503,
      { code: 'warm_run_activation_unavailable' },
      30 * second,
      'unavailable',
      'PostHog is not available',
    ],
  ])('%s', (_, status, body, after, why, message) => {
    const fault = faultOf(status, body, { now })
    expect(fault).toBeInstanceOf(RetryLater)
    expect(fault).toMatchObject({ service: 'posthog', until: now + after, why, message })
  })
})

test.each<[string, number, Body, object]>([
  [
    'a sandbox that is not up',
    503,
    { code: 'sandbox_not_ready', error: 'No sandbox.' },
    { why: 'not-ready' },
  ],
  ['a limit without other words', 429, { code: 'throttled' }, { why: 'rate-limit' }],
  ['a usage limit without its end', 429, { code: 'usage_limit_exceeded' }, { why: 'usage-limit' }],
  ['access that could not be checked', 503, { code: 'desktop_access_unavailable' }, { why: 'unavailable' }],
  ['no answer', 503, {}, { name: 'NoResponse' }],
])('Retry-After is heeded: %s', (_, status, body, expected) => {
  const fault = faultOf(status, body, { now, retryAt: retryAt('7', now) })
  expect(fault).toMatchObject({ ...expected, until: now + 7 * second })
})

test('Retry-After is seconds or a date, an hour at the most', () => {
  const date = new Date(now + 90 * second).toUTCString()
  const said = ['7', date, '99999999', new Date(now - hour).toUTCString(), 'soon', '', undefined]
  expect(said.map(each => retryAt(each, now))).toEqual([
    now + 7 * second,
    Date.parse(date),
    now + hour,
    now,
    undefined,
    undefined,
    undefined,
  ])
})

describe('a no for good', () => {
  test.each<[string, number, Body, { code: string; message: string }]>([
    [
      'billing, by its code',
      429,
      { code: 'billing_limit', detail: 'Pay.' },
      { code: 'billing_limit', message: 'Pay.' },
    ],
    [
      'billing of the product',
      429,
      { code: 'posthog_code_billing_limit_exceeded' },
      { code: 'posthog_code_billing_limit_exceeded', message: 'status 429' },
    ],
    [
      'billing, by its type',
      429,
      { type: 'billing_limit', detail: 'Pay.' },
      { code: 'billing_limit', message: 'Pay.' },
    ],
    [
      'billing, by its type, with a code',
      429,
      { type: 'billing_limit', code: 'x', detail: 'Pay.' },
      { code: 'x', message: 'Pay.' },
    ],
    [
      'a report that has its tasks',
      429,
      { code: 'signal_report_task_cap' },
      { code: 'signal_report_task_cap', message: 'status 429' },
    ],
    [
      'a bad request',
      400,
      { code: 'invalid', detail: 'No.', error: 'x' },
      { code: 'invalid', message: 'No.' },
    ],
    ['not found', 404, { error: 'Not found.' }, { code: '', message: 'Not found.' }],
    ['the last before a fault', 499, {}, { code: '', message: 'status 499' }],
  ])('%s', (_, status, body, expected) => {
    const fault = faultOf(status, body, { now })
    expect(fault).toBeInstanceOf(Rejected)
    expect(fault).toMatchObject({ service: 'posthog', status, ...expected })
  })
})

describe('no answer', () => {
  test.each<[number, Body, string]>([
    [500, { detail: 'Oops.' }, 'PostHog answered 500: Oops.'],
    [503, {}, 'PostHog answered 503: status 503'],
    [500, { code: 'desktop_access_unavailable' }, 'PostHog answered 500: status 500'],
    [408, {}, 'PostHog answered 408: status 408'],
  ])('%d', (status, body, message) => {
    const fault = faultOf(status, body, { now })
    expect(fault).toBeInstanceOf(NoResponse)
    expect(fault).toMatchObject({ service: 'posthog', message })
  })
})
