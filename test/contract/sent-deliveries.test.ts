/** A webhook as GitHub's log of deliveries shows it. Source: "Get a delivery for an app webhook". */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { NoResponse } from '../../src/core/model/errors.ts'
import { gitHubApp } from '../../src/github/app-client.ts'
import { deliveryLog } from '../../src/github/delivery-log.ts'
import { privateKey } from '../security/key.ts'
import { type LocalServer, startServer } from '../support/local-server.ts'

let server: LocalServer
let answer: string
let sent: number
let asked: { url: string | undefined; authorization: string | undefined }[]
let log: ReturnType<typeof deliveryLog>

beforeAll(async () => {
  server = await startServer((req, res) => {
    asked.push({ url: req.url, authorization: req.headers.authorization })
    res.writeHead(200, { 'content-type': 'application/json' })
    const piece = Buffer.from(answer.slice(0, 64 * 1024))
    const isLong = answer.length > piece.length
    const go = (): void => {
      while (isLong && !res.destroyed && sent < 64 * 1024 * 1024) {
        sent += piece.length
        if (!res.write(piece)) return void res.once('drain', go)
      }
      res.end(isLong ? undefined : answer)
    }
    go()
  })
  log = deliveryLog(gitHubApp({ id: 5, privateKey, apiUrl: server.url }, Date.now))
})
afterAll(() => server.close())
beforeEach(() => {
  ;[asked, sent] = [[], 0]
})

const delivery = {
  id: 7,
  guid: 'a-guid',
  delivered_at: '2026-01-02T14:00:00Z',
  redelivery: false,
  duration: 0,
  status: 'failed to connect to host',
  status_code: 502,
  event: 'issues',
  action: 'opened',
  request: {
    headers: { 'X-GitHub-Event': 'issues' },
    payload: { action: 'opened', issue: { number: 7 } },
  },
  response: { headers: {}, payload: null },
}

test('it is read as the App, by its number, and has the identity with which it was sent', async () => {
  answer = JSON.stringify(delivery)
  expect(await log.sent('7')).toEqual({
    id: 'a-guid',
    event: 'issues',
    payload: delivery.request.payload,
  })
  expect(asked).toEqual([
    { url: '/app/hook/deliveries/7', authorization: expect.stringMatching(/^bearer ey/i) },
  ])
})

test('one that is larger than the door takes is refused once, and not read to its end', async () => {
  answer = `"${'x'.repeat(70_000)}`
  await expect(log.sent('7')).rejects.toMatchObject({ name: 'Rejected', status: 413 })
  expect(asked).toHaveLength(1)
  expect(sent).toBeLessThan(32 * 1024 * 1024)
})

test.each([
  ['nothing of it', { ...delivery, request: null }],
  ['a text', { ...delivery, request: { payload: 'form' } }],
])('%s is no webhook, and may be one later', async (_, shown) => {
  answer = JSON.stringify(shown)
  await expect(log.sent('7')).rejects.toBeInstanceOf(NoResponse)
})
