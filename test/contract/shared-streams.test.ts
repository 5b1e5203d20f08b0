/** Several processes follow the same runs: each stream once, none left behind, none that nobody needs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import { limitGate } from '../../src/core/model/call-budget.ts'
import { followRuns, pileOf, type RunNews } from '../../src/posthog/stream/follow-runs.ts'
import { redisStreams } from '../../src/queue/redis-streams.ts'
import { until } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { exhaustive } from '../support/tries.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const runOf = (id: string) => ({ id, thread: { owner: 'acme' } })

interface Process {
  news: RunNews
  woken: string[]
  open(): number
  close(): Promise<void>
  /** As kill -9 does. */
  die(): void
}

describe.skipIf(!redisAvailable())('beside PostHog and Redis', () => {
  let redis: RedisServer
  let posthog: PostHogEmulator
  let worlds = 0

  beforeAll(async () => {
    redis = await startRedis()
    posthog = await startPostHog({ rate: 'off', timing: { queued: 1, sandbox: 1, clone: 1, agent: 1 } })
    posthog.script('', { kind: 'manual' })
  })
  afterAll(async () => {
    await posthog.close()
    await redis.stop()
  })

  async function call(path: string, body: object): Promise<{ id: string }> {
    const answer = await fetch(`${posthog.url}/api/projects/${posthog.projectId}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${posthog.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return (await answer.json()) as { id: string }
  }

  async function session() {
    const known = posthog.runs().length
    const asked = { title: 'Fix', description: 'Fix it', repository: 'acme/shop', github_integration: 2 }
    const task = await call('tasks/', asked)
    await call(`tasks/${task.id}/run/`, { runtime_adapter: 'codex', model: 'gpt-5.5' })
    const control = posthog.runs()[known]
    if (!control) throw new Error('no run')
    return { control, session: { taskId: task.id, taskRunId: control.id } }
  }

  async function sessionsOf(count: number) {
    const made: Awaited<ReturnType<typeof session>>[] = []
    while (made.length < count) made.push(await session())
    return made
  }

  const streamsOf = ({ taskRunId }: { taskRunId: string }): number =>
    posthog.calls.filter(({ route, path }) => route === 'stream' && path.includes(taskRunId)).length

  /** Processes of one deployment; without a length of leases, at the pace of the bot. */
  function deployment(leaseMs: number | undefined, url = redis.url) {
    const prefix = `{world-${++worlds}}`
    return (maxOpen = 100, wake = async (_: string) => {}, beforeTake = async () => {}): Process => {
      const connection = new Redis(url)
      connection.on('error', () => {})
      const woken: string[] = []
      const leases = redisStreams(connection, prefix, leaseMs)
      const follower = followRuns({
        leases: { ...leases, take: name => beforeTake().then(() => leases.take(name)) },
        wake: id => {
          woken.push(id)
          return wake(id)
        },
        log: { info() {}, warn() {} },
        renewEvery: leaseMs && 50,
        maxOpen,
      })
      const news = follower.of({
        ...{ host: posthog.url, projectId: String(posthog.projectId), apiKey: posthog.apiKey },
        redact: (text: string) => text,
        gate: limitGate(Date.now),
      })
      closers.push(async () => {
        await follower.close()
        connection.disconnect()
      })
      const { open, close } = follower
      return { news, woken, open, close, die: () => connection.disconnect() }
    }
  }

  test('a stream is open once, and a process that has it not is told that it need not poll', async () => {
    const start = deployment(60_000)
    const [first, second] = [start(), start()]
    const { session: one } = await session()
    await until(() => first.news.watch(one, runOf('run-1')))
    expect(await second.news.watch(one, runOf('run-1'))).toBe(true)
    expect(streamsOf(one)).toBe(1)
    expect([first.open(), second.open()]).toEqual([1, 0])
  })

  test('of two that open one at the same time, one stays', async () => {
    const start = deployment(60_000)
    const [first, second] = [start(), start()]
    const { session: one } = await session()
    await Promise.all([first.news.watch(one, runOf('run-1')), second.news.watch(one, runOf('run-1'))])
    await until(() => first.open() + second.open() === 1)
    expect(await first.news.watch(one, runOf('run-1'))).toBe(true)
    expect(await second.news.watch(one, runOf('run-1'))).toBe(true)
  })

  test('what a process followed that died is taken up by another', async () => {
    const start = deployment(300)
    const [first, second] = [start(), start()]
    const { session: one, control } = await session()
    await until(() => first.news.watch(one, runOf('run-1')))
    first.die()
    await until(() => second.woken.includes('run-1'))
    await until(() => second.news.watch(one, runOf('run-1')))
    second.woken.length = 0
    control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
    await until(() => second.woken.includes('run-1'))
  })

  test.runIf(exhaustive)('and that within 20 s, at the pace of the bot', async () => {
    const start = deployment(undefined)
    const [first, second] = [start(), start()]
    const { session: one } = await session()
    await until(() => first.news.watch(one, runOf('run-1')))
    const diedAt = performance.now()
    first.die()
    await until(() => second.woken.includes('run-1'))
    expect(performance.now() - diedAt).toBeLessThan(21_000)
  })

  test('what a process followed that was stopped is taken up at once, by one', async () => {
    const start = deployment(60_000)
    const [first, second, third] = [start(), start(), start()]
    const sessions = await sessionsOf(5)
    for (const [n, { session: one }] of sessions.entries())
      await until(() => first.news.watch(one, runOf(`run-${n}`)))
    await first.close()
    expect(first.open()).toBe(0)
    await until(() => second.woken.length + third.woken.length >= 5)
    expect([...second.woken, ...third.woken].toSorted()).toEqual(sessions.map((_, n) => `run-${n}`))
  })

  test('so is what was about to be followed when the process was stopped', async () => {
    const start = deployment(60_000)
    let taking = 0
    const first = start(100, undefined, async () => {
      taking += 1
      await sleep(500)
    })
    const second = start()
    const { session: one } = await session()
    await until(async () => {
      void first.news.watch(one, runOf('run-1'))
      return taking > 0
    })
    await first.close()
    await until(() => second.woken.includes('run-1'))
  })

  test('the stream of a Run that ended in another process is closed', async () => {
    const start = deployment(60_000)
    const [first, second] = [start(), start()]
    const { session: one } = await session()
    await until(() => first.news.watch(one, runOf('run-1')))
    second.news.unwatch(one, 'run-1')
    await until(() => first.open() === 0)
  })

  describe('of one session that a Run of another thread goes on with', () => {
    test.each(['the process itself', 'another process'])(
      'stays when the first Run ends in %s',
      async where => {
        const start = deployment(60_000)
        const [first, second] = [start(), start()]
        const { session: one, control } = await session()
        await until(() => first.news.watch(one, runOf('run-issue')))
        await until(() => first.news.watch(one, runOf('run-pull')))
        const endsIn = where === 'another process' ? second : first
        endsIn.news.unwatch(one, 'run-issue')
        // Leases are looked at every 50 ms.
        await sleep(300)
        expect(first.open()).toBe(1)
        first.woken.length = 0
        control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
        await until(() => first.woken.includes('run-pull'))
        first.news.unwatch(one, 'run-pull')
        expect(first.open()).toBe(0)
      },
    )
  })

  test('rings when the queue is back from an outage, as what was woken before may be lost', async () => {
    const away = await startRedis()
    closers.push(away.stop)
    const start = deployment(60_000, away.url)
    const process = start()
    const { session: one } = await session()
    await until(() => process.news.watch(one, runOf('run-1')))
    await until(() => process.open() === 1)
    await away.kill()
    process.woken.length = 0
    await away.restart()
    await until(() => process.woken.includes('run-1'))
  })

  test('that nobody has is given again to another, when who was to wake its Run could not', async () => {
    const start = deployment(300)
    const [first] = [start()]
    const { session: one } = await session()
    await until(() => first.news.watch(one, runOf('run-1')))
    const unable = start(100, async () => Promise.reject(new Error('no queue')))
    first.die()
    await until(() => unable.woken.length > 0)
    await unable.close()
    const second = start()
    await until(() => second.woken.includes('run-1'))
    expect(await second.news.watch(one, runOf('run-1'))).toBe(false)
  })

  test('there are only so many in a process, and the others are for it to poll', async () => {
    const process = deployment(60_000)(2)
    const sessions = await sessionsOf(3)
    const [one, two, three] = sessions.map(({ session }) => session)
    for (const each of [one, two])
      if (each) await until(() => process.news.watch(each, runOf(each.taskRunId)))
    if (!three) throw new Error('no third')
    expect(await process.news.watch(three, runOf('run-3'))).toBe(false)
    expect(process.open()).toBe(2)
    expect(streamsOf(three)).toBe(0)
  })

  test('whoever’s stream breaks for good is woken, to be polled', async () => {
    const process = deployment(60_000)()
    const { session: one, control } = await session()
    await control.progress('agent', 'Started agent')
    await until(() => process.news.watch(one, runOf('run-1')))
    const away = posthog.fault({
      ...{ route: 'stream', times: Number.POSITIVE_INFINITY },
      fault: { kind: 'status', code: 502 },
    })
    posthog.dropConnections()
    await until(async () => !(await process.news.watch(one, runOf('run-1'))))
    expect(process.woken).toContain('run-1')
    away.cancel()
  })
})

describe('news that pile up', () => {
  test('wake each Run once while it waits, and only so many at a time', async () => {
    const woken: string[] = []
    const going: (() => void)[] = []
    let most = 0
    const pile = pileOf(
      id =>
        new Promise<void>(done => {
          woken.push(id)
          going.push(done)
          most = Math.max(most, going.length)
        }),
      error => expect.fail(String(error)),
    )
    for (let round = 0; round < 3; round += 1) for (let n = 0; n < 500; n += 1) pile.add(`run-${n}`)
    expect(pile.size()).toBe(500)
    while (going.length > 0) {
      going.shift()?.()
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(most).toBe(10)
    // Those that were under way when it was said again are woken again.
    expect(woken).toHaveLength(510)
    expect(new Set(woken).size).toBe(500)
  })

  test('come again until the Run was woken, and one that can not be keeps none of the others', async () => {
    let isAway = true
    const woken: string[] = []
    const failed: unknown[] = []
    const pile = pileOf(
      async id => {
        if (isAway || id === 'run-0') throw new Error(id)
        woken.push(id)
      },
      error => failed.push(error),
      5,
    )
    for (let n = 0; n < 30; n += 1) pile.add(`run-${n}`)
    await until(() => failed.length > 0)
    isAway = false
    await until(() => woken.length === 29)
    expect(new Set(woken).size).toBe(29)
    pile.clear()
  })
})
