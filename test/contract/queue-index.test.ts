/** The index on both backends: it moves with the jobs, says the same, and is made again where it is lost. */
import { PGlite } from '@electric-sql/pglite'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { IndexEntry, IndexQuery } from '../../src/core/model/ports.ts'
import { openQueues, type Queues } from '../../src/queue/open-queues.ts'
import { written } from '../../src/queue/queue-backend.ts'
import { scripts } from '../../src/queue/redis-scripts.ts'
import type { Processor } from '../../src/queue/work-queue.ts'
import { backends, usePlace } from '../support/backends.ts'
import { until } from '../support/queue-world.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { oneOf } from '../support/tries.ts'

interface Piece {
  color: string
  weight?: number
}

const day = 24 * 3_600_000
const newer = new Set<unknown>()
const parse = (data: unknown): Piece => {
  const piece = data as Piece
  if (newer.has(piece.color)) throw new Error(`no color ${piece.color}`)
  return piece
}
const index = {
  version: '1',
  entries: ({
    data: { color, weight },
    addedAt,
  }: {
    data: Piece
    addedAt: number
  }): IndexEntry[] => [
    { set: `of ${color}`, score: addedAt },
    ...(weight === undefined ? [] : [{ set: 'weighed', score: weight }]),
    { set: 'ever', score: addedAt, keptMs: day },
  ],
}

const warn = vi.fn()

/** A backend of its own for the tests of a block, and queues on it. */
function useBackend(redis: boolean) {
  const { server, place } = usePlace(redis)
  const opened: Queues<Piece, Piece>[] = []
  afterAll(async () => {
    for (const each of opened) await each.close(100)
  })

  return {
    server,
    async open(by?: typeof index) {
      const runs = by ? { parse, index: by } : { parse }
      const queues = await openQueues({
        ...place(),
        log: { warn, error: () => {} },
        triggers: { parse },
        runs,
      })
      opened.push(queues)
      return queues
    },
  }
}

type End = Parameters<Queues<Piece, Piece>['runs']['members']>[1]

const idsAt = async (queues: Queues<Piece, Piece>, sets: string[], end: End) =>
  (await queues.runs.members(sets, end)).map(set => set.map(({ id }) => id))
const idsIn = (queues: Queues<Piece, Piece>, ...sets: string[]) =>
  idsAt(queues, sets, { kind: 'first', count: 100 })
const ended = (queues: Queues<Piece, Piece>, id: string) =>
  until(async () => (await queues.runs.get(id))?.standing === 'ended')

describe.each(oneOf(backends))('the index in $name', ({ redis }) => {
  const { open } = useBackend(redis)
  let queues: Queues<Piece, Piece>
  const steps = new Map<string, Processor<Piece>>()
  const parked: Processor<Piece> = async () => ({ kind: 'park', ms: 3_600_000 })

  beforeAll(async () => {
    queues = await open(index)
    await queues.runs.work(job => (steps.get(job.id) ?? parked)(job), { concurrency: 5 })
  })

  const allIn = async (set: string) => (await idsIn(queues, set))[0]
  const count = async (
    set: string,
    more: { above?: number; before?: { id: string; score: number } } = {},
  ) => (await queues.runs.query([{ kind: 'count', set, ...more }]))[0]

  test('has a job from its addition, in the order of its numbers', async () => {
    await queues.runs.add('b', { color: 'red', weight: 2 })
    await queues.runs.add('a', { color: 'red', weight: 2 })
    await queues.runs.add('c', { color: 'red', weight: 1 })
    expect(await allIn('weighed')).toEqual(['c', 'a', 'b'])
    // Where a list is cut among jobs of one number, their ids decide.
    const two = (kind: End['kind']) => idsAt(queues, ['weighed', 'nothing'], { kind, count: 2 })
    expect(await two('first')).toEqual([['c', 'a'], []])
    expect(await two('last')).toEqual([['b', 'a'], []])
    expect(
      await queues.runs.query([
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
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        queues.runs.add('once', { color: 'blue', weight: n + 10 }),
      ),
    )
    expect(await count('of blue')).toBe((before ?? 0) + 1)
    expect((await queues.runs.get('once'))?.data.weight).toBe(
      (await queues.runs.members(['weighed'], { kind: 'last', count: 1 }))[0]?.[0]?.score,
    )
  })

  test('has it where the record that was saved last belongs', async () => {
    steps.set('painted', async job => {
      if (job.data.color === 'green') return { kind: 'park', ms: 3_600_000 }
      await job.save({ color: 'green' })
      return { kind: 'park', ms: 0 }
    })
    await queues.runs.add('painted', { color: 'white', weight: 50 })
    await until(async () => (await allIn('of green'))?.includes('painted'))
    expect(await allIn('of white')).toEqual([])
    expect(await allIn('weighed')).not.toContain('painted')
  })

  test('keeps of an ended job what is to be remembered', async () => {
    steps.set('short', async () => ({ kind: 'end' }))
    await queues.runs.add('short', { color: 'black', weight: 70 })
    await ended(queues, 'short')
    expect(await allIn('of black')).toEqual([])
    expect(await allIn('weighed')).not.toContain('short')
    expect(await allIn('live')).not.toContain('short')
    expect(await allIn('ever')).toContain('short')
    expect((await queues.runs.listed(['ever'])).map(({ id }) => id)).toContain('short')
  })

  test('reads many jobs in the order in which they are named, without those that are gone', async () => {
    await queues.runs.add('many-1', { color: 'plum' })
    await queues.runs.add('many-2', { color: 'teal' })
    const read = await queues.runs.getMany(['many-2', 'nobody', 'many-1', 'short'])
    expect(read).toEqual(
      await Promise.all(['many-2', 'many-1', 'short'].map(id => queues.runs.get(id))),
    )
    expect(read.map(({ standing }) => standing)).toEqual(['live', 'live', 'ended'])
    expect(await queues.runs.getMany([])).toEqual([])
  })

  test('leaves out of a list what this version cannot read, and says so once', async () => {
    warn.mockClear()
    await queues.runs.add('pink', { color: 'pink' })
    await queues.runs.add('plain', { color: 'grey' })
    newer.add('pink')
    for (let look = 0; look < 2; look++)
      expect(await queues.runs.listed(['of pink', 'of grey'])).toMatchObject([{ id: 'plain' }])
    const said = warn.mock.calls.filter(([, message]) =>
      String(message).startsWith('left a job out of a list'),
    )
    expect(said).toHaveLength(1)
  })
})

describe.each(oneOf(backends))('of many jobs in $name', ({ redis }) => {
  const { open, server } = useBackend(redis)

  /** Bytes that come from Redis, or from the database. */
  async function cost(asking: () => Promise<unknown>): Promise<number> {
    const redis = server()
    const count = redis ? bytesOf(redis) : rowsOf
    return (await count(asking)) - (await count(async () => {}))
  }

  test('it costs the same to ask about ten and about three hundred', async () => {
    const queues = await open(index)
    const asked: IndexQuery[] = [
      { kind: 'count', set: 'of grey' },
      { kind: 'count', set: 'of grey', before: { id: 'x', score: Date.now() + day } },
      { kind: 'from-end', set: 'of grey', nth: 3 },
    ]
    const ask = async () => [
      await queues.runs.query(asked),
      await queues.runs.members(['of grey'], { kind: 'first', count: 1 }),
    ]
    const costs: number[] = []
    let added = 0
    for (const most of [10, 100, 300]) {
      for (; added < most; added++)
        await queues.runs.add(`grey-${added}`, { color: 'grey', weight: 1 })
      await ask()
      expect((await queues.runs.query(asked)).slice(0, 2)).toEqual([most, most])
      costs.push(await cost(ask))
    }
    expect(Math.min(...costs)).toBeGreaterThan(0)
    expect(Math.max(...costs) - Math.min(...costs), `${costs}`).toBeLessThan(60)
  })
})

const bytesOf =
  ({ url }: RedisServer) =>
  async (asking: () => Promise<unknown>): Promise<number> => {
    const redis = new Redis(url)
    const sent = async () =>
      Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1])
    try {
      await sent()
      const before = await sent()
      await asking()
      return (await sent()) - before
    } finally {
      redis.disconnect()
    }
  }

async function rowsOf(asking: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(PGlite.prototype, 'query')
  try {
    await asking()
    const answers = await Promise.all(query.mock.results.map(({ value }) => value))
    return answers.reduce((sum, { rows }) => sum + JSON.stringify(rows).length, 0)
  } finally {
    query.mockRestore()
  }
}

describe.each(oneOf(backends))('without an index before, in $name', ({ redis }) => {
  const { open, server } = useBackend(redis)

  test('it is made from the jobs there are, and again by another version', async () => {
    const before = await open()
    await before.runs.work(
      async ({ data }) => (data.color === 'black' ? { kind: 'end' } : { kind: 'park', ms: day }),
      { concurrency: 2 },
    )
    await before.runs.add('over', { color: 'black', weight: 1 })
    await before.runs.add('live', { color: 'red', weight: 2 })
    await ended(before, 'over')
    await before.close(2_000)

    const after = await open(index)
    expect(await idsIn(after, 'live', 'of red', 'of black', 'weighed')).toEqual([
      ['live'],
      ['live'],
      [],
      ['live'],
    ])
    expect((await idsIn(after, 'ever'))[0]?.toSorted()).toEqual(['live', 'over'])
    await after.close(500)

    const entries = ({ addedAt }: { addedAt: number }) => [{ set: 'all', score: addedAt }]
    const newer = await open({ version: '2', entries })
    expect(await idsIn(newer, 'all', 'live', 'of red', 'weighed')).toEqual([
      ['live'],
      ['live'],
      [],
      [],
    ])
    await newer.close(500)
  })

  test.runIf(redis)('what others moved without it is put right', async () => {
    const old = await open()
    const queues = await open({ ...index, version: '3' })
    await queues.runs.add('ends', { color: 'gold' })
    await queues.runs.add('deleted', { color: 'gold' })
    await old.runs.add('begins', { color: 'gold' })
    const redis = new Redis(server()?.url ?? '', { maxRetriesPerRequest: null })
    await redis.del('{codex}:runs:deleted')
    await redis.lrem('{codex}:runs:wait', 0, 'deleted')
    const never = new Promise(() => {})
    const worker = new Worker('runs', async job => (job.id === 'ends' ? undefined : never), {
      connection: redis,
      prefix: '{codex}',
      concurrency: 2,
    })
    await ended(queues, 'ends')
    expect((await idsIn(queues, 'of gold'))[0]?.toSorted()).toEqual(['deleted', 'ends'])
    await queues.mendIndexes()
    await worker.close(true)
    redis.disconnect()
    expect(
      (await idsIn(queues, 'of gold', 'live')).map(ids => ids.includes('begins') && ids.length),
    ).toEqual([1, 2])
  })

  test.runIf(redis)(
    'a worker that was faster than the write behind the addition has its say',
    async () => {
      const queues = await open({ ...index, version: '4' })
      await queues.runs.add('saved', { color: 'white' })
      await queues.runs.add('over', { color: 'white' })
      await queues.runs.work(
        async job => {
          await job.save({ color: 'green' })
          return job.id === 'over' ? { kind: 'end' } : { kind: 'park', ms: day }
        },
        { concurrency: 2 },
      )
      await ended(queues, 'over')
      await until(async () => (await queues.runs.get('saved'))?.data.color === 'green')
      const client = new Redis(server()?.url ?? '')
      const sets = '{codex}:runs:ix:'
      for (const id of ['saved', 'over']) {
        const key = `{codex}:runs:${id}`
        const entries = written(index.entries({ data: { color: 'white' }, addedAt: 1 }))
        const name = (await client.hget(key, 'name')) ?? ''
        expect(
          await client.eval(scripts.codexAdded.lua, 1, key, sets, id, name, entries, Date.now()),
        ).toBe(name)
      }
      client.disconnect()
      expect(await idsIn(queues, 'of white', 'of green')).toEqual([[], ['saved']])
    },
  )
})
