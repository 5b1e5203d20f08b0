/** What one process is told of a limit, another heeds before it has asked anything. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import { type LimitStore, limitGate } from '../../src/core/model/call-budget.ts'
import { RetryLater } from '../../src/core/model/errors.ts'
import { gitHubApp } from '../../src/github/app-client.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import type { Queues } from '../../src/queue/open-queues.ts'
import { privateKey } from '../security/key.ts'
import { startServer } from '../support/local-server.ts'
import { open, until } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { caught, installationToken, postHogAt } from '../support/service-calls.ts'

describe.skipIf(!redisAvailable())('a limit that one process met', () => {
  let redis: RedisServer
  const processes: Pick<Queues<never, never>, 'limits' | 'close'>[] = []
  const closers: (() => unknown)[] = []

  beforeAll(async () => {
    redis = await startRedis()
    for (let n = 0; n < 2; n += 1)
      processes.push(await open({ redisUrl: redis.url, dataDir: '/nowhere', prefix: '{limits}' }))
  })
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })
  afterAll(async () => {
    for (const each of processes) await each.close(100)
    await redis.stop()
  })

  const github = { service: 'github', why: 'rate-limit' } as const

  const store = (n: number): LimitStore => {
    const limits = processes[n]?.limits
    if (!limits) throw new Error('Redis shares no limits')
    return limits
  }

  test('of PostHog, no other asks about before its time', async () => {
    const posthog: PostHogEmulator = await startPostHog()
    closers.push(() => posthog.close())
    const clientOf = (n: number) =>
      postHogTasks(
        {
          ...postHogAt(posthog),
          gate: limitGate(Date.now, { name: 'posthog one', store: store(n) }),
        },
        Date.now,
      )
    const [first, second] = [clientOf(0), clientOf(1)]
    posthog.fault({ fault: { kind: 'throttled', seconds: 1 } })
    const met = await caught(first.sandboxes())
    expect(met).toBeInstanceOf(RetryLater)
    const asked = posthog.calls.length
    expect(await caught(second.sandboxes())).toMatchObject({
      name: 'RetryLater',
      service: 'posthog',
      why: 'rate-limit',
    })
    expect(posthog.calls).toHaveLength(asked)
    await until(async () => (await second.sandboxes().catch(() => undefined)) !== undefined)
  })

  test('lasts as long for one whose clock is wrong', async () => {
    const hour = 3_600_000
    const [ahead, behind] = [hour, -hour].map((by, n) =>
      limitGate(() => Date.now() + by, { name: 'wrong clocks', store: store(n) }),
    )
    const limit = new RetryLater('posthog', Date.now() + hour + 300, 'rate-limit', 'wait')
    await ahead?.remember(limit)
    expect(await caught(Promise.resolve(behind?.pass()))).toBeInstanceOf(RetryLater)
    await until(async () =>
      behind?.pass().then(
        () => true,
        () => false,
      ),
    )
  })

  test('of a GitHub installation, no other asks about before its time; others are free', async () => {
    const asked: string[] = []
    const { url: apiUrl, close } = await startServer((request, response) => {
      asked.push(String(request.url))
      const isToken = request.url?.endsWith('/access_tokens')
      if (isToken) response.writeHead(201, { 'content-type': 'application/json' })
      else if (request.headers.authorization === 'token ghs_1')
        response.writeHead(403, { 'content-type': 'application/json', 'retry-after': '60' })
      else response.writeHead(200, { 'content-type': 'application/json' })
      const token = request.url?.includes('/1/') ? 'ghs_1' : 'ghs_2'
      response.end(JSON.stringify(isToken ? installationToken(token) : { message: 'slow' }))
    })
    closers.push(close)
    const clientOf = (n: number, installationId: number) =>
      gitHubApp({ id: 5, privateKey, apiUrl }, Date.now, { limits: store(n) }).forRepo({
        installationId,
        repoId: 100,
      })
    expect(await caught(clientOf(0, 1).request('GET /rate'))).toBeInstanceOf(RetryLater)
    const soFar = asked.length
    expect(await caught(clientOf(1, 1).request('GET /rate'))).toBeInstanceOf(RetryLater)
    expect(asked).toHaveLength(soFar)
    expect((await clientOf(1, 2).request('GET /rate')).status).toBe(200)
  })

  test('stays the longest of those that were met, and goes with its time', async () => {
    const limit = (lasts: number) => ({ ...github, message: `for ${lasts} milliseconds`, lasts })
    await store(0).write('long and short', limit(60_000))
    await store(1).write('long and short', limit(1_000))
    expect((await store(1).read('long and short'))?.message).toBe('for 60000 milliseconds')
    await store(0).write('over', limit(-1))
    expect(await store(0).read('over')).toBeUndefined()
  })

  test('is asked about once for calls side by side, and again for the next', async () => {
    let reads = 0
    const counting: LimitStore = {
      ...store(0),
      read: name => {
        reads += 1
        return store(0).read(name)
      },
    }
    const gate = limitGate(Date.now, { name: 'side by side', store: counting })
    await Promise.all([gate.pass(), gate.pass(), gate.pass().then(() => gate.pass())])
    expect(reads).toBe(1)
    await store(1).write('side by side', { ...github, message: 'wait', lasts: 60_000 })
    expect(await caught(gate.pass())).toBeInstanceOf(RetryLater)
    expect(reads).toBe(2)
  })

  test('is known to who met it when Redis is away, and hinders nobody else', async () => {
    const away: LimitStore = {
      read: () => Promise.reject(new Error('away')),
      write: () => Promise.reject(new Error('away')),
    }
    const gate = limitGate(Date.now, { name: 'x', store: away })
    await gate.pass()
    await gate.remember(new RetryLater('github', Date.now() + 60_000, 'rate-limit', 'wait'))
    expect(await caught(gate.pass())).toBeInstanceOf(RetryLater)
  })
})
