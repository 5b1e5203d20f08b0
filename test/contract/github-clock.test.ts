/** A clock that goes wrong here: GitHub judges the App's token by its own. */
import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { gitHubApp } from '../../src/github/app-client.ts'
import { privateKey } from '../security/key.ts'
import { type LocalServer, startServer } from '../support/local-server.ts'

const Claims = z.object({ iat: z.number(), exp: z.number(), iss: z.string() })

/** In GitHub's words. */
function refusalOf(authorization = ''): string | undefined {
  const [head = '', body = '', signature = ''] = authorization.replace('Bearer ', '').split('.')
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${body}`),
    createPublicKey(privateKey),
    Buffer.from(signature, 'base64url'),
  )
  if (!isSigned) return 'A JSON web token could not be decoded'
  const { iat, exp } = Claims.parse(JSON.parse(Buffer.from(body, 'base64url').toString()))
  const now = Date.now() / 1_000
  if (iat > now)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
  if (exp > now + 600 || exp < now)
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
  return undefined
}

let server: LocalServer
let asked = 0
beforeAll(async () => {
  server = await startServer((req, res) => {
    asked++
    const message = refusalOf(req.headers.authorization)
    res.writeHead(message ? 401 : 200, { 'content-type': 'application/json' })
    res.end(JSON.stringify(message ? { message } : { slug: 'codex-bot' }))
  })
})
afterAll(() => server.close())

test.each([
  ['is right', 0, 1],
  ['is 45 s ahead', 45_000, 1],
  ['is 45 s behind', -45_000, 1],
  ['is an hour ahead', 3_600_000, 2],
  ['is an hour behind', -3_600_000, 2],
])('a clock that %s costs nothing but a call, once', async (_, wrong, calls) => {
  const app = gitHubApp({ id: 5, privateKey, apiUrl: server.url }, () => Date.now() + wrong)
  asked = 0
  expect((await app.asApp('GET /app')).data).toEqual({ slug: 'codex-bot' })
  expect(asked).toBe(calls)
  await app.asApp('GET /app')
  expect(asked).toBe(calls + 1)
})
