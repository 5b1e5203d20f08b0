/**
 * The whole world of the bot, simulated but stateful: GitHub, PostHog, a queue, and the bot as a real
 * process that only ever sees signed webhooks and HTTP.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGitHub } from '../../emulators/github/emulator.ts'
import type { GitHubEmulator } from '../../emulators/github/github.ts'
import type { MakeDriver } from '../../emulators/posthog/driver.ts'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import { newDataDir } from '../support/data-dir.ts'
import { freePort } from '../support/free-port.ts'
import { type Bot, spawnBot } from './bot.ts'

export type QueueKind = 'embedded' | 'redis'

export interface WorldOptions {
  redisUrl?: string | undefined
  env?: Record<string, string>
  /** One entry a process; a single `all` unless said otherwise. */
  roles?: ('all' | 'web' | 'worker')[]
  posthog?: PostHogOptions
  /** Who drives the runs, in place of the emulated agent. */
  drives?: (github: GitHubEmulator) => MakeDriver
  /** What stands in the SETTINGS_FILE of its bots at first; stories may write it anew. */
  settings?: string
}

type PostHogEmulator = Awaited<ReturnType<typeof startPostHog>>

/** Where an App sends its webhooks whose bot has no address. */
export const nowhere = 'https://codex.invalid/'

const webhookSecret = 'a secret that only this world knows'

export class World {
  readonly github: GitHubEmulator
  readonly posthog: PostHogEmulator
  readonly env: Record<string, string>
  readonly bots: Bot[] = []
  readonly settingsFile: string
  readonly #folders: readonly string[]

  constructor(parts: {
    github: GitHubEmulator
    posthog: PostHogEmulator
    env: Record<string, string>
    settingsFile: string
    /** Gone when it closes. */
    folders: readonly string[]
  }) {
    this.github = parts.github
    this.posthog = parts.posthog
    this.env = parts.env
    this.settingsFile = parts.settingsFile
    this.#folders = parts.folders
  }

  get bot(): Bot {
    const bot = this.bots.at(-1)
    if (!bot) throw new Error('no bot was started')
    return bot
  }

  /** Starts one more process of the bot, and has GitHub send its webhooks there if it takes any. */
  async startBot(
    role: 'all' | 'web' | 'worker' = 'all',
    env: Record<string, string> = {},
  ): Promise<Bot> {
    const all: Record<string, string> = { ...this.env, ROLE: role, ...env }
    const bot = spawnBot(all, await freePort())
    this.bots.push(bot)
    if (all.WEBHOOKS === 'poll') {
      this.github.webhooks.target = nowhere
      return bot.ready()
    }
    // Nothing is sent there yet; an App without an address would be told of.
    this.github.webhooks.target ??= `${bot.url}/api/github/webhooks`
    await bot.ready()
    if (role !== 'worker') this.github.webhooks.target = `${bot.url}/api/github/webhooks`
    return bot
  }

  async close(): Promise<void> {
    await Promise.all(this.bots.map(bot => bot.stop('SIGKILL')))
    try {
      await Promise.all([this.github.close(), this.posthog.close()])
    } finally {
      await Promise.all(this.#folders.map(folder => rm(folder, { recursive: true, force: true })))
    }
  }
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const data = options.redisUrl ? undefined : await newDataDir()
  const folder = await mkdtemp(join(tmpdir(), 'world-'))
  const settingsFile = join(folder, 'settings.yml')
  if (options.settings !== undefined) await writeFile(settingsFile, options.settings)
  const github = await startGitHub({ webhookSecret })
  const posthog = await startPostHog(
    { hands: github.hands, ...options.posthog },
    options.drives?.(github),
  )
  const env = {
    APP_ID: String(github.appId),
    PRIVATE_KEY: github.privateKey,
    WEBHOOK_SECRET: webhookSecret,
    GITHUB_API_URL: github.url,
    POSTHOG_HOST: posthog.url,
    POSTHOG_API_KEY: posthog.apiKey,
    POSTHOG_PROJECT_ID: String(posthog.projectId),
    LOG_FORMAT: 'json',
    ...(data ? { DATA_DIR: data } : { REDIS_URL: options.redisUrl ?? '' }),
    ...(options.settings === undefined ? {} : { SETTINGS_FILE: settingsFile }),
    ...options.env,
  }
  const folders = data ? [folder, data] : [folder]
  const world = new World({ github, posthog, env, settingsFile, folders })
  try {
    for (const role of options.roles ?? ['all']) await world.startBot(role)
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}
