/** What the doctor says of `WEBHOOKS=poll`. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkLog } from '../../src/doctor/log-check.ts'
import { type GitHubApp, gitHubApp } from '../../src/github/app-client.ts'
import { minute } from '../core/given.ts'
import { privateKey } from '../security/key.ts'

let server: Server
let app: GitHubApp
let hook: object = {}
let log: object[] = []

beforeAll(async () => {
  server = createServer((req, res) => {
    const shown = req.url?.startsWith('/app/hook/config') ? hook : log
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(shown))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  app = gitHubApp({ appId: 5, privateKey, apiUrl }, Date.now)
})
afterAll(() => void server.close())

const checks = (lastRead: number | undefined) => checkLog(async () => lastRead)(app)

test('it asks for no address and no secret, and says when the log was read', async () => {
  hook = { url: 'https://codex.invalid/' }
  expect((await checks(Date.now() - 3_000)).map(({ name, ok, detail }) => [name, ok, detail])).toEqual([
    ['webhook-address', true, 'not needed, since WEBHOOKS=poll; the App has https://codex.invalid/'],
    ['webhook-deliveries', true, 'GitHub’s log of them was read 3 s ago'],
  ])
})

test('that nobody reads the log is told', async () => {
  const [, reading] = await checks(Date.now() - 3 * minute)
  expect(reading).toMatchObject({ ok: false, detail: expect.stringContaining('was read last at') })
})

test('from outside, what is newest there, and what an empty log may mean', async () => {
  log = [{ event: 'issues', delivered_at: '2026-01-02T14:00:00Z', status: 'failed to connect to host' }]
  expect((await checks(undefined))[1]?.detail).toContain('issues of 2026-01-02T14:00:00Z')
  log = []
  expect((await checks(undefined))[1]?.detail).toContain('“Active” must be enabled')
})

test('an App without a webhook has no log', async () => {
  hook = { content_type: 'json' }
  const [address] = await checks(undefined)
  expect(address).toMatchObject({ name: 'webhook-address', ok: false })
  expect(address?.fix).toContain('https://codex.invalid/')
})
