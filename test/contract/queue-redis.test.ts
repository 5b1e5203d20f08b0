import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import { checkRedisSafety } from '../../src/queue/redis-backend.ts'
import { LockLost, type Processor } from '../../src/queue/work-queue.ts'
import {
  cleanUp,
  type LogLine,
  type Note,
  open,
  type TestQueues,
  timed,
  until,
  workBy,
} from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'

const available = redisAvailable()
const note = { by: 'anyone' }

describe.runIf(available)('when Redis is in trouble', () => {
  let server: RedisServer
  let queues: TestQueues
  let lines: LogLine[]
  const processors = new Map<string, Processor<Note>>()

  beforeEach(async () => {
    lines = []
    server = await startRedis()
    queues = await open({ redisUrl: server.url }, lines)
    processors.set('anyone', async () => ({ kind: 'end' }))
  })

  afterEach(async () => {
    await cleanUp()
    await server.stop()
  })

  const work = () => workBy(queues.runs, processors, { concurrency: 2 })
  const ended = (id: string, ms?: number) =>
    until(async () => (await queues.runs.get(id).catch(() => undefined))?.standing === 'ended', ms)

  test('dead: adding fails at once; soon after its return a waiting worker goes on, and nothing is lost', async () => {
    await queues.triggers.add('before', note)
    await work()
    await queues.runs.add('warm', note)
    await ended('warm')
    await server.kill()
    for (let n = 0; n < 3; n++) {
      const { ms, result } = await timed(queues.runs.add('during', note))
      expect(result).toBeInstanceOf(QueueUnavailable)
      expect(ms).toBeLessThan(1_000)
    }
    await expect(queues.ready(1_000)).rejects.toThrow(QueueUnavailable)
    await sleep(2_500)
    await server.restart()
    const returned = performance.now()
    await until(() => queues.runs.add('after', note).catch(() => false))
    await ended('after')
    expect(performance.now() - returned).toBeLessThan(3_000)
    expect((await queues.triggers.get('before'))?.standing).toBe('live')
    expect(lines.filter(line => line.message === 'trouble with the queue').length).toBeLessThan(6)
  })

  test('frozen: adding fails in 3 s, and so does the list; after the thaw all goes on; closing keeps its grace', async () => {
    await work()
    await sleep(200)
    server.freeze()
    const add = timed(queues.runs.add('cold', note))
    const [pinging, adding] = [await timed(queues.ready(500)), await add]
    expect(adding.result).toBeInstanceOf(QueueUnavailable)
    expect(adding.ms).toBeLessThan(3_200)
    expect(pinging.result).toBeInstanceOf(QueueUnavailable)
    expect(pinging.ms).toBeLessThan(700)
    server.thaw()
    const thawed = performance.now()
    await until(() => queues.runs.add('warm', note).catch(() => false))
    await ended('warm')
    expect(performance.now() - thawed).toBeLessThan(3_000)
    server.freeze()
    expect((await timed(queues.close(1_500))).ms).toBeLessThan(2_000)
    server.thaw()
  })

  test('that takes no more connections: what comes of it is no failure of a job', async () => {
    const raw = new Redis(server.url)
    await raw.ping()
    const seen: number[] = []
    processors.set('unlucky', async job => {
      seen.push(job.failures)
      if (seen.length === 1) {
        const clients = [...String(await raw.client('LIST')).matchAll(/^id=(\d+) /gm)].map(
          ([, id]) => Number(id),
        )
        await raw.config('SET', 'maxclients', clients.length - 1)
        // The first that was opened: it adds and asks, the others work.
        await raw.client('KILL', 'ID', Math.min(...clients))
      }
      if (seen.length === 3) await raw.config('SET', 'maxclients', 10_000)
      await queues.runs.holder('any')
      return { kind: 'end' }
    })
    await work()
    await queues.runs.add('unlucky', { by: 'unlucky' })
    await ended('unlucky')
    expect(seen.length).toBeGreaterThan(2)
    expect(new Set(seen)).toEqual(new Set([0]))
    raw.disconnect()
  })

  test('a step that outlives its lock while Redis is frozen learns of it', async () => {
    const reasons: unknown[] = []
    processors.set('deaf', async job => {
      if (job.stalls > 0 || reasons.length) return { kind: 'end' }
      await new Promise(resolve => job.signal.addEventListener('abort', resolve))
      reasons.push(job.signal.reason)
      throw job.signal.reason
    })
    await work()
    await queues.runs.add('deaf', { by: 'deaf' })
    await sleep(200)
    server.freeze()
    await until(() => reasons.length)
    server.thaw()
    expect(reasons).toEqual([expect.any(LockLost)])
    await ended('deaf', 10_000)
  })
})

describe.runIf(available)('what Redis is asked', () => {
  let server: RedisServer
  let queues: TestQueues
  let raw: Redis

  beforeEach(async () => {
    server = await startRedis()
    queues = await open({ redisUrl: server.url })
    raw = new Redis(server.url)
    await queues.triggers.add('first', note)
  })

  afterEach(async () => {
    raw.disconnect()
    await cleanUp()
    await server.stop()
  })

  async function counted(...commands: string[]): Promise<number[]> {
    const asked = await raw.info('commandstats')
    return commands.map(command =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(asked)?.[1] ?? 0),
    )
  }

  test('is two things for an addition, itself and its place in the index', async () => {
    await raw.config('RESETSTAT')
    const ids = Array.from({ length: 20 }, (_, n) => `one-${n}`)
    const added = await Promise.all(ids.map(id => queues.triggers.add(id, note)))
    expect(added.map(({ outcome }) => outcome)).toEqual(ids.map(() => 'added'))
    expect(await queues.triggers.add('one-7', note)).toEqual({ outcome: 'known', id: 'one-7' })
    expect(await counted('evalsha', 'eval', 'multi', 'exec')).toEqual([42, 0, 0, 0])
  })
})

describe('the safety of Redis', () => {
  const saying = (text: string) => checkRedisSafety({ info: async () => text })

  test.each([
    ['maxmemory_policy:noeviction\r\naof_enabled:1\r\n', 0],
    ['maxmemory_policy:allkeys-lru\r\naof_enabled:1\r\n', 1],
    ['maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n', 2],
    ['', 0],
  ])('%j: %i warnings', async (text, count) => {
    expect(await saying(text)).toHaveLength(count)
  })

  test('is not known when INFO is forbidden', async () => {
    const forbidden = async () => Promise.reject(new Error('NOPERM'))
    expect(await checkRedisSafety({ info: forbidden })).toEqual([])
  })

  test.runIf(available)('is checked at the start', async () => {
    const server = await startRedis('--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru')
    const lines: LogLine[] = []
    const queues = await open({ redisUrl: server.url }, lines)
    expect(lines.map(line => line.message)).toEqual([
      'Redis may evict jobs when its memory is full: maxmemory-policy is allkeys-lru, it should be noeviction',
      'Redis loses the newest jobs when it crashes: appendonly is off, it should be on',
    ])
    await queues.close(200)
    await server.stop()
  })
})
