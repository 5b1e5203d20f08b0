/**
 * The one list of what is checked, in the order in which it is shown, and the one way to check it. An entry says who asks
 * for it, and may ask for less of it than others. No check creates anything.
 */
import { type Config, type PostHogAccess, secretsOf } from '../config.ts'
import { type Check, found, passed, redactedCheck } from '../core/model/check.ts'
import type { Repository, Thread } from '../core/model/thread.ts'
import { redactor } from '../core/text/redact.ts'
import { type GitHubApp, gitHubApp } from '../github/app-client.ts'
import { installationsOf } from '../github/installations.ts'
import { checkQueue } from '../queue/open-queues.ts'
import {
  checkAddress,
  checkApp,
  checkDeliveries,
  checkInstallation,
  checkInstallations,
  checkUserToken,
} from './github-checks.ts'
import { checkAccesses, checkNewPostHog, checkPostHogOf, checkPostHogs } from './posthog-checks.ts'
import { checkDefaultBranch, checkSettings } from './settings-checks.ts'

interface Subject {
  /** What no detail may show. */
  secrets: readonly string[]
}

interface Deployed extends Subject {
  config: Config
  app: GitHubApp
  repositories(): Promise<readonly Repository[]>
}

/** Who asks, and what about. */
interface Examined {
  /** Whoever runs the bot. */
  everything: Deployed
  /** A process that begins, and later now and then. */
  start: Deployed
  /** Of the checks at the start, those that only a delivery can answer. */
  deliveries: Deployed
  /** An admin of one repository: nothing about other owners, and of the machine only whether it works. */
  repository: Deployed & { thread: Thread }
  /** The set-up page, when there is no bot yet. */
  newPostHog: Subject & { access: PostHogAccess }
}

export function deployed(config: Config): Deployed {
  const app = gitHubApp(config.app, Date.now)
  const secrets = secretsOf(config)
  let repositories: Promise<Repository[]> | undefined
  return {
    config,
    app,
    secrets,
    repositories() {
      repositories ??= installationsOf(app, redactor(secrets))
        .repositories()
        .catch(() => [])
      return repositories
    },
  }
}

type Entry = { [By in keyof Examined]?: (about: Examined[By]) => Promise<Check[]> }

const entries: readonly Entry[] = [
  {
    everything: ({ app, config }) =>
      checkApp(app, [checkInstallations, checkAddress(config), checkDeliveries(config)]),
    start: ({ app, config }) => checkApp(app, [checkAddress(config), checkDeliveries(config)]),
    deliveries: ({ app, config }) => checkDeliveries(config)(app),
    repository: ({ app, config, thread }) =>
      checkInstallation(app, thread.installationId, checkDeliveries(config)),
  },
  { everything: ({ config }) => checkUserToken(config), start: ({ config }) => checkUserToken(config) },
  { repository: async ({ app, thread }) => [await checkDefaultBranch(app, thread)] },
  {
    everything: async ({ config, repositories }) =>
      config.role === 'web' ? [] : checkPostHogs(config, await repositories()),
    start: ({ config }) => checkAccesses(config),
    repository: ({ config, thread }) => checkPostHogOf(config, thread),
    newPostHog: ({ access }) => checkNewPostHog(access),
  },
  {
    everything: async ({ config, app, repositories }) => checkSettings(config, app, await repositories()),
  },
  {
    everything: async ({ config }) => [await checkQueue(config.queue)],
    start: async ({ config }) => [await checkQueue(config.queue)],
    async repository({ config }) {
      const { ok } = await checkQueue(config.queue)
      const fix = 'Tell an admin of this bot: its log says why.'
      return [ok ? passed('queue', 'works') : found('queue', 'is not safe or does not answer', fix)]
    },
  },
]

export async function examine<By extends keyof Examined>(by: By, about: Examined[By]): Promise<Check[]> {
  const redact = redactor(about.secrets)
  const checks = await Promise.all(entries.map((entry: Entry) => entry[by]?.(about) ?? []))
  return checks.flat().map(check => redactedCheck(check, redact))
}
