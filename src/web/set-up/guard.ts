/** Admits only the person at the terminal: a printed token opens the page once, and only our page may post. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

export type Admission =
  | { kind: 'in' }
  | { kind: 'opened'; cookie: string }
  | { kind: 'out'; status: number; why: string }

const cookieName = 'set_up'

export class Guard {
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
        'This page is opened under the address that the terminal shows, or the number of this machine.',
      )
    if (req.method === 'POST' && !comesFrom(req, host)) return out(403, 'This was sent by another page.')
    if (isSame(cookieOf(req), this.#session)) return { kind: 'in' }
    const token = url.searchParams.get('token')
    if (req.method !== 'GET' || token === null)
      return out(403, 'Open the address that the bot printed in its terminal.')
    if (this.#used) return out(403, 'This address was used already. Start the bot anew to get another one.')
    if (!isSame(token, this.token))
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

function comesFrom({ headers }: IncomingMessage, host: string): boolean {
  const { origin } = headers
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === host
  return headers['sec-fetch-site'] === 'same-origin'
}

const cookieOf = ({ headers }: IncomingMessage): string =>
  new RegExp(`(?:^|; ?)${cookieName}=([\\w-]+)`).exec(headers.cookie ?? '')?.[1] ?? ''

const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
