/** When the queue is ready: it takes writes, and whatever works here takes jobs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import {
  cleanUp,
  type LogLine,
  open,
  ownDataDir,
  type TestQueues,
  timed,
  until,
} from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'

const yes = () => true
const no = () => false
const end = async () => ({ kind: 'end' }) as const

describe.skipIf(!redisAvailable())('Redis', () => {
  let server: RedisServer
  let admin: Redis
  let queues: TestQueues
  beforeAll(async () => {
    server = await startRedis()
    admin = new Redis(server.url)
    queues = await open({ redisUrl: server.url, prefix: '{ready}' })
    await queues.runs.work(end, { concurrency: 1 })
    await until(isReady)
  })
  afterAll(async () => {
    await cleanUp()
    admin.disconnect()
    await server.stop()
  })

  const ready = () => queues.ready(1_000)
  const isReady = () => ready().then(yes, no)

  test.each([
    ['is a replica', ['replicaof', '127.0.0.1', '1'], ['replicaof', 'no', 'one']],
    [
      'has no memory left',
      ['config', 'set', 'maxmemory', '1'],
      ['config', 'set', 'maxmemory', '0'],
    ],
    [
      'waits for replicas that are not there',
      ['config', 'set', 'min-replicas-to-write', '1'],
      ['config', 'set', 'min-replicas-to-write', '0'],
    ],
  ])(
    'that %s is not ready, and is again when that is over',
    async (_, [begin = '', ...args], [over = '', ...rest]) => {
      await admin.call(begin, ...args)
      await expect(ready()).rejects.toThrow(QueueUnavailable)
      await admin.call(over, ...rest)
      await until(isReady)
    },
  )

  test('that has room for a word and not for a comment is not ready', async () => {
    const [, used] = /used_memory:(\d+)/.exec(await admin.info('memory')) ?? []
    await admin.config('SET', 'maxmemory', Number(used) + 400_000)
    expect(await admin.set('a word', 'x')).toBe('OK')
    await expect(ready()).rejects.toThrow('OOM')
    await expect(
      queues.triggers.add('long', { by: 'x', text: 'x'.repeat(600_000) }),
    ).rejects.toThrow('OOM')
    await admin.config('SET', 'maxmemory', 0)
    await until(isReady)
  })

  test('whose workers’ connections were cut is ready when they are back', async () => {
    await admin.call('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    await until(isReady)
    await queues.runs.add('after-the-cut', { by: 'x' })
    await until(async () => (await queues.runs.get('after-the-cut'))?.standing === 'ended')
  })

  test('is not ready once no more jobs are taken', async () => {
    const other = await open({ redisUrl: server.url, prefix: '{drained}' })
    await other.runs.work(end, { concurrency: 1 })
    await until(() => other.ready(1_000).then(yes, no))
    const closing = other.close(1_000)
    await expect(other.ready(1_000)).rejects.toThrow(QueueUnavailable)
    await closing
  })

  test('that is briefly away at the start is waited for, and that is said', async () => {
    const late = await startRedis()
    await late.kill()
    const lines: LogLine[] = []
    const opening = open({ redisUrl: late.url }, lines)
    await until(() => lines.some(({ message }) => message === 'waiting for Redis'))
    await sleep(1_000)
    await late.restart()
    await opening
    await late.stop()
  })

  test.each([
    ['another', ':hunter2hunter2@', 'does not take the user and password in REDIS_URL'],
    ['a', '', 'wants a password: write it in REDIS_URL, as in redis://:PASSWORD@HOST'],
  ])('that wants %s password says so, and is not waited for', async (_, given, words) => {
    const locked = await startRedis()
    const owner = new Redis(locked.url)
    await owner.config('SET', 'requirepass', 'another')
    owner.disconnect()
    const url = locked.url.replace('//', `//${given}`)
    const { ms, result } = await timed(open({ redisUrl: url }))
    expect(String(result)).toMatch(new RegExp(`Redis at 127\\.0\\.0\\.1:\\d+ ${words}$`))
    expect(ms).toBeLessThan(2_000)
    await locked.stop()
  })

  test('on IPv6 is reached by its address in brackets', async () => {
    const six = await startRedis('--bind', '::1', '127.0.0.1')
    const other = await open({ redisUrl: `redis://[::1]:${six.port}` })
    await other.ready(1_000)
    await six.stop()
  })
})

describe('the embedded queue', () => {
  afterAll(cleanUp)

  test('is ready when it takes writes, and not once it is closed', async () => {
    const queues = await open({ dataDir: await ownDataDir() })
    await queues.ready(1_000)
    await queues.close(500)
    await expect(queues.ready(500)).rejects.toThrow(QueueUnavailable)
  })
})
