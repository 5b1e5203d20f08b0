/** What GitHub is asked for the App that it makes: its docs, "Registering a GitHub App from a manifest". */
import { z } from 'zod'
import type { Problems, Values } from './set-up-form.ts'

export interface AppWishes {
  permissions: Readonly<Record<string, string>>
  /** Granted only if settings are to name teams. */
  forTeams: Readonly<Record<string, string>>
  reasons: Readonly<Record<string, string>>
  events: readonly string[]
}

export function manifestOf(values: Values, wanted: AppWishes, callback: string) {
  return {
    name: values.name,
    url: 'https://posthog.com/docs/tasks',
    description:
      'Turns /codex comments and labels into PostHog task runs on Codex, and brings back the pull request.',
    public: false,
    redirect_url: callback,
    // Without a webhook that is active, GitHub keeps no log of deliveries.
    hook_attributes: { url: values.webhook || nowhere, active: true },
    default_permissions: { ...wanted.permissions, ...(values.teams === '' ? {} : wanted.forTeams) },
    default_events: wanted.events,
  }
}

/** RFC 2606: no name below `.invalid` ever exists. */
const nowhere = 'https://codex.invalid/'

type Server = ReturnType<typeof serverOf>

export function serverOf({ enterprise }: Pick<Values, 'enterprise'>, protocol: string) {
  if (enterprise === '') return { web: 'https://github.com', api: 'https://api.github.com' }
  return { web: `${protocol}://${enterprise}`, api: `${protocol}://${enterprise}/api/v3` }
}

export const newAppAddress = (
  { web }: Server,
  { organization }: Pick<Values, 'organization'>,
  state: string,
): string =>
  `${web}${organization === '' ? '' : `/organizations/${organization}`}/settings/apps/new?state=${state}`

const NewApp = z.object({
  id: z.number().int(),
  name: z.string(),
  html_url: z.string(),
  pem: z.string(),
  webhook_secret: z.string().nullish(),
})
export type NewApp = z.infer<typeof NewApp>

/** What GitHub shows to be wrong in what was entered for it. Only a clear answer counts against an organization. */
export async function problemsAtGitHub(
  { api }: Server,
  { enterprise, organization }: Values,
): Promise<Problems> {
  if (enterprise !== '' && [undefined, 404].includes(await statusAt(`${api}/meta`)))
    return { enterprise: 'No GitHub Enterprise Server answers at this host.' }
  if (organization !== '' && (await statusAt(`${api}/orgs/${organization}`)) === 404)
    return {
      organization: 'There is no organization of this name. For your own account, leave it empty.',
    }
  return {}
}

const userAgent = { 'user-agent': 'codex-task-bot' }

/** The status of an answer that is JSON, as GitHub's are. */
async function statusAt(address: string): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(5_000)
    const { headers, status } = await fetch(address, { headers: userAgent, signal })
    return headers.get('content-type')?.includes('json') ? status : undefined
  } catch {
    return undefined
  }
}

/** @throws an error with GitHub's response; a code works once, within an hour */
export async function redeem({ api }: Server, code: string): Promise<NewApp> {
  const response = await fetch(`${api}/app-manifests/${encodeURIComponent(code)}/conversions`, {
    method: 'POST',
    headers: { accept: 'application/vnd.github+json', ...userAgent },
    signal: AbortSignal.timeout(15_000),
  })
  const parsed = NewApp.safeParse(await response.json().catch(() => undefined))
  if (response.ok && parsed.success) return parsed.data
  throw new Error(
    `GitHub answered ${response.status} when the bot asked for the new App. Its code works once, and only for an hour. Begin again at /set-up.`,
  )
}
