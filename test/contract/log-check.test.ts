/** What the doctor says of `WEBHOOKS=poll`. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkDeliveries } from '../../src/doctor/delivery-checks.ts'
import { checkAddress } from '../../src/doctor/github-checks.ts'
import { type GitHubApp, gitHubApp } from '../../src/github/app-client.ts'
import { privateKey } from '../security/key.ts'

let server: Server
let app: GitHubApp
let hook: object = {}

beforeAll(async () => {
  server = createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(hook))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  app = gitHubApp({ id: 5, privateKey, apiUrl }, Date.now)
})
afterAll(() => void server.close())

const webhooks = 'poll'

test('it asks for no address and no secret', async () => {
  hook = { url: 'https://codex.invalid/' }
  expect(await checkAddress({ webhooks })(app)).toMatchObject([
    { ok: true, detail: 'not needed, since WEBHOOKS=poll; the App has https://codex.invalid/' },
  ])
  const secrets = { webhookSecret: '', webhookSecretOld: undefined }
  expect(await checkDeliveries({ webhooks, app: secrets })(app)).toEqual([])
})

test('an App without a webhook has no log', async () => {
  hook = { content_type: 'json' }
  const [address] = await checkAddress({ webhooks })(app)
  expect(address).toMatchObject({ name: 'webhook-address', ok: false })
  expect(address?.fix).toContain('https://codex.invalid/')
})
