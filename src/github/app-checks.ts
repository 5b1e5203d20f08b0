import { z } from 'zod'
import { type Check, found, passed, unanswered } from '../core/model/check.ts'
import { Rejected } from '../core/model/errors.ts'
import type { GitHubApp } from './app-client.ts'
import { checkDeliveries } from './delivery-checks.ts'
import { checkTolerantly, wordsOf } from './tolerant-check.ts'

export interface Wanted {
  permissions: Readonly<Record<string, string>>
  events: readonly string[]
}

const AppView = z.object({
  id: z.number(),
  name: z.string(),
  owner: z.object({ login: z.string() }).nullish(),
  permissions: z.record(z.string(), z.string()).default({}),
  events: z.array(z.string()).default([]),
})
type AppView = z.infer<typeof AppView>

const Installations = z.array(
  z.object({
    account: z.object({ login: z.string() }).nullish(),
    suspended_at: z.string().nullish(),
    permissions: z.record(z.string(), z.string()).default({}),
  }),
)

const Granted = AppView.pick({ permissions: true, events: true })

const HookConfig = z.object({
  url: z.string().optional(),
  insecure_ssl: z.union([z.string(), z.number()]).optional(),
})

async function checkIdentity(
  app: GitHubApp,
  now: () => number,
): Promise<{ checks: Check[]; view?: AppView }> {
  try {
    const { data, headers } = await app.asApp('GET /app')
    const view = AppView.parse(data)
    const whose = view.owner ? ` of ${view.owner.login}` : ''
    return {
      checks: [passed('github-app', `${view.name} (App ${view.id})${whose}`), clock(headers.date, now())],
      view,
    }
  } catch (error) {
    return { checks: [noApp(error)] }
  }
}

/** ms. GitHub refuses tokens from its future, and long-lived ones. */
const maxSkew = 30_000

function clock(date: string | undefined, now: number): Check {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return passed('clock', 'GitHub did not tell the time')
  const apart = Math.round((now - theirs) / 1000)
  return Math.abs(apart) * 1000 > maxSkew
    ? found(
        'clock',
        `this machine is ${Math.abs(apart)} s ${apart > 0 ? 'ahead of' : 'behind'} GitHub`,
        'Set the clock, e.g. by turning on NTP (`timedatectl set-ntp true`).',
      )
    : passed('clock', `${Math.abs(apart)} s apart from GitHub`)
}

function noApp(error: unknown): Check {
  if (error instanceof Rejected && (error.status === 401 || error.status === 403))
    return found(
      'github-app',
      `GitHub does not take this key for this App: ${error.message}`,
      'APP_ID must be the number on the App’s settings page, and PRIVATE_KEY a key that was generated there and not deleted since.',
    )
  if (error instanceof Rejected && error.status === 404)
    return found(
      'github-app',
      'GitHub has no such App',
      'Set APP_ID to the number on the App’s settings page; for an Enterprise Server set GHE_HOST, too.',
    )
  return unanswered(
    'github-app',
    `GitHub could not be asked: ${wordsOf(error)}`,
    'Check GITHUB_API_URL or GHE_HOST, and that this machine reaches it (HTTPS_PROXY, if there is a proxy).',
  )
}

export async function checkGitHub(app: GitHubApp, wanted: Wanted, now: () => number): Promise<Check[]> {
  const { checks, view } = await checkIdentity(app, now)
  if (!view) return checks
  const [installations, address, deliveries] = await Promise.all([
    checkInstallations(app, wanted),
    checkAddress(app),
    checkDeliveries(app),
  ])
  return [...checks, ...checkGrants(view, wanted), installations, address, ...deliveries]
}

export async function checkInstallation(
  app: GitHubApp,
  installationId: number,
  { wanted, now }: { wanted: Wanted; now: () => number },
): Promise<Check[]> {
  try {
    const route = 'GET /app/installations/{installation_id}'
    const { data, headers } = await app.asApp(route, { installation_id: installationId })
    const deliveries = await checkDeliveries(app)
    return [...checkGrants(Granted.parse(data), wanted), clock(headers.date, now()), ...deliveries]
  } catch (error) {
    return [noApp(error)]
  }
}

export async function checkApp(app: GitHubApp, wanted: Wanted, now: () => number): Promise<Check[]> {
  const { checks, view } = await checkIdentity(app, now)
  if (!view) return checks
  const deliveries = await checkDeliveries(app)
  const secret = deliveries.filter(({ name }) => name === 'webhook-secret')
  return [...checks, ...checkGrants(view, wanted), ...secret]
}

const levels = ['none', 'read', 'write', 'admin']

const lacking = (granted: Record<string, string>, { permissions }: Wanted): string[] =>
  Object.entries(permissions)
    .filter(([name, level]) => levels.indexOf(granted[name] ?? 'none') < levels.indexOf(level))
    .map(([name, level]) => `${name}: ${level}`)

function checkGrants(view: Pick<AppView, 'permissions' | 'events'>, wanted: Wanted): Check[] {
  const permissions = lacking(view.permissions, wanted)
  const events = wanted.events.filter(event => !view.events.includes(event))
  return [
    permissions.length > 0
      ? found(
          'github-permissions',
          `the App lacks ${permissions.join(', ')}`,
          'Grant them on the App’s settings page under “Permissions & events”; every installation then has to accept them.',
        )
      : passed('github-permissions', Object.keys(wanted.permissions).join(', ')),
    events.length > 0
      ? found(
          'github-events',
          `the App does not subscribe to ${events.join(', ')}`,
          'Tick them on the App’s settings page under “Permissions & events”.',
        )
      : passed('github-events', wanted.events.join(', ')),
  ]
}

function checkInstallations(app: GitHubApp, wanted: Wanted): Promise<Check> {
  return checkTolerantly('github-installations', async () => {
    const { data } = await app.asApp('GET /app/installations', { per_page: 100 })
    const installations = Installations.parse(data)
    const names = (of: typeof installations): string =>
      of.map(({ account }) => account?.login ?? 'unknown').join(', ')
    if (installations.length === 0)
      return found(
        'github-installations',
        'the App is installed nowhere',
        'Install it from its public page, on the repositories that are to have it.',
      )
    const suspended = installations.filter(({ suspended_at }) => suspended_at)
    if (suspended.length > 0)
      return found(
        'github-installations',
        `suspended for ${names(suspended)}`,
        'An owner can unsuspend it under Settings ▸ GitHub Apps.',
      )
    const behind = installations.filter(({ permissions }) => lacking(permissions, wanted).length > 0)
    if (behind.length > 0)
      return found(
        'github-installations',
        `${names(behind)} did not accept the App’s permissions`,
        'An owner has to accept them under Settings ▸ GitHub Apps ▸ Review request.',
      )
    return passed('github-installations', names(installations))
  })
}

function checkAddress(app: GitHubApp): Promise<Check> {
  return checkTolerantly('webhook-address', async () => {
    const { url, insecure_ssl } = HookConfig.parse((await app.asApp('GET /app/hook/config')).data)
    if (!url)
      return found(
        'webhook-address',
        'the App has no webhook address, so GitHub tells the bot nothing',
        'Set it on the App’s settings page to https://<this bot>/api/github/webhooks.',
      )
    if (String(insecure_ssl) === '1')
      return found(
        'webhook-address',
        `${url} is called without checking its certificate`,
        'Turn “SSL verification” on, on the App’s settings page.',
      )
    return passed('webhook-address', url)
  })
}
