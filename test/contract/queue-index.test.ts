/** The index on both backends: it moves with the jobs, says the same, and is made again where it is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openQueues } from '../../src/queue/open-queues.ts'
import type { Processor, Queues } from '../../src/queue/work-queue.ts'
import { cleanUp, ownDataDir, type Place, until } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'

interface Piece {
  color: string
  weight?: number
}

const day = 24 * 3_600_000
const parse = (data: unknown): Piece => data as Piece
const index = {
  version: '1',
  entries: ({ data: { color, weight }, addedAt }: { data: Piece; addedAt: number }) => [
    { set: `of ${color}`, score: addedAt },
    ...(weight === undefined ? [] : [{ set: 'weighed', score: weight }]),
    { set: 'ever', score: addedAt, keptMs: day },
  ],
}

const backends = [{ name: 'the embedded database', redis: false }]
if (redisAvailable()) backends.push({ name: 'Redis', redis: true })

describe.each(backends)('the index in $name', ({ redis }) => {
  let server: RedisServer | undefined
  let place: Place
  let queues: Queues<Piece, Piece>
  const steps = new Map<string, Processor<Piece>>()
  const opened: Queues<Piece, Piece>[] = []
  const parked: Processor<Piece> = async () => ({ kind: 'park', ms: 3_600_000 })
  const end: Processor<Piece> = async () => ({ kind: 'end' })

  const open = async (by: typeof index | undefined = index) => {
    const all = await openQueues({ ...place, triggers: { parse }, runs: { parse, index: by } })
    opened.push(all)
    return all
  }

  beforeAll(async () => {
    if (redis) server = await startRedis()
    place = server ? { redisUrl: server.url, dataDir: '/nowhere' } : { dataDir: await ownDataDir() }
    queues = await open()
    await queues.runs.work(job => (steps.get(job.id) ?? parked)(job), { concurrency: 5 })
  })

  afterAll(async () => {
    for (const each of opened) await each.close(100)
    await cleanUp()
    await server?.stop()
  })

  const idsIn = async (set: string, of = queues) =>
    (await of.runs.members([set], { first: 100 }))[0]?.map(({ id }) => id)
  const count = async (set: string, more: { above?: number; before?: { id: string; score: number } } = {}) =>
    (await queues.runs.lookUp([{ kind: 'count', set, ...more }]))[0]

  test('has a job from its addition, in the order of its numbers', async () => {
    await queues.runs.add('b', { color: 'red', weight: 2 })
    await queues.runs.add('a', { color: 'red', weight: 2 })
    await queues.runs.add('c', { color: 'red', weight: 1 })
    expect(await idsIn('weighed')).toEqual(['c', 'a', 'b'])
    expect((await queues.runs.members(['weighed', 'nothing'], { last: 2 })).map(set => set.map(({ id }) => id))).toEqual([
      ['b', 'a'],
      [],
    ])
    expect(
      await queues.runs.lookUp([
        { kind: 'count', set: 'weighed' },
        { kind: 'count', set: 'weighed', above: 1 },
        { kind: 'count', set: 'weighed', before: { id: 'b', score: 2 } },
        { kind: 'from-end', set: 'weighed', nth: 3 },
        { kind: 'from-end', set: 'weighed', nth: 4 },
        { kind: 'count', set: 'nothing' },
      ]),
    ).toEqual([3, 2, 2, 1, undefined, 0])
  })

  test('counts what was added once, once', async () => {
    const before = await count('of blue')
    await Promise.all(Array.from({ length: 20 }, (_, n) => queues.runs.add('once', { color: 'blue', weight: n + 10 })))
    expect(await count('of blue')).toBe((before ?? 0) + 1)
    expect((await queues.runs.get('once'))?.data.weight).toBe((await queues.runs.members(['weighed'], { last: 1 }))[0]?.[0]?.score)
  })

  test('has it where the record that was saved last belongs', async () => {
    steps.set('painted', async job => {
      if (job.data.color === 'green') return { kind: 'park', ms: 3_600_000 }
      await job.save({ color: 'green' })
      return { kind: 'park', ms: 0 }
    })
    await queues.runs.add('painted', { color: 'white', weight: 50 })
    await until(async () => (await idsIn('of green'))?.includes('painted'))
    expect(await idsIn('of white')).toEqual([])
    expect(await idsIn('weighed')).not.toContain('painted')
  })

  test('keeps of an ended job what is to be remembered', async () => {
    steps.set('short', end)
    await queues.runs.add('short', { color: 'black', weight: 70 })
    await until(async () => (await queues.runs.get('short'))?.standing === 'ended')
    expect(await idsIn('of black')).toEqual([])
    expect(await idsIn('weighed')).not.toContain('short')
    expect(await idsIn('live')).not.toContain('short')
    expect(await idsIn('ever')).toContain('short')
    expect((await queues.runs.listed(['ever'])).map(({ id }) => id)).toContain('short')
  })
})
