/** What one process read for a thread is known to another one that begins the Run, once and for a moment only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { SharedCache } from '../../src/core/model/ports.ts'
import { readAheads, threadKey } from '../../src/github/ahead-cache.ts'
import type { Queues } from '../../src/queue/work-queue.ts'
import { issueThread as thread } from '../core/given.ts'
import { open } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'

const branches = {
  linked: [],
  ours: [],
  base: { name: 'main', sha: 'a'.repeat(40) },
  ids: { issue: 'I_1', repository: 'R_1' },
}
const key = threadKey(thread)

/** Two processes, and what stands between them. */
function processes(kept: Map<string, string> = new Map()) {
  let at = 1_000
  const cache: SharedCache = {
    put: async (name, value) => void kept.set(name, JSON.stringify(value)),
    async take(name) {
      const text = kept.get(name)
      kept.delete(name)
      return text === undefined ? undefined : JSON.parse(text)
    },
  }
  const start = () => readAheads(() => at, { cache, name: 'github 1' })
  const [first, second] = [start(), start()]
  first.ids.set(key, 'I_1')
  first.ids.set(String(thread.repoId), 'R_1')
  first.keep(key, { open: true, branches, settings: { text: 'pause: true' } })
  return { first, second, kept, pass: (ms: number) => (at += ms) }
}

describe('what was read ahead', () => {
  test('is taken over by the process that asks, with the names of the nodes', async () => {
    const { first, second } = processes()
    await first.share(thread)
    await second.fetch(thread)
    expect(second.take(key, 'open')).toBe(true)
    expect(second.take(key, 'branches')).toEqual(branches)
    expect(second.see(key, 'settings')).toBeUndefined()
    expect([second.ids.get(key), second.ids.get(String(thread.repoId))]).toEqual(['I_1', 'R_1'])
  })

  test('is given out once, also to the one that read it', async () => {
    const { first, second, kept } = processes()
    await first.share(thread)
    await first.fetch(thread)
    expect(first.take(key, 'branches')).toEqual(branches)
    await second.fetch(thread)
    expect(second.take(key, 'branches')).toBeUndefined()
    expect(kept.size).toBe(0)
  })

  test('lets go of memory with time, and holds no more than 16 MB of it', () => {
    vi.useFakeTimers()
    const aheads = readAheads(() => Date.now())
    const body = 'x'.repeat(2 ** 20)
    const comment = { id: 1, user: null, created_at: '', updated_at: '' }
    const names = Array.from({ length: 20 }, (_, n) => `thread ${n}`)
    const memory = () => names.filter(name => aheads.see(name, 'comments'))
    for (const name of names) aheads.keep(name, { comments: [{ ...comment, body }] })
    expect(memory()).toEqual(names.slice(-7))
    aheads.keep('all at once', { comments: Array.from({ length: 9 }, () => ({ ...comment, body })) })
    expect(aheads.see('all at once', 'comments')).toBeUndefined()
    vi.advanceTimersByTime(10_000)
    vi.setSystemTime(Date.now() - 9_000)
    expect(memory(), 'gone, not only out of date').toEqual([])
    vi.useRealTimers()
  })

  test('is asked for once: who has it, or took it back, asks nobody', async () => {
    const { first, second, kept } = processes()
    await first.share(thread)
    await second.fetch(thread)
    kept.set(`github 1 ${key}`, '{"at":1,"nodes":{}}')
    await second.fetch(thread)
    expect(kept.size).toBe(1)
    await first.fetch(thread)
    expect(kept.size).toBe(0)
    kept.set(`github 1 ${key}`, '{"at":1,"nodes":{}}')
    await first.fetch(thread)
    expect(kept.size).toBe(1)
  })

  test('is not used by the one that read it when another has it', async () => {
    const { first, second } = processes()
    await first.share(thread)
    await second.fetch(thread)
    await first.fetch(thread)
    expect([first.take(key, 'open'), first.take(key, 'branches')]).toEqual([undefined, undefined])
  })

  test('grows no younger on its way', async () => {
    const { first, second, pass } = processes()
    await first.share(thread)
    pass(9_000)
    await second.fetch(thread)
    expect(second.see(key, 'open')).toBe(true)
    pass(1_500)
    expect(second.see(key, 'open')).toBeUndefined()
  })

  test('lasts no longer where the clock is behind that of the process that read it', async () => {
    const ahead = JSON.stringify({ at: 46_000, nodes: {}, open: true })
    const { second, pass } = processes(new Map([[`github 1 ${key}`, ahead]]))
    await second.fetch(thread)
    expect(second.see(key, 'open')).toBe(true)
    pass(10_001)
    expect(second.see(key, 'open')).toBeUndefined()
  })

  test.each(['null', '{}', '{"at":"now"}', '{"at":1,"nodes":{},"branches":{"linked":7}}'])(
    'of another version is left alone: %s',
    async text => {
      const { second, kept } = processes(new Map([[`github 1 ${key}`, text]]))
      await second.fetch(thread)
      expect(second.see(key, 'branches')).toBeUndefined()
      expect(kept.size).toBe(0)
    },
  )

  test('costs a call and no more while the cache is away', async () => {
    const away = async () => Promise.reject(new Error('Connection is closed.'))
    const alone = readAheads(() => 1, { cache: { put: away, take: away }, name: 'github 1' })
    await alone.share(thread)
    await alone.fetch(thread)
    expect(alone.see(key, 'open')).toBeUndefined()
  })
})

describe.skipIf(!redisAvailable())('on Redis', () => {
  let redis: RedisServer
  const opened: Pick<Queues<never, never>, 'cache' | 'close'>[] = []
  beforeAll(async () => {
    redis = await startRedis()
    for (let n = 0; n < 2; n += 1) opened.push(await open({ redisUrl: redis.url, dataDir: '/nowhere' }))
  })
  afterAll(async () => {
    for (const each of opened) await each.close(100)
    await redis.stop()
  })

  test('it goes from one process to one other, and is gone after its time', async () => {
    const [here, there] = opened.map(({ cache }) => cache)
    await here?.put('a thread', { at: 1 }, 10_000)
    expect(await there?.take('a thread')).toEqual({ at: 1 })
    expect(await here?.take('a thread')).toBeUndefined()
    await here?.put('a thread', { at: 2 }, 1)
    const deadline = Date.now() + 10_000
    const raw = new Redis(redis.url)
    while ((await raw.keys('*:cache:*')).length > 0 && Date.now() < deadline) await sleep(5)
    raw.disconnect()
    expect(await there?.take('a thread')).toBeUndefined()
  })
})
