/**
 * Who may see the admin pages: who has the token, as bearer or as a session that a form began with it, and who signed in
 * with GitHub. A session is a sealed cookie, so that every process of the bot knows it; those that were ended are kept.
 */

import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { hour } from '../../core/model/time.ts'
import { cookie, cookiesIn, isHttps, isSameSecret } from '../requests.ts'

const Session = z.object({
  id: z.string(),
  /** ms since the epoch */
  until: z.number(),
  /** Who signed in with GitHub, with their token there. Without it, whoever has the ADMIN_TOKEN. */
  person: z.object({ login: z.string(), id: z.number(), token: z.string() }).optional(),
})
type Session = z.infer<typeof Session>
export type Person = NonNullable<Session['person']>

type Admission =
  /** `session`: what its forms are bound to; a request with the bearer token has none. */
  | { kind: 'in'; session: string | undefined; person?: Person | undefined }
  | { kind: 'stranger' }
  | { kind: 'wrong-token' }
  /** Wrong, too, while too many wrong tokens are being answered. */
  | { kind: 'busy' }

export type Access = ReturnType<typeof openAccess>

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
  const seal = sealer(key)
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

  function begin(person: Person | undefined, isSecure: boolean): string {
    const id = randomBytes(18).toString('base64url')
    return cookieOf(seal.close('session', { id, until: now() + lasts, person }), lasts, isSecure)
  }

  function sessionIn(headers: Headers): Session | undefined {
    for (const value of cookiesIn(headers, cookieName)) {
      const session = Session.safeParse(seal.open('session', value)).data
      if (session && session.until > now()) return session
    }
    return undefined
  }

  return {
    async admit(headers: Headers): Promise<Admission> {
      const session = sessionIn(headers)
      if (session && !(await ended.hasEnded(session.id)))
        return { kind: 'in', session: session.id, person: session.person }
      const [, bearer] = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '') ?? []
      if (bearer === undefined) return { kind: 'stranger' }
      const kind = await judge(bearer)
      return kind === 'right' ? { kind: 'in', session: undefined } : { kind }
    },
    /** @returns the cookie of a new session, as `set-cookie` has it */
    async signIn(given: string, headers: Headers) {
      const kind = await judge(given)
      if (kind !== 'right') return { kind }
      return { kind: 'signed-in' as const, cookie: begin(undefined, isHttps(headers)) }
    },
    /** @returns the cookie of a new session */
    welcome: (person: Person, isSecure: boolean): string => begin(person, isSecure),
    /** @returns the cookie that takes it away from the browser */
    async signOut(headers: Headers): Promise<string> {
      const session = sessionIn(headers)
      if (session) await ended.end(session.id)
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
    seal,
  }
}

/** What was closed for one use does not open for another. */
function sealer(key: Buffer) {
  return {
    close(use: string, value: unknown): string {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(use))
      const text = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(use: string, text: string): unknown {
      const bytes = Buffer.from(text, 'base64url')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
        decipher.setAAD(Buffer.from(use)).setAuthTag(bytes.subarray(12, 28))
        return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString())
      } catch {
        return undefined
      }
    },
  }
}
