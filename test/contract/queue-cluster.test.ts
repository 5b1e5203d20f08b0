/** On a Redis Cluster, commands on keys of several slots are refused: so all keys of the queues are in one. */
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Processor } from '../../src/queue/work-queue.ts'
import { cleanUp, type Note, open, until, workBy } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'

describe.runIf(redisAvailable())('a Redis that is a cluster', () => {
  let server: RedisServer
  let redis: Redis

  beforeAll(async () => {
    server = await startRedis('--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no')
    redis = new Redis(server.url)
    await redis.call(
      'CLUSTER',
      'ADDSLOTS',
      ...Array.from({ length: 16_384 }, (_, slot) => String(slot)),
    )
    await until(async () => /cluster_state:ok/.test(String(await redis.call('CLUSTER', 'INFO'))))
  })

  afterAll(async () => {
    redis.disconnect()
    await cleanUp()
    await server.stop()
  })

  test('has the queues do all they do, with all their keys in one slot', async () => {
    const queues = await open({ redisUrl: server.url })
    let steps = 0
    const walker: Processor<Note> = async job => {
      steps += 1
      await job.save({ by: 'walker', text: `step ${steps}` })
      if (!(await job.inbox()).includes('end')) return { kind: 'park', ms: 60_000 }
      await job.closeInbox()
      return { kind: 'end' }
    }
    await workBy(queues.runs, new Map([['walker', walker]]), { concurrency: 2 })
    expect(await queues.runs.add('a', { by: 'walker' }, 'slot')).toEqual({
      outcome: 'added',
      id: 'a',
    })
    expect(await queues.runs.add('b', { by: 'walker' }, 'slot')).toEqual({
      outcome: 'held',
      id: 'a',
    })
    await until(() => steps === 1)
    await queues.runs.wake('a')
    await until(() => steps === 2)
    expect(await queues.runs.send('a', 'end')).toBe(true)
    await until(async () => (await queues.runs.get('a'))?.standing === 'ended')

    const slots = (await redis.keys('*')).map(key => redis.call('CLUSTER', 'KEYSLOT', key))
    expect(new Set(await Promise.all(slots)).size).toBe(1)
  })

  test('whose node hands its slots over: the queues connect anew, as a proxy now leads to the other node', async () => {
    const heir = await startRedis('--cluster-enabled', 'yes')
    onTestFinished(() => heir.stop())
    const queues = await open({ redisUrl: server.url })
    const before = queues.connectedAt()
    const other = async () =>
      /^\w+(?= \S+ master)/m.exec(String(await redis.call('CLUSTER', 'NODES')))?.[0]
    // A handshake that takes too long on a busy machine is forgotten: it is asked for again.
    const met = async () => {
      await redis.call('CLUSTER', 'MEET', '127.0.0.1', heir.port)
      return await other()
    }
    await until(met)
    const move = ['SETSLOT', '14041', 'NODE', String(await other())]
    await Promise.all([redis.flushall(), redis.call('CLUSTER', ...move)])
    await expect(queues.ready(1_000)).rejects.toThrow()
    await until(() => queues.connectedAt() > before, 5_000)
  })
})
