/** The doctor: asks GitHub, PostHog and the queue all that has to be right before the first user comes. */
import { settingsFile } from './commands/command-registry.ts'
import type { Config } from './config.ts'
import { type Check, found } from './core/model/check.ts'
import { limitGate } from './core/model/limit-gate.ts'
import type { Repository } from './core/model/thread.ts'
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
  const [queue, gitHub, key, repositories] = await Promise.all([
    checkQueue(config.queue),
    checkGitHub(app, wantedOfApp, Date.now),
    config.role === 'web' ? [] : checkKey(examinedBy(config)),
    repositoriesOf(app, redact),
  ])
  const works = key.length > 0 && key.every(({ ok }) => ok)
  const names = repositories.map(({ owner, repo }) => `${owner}/${repo}`)
  const [postHog, repository] = await Promise.all([
    works ? Promise.all([checkModel(examinedBy(config)), checkCoverage(examinedBy(config), names)]) : [],
    checkSettings(app, repositories),
  ])
  return [...gitHub, ...key, ...postHog, ...repository, queue].map(check => redacted(check, redact))
}

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

const examinedBy = ({ posthog, run }: Config): Examined => ({
  settings: { ...posthog, gate: limitGate(Date.now) },
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
