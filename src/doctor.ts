/** The doctor: asks GitHub, PostHog and the queue all that has to be right before the first user comes. */
import { settingsFile } from './commands/command-registry.ts'
import type { Config } from './config.ts'
import { type Check, found } from './core/model/check.ts'
import { limitGate } from './core/model/limit-gate.ts'
import { isOwner, type Repository } from './core/model/thread.ts'
import { problemsText, settingsPath } from './core/settings/repository-settings.ts'
import { redactor } from './core/text/redact.ts'
import { checkGitHub } from './github/app-checks.ts'
import { type GitHubApp, gitHubApp } from './github/app-client.ts'
import { wantedOfApp } from './github/app-manifest.ts'
import { installationsOf } from './github/installations.ts'
import { checkRepositories, examineRepositories } from './github/repository-checks.ts'
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

/** A PostHog, and the owner whose own it is. */
interface Asked {
  owner: string | undefined
  access: { host: string; apiKey: string; projectId: string }
}

async function checkPostHogs(config: Config, repositories: readonly Repository[]): Promise<Check[]> {
  const { posthog, tenants } = config
  const all: Asked[] = [
    ...(posthog ? [{ owner: undefined, access: posthog }] : []),
    ...tenants.map(({ owner, ...access }) => ({ owner, access })),
  ]
  const isServedBy = (repository: Repository, asked: Asked): boolean =>
    asked.owner === tenants.find(({ owner }) => isOwner(repository, owner))?.owner
  const checks = await Promise.all(
    all.map(asked =>
      checkPostHog(
        config,
        asked,
        repositories.filter(each => isServedBy(each, asked)),
      ),
    ),
  )
  return checks.flat()
}

async function checkPostHog(
  config: Config,
  { owner, access }: Asked,
  repositories: readonly Repository[],
): Promise<Check[]> {
  const examined = examinedBy(config, access)
  const key = await checkKey(examined)
  const names = repositories.map(({ owner: login, repo }) => `${login}/${repo}`)
  const rest = key.every(({ ok }) => ok)
    ? await Promise.all([checkModel(examined), checkCoverage(examined, names)])
    : []
  return [...key, ...rest].map(check => (owner === undefined ? check : ofOwner(check, owner)))
}

/** The same words for an owner whose PostHog stands in the settings file. */
const ofOwner = (check: Check, owner: string): Check => ({
  ...check,
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
