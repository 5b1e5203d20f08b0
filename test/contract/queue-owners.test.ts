/** On both backends: what one owner has queued, and started, keeps nobody else's Run waiting or out of sight. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { liveRunsOf } from '../../src/bot/start-work.ts'
import { liveSet } from '../../src/core/model/ports.ts'
import { threadSlot } from '../../src/core/model/thread.ts'
import type { Trigger } from '../../src/core/model/trigger.ts'
import { heldAt } from '../../src/core/record/admission.ts'
import { changed, Run, type RunChange } from '../../src/core/record/run.ts'
import { runIndex, sets } from '../../src/core/record/run-index.ts'
import { turnsOfOwners } from '../../src/github/webhooks/fair-share.ts'
import { openQueues, type Queues } from '../../src/queue/open-queues.ts'
import type { Processor } from '../../src/queue/work-queue.ts'
import { issueThread, runWith, t0 } from '../core/given.ts'
import { backends, usePlace } from '../support/backends.ts'
import { cleanUp, type Note, open, ownDataDir, until } from '../support/queue-world.ts'
import { startRedis } from '../support/redis-server.ts'

/** More than any list of the newest ever held. */
const load = 2_100
/** As many starts in five minutes as open the breaker of their owner. */
const starts = 1_000

describe.each(backends)('beside the load of one owner, in $name', ({ redis }) => {
  const { place } = usePlace(redis)
  let queues: Queues<Run, Run>

  const ofOwner = (owner: string, number: number, differs: RunChange = {}): Run =>
    runWith(
      changed(
        { thread: { ...issueThread, owner, ownerId: owner.length, repoId: owner.length, number } },
        differs,
      ),
    )

  beforeAll(async () => {
    queues = await openQueues({
      ...place(),
      triggers: { parse: Run.parse },
      runs: { parse: Run.parse, index: runIndex },
    })
    for (let n = 0; n < load; n += 10)
      await Promise.all(Array.from({ length: 10 }, (_, i) => addLoud(n + i)))
  })

  afterAll(() => queues.close(100))

  /** Some work, in threads of their own; all others stand in line for a place of their owner. */
  function addLoud(n: number) {
    const schedule =
      n < starts
        ? { admitted: true }
        : { admitted: false, waits: { kind: 'line' as const, ahead: 1, of: 'owner' as const } }
    const run = ofOwner('loud', n, { schedule })
    return queues.runs.add(`loud-${n}`, run, threadSlot(run.thread))
  }

  async function asks(owner: string) {
    const data = ofOwner(owner, 9_999)
    const { outcome } = await queues.runs.add(`${owner}-asks`, data, threadSlot(data.thread))
    const kept = await queues.runs.get(`${owner}-asks`)
    if (!kept) return expect.fail('it is not kept')
    return { outcome, kept, turn: await heldAt(kept, queues.runs, Date.now()) }
  }

  test('a Run of another owner starts at once, and is found', async () => {
    const { outcome, kept, turn } = await asks('quiet')
    expect({ outcome, turn }).toEqual({ outcome: 'added', turn: undefined })
    expect(await queues.runs.holder(threadSlot(kept.data.thread))).toBe(kept.id)
    expect((await queues.runs.listed([sets.thread(kept.data.thread)])).map(({ id }) => id)).toEqual(
      [kept.id],
    )
  })

  test('the looks of one PostHog are as far apart as the Runs that share its key need', async () => {
    const owners = new Map([
      ['loud'.length, 'of its own'],
      ['elsewhere'.length, 'of another'],
    ])
    await asks('quiet')
    const count = (tenant: string) => liveRunsOf(tenant, owners, queues.runs)
    expect([await count('of its own'), await count('of another')]).toEqual([starts, 0])
    // Those of the loud owner that wait for a place are looked at by nobody, and count with the rest.
    const [live = []] = await queues.runs.members([liveSet], { kind: 'first', count: 10_000 })
    expect(await count('the usual one')).toBe(live.length - starts)
  })

  test('of the loud owner itself it waits for those before it', async () => {
    const { turn } = await asks('loud')
    const { limits } = ofOwner('loud', 1).baseline.settings
    expect(turn).toEqual({ kind: 'line', of: 'person', ahead: load - limits.person + 1 })
  })

  test('the breaker of the loud owner is open, and of no other', async () => {
    const now = Date.now()
    const alone = async (owner: string) => {
      // In another repository than all of those.
      const thread = { ...issueThread, owner, ownerId: owner.length, repoId: 1_000 }
      const data = runWith({ thread, baseline: { settings: boundless() } })
      return heldAt({ id: 'asks', addedAt: 0, data }, queues.runs, now)
    }
    expect(await alone('loud')).toMatchObject({
      kind: 'until',
      of: 'owner',
      used: starts,
      window: 300_000,
    })
    expect(await alone('quiet')).toBeUndefined()
  })
})

/** No limit of the settings is in the way of what is looked at. */
function boundless(): Run['baseline']['settings'] {
  const { settings } = runWith().baseline
  const most = 10_000
  const atOnce = { person: most, repository: most, owner: most }
  const aDay = { repository_per_day: most, owner_per_day: most }
  return { ...settings, limits: { ...settings.limits, ...atOnce, ...aDay } }
}

test.each(backends)(
  'commands in $name of each owner take turns, and so do its people',
  async ({ redis }) => {
    const server = redis ? await startRedis() : undefined
    const queues = await open(server ? { redisUrl: server.url } : { dataDir: await ownDataDir() })
    const order: string[] = []
    let goOn = (): void => {}
    const held = new Promise<void>(resolve => (goOn = resolve))
    const take: Processor<Note> = async ({ id }) => {
      await held
      order.push(id)
      return { kind: 'end' }
    }
    await queues.triggers.work(take, { concurrency: 1 })
    const rankOf = turnsOfOwners(Date.now)
    const writes = (by: string, installationId: number, person: number) => {
      const rank = rankOf({ thread: { installationId }, sender: { id: person } } as Trigger)
      return queues.triggers.add(by, { by }, undefined, t0, rank)
    }
    await Promise.all(Array.from({ length: 150 }, (_, n) => writes(`stranger-${n}`, 1, 9)))
    for (const n of [0, 1, 2]) await writes(`another-owner-${n}`, 2, n)
    await writes('another-person', 1, 10)
    goOn()
    await until(() => order.length === 154)
    const placeOf = (id: string) => order.indexOf(id)
    expect(placeOf('another-owner-0')).toBeLessThan(5)
    expect(placeOf('another-owner-2')).toBeLessThan(10)
    expect(placeOf('another-person')).toBeLessThan(110)
    await cleanUp()
    await server?.stop()
  },
)
