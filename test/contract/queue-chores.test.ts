import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ChoreBoard, readChore } from '../../src/queue/open-queues.ts'
import { type Chore, type Errand, LockLost } from '../../src/queue/work-queue.ts'
import { backends, usePlace } from '../support/backends.ts'
import { cleanUp, type LogLine, open, type TestQueues, until } from '../support/queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { oneOf } from '../support/tries.ts'

const HOUR = 3_600_000

describe.each(oneOf(backends))('chores on $name', ({ redis }) => {
  const { place } = usePlace(redis)
  let queues: TestQueues
  const lines: LogLine[] = []

  beforeAll(async () => {
    queues = await open(place(), lines)
  })

  async function nextProcess(): Promise<TestQueues> {
    await queues.close(200)
    queues = await open(place(), lines)
    return queues
  }

  test('one is done at once, then again so long after each turn, or when it says so', async () => {
    const turns: { from: number; to: number }[] = []
    await queues.chores.every('round', 200, async () => {
      const from = Date.now()
      await sleep(100)
      turns.push({ from, to: Date.now() })
      return [undefined, undefined, 700, HOUR][turns.length - 1]
    })
    await until(() => turns.length === 4)
    const [first = 0, second = 0, chosen = 0] = turns
      .slice(1)
      .map(({ from }, n) => from - (turns[n]?.to ?? 0))
    for (const rest of [first, second]) expect(rest).toBeGreaterThanOrEqual(198)
    for (const rest of [first, second]) expect(rest).toBeLessThan(700)
    expect(chosen).toBeGreaterThanOrEqual(698)
  })

  test('it remembers, also into the next process, and is done soon after the start of that', async () => {
    const seen: unknown[] = []
    const remembering: Chore = async turn => {
      seen.push(turn.memory)
      await turn.remember({ turns: seen.length })
      return HOUR
    }
    await queues.chores.every('remembers', HOUR, remembering)
    await until(() => seen.length === 1)
    await sleep(100)
    await (await nextProcess()).chores.every('remembers', HOUR, remembering)
    await until(() => seen.length === 2)
    expect(seen).toEqual([undefined, { turns: 1 }])
  })

  test('an errand comes round until it is done, and then no more, whoever sends it once more', async () => {
    const seen: unknown[] = []
    queues.chores.runErrands('count', async ({ memory, remember }) => {
      seen.push(memory)
      await remember({ left: 2 - seen.length })
      return seen.length < 3 ? 20 : 'done'
    })
    await queues.chores.every('so that somebody works', HOUR, async () => HOUR)
    const errand = { kind: 'count', id: 'one', subject: 'a', what: { left: 2 } }
    await queues.chores.send(errand)
    await until(() => seen.length === 3)
    await queues.chores.send(errand)
    await sleep(200)
    expect(seen).toEqual([{ left: 2 }, { left: 1 }, { left: 0 }])
  })

  test('of two errands about one thing the newer counts, also in the next process', async () => {
    const seen: unknown[] = []
    const poll: Errand = async ({ memory }) => {
      seen.push(memory)
      return memory === 'new' ? 'done' : HOUR
    }
    queues.chores.runErrands('look', poll)
    await queues.chores.send({ kind: 'look', id: 'first', subject: 'b', what: 'old' })
    await until(() => seen.length === 1)
    const next = await nextProcess()
    await next.chores.send({ kind: 'look', id: 'second', subject: 'b', what: 'new' })
    next.chores.runErrands('look', poll)
    await next.chores.every('so that somebody works', HOUR, async () => HOUR)
    await until(() => seen.includes('new'))
    await next.chores.send({ kind: 'look', id: 'third', subject: 'b', what: 'new' })
    await until(() => seen.filter(what => what === 'new').length === 2)
  })

  test('several are done side by side', async () => {
    let inHand = 0
    const meeting: Chore = async () => {
      inHand++
      await until(() => inHand === 3)
      return HOUR
    }
    for (const id of ['left', 'middle', 'right']) await queues.chores.every(id, HOUR, meeting)
    await until(() => inHand === 3)
  })

  test('one that fails is logged and tried again', async () => {
    let turns = 0
    await queues.chores.every('fails', HOUR, async () => {
      if (++turns === 1) throw new Error('the moon is full')
      return undefined
    })
    await until(() => turns === 2)
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', facts: expect.objectContaining({ job: 'fails' }) }),
    )
  })

  test('one whose process froze is taken over, and the frozen one can do no more', async () => {
    let frozen: Parameters<Chore>[0] | undefined
    await queues.chores.every('frozen', HOUR, async turn => {
      await turn.remember('half done')
      frozen = turn
      return new Promise(() => {})
    })
    await until(() => frozen !== undefined)
    await queues.close(100)
    let taken: unknown
    await (await nextProcess()).chores.every('frozen', HOUR, async ({ memory }) => {
      taken = memory
      return undefined
    })
    await until(() => taken !== undefined, 10_000)
    expect(taken).toBe('half done')
    await expect(frozen?.remember('thawed')).rejects.toThrow(LockLost)
  })
})

describe.skipIf(!redisAvailable())('chores of many processes on one Redis', () => {
  let server: RedisServer
  const openAt = (prefix: string) => open({ redisUrl: server.url, prefix })

  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await cleanUp()
    await server.stop()
  })

  test('never two at a time, however slow the chore and however many say it', async () => {
    const processes = await Promise.all(Array.from({ length: 4 }, () => openAt('{many}')))
    let [inHand, most, turns] = [0, 0, 0]
    const slow: Chore = async () => {
      most = Math.max(most, ++inHand)
      await sleep(150)
      inHand--
      turns++
      return undefined
    }
    await Promise.all(processes.map(({ chores }) => chores.every('slow', 30, slow)))
    await until(() => turns >= 10, 10_000)
    expect(most).toBe(1)
    await Promise.all(processes.map(each => each.close(500)))
  })

  test('a process leaves alone what it does not know', async () => {
    const memories: unknown[] = []
    const remembering: Chore = async turn => {
      memories.push(turn.memory)
      await turn.remember('kept')
      return 100
    }
    const young = await openAt('{old}')
    await young.chores.every('new', 100, remembering)
    await until(() => memories.length > 0)
    await young.close(500)
    const old = await openAt('{old}')
    await old.chores.every('known', HOUR, async () => undefined)
    await sleep(500)
    await old.close(500)
    const before = memories.length
    await (await openAt('{old}')).chores.every('new', 100, remembering)
    await until(() => memories.length > before)
    expect(memories.slice(before)).toContain('kept')
  })

  test('after Redis lost its data they come back', async () => {
    const { chores } = await openAt('{lost}')
    const memories: unknown[] = []
    await chores.every('lost', 300, async turn => {
      memories.push(turn.memory)
      await turn.remember('kept')
      return undefined
    })
    await until(() => memories.includes('kept'))
    const redis = new Redis(server.url)
    await redis.flushall()
    redis.disconnect()
    const before = memories.length
    await until(() => memories.slice(before).includes(undefined), 5_000)
    await until(() => memories.at(-1) === 'kept', 5_000)
  })
})

test('whatever is stored, a chore can start with it', () => {
  expect([undefined, null, 7, 'x', [], {}].map(readChore)).toEqual([{}, {}, {}, {}, {}, {}])
  expect(readChore({ memory: { since: 1 } })).toEqual({ memory: { since: 1 } })
})

test('an errand of a kind that only a newer version knows waits for that', async () => {
  let work: Parameters<ConstructorParameters<typeof ChoreBoard>[0]['work']>[0] = async () => ({
    kind: 'park',
    ms: HOUR,
  })
  const board = new ChoreBoard({
    add: async id => ({ id, outcome: 'known' }),
    send: async () => true,
    wake: async () => {},
    work: async process => {
      work = process
    },
  })
  await board.every('so that somebody works', HOUR, async () => HOUR)
  board.stop()
  const asked = (errand: string) =>
    work(
      Object.assign(Object.create(null), {
        id: 'an-errand',
        data: { errand, memory: {} },
        stalls: 0,
      }),
    )
  expect(await asked('of a newer version')).toMatchObject({ kind: 'park' })
})
