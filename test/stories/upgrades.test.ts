/** Processes of two versions work on one queue, as in a rolling restart: records as another version may write them. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { startWorld, type World } from '../world/world.ts'

describe.skipIf(!redisAvailable())('A newer version has had a run in hand', () => {
  let redis: RedisServer
  let world: World
  let store: Redis
  beforeAll(async () => {
    redis = await startRedis()
    world = await startWorld({ redisUrl: redis.url })
    store = new Redis(redis.url)
  })
  afterAll(async () => {
    store.disconnect()
    await world.close()
    await redis.stop()
  })

  /** A run whose agent works, with its record parked. */
  async function parked(word: string) {
    const { github, posthog } = world
    posthog.script(word, { kind: 'manual' })
    const talk = await opensIssue(world, word)
    const { id } = await talk.says(`/codex ${word}`)
    await talk.thread.waitForStatus('⏳ Codex is working')
    const key = `{codex}:runs:run-comment-${id}`
    return {
      ...talk,
      record: async () => JSON.parse((await store.hget(key, 'data')) ?? 'null'),
      failed: () => store.zscore('{codex}:runs:failed', `run-comment-${id}`),
      /** While nobody has it in hand. */
      write: async (change: object) => {
        await github.waitFor(async () => (await store.exists(`${key}:lock`)) === 0)
        const record = JSON.parse((await store.hget(key, 'data')) ?? 'null')
        await store.hset(key, 'data', JSON.stringify({ ...record, ...change }))
      },
    }
  }

  it('with more in its record: it goes on, and what was more is still there', async () => {
    const { thread, run, record, write } = await parked('carry on')
    const { baseline } = await record()
    const settings = { ...baseline.settings, audience: { of: 'robots' } }
    await write({ v: 2, budget: { dollars: 3 }, baseline: { ...baseline, settings } })
    await run(0).openPull()
    await run(0).finish('completed')
    await thread.waitForAnswer('Codex opened draft')
    expect(await record()).toMatchObject({
      v: 2,
      budget: { dollars: 3 },
      baseline: { settings: { audience: { of: 'robots' } } },
    })
  })

  it('with what can not be read: it is parked, its agent works on, and it goes on when it can be read', async () => {
    const { thread, run, record, write, failed, ledger, says } = await parked('hold still')
    const { attempts } = await record()
    await write({ attempts: { ...attempts, intent: { kind: 'answer-permission', at: 1 } } })
    await says('/codex and the logout test')
    await world.github.waitFor(() =>
      world.bot.output().includes('parked a job that this version cannot read'),
    )
    expect([await failed(), ledger().cancels.length]).toEqual([null, 0])
    expect(await thread.status()).toContain('⏳ Codex is working')
    await write({ attempts })
    await run(0).openPull()
    await run(0).finish('completed')
    await thread.waitForAnswer('Codex opened draft')
  })
})
