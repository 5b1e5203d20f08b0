import { beforeEach, expect, test } from 'vitest'
import { NoResponse, QueueUnavailable, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import { readDeliveries } from '../../src/maintenance/read-deliveries.ts'
import type { Attempt } from '../../src/maintenance/redeliver-webhooks.ts'
import { sweepDeliveries } from '../../src/maintenance/redeliver-webhooks.ts'
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
const looking = () =>
  readDeliveries({
    deliveries: {
      async page(cursor) {
        pages.push(cursor)
        if (refusal) throw refusal
        const from = cursor === undefined ? 0 : log.findIndex(({ id }) => id === cursor) + 1
        const attempts = log.slice(from, from + perPage)
        return { attempts, next: attempts.length === perPage ? attempts.at(-1)?.id : undefined, callsLeft }
      },
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
    events: ['issue_comment'],
    looked: () => {},
    log: fakeLogOf(say),
    now: () => at,
  })
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

test('an entry that GitHub shows late is taken, too', async () => {
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
  await look()
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
  fault = id => (id === ids[12] ? new RetryLater('github', at + minute, 'rate-limit', 'later') : undefined)
  expect(await look()).toBe(minute)
  fault = () => undefined
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

test('what an address missed is taken; with an address again, what was taken long ago is not asked for', async () => {
  const [missed = ''] = came(1)
  const asked: string[] = []
  const sweep = sweepDeliveries({
    deliveries: {
      page: async () => ({ attempts: log, next: undefined }),
      redeliver: async id => void asked.push(id),
    },
    ...{ events: ['issue_comment'], log: fakeLogOf(() => {}), now: () => at, pause: 1 },
  })
  const { signal } = new AbortController()
  await sweep({ memory, signal, remember })
  await look()
  expect(taken).toEqual([missed])
  at += 15 * minute
  const [later = ''] = came(1)
  await look()
  expect(taken).toEqual([missed, later])
  at += 2 * minute
  await sweep({ memory, signal, remember })
  // Ten minutes are looked at once more, and a trigger that is known is not done again.
  expect(asked).toEqual([later])
})
