/** Several processes follow the same runs: who polls one has its stream, none is left behind, none is held that nobody needs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import { hour } from '../../src/core/model/time.ts'
import { followRuns, pileOf } from '../../src/posthog/stream/follow-runs.ts'
import { until } from '../support/queue-world.ts'
import { postHogAt, runAtWork } from '../support/service-calls.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

describe('beside PostHog', () => {
  let posthog: PostHogEmulator

  beforeAll(async () => {
    posthog = await startPostHog({
      rate: 'off',
      timing: { queued: 1, sandbox: 1, clone: 1, agent: 1 },
    })
    posthog.script('', { kind: 'manual' })
  })
  afterAll(() => posthog.close())

  const streamsOf = ({ taskRunId }: { taskRunId: string }): number =>
    posthog.calls.filter(({ route, path }) => route === 'stream' && path.includes(taskRunId)).length

  function start({ maxOpen = 100, live = async (): Promise<string[]> => [] } = {}) {
    const woken: string[] = []
    let connectedAt = 0
    const follower = followRuns({
      wake: async id => void woken.push(id),
      live,
      connectedAt: () => connectedAt,
      log: { info() {}, warn() {} },
      tendEvery: 20,
      keepOpenMs: 100,
      maxOpen,
    })
    closers.push(() => follower.close())
    const news = follower.of(postHogAt(posthog))
    return {
      ...follower,
      woken,
      unwatch: news.unwatch,
      /** As a poll does, after which the next is long to come. */
      polls(session: Parameters<typeof news.watch>[0], id: string, streamedAt?: number): boolean {
        const isStreamed = news.watch(session, { id, thread: { owner: 'acme' } }, streamedAt)
        news.expectPoll(session, id, Date.now() + hour)
        return isStreamed
      },
      expectPoll: news.expectPoll,
      reconnects: () => (connectedAt += 1),
    }
  }

  /** A process that has the stream of a Run. */
  async function streaming(id: string, first = start()) {
    const { session: one, control } = await runAtWork(posthog)
    await until(() => first.polls(one, id))
    return { first, one, control }
  }

  test('a process that does not poll any more what was due leaves it to the one that does', async () => {
    const { first, one } = await streaming('run-1')
    first.expectPoll(one, 'run-1', Date.now())
    const second = start()
    expect(second.polls(one, 'run-1', Date.now())).toBe(true)
    await until(() => first.open() === 0)
    await until(() => streamsOf(one) === 2)
    await sleep(200)
    expect([first.woken, second.woken, second.open()]).toEqual([[], [], 1])
  })

  test('a process that woke a Run which another one polled leaves it to that', async () => {
    const { first, one, control } = await streaming('run-1')
    const second = start()
    second.polls(one, 'run-1', Date.now())
    await sleep(300)
    expect([first.open(), second.open()]).toEqual([1, 1])
    control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
    await until(() => first.woken.length > 0 && second.woken.length > 0)
    second.polls(one, 'run-1', Date.now())
    await until(() => first.open() === 0)
    expect(second.open()).toBe(1)
  })

  test('what a process polls itself stays open', async () => {
    const { first, one, control } = await streaming('run-1')
    control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
    await until(() => first.woken.includes('run-1'))
    expect(first.polls(one, 'run-1')).toBe(true)
    await sleep(300)
    expect([first.open(), streamsOf(one)]).toEqual([1, 1])
  })

  test('one that is taken over and can not be had leaves the Run to be polled', async () => {
    const { one } = await streaming('run-1')
    const away = posthog.fault({ route: 'stream', fault: { kind: 'status', code: 404 } })
    const second = start()
    expect(second.polls(one, 'run-1', Date.now())).toBe(true)
    await until(() => second.woken.includes('run-1'))
    expect(second.polls(one, 'run-1', Date.now())).toBe(false)
    away.cancel()
  })

  test.each([
    ['of which nothing is known', undefined],
    ['of a process that may be dead', Date.now() - hour],
  ])('one %s is not trusted before it is open', async (_, streamedAt) => {
    const { session: one } = await runAtWork(posthog)
    const process = start()
    expect(process.polls(one, 'run-1', streamedAt)).toBe(false)
    await until(() => process.polls(one, 'run-1'))
    expect(process.woken).toEqual([])
  })

  test('a process that is stopped wakes what it followed, for others to poll', async () => {
    const first = start()
    for (const id of ['run-0', 'run-1', 'run-2']) await streaming(id, first)
    await first.close()
    expect(first.open()).toBe(0)
    expect(first.woken.toSorted()).toEqual(['run-0', 'run-1', 'run-2'])
  })

  describe('of one session that a Run of another thread goes on with', () => {
    test.each(['ends', 'is polled by another process'])(
      'stays when the first Run %s',
      async how => {
        const { first, one, control } = await streaming('run-issue')
        first.polls(one, 'run-pull')
        if (how === 'ends') first.unwatch(one, 'run-issue')
        else first.expectPoll(one, 'run-issue', Date.now())
        await sleep(300)
        expect(first.open()).toBe(1)
        control.setOutput({ pr_url: 'https://github.com/acme/shop/pull/1' })
        await until(() => first.woken.length > 0)
        expect(first.woken).toEqual(['run-pull'])
        first.unwatch(one, 'run-pull')
        expect(first.open()).toBe(0)
      },
    )
  })

  test('all live Runs are woken at a start, and when the queue is back from an outage, until that works', async () => {
    let isAway = true
    const live = async () => {
      if (isAway) throw new Error('the queue is away')
      return ['run-1', 'run-2']
    }
    const process = start({ live })
    await sleep(50)
    isAway = false
    await until(() => process.woken.length === 2)
    process.reconnects()
    await until(() => process.woken.length === 4)
    await sleep(50)
    expect(process.woken).toEqual(['run-1', 'run-2', 'run-1', 'run-2'])
  })

  test('there are only so many in a process, and the others are for it to poll', async () => {
    const process = start({ maxOpen: 2 })
    const { session: three } = await runAtWork(posthog)
    for (const id of ['run-1', 'run-2']) await streaming(id, process)
    expect(process.polls(three, 'run-3', Date.now())).toBe(false)
    expect(process.open()).toBe(2)
    expect(streamsOf(three)).toBe(0)
  })

  test('whoever’s stream breaks for good is woken, to be polled', async () => {
    const { first, one } = await streaming('run-1')
    const away = posthog.fault({
      route: 'stream',
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'status', code: 502 },
    })
    posthog.dropConnections()
    await until(() => !first.polls(one, 'run-1'))
    expect(first.woken).toContain('run-1')
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
