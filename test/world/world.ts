/**
 * The whole world of the bot, simulated but stateful: GitHub, PostHog, a queue, and the bot as a real
 * process that only ever sees signed webhooks and HTTP.
 */

import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import { freePort } from '../support/free-port.ts'
import { type Bot, scratchDir, spawnBot } from './bot.ts'

export type QueueKind = 'embedded' | 'redis'

export interface WorldOptions {
  redisUrl?: string | undefined
  env?: Record<string, string>
  /** One entry a process; a single `all` unless said otherwise. */
  roles?: ('all' | 'web' | 'worker')[]
  posthog?: PostHogOptions
}

type PostHogEmulator = Awaited<ReturnType<typeof startPostHog>>

const webhookSecret = 'a secret that only this world knows'

export class World {
  readonly github: GitHubEmulator
  readonly posthog: PostHogEmulator
  readonly env: Record<string, string>
  readonly bots: Bot[] = []
  readonly #removeData: () => Promise<void>

  constructor(parts: {
    github: GitHubEmulator
    posthog: PostHogEmulator
    env: Record<string, string>
    removeData: () => Promise<void>
  }) {
    this.github = parts.github
    this.posthog = parts.posthog
    this.env = parts.env
    this.#removeData = parts.removeData
  }

  get bot(): Bot {
    const bot = this.bots.at(-1)
    if (!bot) throw new Error('no bot was started')
    return bot
  }

  /** Starts one more process of the bot, and has GitHub send its webhooks there if it takes any. */
  async startBot(role: 'all' | 'web' | 'worker' = 'all', env: Record<string, string> = {}): Promise<Bot> {
    const bot = spawnBot({ ...this.env, ROLE: role, ...env }, await freePort())
    this.bots.push(bot)
    await bot.ready()
    if (role !== 'worker') this.github.webhooks.target = `${bot.url}/api/github/webhooks`
    return bot
  }

  async close(): Promise<void> {
    await Promise.all(this.bots.map(bot => bot.stop('SIGKILL')))
    try {
      await Promise.all([this.github.close(), this.posthog.close()])
    } finally {
      await this.#removeData()
    }
  }
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const data = options.redisUrl ? undefined : await scratchDir()
  const github = await startGitHub({ webhookSecret })
  const posthog = await startPostHog({ hands: github.hands, ...options.posthog })
  const env = {
    APP_ID: String(github.appId),
    PRIVATE_KEY: github.privateKey,
    WEBHOOK_SECRET: webhookSecret,
    GITHUB_API_URL: github.url,
    POSTHOG_HOST: posthog.url,
    POSTHOG_API_KEY: posthog.apiKey,
    POSTHOG_PROJECT_ID: String(posthog.projectId),
    LOG_FORMAT: 'json',
    ...(data ? { DATA_DIR: data.path } : { REDIS_URL: options.redisUrl ?? '' }),
    ...options.env,
  }
  const world = new World({ github, posthog, env, removeData: async () => data?.remove() })
  try {
    for (const role of options.roles ?? ['all']) await world.startBot(role)
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}
