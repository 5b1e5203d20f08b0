import { beforeEach, describe, expect, test } from 'vitest'
import { NoResponse, QueueUnavailable, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import { type Attempt, readDeliveries } from '../../src/maintenance/read-deliveries.ts'
import { redelivering } from '../../src/maintenance/redeliver.ts'
import { type LogReading, takingFromLog } from '../../src/maintenance/take-from-log.ts'
import { hour, minute, t0 as now, second } from '../core/given.ts'
import { fakeLogOf } from '../support/fake-log.ts'

const perPage = 20
/** Newest first, as GitHub lists it. */
let log: Attempt[]
let pages: (string | undefined)[]
let taken: string[]
let said: string[]
let memory: unknown
let at: number
let callsLeft: number
let fault: (id: string) => Error | undefined
let refusal: Error | undefined
let answered: Set<string>

beforeEach(() => {
  ;[log, pages, taken, said, memory, at, callsLeft] = [[], [], [], [], undefined, now, 5_000]
  fault = () => undefined
  refusal = undefined
  answered = new Set()
})

let nextId = 0
/** One a second, the last of them now. */
function came(count: number, differs: Partial<Attempt> = {}): string[] {
  const all = Array.from({ length: count }, (_, n): Attempt => {
    const id = `${++nextId}`
    const failed = { event: 'issue_comment', ok: false, redelivery: false }
    return { id, guid: `guid-${id}`, at: at - (count - 1 - n) * second, ...failed, ...differs }
  })
  log.unshift(...all.toReversed())
  return all.map(({ id }) => id)
}

const say = (_: object, message: string) => void said.push(message)
const remember = async (kept: unknown): Promise<void> => {
  memory = JSON.parse(JSON.stringify(kept))
}
const page = async (cursor?: string) => {
  pages.push(cursor)
  if (refusal) throw refusal
  const from = cursor === undefined ? 0 : log.findIndex(({ id }) => id === cursor) + 1
  const attempts = log.slice(from, from + perPage)
  return {
    attempts,
    next: from + perPage < log.length ? attempts.at(-1)?.id : undefined,
    callsLeft,
  }
}
const ofLog = () => ({
  deliveries: { page },
  events: ['issue_comment'],
  log: fakeLogOf(say),
  now: () => at,
})
const payloads: LogReading = {
  deliveries: {
    async sent(id) {
      const error = fault(id)
      if (error) throw error
      return { id: `guid-${id}`, event: 'issue_comment', payload: {} }
    },
  },
  async receive({ id }) {
    taken.push(id.replace('guid-', ''))
    return { kind: 'added' }
  },
  wasAnswered: async ({ id }) => answered.has(id.replace('guid-', '')),
  looked: () => {},
  log: fakeLogOf(say),
}
const looking = () => readDeliveries(ofLog(), { ...takingFromLog(payloads), pause: 1 })
let read: ReturnType<typeof looking>
beforeEach(() => {
  read = looking()
})
const look = (signal = new AbortController().signal) => {
  at += 5 * second
  return read({ memory, signal, remember })
}

test('what is new is taken in its order, once, and a quiet look costs one call', async () => {
  const ids = came(3)
  expect(await look()).toBeUndefined()
  expect(taken).toEqual(ids)
  pages = []
  await look()
  expect([taken.length, pages.length]).toEqual([3, 1])
  const more = came(2)
  await look()
  expect(taken).toEqual([...ids, ...more])
})

test('an entry that GitHub shows late is taken', async () => {
  const [first = ''] = came(4)
  const late = log.splice(1, 1)[0] as Attempt
  await look()
  expect(taken).not.toContain(late.id)
  log.splice(1, 0, late)
  await look()
  expect(taken).toContain(late.id)
  expect(taken.filter(id => id === first)).toEqual([first])
})

test('the last 71 hours are read, and nothing that the App does not use', async () => {
  at -= 73 * hour
  came(3)
  at += 3 * hour
  const ids = came(2)
  at += 70 * hour
  came(2, { event: 'ping' })
  await look()
  expect(taken).toEqual(ids)
})

test('many are taken in some looks: those that came meanwhile first, and each once', async () => {
  const old = came(173)
  expect(await look()).toBeLessThan(second)
  expect(taken).toEqual(old.slice(-50))
  const [news = ''] = came(1)
  const before = taken.length
  await look()
  expect(taken.slice(before)).toContain(news)
  for (let n = 0; n < 15; n++) await look()
  expect([...taken].sort()).toEqual([...old, news].sort())
})

test('with few calls left in the hour only what is new is taken, and the rest when there are more', async () => {
  const old = came(120)
  await look()
  callsLeft = 999
  const [news = ''] = came(1)
  for (let n = 0; n < 5; n++) await look()
  expect(taken).toEqual([...old.slice(-50), news])
  callsLeft = 5_000
  for (let n = 0; n < 15; n++) await look()
  expect([...taken].sort()).toEqual([...old, news].sort())
})

test('GitHub’s limit stops it, and what was taken before is not read again', async () => {
  const ids = came(20)
  fault = id =>
    id === ids[12] ? new RetryLater('github', at + minute, 'rate-limit', 'later') : undefined
  expect(await look()).toBe(minute)
  fault = () => undefined
  at += minute
  await look()
  expect([...new Set(taken)]).toHaveLength(20)
  expect(taken.length).toBeLessThan(26)
})

test.each([
  ['too large', new Rejected('github', 413, '', 'the payload is larger than 6 bytes')],
  ['gone', new Rejected('github', 404, '', 'Not Found')],
])('one that is %s is left out, with a word in the log', async (_, error) => {
  const [, bad] = came(3)
  fault = id => (id === bad ? error : undefined)
  await look()
  expect(said).toEqual(['a webhook in GitHub’s log was not taken'])
  fault = () => undefined
  at += hour
  await look()
  expect(taken).toHaveLength(2)
})

test('one that can not be had keeps nobody waiting, and is tried again for three days', async () => {
  const [, bad = ''] = came(3)
  fault = id => (id === bad ? new NoResponse('github', 'GitHub answered 500') : undefined)
  await look()
  expect(taken).toHaveLength(2)
  await look()
  expect(said).toHaveLength(1)
  at += minute
  fault = () => undefined
  await look()
  expect(taken).toHaveLength(3)
  expect(taken).toContain(bad)
})

test('without a memory, what its thread shows as answered is not taken; with one, nobody is asked', async () => {
  const ids = came(3)
  answered = new Set(ids.slice(0, 2))
  await look()
  expect(taken).toEqual(ids.slice(2))
  const later = came(1)
  answered = new Set(later)
  await look()
  expect(taken).toEqual([...ids.slice(2), ...later])
})

test('a queue that is away keeps all', async () => {
  const ids = came(3)
  fault = () => new QueueUnavailable('away')
  await expect(look()).rejects.toThrow('away')
  fault = () => undefined
  await look()
  expect(taken).toEqual(ids)
})

test('GitHub is away: it says so once, asks ever more seldom, and says when it is back', async () => {
  refusal = new NoResponse('github', 'GitHub did not answer')
  const waits: unknown[] = []
  for (let n = 0; n < 6; n++) waits.push(await look())
  expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, minute, minute])
  refusal = undefined
  const ids = came(1)
  await look()
  expect(taken).toEqual(ids)
  expect(said).toEqual([
    'GitHub’s log of deliveries can not be read: what is asked waits',
    'GitHub’s log of deliveries is read again',
  ])
})

describe('with an address', () => {
  /** Ids that GitHub was asked for. */
  let asked: string[]
  let a: Attempt
  let b: Attempt
  beforeEach(() => {
    asked = []
    a = attempt('a', hour)
    b = attempt('b', 2 * minute)
  })
  const asking = (pause = 1) =>
    readDeliveries(ofLog(), {
      ...redelivering({
        deliveries: {
          async redeliver(id) {
            const error = fault(id)
            if (error) throw error
            asked.push(id)
          },
        },
        log: fakeLogOf(say),
      }),
      pause,
    })
  const sweep = (kept: unknown = memory, signal = new AbortController().signal) =>
    asking()({ memory: kept, signal, remember })
  const attempt = (guid: string, ago: number, differs: Partial<Attempt> = {}): Attempt => ({
    id: `${++nextId}`,
    guid,
    event: 'issue_comment',
    at: at - ago,
    ok: false,
    redelivery: false,
    ...differs,
  })
  const ok = { ok: true }
  const again = { redelivery: true }

  test('nothing is asked for that is about to be too old, or was tried again before what was read', async () => {
    const missed = attempt('nobody took it', 2 * minute)
    log = [missed, attempt('tried before', hour, again), attempt('too old', 71 * hour)]
    await sweep()
    expect(asked).toEqual([missed.id])
  })

  test('each that was missed is asked for once, the oldest first, and not again while the log does not show it', async () => {
    log = [b, attempt('taken', 3 * minute, ok), a]
    expect(await sweep()).toBeUndefined()
    expect(asked).toEqual([a.id, b.id])
    pages = []
    at += 2 * minute
    await sweep()
    expect([asked.length, pages.length]).toEqual([2, 1])
    at += 15 * minute
    await sweep()
    expect(asked).toEqual([a.id, b.id, a.id, b.id])
    log.unshift(attempt('a', 0, { ...again, ...ok }))
    at += 4 * hour
    await sweep()
    expect(asked.slice(4)).toEqual([b.id])
  })

  test.each([true, false])(
    'until GitHub forgets it, after longer and longer delays, with memory %s',
    async keeps => {
      const first = attempt('a', minute)
      log = [first]
      const began = at
      const times: number[] = []
      for (; at < began + 80 * hour; at += minute) {
        await sweep(keeps ? memory : null)
        if (asked.length === 0) continue
        times.push((at - began) / minute)
        asked = []
        log.unshift(attempt('a', 0, again))
      }
      const sixHours = Array.from({ length: 11 }, (_, n) => 195 + (n + 1) * 360)
      expect(times).toEqual([0, 15, 195, ...sixHours])
    },
  )

  test('after an outage, one that arrives makes all others due, each once, as it may be what fails', async () => {
    log = [b, a]
    await sweep()
    log.unshift(attempt('b', 0, again), attempt('a', 0, again))
    at += 2 * minute
    await sweep()
    expect(asked).toEqual([a.id, b.id])
    log.unshift(attempt('a person comments', 0, ok))
    at += minute
    await sweep()
    expect(asked.slice(2)).toEqual([a.id, b.id])
    log.unshift(attempt('b', 0, { ...again, ...ok }), attempt('a', 0, again))
    for (let n = 0; n < 60; n++, at += minute) {
      log.unshift(attempt(`comment ${n}`, 0, ok))
      await sweep()
    }
    expect(asked.slice(4)).toEqual([])
  })

  test('what was asked for a moment ago is not due because another arrived', async () => {
    const missed = came(51, { at: at - hour })
    await sweep()
    log.unshift(attempt('guid-of-another', 0, ok))
    await sweep()
    expect([...asked].sort()).toEqual(missed.sort())
  })

  test('it comes back as soon as a young one is due, and at the usual time without one', async () => {
    const [young] = [attempt('a', 20 * second)]
    log = [young]
    expect(await sweep()).toBe(40 * second)
    expect(asked).toEqual([])
    at += 40 * second
    expect(await sweep()).toBeUndefined()
    expect(asked).toEqual([young.id])
  })

  test('one whose answer is lost counts as asked for', async () => {
    log = [b, a]
    fault = id => (id === a.id ? new NoResponse('github', 'no answer') : undefined)
    expect(await sweep()).toBe(minute)
    expect(said).toEqual(['GitHub’s log of deliveries can not be read: what is asked waits'])
    fault = () => undefined
    at += minute
    await sweep()
    expect(asked).toEqual([b.id])
  })

  test('it goes on when GitHub refuses one, and does not ask for that all the time', async () => {
    log = [b, a]
    fault = id => (id === a.id ? new Rejected('github', 404, '', 'gone') : undefined)
    for (let n = 0; n < 3 * 60; n++, at += minute) await sweep()
    expect(said.filter(line => line.includes('will not send'))).toHaveLength(2)
    expect(asked).toEqual([b.id, b.id])
  })

  test('nothing is asked for once its turn is over, or where it can not be remembered', async () => {
    log = [attempt('a', hour)]
    await expect(sweep(undefined, AbortSignal.abort(new Error('over')))).rejects.toThrow('over')
    const forgets = {
      memory,
      signal: new AbortController().signal,
      remember: () => Promise.reject(new Error('lost')),
    }
    await expect(asking()(forgets)).rejects.toThrow('lost')
    expect(asked).toEqual([])
  })

  test('a memory that it can not read is begun afresh', async () => {
    log = [b, a]
    await sweep({ readUntil: 'yesterday' })
    expect(asked).toEqual([a.id, b.id])
  })

  test('it delays between two requests, and only there', async () => {
    log = [attempt('b', minute), attempt('a', hour)]
    const began = performance.now()
    await asking(200)({ memory: undefined, signal: new AbortController().signal, remember })
    const took = performance.now() - began
    expect(took).toBeGreaterThan(190)
    expect(took).toBeLessThan(390)
  })

  test('what it missed is read after the change to a log alone, and what was read is not asked for', async () => {
    const [missed = ''] = came(1)
    await sweep()
    at += minute
    await look()
    expect(taken).toEqual([missed])
    at += 15 * minute
    const [later = ''] = came(1)
    await look()
    expect(taken).toEqual([missed, later])
    at += 2 * minute
    await sweep()
    expect(asked).toEqual([])
  })
})
