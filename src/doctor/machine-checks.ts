/** What only this machine and GitHub know of single variables: HOST, and the token for `--as-user`. */
import { createServer } from 'node:net'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { type Check, found, passed, unanswered } from '../core/model/check.ts'
import { describe, unansweredBy } from '../core/model/errors.ts'
import { httpError, newOctokit } from '../github/request-rules.ts'
/** Whether a server could listen there. */
export const checkHost = ({ server: { host } }: Config): Promise<Check[]> =>
  new Promise(resolve => {
    const probe = createServer()
    probe.once('error', error =>
      resolve([
        found(
          'host',
          `HOST is ${host}, and nothing can listen there: ${describe(error)}`,
          'Set HOST to an address of this machine, to localhost, or to 0.0.0.0 for all of its addresses.',
        ),
      ]),
    )
    probe.listen({ host, port: 0 }, () => probe.close(() => resolve([passed('host', host)])))
  })

/** ms */
const answersWithin = 10_000

export async function checkUserToken({ app, posthog }: Config): Promise<Check[]> {
  const token = posthog?.userToken
  if (token === undefined) return []
  const name = 'github-user-token'
  try {
    const { data } = await newOctokit(app.apiUrl).request('GET /user', {
      headers: { authorization: `token ${token}` },
      request: { signal: AbortSignal.timeout(answersWithin) },
    })
    return [passed(name, `of ${z.object({ login: z.string() }).parse(data).login}`)]
  } catch (error) {
    if (httpError(error)?.status === 401)
      return [
        found(
          name,
          'GitHub does not accept the token in CODEX_GITHUB_USER_TOKEN',
          'Set CODEX_GITHUB_USER_TOKEN to a token that has not expired, or leave it out: `--as-user` then works as the user of the PostHog key.',
        ),
      ]
    const fix = 'Run this again. CODEX_GITHUB_USER_TOKEN could not be tried.'
    return [unanswered(name, unansweredBy('github', error), fix)]
  }
}
