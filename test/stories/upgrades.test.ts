/** Processes of two versions work on one queue, as in a rolling restart: records as another version may write them. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { onRedis } from '../world/on-queues.ts'
import { working } from '../world/opens-issue.ts'

onRedis('A newer version has had a run in hand', world => {
  let store: Redis
  beforeAll(() => {
    store = new Redis(String(world().env.REDIS_URL))
  })
  afterAll(() => store.disconnect())

  /** A run whose agent works, with its record parked. */
  async function parked(word: string) {
    const talk = await working(world(), word)
    const [asked] = (await talk.thread.view()).comments
    const id = `run-comment-${asked?.id}`
    const key = `{codex}:runs:${id}`
    return {
      ...talk,
      record: async () => JSON.parse((await store.hget(key, 'data')) ?? 'null'),
      failed: () => store.zscore('{codex}:runs:failed', id),
      /** While nobody has it in hand. */
      write: async (change: object) => {
        await world().github.waitFor(async () => (await store.exists(`${key}:lock`)) === 0)
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
    await world().bot.says(/parked a job that this version cannot read/)
    expect([await failed(), ledger().cancels.length]).toEqual([null, 0])
    expect(await thread.status()).toContain('⏳ Codex is working')
    await write({ attempts })
    await run(0).openPull()
    await run(0).finish('completed')
    await thread.waitForAnswer('Codex opened draft')
  })
})
