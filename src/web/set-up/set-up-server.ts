/** The set-up page: asks, has GitHub make the App from a manifest, writes `.env`, checks, starts the bot. */

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { describe } from '../../core/model/errors.ts'
import { isSameSecret } from '../same-secret.ts'
import { moved, type Reply, send, shown } from './set-up-layout.tsx'
import { messagePage } from './set-up-pages.tsx'
import { type SetUpDeps, Steps } from './set-up-steps.ts'

export interface SetUp {
  server: Server
  token: string
}

export function setUpServer(deps: SetUpDeps): SetUp {
  const guard = new Guard(deps.names)
  const steps = new Steps(deps)

  async function replyTo(req: IncomingMessage): Promise<Reply> {
    const url = new URL(req.url ?? '/', 'http://localhost')
    const admission = guard.admit(req, url)
    switch (admission.kind) {
      case 'out':
        return shown(messagePage('Not here', admission.why), admission.status)
      case 'opened':
        return moved('/set-up', { 'set-cookie': admission.cookie })
      case 'in':
        return steps.take(req, url)
    }
  }

  const server = createServer((req, res) => {
    const path = (req.url ?? '/').split('?')[0]
    if (path === '/healthz') return void sendPlain(res, 200, 'ok\n')
    if (path === '/readyz') return void sendPlain(res, 503, 'the bot is not set up yet\n')
    replyTo(req).then(
      reply => send(res, reply),
      error => send(res, shown(messagePage('That did not work', describe(error)), 500)),
    )
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  return { server, token: guard.token }
}

const sendPlain = (res: ServerResponse, status: number, text: string): unknown =>
  res
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(text)

// Admits only the person at the terminal: a printed token opens the page once, and only our page may post.

type Admission =
  | { kind: 'in' }
  | { kind: 'opened'; cookie: string }
  | { kind: 'out'; status: number; why: string }

const cookieName = 'set_up'
const sessionCookie = new RegExp(`(?:^|; ?)${cookieName}=([\\w-]+)`)

class Guard {
  readonly token = randomBytes(24).toString('base64url')
  readonly #names: readonly string[]
  #used = false
  readonly #session = randomBytes(24).toString('base64url')

  constructor(names: readonly string[]) {
    this.#names = names
  }

  admit(req: IncomingMessage, url: URL): Admission {
    const host = req.headers.host ?? ''
    if (!this.#isOurName(host))
      return out(
        421,
        'Open this page with the address that the terminal shows, or with the IP address of this machine.',
      )
    const { origin, 'sec-fetch-site': site } = req.headers
    const isFromHere =
      origin === undefined ? site === 'same-origin' : URL.canParse(origin) && new URL(origin).host === host
    if (req.method === 'POST' && !isFromHere) return out(403, 'Another page sent this.')
    const [, session = ''] = sessionCookie.exec(req.headers.cookie ?? '') ?? []
    if (isSameSecret(session, this.#session)) return { kind: 'in' }
    const token = url.searchParams.get('token')
    if (req.method !== 'GET' || token === null)
      return out(403, 'Open the address that the bot printed in its terminal.')
    if (this.#used) return out(403, 'This address was used already. Start the bot again to get a new one.')
    if (!isSameSecret(token, this.token))
      return out(403, 'This is not the address that the bot printed in its terminal.')
    this.#used = true
    // Lax, since GitHub redirects back here.
    return { kind: 'opened', cookie: `${cookieName}=${this.#session}; HttpOnly; SameSite=Lax; Path=/` }
  }

  /** Foreign names may resolve to this machine (DNS rebinding). */
  #isOurName(host: string): boolean {
    const name = host.replace(/:\d+$/, '').toLowerCase()
    const bare = name.replace(/^\[|\]$/g, '')
    return name === 'localhost' || isIP(bare) !== 0 || this.#names.includes(name)
  }
}

const out = (status: number, why: string): Admission => ({ kind: 'out', status, why })
