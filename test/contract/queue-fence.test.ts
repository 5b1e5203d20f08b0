/**
 * Who was frozen after the last look at the lock and before the write, past the time of the lock, writes nothing when
 * it thaws. The freeze is of the very command that carries the record: what goes before it has been answered.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { Redis } from 'ioredis'
import { afterEach, expect, test, vi } from 'vitest'
import { LockLost, type Processor } from '../../src/queue/work-queue.ts'
import { cleanUp, open, ownDataDir, type TestQueues, until } from '../support/queue-world.ts'
import { redisAvailable, startRedis } from '../support/redis-server.ts'

const written = 'written too late'

afterEach(async () => {
  vi.restoreAllMocks()
  await cleanUp()
})

/** @returns what the frozen step was told */
async function freeze(queues: TestQueues): Promise<unknown> {
  let told: unknown
  const process: Processor<{ by: string; text?: string }> = async job => {
    if (told) return { kind: 'park', ms: 60_000 }
    await job.save({ by: 'me', text: written }).catch(error => {
      told = error
    })
    told ??= 'nothing'
    throw new Error('and no more')
  }
  await queues.runs.work(process, { concurrency: 1 })
  await queues.runs.add('frozen', { by: 'me', text: 'of the other' })
  await until(() => told)
  return told
}

test.runIf(redisAvailable())('who was frozen past its lock writes nothing, on Redis', async () => {
  const server = await startRedis()
  const other = new Redis(server.url)
  const proxy = await proxyTo(server.port, async () => {
    await other.set('{codex}:runs:frozen:lock', 'another', 'PX', 60_000)
  })
  const queues = await open({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
  expect(await freeze(queues)).toBeInstanceOf(LockLost)
  expect(JSON.parse((await other.hget('{codex}:runs:frozen', 'data')) ?? '')).toMatchObject({
    text: 'of the other',
  })
  other.disconnect()
  await cleanUp()
  proxy.stop()
  await server.stop()
})

test('who was frozen past its lock writes nothing, on the embedded database', async () => {
  const queues = await open({ dataDir: await ownDataDir() })
  const query = PGlite.prototype.query
  vi.spyOn(PGlite.prototype, 'query').mockImplementation(async function (
    this: PGlite,
    text,
    params,
    options,
  ) {
    const steal = "UPDATE bullmq.job SET lock_token = 'another' WHERE id = 'frozen'"
    if (params?.some(value => String(value).includes(written))) await query.call(this, steal)
    return query.call(this, text, params, options) as never
  })
  expect(await freeze(queues)).toBeInstanceOf(LockLost)
  expect((await queues.runs.get('frozen'))?.data).toMatchObject({ text: 'of the other' })
})

/** Holds back what carries the record until `before` is done. */
async function proxyTo(port: number, before: () => Promise<unknown>) {
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}))
    upstream.pipe(client)
    let last: Promise<unknown> = Promise.resolve()
    client.on('data', chunk => {
      last = last
        .then(() => (chunk.includes(written) ? before() : undefined))
        .then(() => upstream.write(chunk))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
