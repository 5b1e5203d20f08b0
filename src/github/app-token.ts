/** The App's own token, and its name. They need no Octokit, which a process that only takes webhooks does not load. */
import { createSign } from 'node:crypto'
import { z } from 'zod'

/** s, for a clock of ours that is fast. */
const backdated = 60
/** s; GitHub allows ten minutes. */
const lasts = 8 * 60

export interface AppSettings {
  id: number
  privateKey: string
  apiUrl: string
}

export type AppToken = ReturnType<typeof appToken>

/** The App's JWT. Source: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App". */
export function appToken(
  { id, privateKey }: Pick<AppSettings, 'id' | 'privateKey'>,
  now: () => number,
) {
  let ahead = 0
  return {
    async make(): Promise<{ jwt: string; expiresAt: string }> {
      const at = Math.floor((now() + ahead) / 1_000)
      const claims = { iat: at - backdated, exp: at + lasts, iss: String(id) }
      const head = [{ alg: 'RS256', typ: 'JWT' }, claims]
        .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      const signature = createSign('RSA-SHA256').update(head).sign(privateKey, 'base64url')
      return {
        jwt: `${head}.${signature}`,
        expiresAt: new Date((claims.exp - ahead / 1_000) * 1_000).toISOString(),
      }
    },
    /** Corrects the clock by a response; true if that was refused for the clock, so that a new token may help. */
    isLate({ status, message, date }: { status: number; message: string; date: unknown }) {
      const theirs = Date.parse(String(date))
      if (
        status !== 401 ||
        !/'(?:Issued at|Expiration time)' claim/.test(message) ||
        Number.isNaN(theirs)
      )
        return false
      ahead = theirs - now()
      return true
    },
  }
}

/** ms */
const patience = 3_000

const App = z.object({ slug: z.string().regex(/^[a-z\d-]{1,100}$/i) })
const Refusal = z.object({ message: z.string() })

/**
 * How people mention the App.
 * @returns `undefined` if GitHub does not say
 */
export function appName(
  settings: AppSettings,
  now: () => number,
): () => Promise<string | undefined> {
  const token = appToken(settings, now)
  return async () => {
    const { jwt } = await token.make()
    const response = await fetch(`${settings.apiUrl}/app`, {
      headers: { authorization: `Bearer ${jwt}`, accept: 'application/vnd.github+json' },
      signal: AbortSignal.timeout(patience),
    })
    const data: unknown = await response.json()
    const { status } = response
    const message = Refusal.safeParse(data).data?.message ?? ''
    // Where our clock is wrong, the next try has a token for theirs.
    if (!response.ok) token.isLate({ status, message, date: response.headers.get('date') })
    return App.safeParse(data).data?.slug
  }
}
