/** With a key, project or model that PostHog does not take, runs wait: the thread is told once, and they go on when it is mended. */
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import { freePort } from '../support/free-port.ts'
import { FreshQueues } from '../support/fresh-queues.ts'
import { someOf } from '../support/tries.ts'
import { type Bot, spawnBot } from '../world/bot.ts'
import { asks } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

const queues = new FreshQueues()
const leave: (() => Promise<unknown>)[] = []
afterAll(async () => {
  await Promise.all(leave.map(each => each()))
  await queues.close()
})

type PostHog = Awaited<ReturnType<typeof startPostHog>>

const scopes = ['task:write', 'integration:read']
const known = { key: 'phx_of_the_bot_and_nobody_else', userId: 2, scopes }
const others = { key: 'phx_of_somebody_else_altogether', userId: 3, scopes }

class Service {
  readonly #world: World
  posthog: PostHog

  constructor(world: World, posthog: PostHog) {
    this.#world = world
    this.posthog = posthog
  }

  /** The same address, with another key or project behind it: what whoever runs the bot changes there. */
  async becomes(options: PostHogOptions): Promise<void> {
    await this.posthog.close()
    this.posthog = await startPostHog({
      hands: this.#world.github.hands,
      ...options,
      port: this.posthog.port,
    })
  }
}

async function worldWith(options: PostHogOptions) {
  const world = await startWorld({ roles: [], env: await queues.next() })
  const service = new Service(world, await startPostHog({ hands: world.github.hands, ...options }))
  leave.push(async () => {
    await world.close()
    await service.posthog.close()
  })
  const start = async (env: Record<string, string> = {}): Promise<Bot> => {
    const { url, projectId } = service.posthog
    const own = {
      POSTHOG_HOST: url,
      POSTHOG_API_KEY: known.key,
      POSTHOG_PROJECT_ID: String(projectId),
    }
    const bot = spawnBot({ ...world.env, ...own, ...env }, await freePort())
    world.bots.push(bot)
    await bot.says(/"msg":"listening"/)
    world.github.webhooks.target = `${bot.url}/api/github/webhooks`
    return bot
  }
  const maya = world.github.as('maya')
  const fixes = async () => (await asks(world, 'fix it')).thread
  return { world, service, start, fixes, maya }
}

const Failing = z.object({ failed: z.array(z.object({ name: z.string() })) })

const failedOf = async ({ url }: Bot): Promise<string[]> => {
  const { failed } = Failing.parse(await (await fetch(`${url}/readyz`)).json())
  return failed.map(({ name }) => name)
}

const held = /^### ⏸️ Codex waits for PostHog[\s\S]*continues on its own/

const wrongKeys: [string, PostHogOptions, RegExp][] = [
  ['key', { apiKeys: [others] }, /does not accept the key of this bot/],
  ['scope', { apiKeys: [{ ...known, scopes: ['task:read'] }] }, /may not start runs/],
]
test.concurrent.each(someOf(wrongKeys, 1))(
  'the %s is wrong from the start',
  async (_, wrong, reason) => {
    const { service, start, fixes } = await worldWith(wrong)
    const bot = await start()
    await bot.says(/not ready/)
    const thread = await fixes()
    expect(await thread.waitForStatus(held)).toMatch(reason)
    await service.becomes({ apiKeys: [known] })
    await thread.waitForAnswer('Codex opened draft')
    expect(await thread.botComments()).toHaveLength(2)
    await bot.ready()
  },
)

test.concurrent('the key is withdrawn while the bot works: it is not ready any more, and a stop is a stop', async () => {
  const { service, start, fixes, maya } = await worldWith({ apiKeys: [known] })
  const bot = await start()
  await bot.ready()
  await service.becomes({ apiKeys: [others] })
  const [thread, stopped] = [await fixes(), await fixes()]
  await thread.waitForStatus(held)
  await bot.says(/✗ posthog-key/)
  expect(await failedOf(bot)).toEqual(['posthog-key'])
  await stopped.waitForStatus(held)
  await maya.comments(stopped.number, '/codex stop')
  await stopped.waitForStatus('stopped')
  await service.becomes({ apiKeys: [known] })
  await thread.waitForAnswer('Codex opened draft')
  await bot.ready()
  expect(await failedOf(bot)).toEqual([])
  expect(service.posthog.ledger.filter(({ kind }) => kind === 'run')).toHaveLength(1)
})

test.concurrent('a model that PostHog does not offer starts nothing, and whoever asked for none has the one that is set next', async () => {
  const { world, service, start, fixes } = await worldWith({ apiKeys: [known] })
  // The most that the old one might have taken.
  const bot = await start({ CODEX_MODEL: 'gpt-2', CODEX_REASONING_EFFORT: 'max' })
  await bot.says(/not ready/)
  const thread = await fixes()
  expect(await thread.waitForStatus(held)).toMatch(/does not offer the model `gpt-2`/)
  expect(service.posthog.ledger.filter(({ kind }) => kind === 'run')).toEqual([])
  await bot.stop()
  await start({ CODEX_MODEL: 'gpt-5', CODEX_REASONING_EFFORT: 'high' })
  await thread.waitForAnswer('Codex opened draft')
  const [run] = service.posthog.ledger.filter(({ kind }) => kind === 'run')
  expect(run?.body).toMatchObject({ model: 'gpt-5', reasoning_effort: 'high' })
  expect(world.bot.output()).not.toMatch(/"level":"(?:warn|error)"/)
})
