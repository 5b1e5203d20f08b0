import nock from 'nock'
import { beforeEach, expect, test, vi } from 'vitest'
import { NoResponse, RetryLater } from '../../src/core/model/errors.ts'
import type { CallMeter } from '../../src/core/model/meter.ts'
import { gitHubApp } from '../../src/github/app-client.ts'
import { deliveryLog } from '../../src/github/delivery-log.ts'
import { gitHubThread } from '../../src/github/thread-client.ts'
import { issueThread } from '../core/given.ts'
import { privateKey } from '../security/key.ts'
import { nockAlone } from '../support/nock-alone.ts'
import { installationToken } from '../support/service-calls.ts'

const api = 'https://github.example'
const clock = Date.UTC(2026, 0, 2, 14, 2)
const meter = { called: vi.fn() } satisfies CallMeter
const app = () => gitHubApp({ id: 5, privateKey, apiUrl: `${api}/api/v3` }, () => clock, { meter })
let log: ReturnType<typeof deliveryLog>

nockAlone()
beforeEach(() => {
  log = deliveryLog(app())
  for (const fake of Object.values(meter)) fake.mockClear()
})
const list = (query: Record<string, string>) =>
  nock(api)
    .get('/api/v3/app/hook/deliveries')
    .query({ per_page: '100', ...query })
    .matchHeader('authorization', /^[Bb]earer ey/)

const delivery = {
  id: 7,
  guid: 'a-guid',
  event: 'issues',
  delivered_at: '2026-01-02T14:00:00Z',
  redelivery: false,
  duration: 0.1,
  status: 'OK',
  status_code: 202,
  action: 'opened',
  installation_id: 1,
  repository_id: null,
  throttled_at: null,
}

test('the log is read as the App, page after page', async () => {
  const link = `<${api}/api/v3/app/hook/deliveries?per_page=100&cursor=v1_6>; rel="next", <${api}/x?cursor=no>; rel="prev"`
  list({}).reply(200, [delivery], { link })
  list({ cursor: 'v1_6' }).reply(200, [{ ...delivery, id: 6 }], {
    link: `<${api}/x?cursor=no>; rel="prev"`,
  })
  const first = await log.page()
  expect(first).toEqual({
    attempts: [
      {
        id: '7',
        guid: 'a-guid',
        event: 'issues',
        at: Date.UTC(2026, 0, 2, 14),
        redelivery: false,
        ok: true,
        status: 'OK',
        status_code: 202,
      },
    ],
    next: 'v1_6',
  })
  expect(await log.page(first.next)).toMatchObject({ attempts: [{ id: '6' }], next: undefined })
})

test.each([
  ['OK', 200, true],
  ['OK', 202, true],
  ['Accepted', 299, true],
  ['Invalid HTTP Response: 503', 503, false],
  ['Moved', 301, false],
  ['failed to connect to host', 0, false],
  ['timed out', null, false],
])('the status %j with code %j: ok %j', async (status, status_code, ok) => {
  list({}).reply(200, [{ ...delivery, status, status_code }])
  expect((await log.page()).attempts.map(each => each.ok)).toEqual([ok])
})

test('ids may be larger than numbers can be', async () => {
  const text = JSON.stringify([delivery]).replace('"id":7', '"id":9007199254740993')
  list({}).reply(200, text, { 'content-type': 'application/json' })
  const { attempts } = await log.page()
  nock(api).post('/api/v3/app/hook/deliveries/9007199254740993/attempts').reply(202, {})
  await log.redeliver(attempts[0]?.id ?? '')
})

test.each([
  ['a text', 'hello'],
  ['an entry without a time', [{ ...delivery, delivered_at: 'soon' }]],
  ['an entry without a GUID', [{ ...delivery, guid: undefined }]],
])('%s is no log', async (_, body) => {
  // A text may be a page in its place, so that is asked for again.
  list({})
    .times(typeof body === 'string' ? 3 : 1)
    .reply(200, body)
  await expect(log.page()).rejects.toBeInstanceOf(NoResponse)
})

test('every call is told of, without names and numbers', async () => {
  nock(api).post('/api/v3/app/installations/1/access_tokens').reply(201, installationToken())
  const path = '/api/v3/repos/acme/shop/contents/.github%2Fcodex.yml'
  nock(api).get(path).reply(404, { message: 'Not Found' })
  await gitHubThread(app(), issueThread, { now: () => clock, redact: text => text }).files.text(
    '.github/codex.yml',
  )
  expect(meter.called.mock.calls.flat()).toEqual([
    { service: 'github', method: 'POST', route: '/app/installations/~/access_tokens', status: 201 },
    { service: 'github', method: 'GET', route: '/repos/~/contents/~', status: 404 },
  ])
})

test('a limit is thrown, and a call without an answer has no status', async () => {
  nock(api).post('/api/v3/app/installations/1/access_tokens').reply(429, { message: 'wait' })
  const thread = gitHubThread(app(), issueThread, { now: () => clock, redact: text => text })
  await expect(thread.people.permission('maya')).rejects.toBeInstanceOf(RetryLater)
  meter.called.mockClear()
  nock(api).post('/api/v3/app/hook/deliveries/7/attempts').replyWithError('reset')
  await expect(log.redeliver('7')).rejects.toBeInstanceOf(NoResponse)
  const route = '/app/hook/deliveries/~/attempts'
  expect(meter.called).toHaveBeenCalledWith(expect.objectContaining({ route, status: undefined }))
})
