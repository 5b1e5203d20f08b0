/**
 * Sign-in with GitHub: the browser goes there and back with a state that only it and this bot know, and a PKCE challenge.
 * Whoever comes back sees the repositories that GitHub says they administer, asked again every few minutes.
 */

import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Repository } from '../../core/model/thread.ts'
import { minute } from '../../core/model/time.ts'
import { NewestMap } from '../../core/text/newest-map.ts'
import { cookie, cookiesIn, isSameSecret } from '../requests.ts'
import type { Access, Person } from './access.ts'

/** What GitHub does for it. */
export interface GitHubSignIn {
  /** The origin of its pages. */
  web: string
  pageFor(asked: { state: string; challenge: string; back: string }): string
  redeem(given: { code: string; verifier: string; back: string }): Promise<string | undefined>
  about(token: string): Promise<Administrator | undefined>
  forget(token: string): Promise<void>
}

export interface Administrator {
  login: string
  id: number
  repositories: readonly Repository[]
}

export const callbackPath = '/admin/sign-in/github'
const cookieName = 'codex_admin_state'

const Journey = z.object({ state: z.string(), verifier: z.string(), back: z.string(), until: z.number() })

/** ms, as long as a code of GitHub's is good. */
const journeyLasts = 10 * minute
const believed = 3 * minute
const maxKept = 1_000
/** Returns that are being looked at; what comes beside them is turned away. */
const mostAtOnce = 10

type Returned =
  | { kind: 'signed-in'; person: Person; cookies: string[]; isSecure: boolean }
  | { kind: 'not-expected' | 'not-agreed' | 'busy' }

export function gitHubLogin(github: GitHubSignIn, { seal }: Pick<Access, 'seal'>, now: () => number) {
  const kept = new NewestMap<string, { at: number; about: Promise<Administrator | undefined> }>(maxKept)
  let underWay = 0

  // Strict, it would not come back from GitHub.
  const journeyCookie = (value: string, ms: number, back: string): string =>
    cookie({
      ...{ name: cookieName, value, ms, path: callbackPath, sameSite: 'Lax' },
      isSecure: isSecure(back),
    })

  async function finish(query: URLSearchParams, headers: Headers): Promise<Returned> {
    const [sealed = ''] = cookiesIn(headers, cookieName)
    const journey = Journey.safeParse(seal.open('journey', sealed)).data
    const code = query.get('code') ?? ''
    if (!journey || journey.until <= now() || !isSameSecret(query.get('state') ?? '', journey.state))
      return { kind: 'not-expected' }
    const token = code === '' ? undefined : await github.redeem({ ...journey, code })
    const found = token === undefined ? undefined : await github.about(token)
    if (token === undefined || !found) return { kind: 'not-agreed' }
    const person = { login: found.login, id: found.id, token }
    const { back } = journey
    return { kind: 'signed-in', person, cookies: [journeyCookie('', 0, back)], isSecure: isSecure(back) }
  }

  return {
    web: github.web,

    /** @param origin of the page that the browser is on */
    begin(origin: string): { page: string; cookie: string } {
      const [state, verifier] = [randomBytes(24).toString('base64url'), randomBytes(32).toString('base64url')]
      const back = origin + callbackPath
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      const sealed = seal.close('journey', { state, verifier, back, until: now() + journeyLasts })
      return {
        page: github.pageFor({ state, challenge, back }),
        cookie: journeyCookie(sealed, journeyLasts, back),
      }
    },

    async finish(query: URLSearchParams, headers: Headers): Promise<Returned> {
      if (underWay >= mostAtOnce) return { kind: 'busy' }
      underWay += 1
      try {
        return await finish(query, headers)
      } finally {
        underWay -= 1
      }
    },

    /**
     * @param how what changes something is done by what GitHub says now
     * @returns nothing when GitHub does not know the sign-in any more
     */
    async about({ token }: Person, how: 'lately' | 'now'): Promise<Administrator | undefined> {
      const known = kept.get(token)
      if (how === 'lately' && known && now() - known.at < believed) return known.about
      const about = github.about(token)
      kept.set(token, { at: now(), about })
      try {
        return await about
      } catch (error) {
        if (kept.get(token)?.about === about) kept.delete(token)
        throw error
      }
    },

    async forget({ token }: Person): Promise<void> {
      kept.delete(token)
      await github.forget(token)
    },
  }
}

const isSecure = (address: string): boolean => address.startsWith('https:')

export type GitHubLogin = ReturnType<typeof gitHubLogin>
