import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { comment } from '../security/payloads.ts'
import { freePort } from '../support/free-port.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { exhaustive } from '../support/tries.ts'
import { scratchDir, spawnBot } from '../world/bot.ts'
import { onBothQueues } from '../world/on-queues.ts'
import { working } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

onBothQueues(
  'A process is killed',
  world => {
    it('the next process goes on where a killed one was', async () => {
      const { thread, run, ledger } = await working(world(), 'survive')
      await world().bot.stop('SIGKILL')
      await run(0).openPull()
      await run(0).finish('completed')
      await world().startBot()
      await thread.waitForAnswer('Codex opened draft')
      const { tasks, runs } = ledger()
      expect([tasks.length, runs.length]).toEqual([1, 1])
      expect(await thread.statuses()).toHaveLength(1)
      expect(await thread.answers()).toHaveLength(1)
    })

    it('SIGTERM ends it within 10 s, and nothing is lost', async () => {
      const { thread, run } = await working(world(), 'drain it')
      const began = Date.now()
      expect(await world().bot.stop('SIGTERM')).toBe(0)
      expect(Date.now() - began).toBeLessThan(10_000)
      await world().startBot()
      await run(0).finish('completed')
      await thread.waitForStatus(/^### 💬/)
    })

    it('a signal while it starts ends it as orderly, whichever it is', async () => {
      await world().bot.stop('SIGKILL')
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
        const bot = spawnBot(world().env, await freePort())
        await bot.says(/"msg":"listening"/)
        expect(await bot.stop(signal), signal).toBe(0)
        expect(bot.output()).toContain('"msg":"stopped"')
      }
    })
  },
  { oneByOne: true },
)

/** A delivery that GitHub would send of a comment. */
const help = ({ github }: World, id: number) =>
  github.webhooks.direct(
    'issue_comment',
    {},
    { raw: String(comment({ id, text: '/codex help' }).body) },
  )

describe('A process is started wrong', () => {
  const startWith = async (env: Record<string, string>) => {
    const bot = spawnBot(env, await freePort())
    const code = await bot.exited
    return { code, said: bot.output() }
  }

  it('says every problem at once, one line each, and what to do', async () => {
    const { code, said } = await startWith({
      APP_ID: 'seven',
      PRIVATE_KEY: 'not a key',
      WEBHOOK_SECRET: 'development',
      POSTHOG_API_KEY: 'phc_project',
      CODEX_REASONING_EFFORT: 'enormous',
      REDIS_URL: 'http://localhost',
    })
    expect(code).toBe(1)
    for (const name of [
      'APP_ID',
      'PRIVATE_KEY',
      'WEBHOOK_SECRET',
      'POSTHOG_API_KEY',
      'POSTHOG_PROJECT_ID',
      'CODEX_REASONING_EFFORT',
      'REDIS_URL',
    ])
      expect(said).toMatch(new RegExp(`^- ${name} .+`, 'm'))
    expect(said).not.toContain('phc_project')
  })

  it('with a Redis that is not there says so, without the password', async () => {
    const port = await freePort()
    const world = await startWorld({ roles: [] })
    const { code, said } = await startWith({
      ...world.env,
      REDIS_URL: `redis://:hunter2hunter2@127.0.0.1:${port}`,
    })
    await world.close()
    expect(code).toBe(1)
    expect(said).toContain(String(port))
    expect(said).not.toContain('hunter2')
  })
})

describe.skipIf(!redisAvailable())('Redis has trouble', () => {
  let redis: RedisServer
  let world: World
  beforeAll(async () => {
    redis = await startRedis()
    world = await startWorld({ redisUrl: redis.url })
  })
  afterAll(async () => {
    await world.close()
    await redis.stop()
  })

  const post = async (id: number) => {
    const began = Date.now()
    const { status } = await help(world, id)
    return { status, ms: Date.now() - began }
  }

  /** When the run that is looked at last is looked at next; BullMQ keeps 12 bits for a sequence. */
  const nextLook = async () => {
    const store = new Redis(redis.url)
    const [, score] = await store.zrange('{codex}:runs:delayed', '0', '0', 'REV', 'WITHSCORES')
    store.disconnect()
    return Number(score) / 2 ** 12
  }

  it('dead: 503 within a second, not ready; back to work when it returns', async () => {
    await redis.kill()
    await sleep(100)
    const refused = await post(900_001)
    expect(refused.status).toBe(503)
    expect(refused.ms).toBeLessThan(1_500)
    expect((await fetch(`${world.bot.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${world.bot.url}/healthz`)).status).toBe(200)
    await redis.restart()
    await world.github.waitFor(async () => (await fetch(`${world.bot.url}/readyz`)).ok, {
      timeout: 5_000,
    })
    expect((await post(900_002)).status).toBe(202)
  })

  it('away while a run ends: the end is told once it is back', async () => {
    const { github, bot } = world
    const { thread, run } = await working(world, 'bake')
    await run(0).update({ sessionUpdate: 'tool_call', kind: 'execute', title: 'bake' })
    await thread.waitForStatus('Running commands')
    await github.waitFor(async () => (await nextLook()) > Date.now() + 600_000)
    await redis.kill()
    await run(0).completeTurn('The cake is done.')
    await bot.says(/a run could not be woken/)
    // Whatever PostHog says of the end, it says while the queue is away.
    await run(0).finish('completed')
    // The stream rings once more a second later.
    await sleep(2_000)
    await redis.restart()
    await thread.waitForAnswer('The cake is done.', { timeout: 30_000 })
  })

  it.runIf(exhaustive)('frozen: 503 within three seconds', async () => {
    redis.freeze()
    const refused = await post(900_003)
    redis.thaw()
    expect(refused.status).toBe(503)
    expect(refused.ms).toBeLessThan(3_500)
  })
})

describe('The folder of the embedded queue is deleted while the bot works', () => {
  /** ms */
  const cpuOf = async (pid: number) => {
    if (process.platform !== 'linux') return 0
    const [, fields = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')
    const [user, system] = fields.split(' ').slice(11)
    return (Number(user) + Number(system)) * 10
  }

  it('it says so, takes no webhook, does not spin, and ends when it is told to', async () => {
    // Without the files that a queue made before has open, statements fail at once.
    const folder = await mkdtemp(join(tmpdir(), 'queue-'))
    const world = await startWorld({ env: { DATA_DIR: folder } })
    const { bot } = world
    await Promise.all(['one', 'two', 'three'].map(words => working(world, `go on with ${words}`)))
    await rm(folder, { recursive: true, force: true })
    await bot.says(/"level":"error"[^\n]*was deleted[^\n]*Start the bot again/)
    const ready = await fetch(`${bot.url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([
      503,
      expect.stringMatching(/"queue".*was deleted/),
    ])
    expect((await help(world, 900_004)).status).toBe(503)
    const before = await cpuOf(bot.pid)
    await sleep(4_000)
    expect((await cpuOf(bot.pid)) - before).toBeLessThan(800)
    const began = Date.now()
    expect(await bot.stop('SIGTERM')).toBe(0)
    expect(Date.now() - began).toBeLessThan(10_000)
    await world.close()
  })
})

describe('A second process on one data directory', () => {
  it('is refused with a clear word', async () => {
    const data = await scratchDir()
    const world = await startWorld({ env: { DATA_DIR: data.path } })
    const second = spawnBot({ ...world.env }, await freePort())
    expect(await second.exited).toBe(1)
    expect(second.output()).toMatch(/is in use by .*process/)
    await world.close()
    await data.remove()
  })
})

describe.skipIf(process.getuid?.() !== 0)('A data directory of somebody else', () => {
  it('is refused by the name of its variable', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'theirs-'))
    const world = await startWorld({ roles: [] })
    await chmod(folder, 0o555)
    const env = { ...world.env, DATA_DIR: join(folder, 'data') }
    const bot = spawnBot(env, await freePort(), tmpdir(), { heedsModes: true })
    expect(await bot.exited).toBe(1)
    expect(bot.output()).toMatch(
      /^- DATA_DIR is .*theirs-.*may not write there: set it to a folder/m,
    )
    await world.close()
    await rm(folder, { recursive: true })
  })
})
