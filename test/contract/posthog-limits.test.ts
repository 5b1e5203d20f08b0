/** What an answer of PostHog's that is no good means: wait, and until when; ask again; or a no for good. */
import { describe, expect, test } from 'vitest'
import { retryAt } from '../../src/core/model/faults.ts'
import { faultIn } from '../../src/posthog/posthog-http.ts'
import { ErrorBody } from '../../src/posthog/schemas.ts'
import { hour, minute, t0 as now, second } from '../core/given.ts'

type Body = Parameters<typeof faultIn>[1]
const faultOf = (status: number, body: Body) => faultIn(status, body, { now, at: undefined })

describe('a limit lets go', () => {
  const expectWait = (status: number, body: Body, expected: object) =>
    expect(faultOf(status, body)).toMatchObject({
      name: 'RetryLater',
      service: 'posthog',
      ...expected,
    })

  test.each([
    ['when the text says', { detail: 'Expected available in 7 seconds.' }, 7 * second],
    ['not before a part of a second', { detail: 'Available in 2.1 seconds' }, 3 * second],
    ['as another field says', { error: 'available in 5 seconds' }, 5 * second],
    ['in a minute, if nobody says', { detail: 'Slow down.' }, minute],
    ['in a minute, with a number that is none', { detail: 'available in a few seconds' }, minute],
  ])('%s', (_, body, after) => {
    const message = 'PostHog’s rate limit is reached'
    expectWait(429, body, { until: now + after, why: 'rate-limit', message })
  })

  test.each([
    ['at a time', new Date(now + 90 * minute).toISOString(), 90 * minute],
    ['at a time in seconds', now / 1000 + 60, minute],
    ['in ten minutes, if nobody says', undefined, 10 * minute],
    ['in ten minutes, with what is no time', 'soon', 10 * minute],
  ])('of use, %s', (_, reset_at, after) => {
    const body = ErrorBody.parse({ code: 'usage_limit_exceeded', reset_at })
    const message = 'PostHog’s usage limit is reached'
    expectWait(429, body, { until: now + after, why: 'usage-limit', message })
  })

  test.each(['desktop_access_unavailable', 'warm_run_activation_unavailable'])(
    'in half a minute: %s',
    code => {
      const expected = {
        until: now + 30 * second,
        why: 'unavailable',
        message: 'PostHog is not available',
      }
      expectWait(503, { code }, expected)
    },
  )
})

test.each([
  ['a sandbox that is not up', 503, { code: 'sandbox_not_ready' }, { why: 'not-ready' }],
  ['a limit without other words', 429, { code: 'throttled' }, { why: 'rate-limit' }],
  ['a usage limit without its end', 429, { code: 'usage_limit_exceeded' }, { why: 'usage-limit' }],
  [
    'access that could not be checked',
    503,
    { code: 'desktop_access_unavailable' },
    { why: 'unavailable' },
  ],
  ['no answer', 503, {}, { name: 'NoResponse' }],
])('Retry-After is heeded: %s', (_, status, body, expected) => {
  const fault = faultIn(status, body, { now, at: retryAt('7', now) })
  expect(fault).toMatchObject({ ...expected, until: now + 7 * second })
})

test('Retry-After is seconds or a date, an hour at the most', () => {
  const date = new Date(now + 90 * second).toUTCString()
  const said = ['7', date, '99999999', new Date(now - hour).toUTCString()]
  expect(said.map(each => retryAt(each, now))).toEqual([
    now + 7 * second,
    Date.parse(date),
    now + hour,
    now,
  ])
  for (const each of ['soon', '', undefined]) expect(retryAt(each, now)).toBeUndefined()
})

const ofProduct = 'posthog_code_billing_limit_exceeded'

test.each([
  ['billing, by its code', 429, { code: 'billing_limit', detail: 'Pay.' }, 'billing_limit', 'Pay.'],
  [
    'billing, by its type and code',
    429,
    { type: 'billing_limit', code: 'x', detail: 'Pay.' },
    'billing_limit',
    'Pay.',
  ],
  ['billing of the product', 429, { code: ofProduct }, ofProduct, 'status 429'],
  [
    'a full report',
    429,
    { code: 'signal_report_task_cap' },
    'signal_report_task_cap',
    'status 429',
  ],
  ['a bad request', 400, { code: 'invalid', detail: 'No.', error: 'x' }, 'invalid', 'No.'],
  ['not found', 404, { error: 'Not found.' }, '', 'Not found.'],
])('a no for good: %s', (_, status, body, code, message) => {
  const fault = { name: 'Rejected', service: 'posthog', status, code, message }
  expect(faultOf(status, body)).toMatchObject(fault)
})

test.each([
  [500, { detail: 'Oops.' }, 'PostHog answered 500: Oops.'],
  [503, {}, 'PostHog answered 503'],
  [500, { code: 'desktop_access_unavailable' }, 'PostHog answered 500'],
])('no answer: %d', (status, body, message) => {
  const fault = { name: 'NoResponse', service: 'posthog', message }
  expect(faultOf(status, body)).toMatchObject(fault)
})
