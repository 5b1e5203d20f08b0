import { createSign } from 'node:crypto'

/** s, for a clock of ours that is fast. */
const backdated = 60
/** s; GitHub allows ten minutes. */
const lasts = 8 * 60

export interface AppToken {
  make(): Promise<{ jwt: string; expiresAt: string }>
  /** Corrects the clock by a response; true if that was refused for the clock, so that a new token may help. */
  isLate(response: { status: number; message: string; date: unknown }): boolean
}

/** The App's JWT. Source: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App". */
export function appToken(
  { appId, privateKey }: { appId: number; privateKey: string },
  now: () => number,
): AppToken {
  let ahead = 0
  return {
    async make() {
      const at = Math.floor((now() + ahead) / 1_000)
      const claims = { iat: at - backdated, exp: at + lasts, iss: String(appId) }
      const head = [{ alg: 'RS256', typ: 'JWT' }, claims]
        .map(part => base64url(JSON.stringify(part)))
        .join('.')
      const signature = createSign('RSA-SHA256').update(head).sign(privateKey, 'base64url')
      return {
        jwt: `${head}.${signature}`,
        expiresAt: new Date((claims.exp - ahead / 1_000) * 1_000).toISOString(),
      }
    },
    isLate({ status, message, date }) {
      const theirs = Date.parse(String(date))
      if (status !== 401 || !/'(?:Issued at|Expiration time)' claim/.test(message) || Number.isNaN(theirs))
        return false
      ahead = theirs - now()
      return true
    },
  }
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
