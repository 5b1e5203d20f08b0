import { z } from 'zod'
import type { AppSettings } from './app-client.ts'
import { appToken } from './app-token.ts'

/** ms */
const patience = 3_000

const App = z.object({ slug: z.string().regex(/^[a-z\d-]{1,100}$/i) })
const Refusal = z.object({ message: z.string() })

/**
 * How people mention the App. It needs no Octokit, which a process that only takes webhooks does not load.
 * @returns `undefined` if GitHub does not say
 */
export function appName(settings: AppSettings, now: () => number): () => Promise<string | undefined> {
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
