/** What the doctor says of `WEBHOOKS=poll`. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lineOf } from '../../src/core/model/check.ts'
import { checkDeliveries } from '../../src/doctor/delivery-checks.ts'
import { checkAddress } from '../../src/doctor/github-checks.ts'
import { type GitHubApp, gitHubApp } from '../../src/github/app-client.ts'
import { privateKey } from '../security/key.ts'
import { type LocalServer, startServer } from '../support/local-server.ts'

let server: LocalServer
let app: GitHubApp
let hook: object = {}
let log: object[] = []

beforeAll(async () => {
  server = await startServer(({ url }, res) => {
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(url?.includes('/deliveries') ? log : hook))
  })
  app = gitHubApp({ id: 5, privateKey, apiUrl: server.url }, Date.now)
})
afterAll(() => server.close())

const webhooks = 'poll'

test('it asks for no address and no secret', async () => {
  hook = { url: 'https://codex.invalid/' }
  expect(await checkAddress({ webhooks })(app)).toMatchObject([
    { ok: true, detail: 'not needed, since WEBHOOKS=poll; the App has https://codex.invalid/' },
  ])
})

test('it says what the log has, and that an empty one shows nothing', async () => {
  const secrets = { webhookSecret: '', webhookSecretOld: undefined }
  const said = async () => (await checkDeliveries({ webhooks, app: secrets })(app)).map(lineOf)
  expect(await said()).toEqual([
    '? webhook-deliveries: not known yet, since there was none in the last days',
  ])
  const attempt = {
    delivered_at: '2026-11-30T08:00:00Z',
    redelivery: false,
    status: 'failed to connect',
  }
  log = [{ id: 1, guid: 'one', event: 'issues', ...attempt }]
  expect(await said()).toEqual(['✓ webhook-deliveries: the last one (issues) is in the log'])
})

test('an App without a webhook has no log', async () => {
  hook = { content_type: 'json' }
  const [address] = await checkAddress({ webhooks })(app)
  expect(address).toMatchObject({ name: 'webhook-address', ok: false })
  expect(address?.fix).toContain('https://codex.invalid/')
})
