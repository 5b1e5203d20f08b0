/**
 * Who may see the admin pages: who has the token, as bearer or as a session that a form began with it. A session is a
 * signed cookie, so that every process of the bot knows it; those that were ended are kept.
 */

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { hour } from '../../core/model/time.ts'
import { cookie, cookiesIn, isHttps, isSameSecret } from '../requests.ts'

type Admission =
  /** `session`: what its forms are bound to; a request with the bearer token has none. */
  | { kind: 'in'; session: string | undefined }
  | { kind: 'stranger' }
  | { kind: 'wrong-token' }
  /** Wrong, too, while too many wrong tokens are being answered. */
  | { kind: 'busy' }

/** Sessions that somebody signed out of, for all processes: a copy of the cookie is good for nothing then. */
export interface EndedSessions {
  end(session: string): Promise<void>
  hasEnded(session: string): Promise<boolean>
}

interface AccessOptions {
  token: string
  ended: EndedSessions
  now(): number
  /** ms until a wrong token is answered. */
  slowness?: number
}

/** ms */
const lasts = hour
const cookieName = 'codex_admin'

/** Wrong tokens that are answered slowly at once. The right one never waits for those of others. */
const mostAtOnce = 10

export function openAccess({ token, ended, now, slowness = 1_000 }: AccessOptions) {
  const key = createHash('sha256').update(`admin session ${token}`).digest()
  const signed = (text: string): string => createHmac('sha256', key).update(text).digest('base64url')
  let wrong = 0

  async function judge(given: string): Promise<'right' | 'wrong-token' | 'busy'> {
    if (isSameSecret(given, token)) return 'right'
    if (wrong >= mostAtOnce) return 'busy'
    wrong += 1
    try {
      await new Promise(resolve => setTimeout(resolve, slowness))
    } finally {
      wrong -= 1
    }
    return 'wrong-token'
  }

  const cookieOf = (value: string, ms: number, isSecure: boolean): string =>
    cookie({ name: cookieName, value, ms, path: '/admin/', sameSite: 'Strict', isSecure })

  function begin(isSecure: boolean): string {
    const session = `${randomBytes(18).toString('base64url')}.${now() + lasts}`
    return cookieOf(`${session}.${signed(`session ${session}`)}`, lasts, isSecure)
  }

  /** Its id. */
  function sessionIn(headers: Headers): string | undefined {
    for (const value of cookiesIn(headers, cookieName)) {
      const [id = '', until = '', signature = ''] = value.split('.')
      const isOurs = isSameSecret(signature, signed(`session ${id}.${until}`))
      if (isOurs && Number(until) > now()) return id
    }
    return undefined
  }

  return {
    async admit(headers: Headers): Promise<Admission> {
      const session = sessionIn(headers)
      if (session !== undefined && !(await ended.hasEnded(session))) return { kind: 'in', session }
      const [, bearer] = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '') ?? []
      if (bearer === undefined) return { kind: 'stranger' }
      const kind = await judge(bearer)
      return kind === 'right' ? { kind: 'in', session: undefined } : { kind }
    },
    /** @returns the cookie of a new session, as `set-cookie` has it */
    async signIn(given: string, headers: Headers) {
      const kind = await judge(given)
      if (kind !== 'right') return { kind }
      return { kind: 'signed-in' as const, cookie: begin(isHttps(headers)) }
    },
    /** @returns the cookie that takes it away from the browser */
    async signOut(headers: Headers): Promise<string> {
      const session = sessionIn(headers)
      if (session !== undefined) await ended.end(session)
      return cookieOf('', 0, isHttps(headers))
    },
    /** For one form of a session. Each is another, so that what is sent twice can be known. */
    formToken(session: string): string {
      const form = randomBytes(12).toString('base64url')
      return `${form}.${signed(`form ${session} ${form}`)}`
    },
    /** @returns what tells this form from all others, or nothing if it is no form of this session */
    formOf(session: string, given: string): string | undefined {
      const [form = '', signature = ''] = given.split('.')
      return isSameSecret(signature, signed(`form ${session} ${form}`)) ? form : undefined
    },
  }
}
