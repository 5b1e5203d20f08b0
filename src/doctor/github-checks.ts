/** The App, its address, what it was granted, and the token for `--as-user`. */
import { z } from 'zod'
import type { Config } from '../config.ts'
import { type Check, type CheckName, judged, passedCheck } from '../core/model/check.ts'
import type { GitHubApp } from '../github/app-client.ts'
import { wantedOfApp } from '../github/app-manifest.ts'
import { Account, accountName, allInstallations } from '../github/installations.ts'
import { faultIn, newOctokit } from '../github/request-rules.ts'
import { answered, type Question } from './answered.ts'

const AppShown = z.object({
  id: z.number(),
  name: z.string(),
  owner: Account.nullish(),
  permissions: z.record(z.string(), z.string()).default({}),
  events: z.array(z.string()).default([]),
})

const Granted = AppShown.pick({ permissions: true, events: true })
type Granted = z.infer<typeof Granted>

const HookConfig = z.object({ url: z.string().optional() })

type Further = (app: GitHubApp) => Promise<Check[]>

/** @param further asked if GitHub knows the App: without that they have nothing to say */
export function checkApp(app: GitHubApp, further: readonly Further[]): Promise<Check[]> {
  return answered(ofTheApp, async () => {
    const view = AppShown.parse((await app.asApp('GET /app')).data)
    const whose = view.owner ? ` of ${accountName(view.owner)}` : ''
    const identity = passedCheck('github-app', `${view.name} (App ${view.id})${whose}`)
    const others = await Promise.all(further.map(check => check(app)))
    return [identity, ...checkGrants(view), ...others.flat()]
  })
}

export function checkInstallation(
  app: GitHubApp,
  installationId: number,
  further: Further,
): Promise<Check[]> {
  return answered(ofTheApp, async () => {
    const route = 'GET /app/installations/{installation_id}'
    const { data } = await app.asApp(route, { installation_id: installationId })
    return [...checkGrants(Granted.parse(data)), ...(await further(app))]
  })
}

const ofTheApp: Question = {
  name: 'github-app',
  service: 'github',
  fix: 'Check GITHUB_API_URL or GHE_HOST. Check that this machine can reach it, through the proxy of HTTPS_PROXY if that is set.',
  refused(status) {
    if (status === 404)
      return [
        'GitHub does not know this App',
        'Set APP_ID to the number on the App’s settings page. For an Enterprise Server, also set GHE_HOST.',
      ]
    if (status === 401 || status === 403)
      return [
        'GitHub does not accept this key for this App',
        'APP_ID must be the number on the App’s settings page. PRIVATE_KEY must be a key that was generated there and was not deleted.',
      ]
    return undefined
  },
}

const levels = ['none', 'read', 'write', 'admin']

const lacking = (granted: Record<string, string>) =>
  Object.entries(wantedOfApp.permissions)
    .filter(([name, level]) => levels.indexOf(granted[name] ?? 'none') < levels.indexOf(level))
    .map(([name, level]) => `${name}: ${level}`)

function checkGrants(granted: Granted): Check[] {
  const permissions = lacking(granted.permissions)
  const events = wantedOfApp.events.filter(event => !granted.events.includes(event))
  const where = 'on the App’s settings page under “Permissions & events”.'
  const add = `Add them ${where} Then every installation must accept them.`
  const lacks = `the App lacks ${permissions.join(', ')}`
  const deaf = `the App does not subscribe to ${events.join(', ')}`
  return [
    judged(
      'github-permissions',
      [[permissions.length > 0, lacks, add]],
      Object.keys(wantedOfApp.permissions).join(', '),
    ),
    judged(
      'github-events',
      [[events.length > 0, deaf, `Select them ${where}`]],
      wantedOfApp.events.join(', '),
    ),
  ]
}

export const questionOf = (name: CheckName): Question => ({
  name,
  service: 'github',
  fix: 'Run this again. If it happens again, look at the log of the bot.',
})

export function checkInstallations(app: GitHubApp): Promise<Check[]> {
  return answered(questionOf('github-installations'), async () => {
    const installations = await allInstallations(app)
    const names = (of: typeof installations) =>
      of.map(({ account }) => accountName(account)).join(', ')
    const suspended = installations.filter(({ suspended_at }) => suspended_at)
    const behind = installations.filter(({ permissions }) => lacking(permissions).length > 0)
    const install = 'Install it on your repositories, from the App’s page on GitHub.'
    const unsuspend = 'An owner can unsuspend it: Settings ▸ GitHub Apps.'
    const accept = 'An owner must accept them: Settings ▸ GitHub Apps ▸ Review request.'
    return judged(
      'github-installations',
      [
        [installations.length === 0, 'the App is not installed anywhere', install],
        [suspended.length > 0, `suspended for ${names(suspended)}`, unsuspend],
        [behind.length > 0, `${names(behind)} did not accept the App’s permissions`, accept],
      ],
      names(installations),
    )
  })
}

export const checkAddress =
  ({ webhooks }: Pick<Config, 'webhooks'>) =>
  (app: GitHubApp) =>
    answered(questionOf('webhook-address'), async () => {
      const { url } = HookConfig.parse((await app.asApp('GET /app/hook/config')).data)
      const isPolling = webhooks === 'poll'
      return judged(
        'webhook-address',
        [
          [
            !url && isPolling,
            'the App has no webhook, so GitHub logs nothing for the bot to read',
            'On the App’s settings page, below “Webhook”, enable “Active”, with an address that does not exist, such as https://codex.invalid/.',
          ],
          [
            !url,
            'the App has no webhook address, so GitHub sends nothing to the bot',
            'Set it on the App’s settings page to https://<this bot>/api/github/webhooks.',
          ],
        ],
        isPolling ? `not needed, since WEBHOOKS=poll; the App has ${url}` : `${url}`,
      )
    })

/** ms */
const answersWithin = 10_000

export async function checkUserToken({ app, posthog }: Config): Promise<Check[]> {
  const token = posthog?.userToken
  return token === undefined
    ? []
    : answered(ofTheToken, async () => {
        const user = newOctokit(app.apiUrl).request('GET /user', {
          headers: { authorization: `token ${token}` },
          request: { signal: AbortSignal.timeout(answersWithin) },
        })
        const { data } = await user.catch(error => {
          throw faultIn(error, Date.now())
        })
        return passedCheck(
          ofTheToken.name,
          `of ${z.object({ login: z.string() }).parse(data).login}`,
        )
      })
}

const ofTheToken: Question = {
  name: 'github-user-token',
  service: 'github',
  fix: 'Run this again. CODEX_GITHUB_USER_TOKEN could not be tried.',
  refused: status =>
    status === 401
      ? [
          'GitHub does not accept the token in CODEX_GITHUB_USER_TOKEN',
          'Set CODEX_GITHUB_USER_TOKEN to a token that has not expired, or leave it out: `--as-user` then works as the user of the PostHog key.',
        ]
      : undefined,
}
