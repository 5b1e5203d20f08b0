/**
 * Who may see the admin pages: who has the token, as bearer or as a session that a form began with it. A session is a
 * signed cookie, so that every process of the bot knows it; those that were ended are kept.
 */

import { createHash, randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import { hour } from '../../core/model/time.ts'
import { isSameSecret } from '../requests.ts'

type Admission =
  | { kind: 'in' }
  | { kind: 'stranger' }
  | { kind: 'wrong-token' }
  /** Wrong, too, while too many wrong tokens are being answered. */
  | { kind: 'busy' }

export interface AccessOptions {
  token: string
  /** Sessions that somebody signed out of, for all processes: a copy of the cookie is good for nothing then. */
  ended: { end(session: string): Promise<void>; hasEnded(session: string): Promise<boolean> }
  now(): number
  /** ms until a wrong token is answered. */
  slowness?: number
}

/** ms */
const sessionLasts = hour
const adminCookie = 'codex_admin'

/** Wrong tokens that are answered slowly at once. The right one never waits for those of others. */
const mostSignIns = 10

export function openAccess({ token, ended, now, slowness = 1_000 }: AccessOptions) {
  const key = createHash('sha256').update(`admin session ${token}`).digest()
  let wrong = 0

  async function judge(given: string): Promise<'right' | 'wrong-token' | 'busy'> {
    if (isSameSecret(given, token)) return 'right'
    if (wrong >= mostSignIns) return 'busy'
    wrong += 1
    await new Promise(resolve => setTimeout(resolve, slowness))
    wrong -= 1
    return 'wrong-token'
  }

  const optionsOf = (c: Context) =>
    ({
      path: '/admin/',
      httpOnly: true,
      sameSite: 'Strict',
      secure: isHttps(c.req.raw.headers),
    }) as const

  /** Its id. */
  async function sessionIn(c: Context) {
    const [id, until] = ((await getSignedCookie(c, key, adminCookie)) || '').split('.')
    return Number(until) > now() ? id : undefined
  }

  return {
    async admit(c: Context): Promise<Admission> {
      const session = await sessionIn(c)
      if (session !== undefined && !(await ended.hasEnded(session))) return { kind: 'in' }
      const [, bearer] = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '') ?? []
      if (bearer === undefined) return { kind: 'stranger' }
      const kind = await judge(bearer)
      return { kind: kind === 'right' ? 'in' : kind }
    },
    /** Sets the cookie of a new session, if the token is right. */
    async signIn(c: Context, given: string) {
      const kind = await judge(given)
      if (kind !== 'right') return kind
      const session = `${randomBytes(18).toString('base64url')}.${now() + sessionLasts}`
      await setSignedCookie(c, adminCookie, session, key, {
        ...optionsOf(c),
        maxAge: sessionLasts / 1_000,
      })
      return 'signed-in'
    },
    async signOut(c: Context) {
      const session = await sessionIn(c)
      if (session !== undefined) await ended.end(session)
      deleteCookie(c, adminCookie, optionsOf(c))
    },
  }
}

/** Whoever forges the header gets a cookie that only https sends. */
const isHttps = (headers: Headers) =>
  /^https\b/i.test(headers.get('x-forwarded-proto') ?? '') ||
  /^https:/i.test(headers.get('origin') ?? '')
