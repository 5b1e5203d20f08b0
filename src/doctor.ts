/** The doctor: asks GitHub, PostHog and the queue all that has to be right before the first user comes. */
import { settingsFile } from './commands/command-registry.ts'
import type { Config } from './config.ts'
import { type Check, found, passed } from './core/model/check.ts'
import { limitGate } from './core/model/limit-gate.ts'
import { isOwner, type Repository, type Thread } from './core/model/thread.ts'
import { problemsText, settingsPath } from './core/settings/repository-settings.ts'
import { redactor } from './core/text/redact.ts'
import { checkApp, checkGitHub, checkInstallation } from './github/app-checks.ts'
import { type GitHubApp, gitHubApp } from './github/app-client.ts'
import { wantedOfApp } from './github/app-manifest.ts'
import { installationsOf } from './github/installations.ts'
import { checkDefaultBranch, checkRepositories, examineRepositories } from './github/repository-checks.ts'
import { checkCoverage, checkKey, checkModel, type Examined } from './posthog/posthog-checks.ts'
import { checkQueue } from './queue/queue-checks.ts'

/** Everything, in some dozen calls. */
export async function examine(config: Config, redact: (text: string) => string): Promise<Check[]> {
  const app = appOf(config)
  const repositories = repositoriesOf(app, redact)
  const [queue, gitHub, postHog, repository] = await Promise.all([
    checkQueue(config.queue),
    checkGitHub(app, wantedOfApp, Date.now),
    config.role === 'web' ? [] : checkPostHogs(config, await repositories),
    repositories.then(all => checkSettings(app, all)),
  ])
  return [...gitHub, ...postHog, ...repository, queue].map(check => redacted(check, redact))
}

/** What a start can afford to ask, and again until all is right. A process that only takes webhooks asks nobody but its queue. */
export async function examineAtStart(config: Config, redact: (text: string) => string): Promise<Check[]> {
  const [queue, gitHub, postHog] = await Promise.all([
    checkQueue(config.queue),
    config.role === 'web' ? [] : checkApp(appOf(config), wantedOfApp, Date.now),
    config.role === 'web' ? [] : eachPostHog(config, ({ access }) => checkAccess(examinedBy(config, access))),
  ])
  return [...gitHub, ...postHog, queue].map(check => redacted(check, redact))
}

/** What an admin of one repository may know of it: nothing of other owners, and of the machine only whether it works. */
export async function examineFor(
  config: Config,
  thread: Thread,
  redact: (text: string) => string,
): Promise<Check[]> {
  const app = appOf(config)
  const own = config.tenants.find(({ owner }) => isOwner(thread, owner))
  const access = own ?? config.posthog
  const [installation, branch, postHog, queue] = await Promise.all([
    checkInstallation(app, thread.installationId, { wanted: wantedOfApp, now: Date.now }),
    checkDefaultBranch(app, thread),
    access ? checkPostHog(examinedBy(config, access), [thread]) : [],
    checkQueue(config.queue),
  ])
  const safe = queue.ok
    ? passed('queue', 'keeps what it is given')
    : found('queue', 'does not keep safe what it is given', 'Whoever runs the bot sees why in its log.')
  return [...installation, branch, ...postHog, safe].map(check => redacted(check, redact))
}

/** A PostHog, and the owner whose own it is. */
interface Asked {
  owner: string | undefined
  access: { host: string; apiKey: string; projectId: string }
}

const postHogsOf = ({ posthog, tenants }: Config): Asked[] => [
  ...(posthog ? [{ owner: undefined, access: posthog }] : []),
  ...tenants.map(({ owner, ...access }) => ({ owner, access })),
]

async function eachPostHog(config: Config, check: (asked: Asked) => Promise<Check[]>): Promise<Check[]> {
  const checks = await Promise.all(
    postHogsOf(config).map(async asked => {
      const { owner } = asked
      const its = await check(asked)
      return owner === undefined ? its : its.map(each => ofOwner(each, owner))
    }),
  )
  return checks.flat()
}

function checkPostHogs(config: Config, repositories: readonly Repository[]): Promise<Check[]> {
  const isServedBy = (repository: Repository, asked: Asked): boolean =>
    asked.owner === config.tenants.find(({ owner }) => isOwner(repository, owner))?.owner
  return eachPostHog(config, asked =>
    checkPostHog(
      examinedBy(config, asked.access),
      repositories.filter(each => isServedBy(each, asked)),
    ),
  )
}

async function checkPostHog(
  examined: Examined,
  repositories: readonly Pick<Repository, 'owner' | 'repo'>[],
): Promise<Check[]> {
  const access = await checkAccess(examined)
  if (!access.every(({ ok }) => ok)) return access
  const names = repositories.map(({ owner, repo }) => `${owner}/${repo}`)
  return [...access, await checkCoverage(examined, names)]
}

async function checkAccess(examined: Examined): Promise<Check[]> {
  const key = await checkKey(examined)
  return key.every(({ ok }) => ok) ? [...key, await checkModel(examined)] : key
}

/** The same words for an owner whose PostHog stands in the settings file. */
const ofOwner = (check: Check, owner: string): Check => ({
  ...check,
  owner,
  detail: `${owner}: ${check.detail}`,
  fix: check.fix
    .replaceAll('POSTHOG_API_KEY', `the variable that owners.${owner}.posthog.api_key_env names`)
    .replaceAll('POSTHOG_PROJECT_ID', `owners.${owner}.posthog.project_id`)
    .replaceAll('POSTHOG_HOST', `owners.${owner}.posthog.host`),
})

/** What the set-up page tries before anything is written. */
export async function examinePostHog(given: {
  host: string
  apiKey: string
  projectId: string
}): Promise<Check[]> {
  const settings = { ...given, host: given.host.replace(/\/+$/, ''), gate: limitGate(Date.now) }
  const checks = await checkKey({ settings, model: '', effort: undefined, now: Date.now })
  return checks.map(check => redacted(check, redactor([given.apiKey])))
}

const appOf = ({ app: { id, privateKey, apiUrl } }: Config): GitHubApp =>
  gitHubApp({ appId: id, privateKey, apiUrl }, Date.now)

const examinedBy = ({ run }: Config, access: Asked['access']): Examined => ({
  settings: { ...access, gate: limitGate(Date.now) },
  ...run,
  now: Date.now,
})

/** None when they can't be listed: another check says why. */
const repositoriesOf = (app: GitHubApp, redact: (text: string) => string): Promise<Repository[]> =>
  installationsOf(app, redact)
    .repositories()
    .catch(() => [])

async function checkSettings(app: GitHubApp, repositories: readonly Repository[]): Promise<Check[]> {
  try {
    return checkRepositories(await examineRepositories(app, repositories, settingsPath), text => {
      const { problems } = settingsFile.read(text)
      return problems.length === 0 ? undefined : problemsText(problems)
    })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [
      found('repositories', `the repositories could not be read: ${why}`, 'See the checks of the App above.'),
    ]
  }
}

const redacted = (check: Check, redact: (text: string) => string): Check => ({
  ...check,
  detail: redact(check.detail),
})
