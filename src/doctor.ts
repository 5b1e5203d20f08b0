import { settingsFile } from './commands/command-registry.ts'
import { type Config, secretsOf } from './config.ts'
import { type Check, found, passed, redactedCheck } from './core/model/check.ts'
import { describe } from './core/model/errors.ts'
import type { Repository, Thread } from './core/model/thread.ts'
import { problemsText } from './core/settings/repository-file.ts'
import { redactor } from './core/text/redact.ts'
import {
  checkDefaultBranch,
  checkDeliveries,
  checkGitHub,
  checkInstallation,
  checkOwners,
  checkRepositories,
} from './github/app-checks.ts'
import { type GitHubApp, gitHubApp } from './github/app-client.ts'
import { installationsOf } from './github/installations.ts'
import { ownerFilesOf } from './github/repository-files.ts'
import { checkAccesses, checkPostHogOf, checkPostHogs } from './posthog-doctor.ts'
import { checkQueue } from './queue/open-queues.ts'

export async function examine(config: Config): Promise<Check[]> {
  const app = clientOf(config)
  const installations = installationsOf(app, redactor(secretsOf(config)))
  const repositories = installations.repositories().catch((): Repository[] => [])
  const [queue, gitHub, postHog, repository] = await Promise.all([
    checkQueue(config.queue),
    checkGitHub(app, 'app and installations'),
    config.role === 'web' ? [] : checkPostHogs(config, await repositories),
    repositories.then(all => checkSettings(config, app, all)),
  ])
  return shown(config, [...gitHub, ...postHog, ...repository, queue])
}

export async function examineAtStart(config: Config): Promise<Check[]> {
  const [queue, gitHub, postHog] = await Promise.all([
    checkQueue(config.queue),
    checkGitHub(clientOf(config), 'app'),
    checkAccesses(config),
  ])
  return shown(config, [...gitHub, ...postHog, queue])
}

/** Of the checks at the start, those that only a delivery can answer. */
export const examineDeliveries = async (config: Config): Promise<Check[]> =>
  shown(config, await checkDeliveries(clientOf(config)))

/** Checks for an admin of one repository: nothing about other owners, and of the machine only whether it works. */
export async function examineFor(config: Config, thread: Thread): Promise<Check[]> {
  const app = clientOf(config)
  const [installation, branch, postHog, queue] = await Promise.all([
    checkInstallation(app, thread.installationId),
    checkDefaultBranch(app, thread),
    checkPostHogOf(config, thread),
    checkQueue(config.queue),
  ])
  const safe = queue.ok
    ? passed('queue', 'works')
    : found('queue', 'is not safe or does not answer', 'Tell an admin of this bot: its log says why.')
  return shown(config, [...installation, branch, ...postHog, safe])
}

function shown(config: Config, checks: readonly Check[]): Check[] {
  const redact = redactor(secretsOf(config))
  return checks.map(check => redactedCheck(check, redact))
}

const clientOf = ({ app: { id, privateKey, apiUrl } }: Config): GitHubApp =>
  gitHubApp({ appId: id, privateKey, apiUrl }, Date.now)

async function checkSettings(
  { settings }: Config,
  app: GitHubApp,
  repositories: readonly Repository[],
): Promise<Check[]> {
  const reading = {
    problemsOf(text: string, name: string) {
      const { problems } = settingsFile.read(text)
      return problems.length === 0 ? undefined : problemsText(problems, name)
    },
    isRequired: ({ ownerId }: Repository) => settings.first.owners[ownerId]?.settings === 'required',
  }
  try {
    const [owners, [begun, settings]] = await Promise.all([
      checkOwners(ownerFilesOf(app, Date.now), repositories, reading),
      checkRepositories(app, repositories, reading),
    ])
    return [begun, owners, settings]
  } catch (error) {
    const detail = `the repositories can not be read: ${describe(error)}`
    return [found('repositories', detail, 'Look at the checks of the App above.')]
  }
}
