/** What an answer of GitHub's that is no good means: wait, and until when; ask again; or a no for good. */
import nock from 'nock'
import { describe, expect, test } from 'vitest'
import { gitHubApp } from '../../src/github/app-client.ts'
import { minute, t0 as now, second } from '../core/given.ts'
import { privateKey } from '../security/key.ts'
import { nockAlone } from '../support/nock-alone.ts'
import { caught, installationToken } from '../support/service-calls.ts'

const api = 'https://github.example'

nockAlone()

const post = () => gitHubApp({ id: 5, privateKey, apiUrl: api }, () => now).asApp('POST /x')

/** The fault that comes of one answer to a write, which is never repeated. */
async function faultOf(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Promise<unknown> {
  nock(api).post('/x').reply(status, { message }, headers)
  return caught(post())
}

const exhausted = (reset: number | string) => ({
  'x-ratelimit-remaining': '0',
  'x-ratelimit-reset': String(reset),
})

test('of one installation 90 calls are under way at once, and the rest wait', async () => {
  const app = gitHubApp({ id: 5, privateKey, apiUrl: api }, () => now)
  nock(api)
    .post(/access_tokens/)
    .reply(201, installationToken())
  let underWay = 0
  let most = 0
  nock(api)
    .get(/.*/)
    .times(200)
    .reply(async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise(resolve => setTimeout(resolve, 5))
      underWay -= 1
      return [200, {}]
    })
  const client = app.forRepo({ installationId: 1, repoId: 100 })
  await Promise.all(Array.from({ length: 200 }, (_, n) => client.request(`GET /${n}`)))
  expect([most, underWay]).toEqual([90, 0])
})

describe('a limit lets go', () => {
  const reset = exhausted(now / 1000 + 90)
  const notExhausted = { ...reset, 'x-ratelimit-remaining': '1' }
  const secondary = 'You have exceeded a secondary rate limit'

  test.each([
    ['when the answer says', 403, 'Wait.', { 'retry-after': '7' }, 7 * second],
    ['at once', 429, 'Wait.', { 'retry-after': '0' }, 0],
    ['before the primary limit', 403, 'x', { 'retry-after': '7', ...reset }, 7 * second],
    ['when the primary limit is filled again', 403, 'x', reset, 90 * second],
    [
      'not before a second, by a clock that is behind',
      403,
      'x',
      exhausted(now / 1000 - 90),
      second,
    ],
    [
      'in a minute, when the answer says what is no number',
      429,
      'x',
      { 'retry-after': 'soon' },
      minute,
    ],
    ['in a minute, when the primary limit is not exhausted', 429, 'x', notExhausted, minute],
    ['in a minute, when it is secondary', 403, secondary, {}, minute],
    ['in a minute, when it is called abuse', 403, 'Abuse detection', {}, minute],
    ['in a minute, when nobody says', 429, 'x', {}, minute],
  ])('%s', async (_, status, message, headers, after) => {
    expect(await faultOf(status, message, headers)).toMatchObject({
      name: 'RetryLater',
      service: 'github',
      until: now + after,
      why: 'rate-limit',
      message: 'GitHub’s rate limit is reached',
    })
  })
})

describe('a no for good', () => {
  test.each([
    ['without permission', 403, 'Resource not accessible by integration', {}],
    [
      'without permission, with a limit that is not exhausted',
      403,
      'No',
      { ...exhausted(now / 1000 + 90), 'x-ratelimit-remaining': '1' },
    ],
    ['that is no limit, whatever it says to wait', 422, 'rate limit', { 'retry-after': '7' }],
    ['not found', 404, 'Not Found', exhausted(now / 1000 + 90)],
  ])('%s', async (_, status, message, headers) => {
    expect(await faultOf(status, message, headers)).toMatchObject({
      name: 'Rejected',
      service: 'github',
      status,
      code: '',
      message: expect.stringContaining(message),
    })
  })
})

describe('no answer', () => {
  test.each([500, 502, 503])('%d', async status => {
    expect(await faultOf(status, 'rate limit', { 'retry-after': '7' })).toMatchObject({
      name: 'NoResponse',
      service: 'github',
      message: `GitHub answered ${status}`,
      cause: expect.objectContaining({ status }),
    })
  })

  test.each([
    [
      'a connection that breaks',
      Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
      /^GitHub did not answer \(.*ECONNRESET/,
    ],
    [
      'a call that was given up',
      new DOMException('late', 'AbortError'),
      /^GitHub did not answer \(.*time limit/,
    ],
  ])('%s', async (_, error, message) => {
    nock(api).post('/x').replyWithError(error)
    expect(await caught(post())).toMatchObject({
      name: 'NoResponse',
      service: 'github',
      message: expect.stringMatching(message),
    })
  })
})
