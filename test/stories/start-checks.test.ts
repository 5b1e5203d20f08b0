/** A wrong credential is said when the bot starts, and not to its first user. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import { privateKey as otherKey } from '../security/key.ts'
import { freePort } from '../support/free-port.ts'
import { FreshQueues } from '../support/fresh-queues.ts'
import { redisAvailable, startRedis } from '../support/redis-server.ts'
import { type Bot, spawnBot } from '../world/bot.ts'
import { asks } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

let world: World
const queues = new FreshQueues()

beforeAll(async () => {
  world = await startWorld({ roles: [], posthog: { repositories: ['acme/shop'] } })
  world.github.webhooks.target = 'http://127.0.0.1:10001/api/github/webhooks'
})
afterAll(async () => {
  await world?.close()
  await queues.close()
})

/** A bot with a queue of its own. */
async function start(env: Record<string, string> = {}): Promise<Bot> {
  const bot = spawnBot({ ...world.env, ...(await queues.next()), ...env }, await freePort())
  world.bots.push(bot)
  return bot
}

const Answer = z.strictObject({
  ready: z.boolean(),
  failed: z.array(
    z.strictObject({ name: z.string(), ok: z.literal(false), detail: z.string(), fix: z.string() }),
  ),
})

async function readyz({ url }: Bot): Promise<z.infer<typeof Answer> & { status: number }> {
  const response = await fetch(`${url}/readyz`)
  return { status: response.status, ...Answer.parse(await response.json()) }
}

const lines = (bot: Bot): string[] =>
  [...bot.output().matchAll(/"msg":"([✓✗?] [^"]*)/g)].map(([, line = '']) => line)

test('when all is right each check is a line, then it is ready', async () => {
  const data = await queues.embedded()
  await writeFile(join(data.DATA_DIR ?? '', 'bot-version'), '0.3.0')
  const bot = await start({ REDIS_URL: '', ...data })
  await bot.ready()
  expect(bot.output()).toMatch(/this is version \S+, and the last one here was 0\.3\.0/)
  // What each says, test/stories/doctor.test.ts tells.
  expect(lines(bot).map(line => line.split(':')[0])).toEqual([
    ...['✓ github-app', '✓ github-permissions', '✓ github-events'],
    ...['✓ webhook-address', '? webhook-deliveries', '? webhook-secret'],
    ...['✓ posthog-key', '✓ posthog-project', '✓ posthog-scope', '✓ posthog-model', '✓ queue'],
  ])
  expect(await readyz(bot)).toEqual({ status: 200, ready: true, failed: [] })
  await bot.stop()
  expect(bot.output()).not.toMatch(/"level":"(?:warn|error)"/)
})

test('what is wrong is a line with its fix, and the bot is not ready', async () => {
  const bot = await start({ PRIVATE_KEY: otherKey, POSTHOG_API_KEY: 'phx_nobody_at_all' })
  await bot.says(/not ready/)
  expect(await readyz(bot)).toMatchObject({
    status: 503,
    ready: false,
    failed: [
      { name: 'github-app', fix: expect.stringContaining('PRIVATE_KEY') },
      { name: 'posthog-key', fix: expect.stringContaining('POSTHOG_API_KEY') },
    ],
  })
  expect(lines(bot).filter(line => line.startsWith('✗'))).toEqual([
    expect.stringMatching(/^✗ github-app: .* → .*PRIVATE_KEY/),
    expect.stringMatching(/^✗ posthog-key: .* → .*POSTHOG_API_KEY/),
  ])
  expect(bot.output()).not.toMatch(/"msg":"ready"|phx_nobody_at_all/)
  await bot.stop()
})

test('a mistyped name in .env is a warning of the bot, and a line above its set-up page', async () => {
  const ENV_FILE = join(await mkdtemp(join(tmpdir(), 'env-')), '.env')
  await writeFile(ENV_FILE, 'CODEX_MODLE=gpt-5\n')
  const bot = await start({ ENV_FILE })
  await bot.ready()
  const meant = /CODEX_MODLE in \.env is no variable of this bot: did you mean CODEX_MODEL\?/
  expect(bot.output()).toMatch(new RegExp(`"level":"warn".*${meant.source}`))
  await bot.stop()
  const setUp = spawnBot({ ENV_FILE }, await freePort())
  await setUp.says(/token=/)
  expect(setUp.output()).toMatch(meant)
  await setUp.stop()
})

test.skipIf(!redisAvailable())('a Redis that may evict jobs is told in the log alone', async () => {
  const redis = await startRedis('--appendonly', 'yes', '--maxmemory-policy', 'allkeys-lru')
  const bot = await start({ REDIS_URL: redis.url })
  await bot.says(/✗ queue: .*maxmemory-policy is allkeys-lru/)
  await bot.stop()
  await redis.stop()
  const said = bot.output().trim().split('\n')
  expect(said.filter(line => !line.startsWith('{'))).toEqual([])
})

test('an outage of PostHog at the start keeps no bot from its work, and what is wrong then is found out later', async () => {
  const posthog = await startPostHog({ projectId: 5 })
  const { port } = new URL(posthog.url)
  await posthog.close()
  const bot = await start({ POSTHOG_HOST: posthog.url, POSTHOG_PROJECT_ID: '6' })
  await bot.ready()
  expect(await readyz(bot)).toMatchObject({ status: 200, failed: [{ name: 'posthog-key' }] })
  const again = await startPostHog({ projectId: 5, port: Number(port) })
  await bot.says(/✗ posthog-project/)
  expect(await readyz(bot)).toMatchObject({
    status: 503,
    ready: false,
    failed: [{ name: 'posthog-project' }],
  })
  await again.close()
  await bot.stop()
})

test('what was wrong is asked again, and a bot that is not ready takes webhooks all the same', async () => {
  const posthog = await startPostHog({ hands: world.github.hands, projectId: 6 })
  const { port } = new URL(posthog.url)
  const bot = await start({
    POSTHOG_HOST: posthog.url,
    POSTHOG_API_KEY: posthog.apiKey,
    POSTHOG_PROJECT_ID: '5',
  })
  await bot.says(/not ready/)
  world.github.webhooks.target = `${bot.url}/api/github/webhooks`
  await asks(world, 'help')
  await world.github.waitFor(() => world.github.webhooks.deliveries.at(-1)?.status_code === 202)
  await posthog.close()
  const mended = await startPostHog({ projectId: 5, port: Number(port) })
  await bot.ready()
  expect(await readyz(bot)).toEqual({ status: 200, ready: true, failed: [] })
  expect(lines(bot).filter(line => line.includes('posthog-project'))).toHaveLength(2)
  await mended.close()
  await bot.stop()
})

/** Last, as GitHub remembers it. */
test('a wrong webhook secret, by the log at once, and by the next look at what was delivered', async () => {
  const { github } = world
  const secret = { WEBHOOK_SECRET: 'another secret, long enough to be one' }
  const wrong = await start(secret)
  await wrong.ready()
  github.webhooks.target = `${wrong.url}/api/github/webhooks`
  await github.as('maya').opensIssue({ title: 'Login is flaky' })
  await wrong.says(/WEBHOOK_SECRET is not the one.*rejected deliveries/)
  await wrong.stop()

  const still = await start(secret)
  await still.says(/✗ webhook-secret: .* → .*WEBHOOK_SECRET/)
  expect(await readyz(still)).toMatchObject({ status: 200, failed: [{ name: 'webhook-secret' }] })
  await still.stop()

  const bot = await start()
  await bot.says(
    /✓ webhook-secret: the last delivery was signed with it; the bot that refused it had another one/,
  )
  expect(await readyz(bot)).toMatchObject({ status: 200, failed: [] })
  await bot.stop()
})
