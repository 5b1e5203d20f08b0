/**
 * Who may see the admin pages: who has the token, as bearer or as a session that a form began with it. A session is a
 * signed cookie, so that every process of the bot knows it and none has to keep it.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { hour } from '../../core/model/time.ts'

type Admission =
  /** `session`: what its forms are bound to; a request with the bearer token has none. */
  | { kind: 'in'; session: string | undefined }
  | { kind: 'stranger' }
  | { kind: 'wrong-token' }
  /** Too many wrong tokens are being answered: this one was not looked at. */
  | { kind: 'busy' }

export interface Access {
  admit(headers: Headers): Promise<Admission>
  /** @returns the cookie of a new session, as `set-cookie` has it */
  signIn(token: string, headers: Headers): Promise<Exclude<Admission, { kind: 'in' }> | SignedIn>
  signOut(headers: Headers): string
  /** For one form of a session. Each is another, so that what is sent twice can be known. */
  formToken(session: string): string
  /** @returns what tells this form from all others, or nothing if it is no form of this session */
  formOf(session: string, token: string): string | undefined
}

interface SignedIn {
  kind: 'signed-in'
  cookie: string
}

interface AccessOptions {
  token: string
  now(): number
  /** ms until a wrong token is answered. */
  slowness?: number
}

/** ms */
const lasts = hour
const cookieName = 'codex_admin'

/** Wrong tokens that are answered slowly at once. Beyond them none is looked at, so nobody tries more in that time. */
const mostAtOnce = 10

export function openAccess({ token, now, slowness = 1_000 }: AccessOptions): Access {
  const key = createHash('sha256').update(`admin session ${token}`).digest()
  const signed = (text: string): string => createHmac('sha256', key).update(text).digest('base64url')
  let wrong = 0

  async function judge(given: string): Promise<'right' | 'wrong-token' | 'busy'> {
    if (wrong >= mostAtOnce) return 'busy'
    if (isSame(given, token)) return 'right'
    wrong += 1
    try {
      await new Promise(resolve => setTimeout(resolve, slowness))
    } finally {
      wrong -= 1
    }
    return 'wrong-token'
  }

  const cookieFor = (value: string, seconds: number, headers: Headers): string =>
    [
      `${cookieName}=${value}`,
      'HttpOnly',
      'SameSite=Strict',
      'Path=/admin/',
      `Max-Age=${seconds}`,
      ...(isHttps(headers) ? ['Secure'] : []),
    ].join('; ')

  function sessionIn(headers: Headers): string | undefined {
    for (const [, session = '', until = '', signature = ''] of (headers.get('cookie') ?? '').matchAll(cookie))
      if (Number(until) > now() && isSame(signature, signed(`session ${session}.${until}`))) return session
    return undefined
  }

  return {
    async admit(headers) {
      const session = sessionIn(headers)
      if (session !== undefined) return { kind: 'in', session }
      const [, bearer] = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '') ?? []
      if (bearer === undefined) return { kind: 'stranger' }
      const kind = await judge(bearer)
      return kind === 'right' ? { kind: 'in', session: undefined } : { kind }
    },
    async signIn(given, headers) {
      const kind = await judge(given)
      if (kind !== 'right') return { kind }
      const session = randomBytes(18).toString('base64url')
      const until = String(now() + lasts)
      const value = `${session}.${until}.${signed(`session ${session}.${until}`)}`
      return { kind: 'signed-in', cookie: cookieFor(value, lasts / 1_000, headers) }
    },
    signOut: headers => cookieFor('', 0, headers),
    formToken(session) {
      const form = randomBytes(12).toString('base64url')
      return `${form}.${signed(`form ${session} ${form}`)}`
    },
    formOf(session, given) {
      const [form = '', signature = ''] = given.split('.')
      return isSame(signature, signed(`form ${session} ${form}`)) ? form : undefined
    },
  }
}

const cookie = new RegExp(`(?:^|; ?)${cookieName}=([\\w-]{1,64})\\.(\\d{1,16})\\.([\\w-]{43})(?=;|$)`, 'g')

/** Whoever forges the header gets a cookie that only https sends. */
const isHttps = (headers: Headers): boolean =>
  /^https\b/i.test(headers.get('x-forwarded-proto') ?? '') || /^https:/i.test(headers.get('origin') ?? '')

/**
 * Sent by a page of ours. A browser names the page's origin; where it does not, it says that it is the same. No page of
 * others can set either.
 */
export function isFromHere(headers: Headers): boolean {
  const origin = headers.get('origin')
  if (origin === null) return headers.get('sec-fetch-site') === 'same-origin'
  if (!URL.canParse(origin)) return false
  const hosts = [headers.get('host'), headers.get('x-forwarded-host')]
  return hosts.includes(new URL(origin).host)
}

/** In constant time. */
const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
