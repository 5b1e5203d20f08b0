/**
 * Sign-in of people with the App, and what they administer. Source: GitHub's docs, "Generating a user access token for a
 * GitHub App" and "REST API endpoints for GitHub App installations".
 */
import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import { limitGate } from '../core/model/call-budget.ts'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import { limited, newOctokit } from './request-rules.ts'
import { repositoryOf } from './webhooks/event.ts'

export interface OAuthSettings {
  apiUrl: string
  clientId: string
  clientSecret: string
}

const Redeemed = z.union([
  z.object({ access_token: z.string().min(1) }).transform(({ access_token }) => access_token),
  z.object({ error: z.string() }).transform(() => undefined),
])

/** ms */
const timeLimit = 10_000
const perPage = 100

export function userAccess({ apiUrl, clientId, clientSecret }: OAuthSettings, now: () => number) {
  // `https://api.github.com`, `https://api.octocorp.ghe.com`, `https://github.example.com/api/v3`
  const web = apiUrl.replace(/\/api\/v3$/, '').replace(/^(https?:\/\/)api\./, '$1')
  const clientWith = (token: string): Octokit => {
    const watch = { now, meter: undefined, whose: 'person', gate: limitGate(now) }
    return limited(newOctokit(apiUrl), watch, async () => token)
  }
  const send = async (address: string, method: string, headers: object, body: string): Promise<Response> => {
    const all = { 'user-agent': 'codex-task-bot', ...headers }
    try {
      return await fetch(address, { method, headers: all, body, signal: AbortSignal.timeout(timeLimit) })
    } catch (error) {
      throw new NoResponse('github', 'GitHub did not answer', { cause: error })
    }
  }

  return {
    web: new URL(web).origin,

    /** Where a person agrees. @param back where the browser goes then, as it is registered for the App */
    pageFor({ state, challenge, back }: { state: string; challenge: string; back: string }): string {
      const query = new URLSearchParams({
        ...{ client_id: clientId, redirect_uri: back, state },
        ...{ code_challenge: challenge, code_challenge_method: 'S256', allow_signup: 'false' },
      })
      return `${web}/login/oauth/authorize?${query}`
    },

    /** @returns a token of the person, or nothing for a code that GitHub does not take */
    async redeem(given: { code: string; verifier: string; back: string }): Promise<string | undefined> {
      const { code, verifier: code_verifier, back: redirect_uri } = given
      const fields = { client_id: clientId, client_secret: clientSecret, code, code_verifier, redirect_uri }
      const form = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams(fields).toString()
      const response = await send(`${web}/login/oauth/access_token`, 'POST', form, body)
      const read = Redeemed.safeParse(await response.json().catch(() => undefined))
      if (!read.success) throw new NoResponse('github', `GitHub answered ${response.status}`)
      return read.data
    },

    /** Where the App is installed and they have the role admin; nothing for a token that GitHub takes no more. */
    async about(token: string) {
      const client = clientWith(token)
      try {
        const [{ data: user }, installations] = await Promise.all([
          client.rest.users.getAuthenticated(),
          client.paginate(client.rest.apps.listInstallationsForAuthenticatedUser, { per_page: perPage }),
        ])
        const found = await Promise.all(
          installations
            .filter(({ suspended_at }) => !suspended_at)
            .map(async ({ id }) => {
              const route = client.rest.apps.listInstallationReposForAuthenticatedUser
              const all = await client.paginate(route, { installation_id: id, per_page: perPage })
              const administered = all.filter(({ permissions }) => permissions?.admin === true)
              return administered.map(each => repositoryOf(id, each))
            }),
        )
        return { login: user.login, id: user.id, repositories: found.flat() }
      } catch (error) {
        if (error instanceof Rejected && error.status === 401) return undefined
        throw error
      }
    },

    /** GitHub takes the token no more. */
    async forget(token: string): Promise<void> {
      const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
      const headers = { authorization, accept: 'application/vnd.github+json' }
      const body = JSON.stringify({ access_token: token })
      await send(`${apiUrl}/applications/${clientId}/token`, 'DELETE', headers, body)
    },
  }
}
