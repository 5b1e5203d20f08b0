import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import {
  type Attempt,
  type DeliveryLog,
  dueOf,
  type Memory,
  nothing,
  readFrom,
  sweepDeliveries,
  sweepEvery,
  withRead,
} from '../../src/maintenance/redeliver-webhooks.ts'
import { hour, minute, t0 as now, second } from '../core/given.ts'
import { fakeLog, fakeLogOf } from '../support/fake-log.ts'

const events = ['issue_comment', 'issues']

/** An attempt of `guid` that failed two minutes ago, unless said otherwise. */
let nextId = 0
const attempt = (guid: string, differs: Partial<Attempt> & { ago?: number } = {}): Attempt => {
  const { ago = 2 * minute, ...rest } = differs
  return {
    id: `${++nextId}`,
    guid,
    event: 'issue_comment',
    at: now - ago,
    ok: false,
    redelivery: false,
    ...rest,
  }
}
const failed = { redelivery: true }
const ok = { ok: true }

/** GUIDs to be asked for now, after one look at a log, given newest first. */
const dueAfter = (attempts: Attempt[], memory = nothing, at = now): string[] =>
  dueOf(withRead(memory, { attempts, events, now: at }), at).map(({ guid }) => guid)

describe('asked for again is', () => {
  test.each([
    ['what was taken', [attempt('a', ok)]],
    ['what was taken at the second attempt', [attempt('a', { ...failed, ...ok }), attempt('a')]],
    ['what was taken, though another attempt failed later', [attempt('a', failed), attempt('a', ok)]],
    ['an event that we do not subscribe to', [attempt('a', { event: 'push' })]],
    ['what failed less than a minute ago', [attempt('a', { ago: 59 * second })]],
    ['what was tried again within 15 minutes', [attempt('a', failed), attempt('a', { ago: hour })]],
    ['what GitHub has kept for three days', [attempt('a', { ago: 72 * hour })]],
    ['what is about to be too old', [attempt('a', { ago: 71 * hour })]],
    ['what was tried again before what was read', [attempt('a', { ...failed, ago: hour })]],
  ])('not %s', (_, attempts) => {
    expect(dueAfter([...attempts, attempt('nobody took it')])).toEqual(['nobody took it'])
  })

  test('the first attempt, the oldest webhook first', () => {
    const [young, middle, old] = [
      attempt('y', { ago: 3 * minute }),
      attempt('m', { ago: hour }),
      attempt('o', { ago: 70 * hour }),
    ]
    const read = withRead(nothing, { attempts: [young, middle, old], events, now })
    expect(dueOf(read, now).map(({ id }) => id)).toEqual([old.id, middle.id, young.id])
  })

  test('until GitHub forgets it, after longer and longer rests', () => {
    const attempts = [attempt('a', { ago: minute })]
    const asked: number[] = []
    for (let at = now; at < now + 80 * hour; at += minute)
      if (dueAfter(attempts, nothing, at).length > 0) {
        asked.push((at - now) / minute)
        attempts.unshift(attempt('a', { ...failed, at }))
      }
    const sixHours = Array.from({ length: 11 }, (_, n) => 195 + (n + 1) * 360)
    expect(asked).toEqual([0, 15, 195, ...sixHours])
  })
})

describe('from sweep to sweep', () => {
  const poll = (memory: Memory, attempts: Attempt[], at: number): Memory => {
    const from = readFrom(memory, at)
    return withRead(memory, { attempts: attempts.filter(each => each.at >= from), events, now: at })
  }

  test('the log is read back to the last one, and a little further', () => {
    expect(readFrom(nothing, now)).toBe(now - 71 * hour)
    expect(readFrom(poll(nothing, [], now), now + 5 * minute)).toBe(now - 10 * minute)
  })

  test('an open one is remembered until it is taken, though its first attempt is out of sight', () => {
    const log = [attempt('a', { ago: 20 * minute }), attempt('b', { ago: 20 * minute })]
    const before = poll(poll(nothing, log, now), log, now + hour)
    expect(before.missed.map(({ guid }) => guid)).toEqual(['a', 'b'])
    log.unshift(attempt('a', { ...failed, ...ok, at: now + hour }))
    expect(poll(before, log, now + hour + minute).missed.map(({ guid }) => guid)).toEqual(['b'])
  })

  test('more than can be remembered is read again', () => {
    const many = Array.from({ length: 2_500 }, (_, n) => attempt(`${n}`, { ago: 70 * hour - n * second }))
    const memory = poll(nothing, many.toReversed(), now)
    expect(memory.missed).toHaveLength(2_000)
    expect(memory.readUntil).toBe(many[2_000]?.at)
  })
})

describe('a sweep', () => {
  let log: Attempt[]
  let asked: string[]
  let pages: (string | undefined)[]
  let fault: (what: string) => Error | undefined
  let memory: unknown
  let at: number
  const swept = vi.fn()
  const said: string[] = []

  beforeEach(() => {
    ;[log, asked, pages, fault, memory, at] = [[], [], [], () => undefined, undefined, now]
    said.length = 0
    swept.mockClear()
  })
  afterEach(() => {
    expect(() => JSON.stringify(memory)).not.toThrow()
  })

  const perPage = 3
  const deliveries: DeliveryLog = {
    async page(cursor) {
      pages.push(cursor)
      const error = fault(`page ${cursor}`)
      if (error) throw error
      const from = Number(cursor ?? 0)
      const next = from + perPage < log.length ? String(from + perPage) : undefined
      return { attempts: log.slice(from, from + perPage), next }
    },
    async redeliver(id) {
      const error = fault(`redeliver ${log.find(each => each.id === id)?.guid}`)
      if (error) throw error
      asked.push(log.find(each => each.id === id)?.guid ?? '?')
    },
  }
  const say = (_: object, message: string) => void said.push(message)
  const sweepWith = (differs: Partial<Parameters<typeof sweepDeliveries>[0]>) =>
    sweepDeliveries({ deliveries, events, log: fakeLogOf(say), now: () => at, pause: 1, ...differs })
  const sweep = sweepWith({ meter: { swept } })
  const remember = async (kept: unknown): Promise<void> => {
    memory = kept
  }
  const turn = (signal = new AbortController().signal) => sweep({ memory, signal, remember })
  /** A turn that knows nothing of those before, and is forgotten. */
  const alone = { memory: undefined, signal: new AbortController().signal, remember: async () => {} }

  test('asks for each that was missed once, and not again while the log does not show it', async () => {
    log = [attempt('b'), attempt('taken', ok), attempt('a', { ago: hour })]
    expect(await turn()).toBeUndefined()
    expect(asked).toEqual(['a', 'b'])
    expect(swept).toHaveBeenCalledWith({ result: 'done', redelivered: 2 })
    at += 2 * minute
    await turn()
    expect(asked).toEqual(['a', 'b'])
    at += 15 * minute
    await turn()
    expect(asked).toEqual(['a', 'b', 'a', 'b'])
  })

  test('reads page after page, and no further than the last sweep', async () => {
    log = Array.from({ length: 8 }, (_, n) => attempt(`${n}`, { ...ok, ago: (n + 1) * minute }))
    await turn()
    expect(pages).toEqual([undefined, '3', '6'])
    pages = []
    at += 5 * minute
    log.unshift(
      ...Array.from({ length: 8 }, (_, n) => attempt(`new ${n}`, { ...ok, at: at - n * 40 * second })),
    )
    await turn()
    expect(pages).toEqual([undefined, '3', '6', '9', '12', '15'])
    at += hour
    await turn()
    pages = []
    at += 5 * minute
    await turn()
    expect(pages).toEqual([undefined])
  })

  test('comes back as soon as a young one is due', async () => {
    log = [attempt('a', { ago: 20 * second })]
    expect(await turn()).toBe(40 * second)
    expect(asked).toEqual([])
    at += 40 * second
    await turn()
    expect(asked).toEqual(['a'])
  })

  test('waits for a limit, whoever wakes it, and then asks for the rest', async () => {
    log = [attempt('c'), attempt('b', { ago: hour }), attempt('a', { ago: 2 * hour })]
    const until = now + 10 * minute
    fault = what =>
      what === 'redeliver b' ? new RetryLater('github', until, 'rate-limit', 'later') : undefined
    expect(await turn()).toBe(10 * minute)
    expect(swept).toHaveBeenCalledWith({ result: 'limited', redelivered: 1 })
    at += 9 * minute
    pages = []
    expect(await turn()).toBe(minute)
    expect(pages).toEqual([])
    at += minute
    fault = () => undefined
    await turn()
    expect(asked).toEqual(['a', 'b', 'c'])
  })

  test('is not done when the log can not be read to the end', async () => {
    log = [attempt('c'), attempt('x', ok), attempt('y', ok), attempt('a', { ago: hour })]
    fault = what => (what === 'page 3' ? new NoResponse('github', 'no answer') : undefined)
    expect(await turn()).toBeUndefined()
    expect([asked, memory]).toEqual([[], undefined])
    expect(swept).toHaveBeenCalledWith({ result: 'failed', redelivered: 0 })
    fault = () => undefined
    await turn()
    expect(asked).toEqual(['a', 'c'])
  })

  test('goes on when GitHub refuses one, and does not ask for that all the time', async () => {
    log = [attempt('b'), attempt('a', { ago: hour })]
    fault = what => (what === 'redeliver a' ? new Rejected('github', 404, '', 'gone') : undefined)
    for (let n = 0; n < 3 * 60; n++, at += minute) await turn()
    expect(said.filter(line => line.includes('will not send'))).toHaveLength(2)
    expect(asked).toEqual(['b', 'b'])
  })

  test('of a server without such a log is rare', async () => {
    fault = () => new Rejected('github', 404, '', 'Not Found')
    expect(await turn()).toBe(hour)
  })

  test('does no more once its turn is over', async () => {
    log = [attempt('a')]
    await expect(turn(AbortSignal.abort(new Error('over')))).rejects.toThrow('over')
    const lost = sweep({ ...alone, remember: () => Promise.reject(new Error('lost')) })
    await expect(lost).rejects.toThrow('lost')
    expect(asked).toEqual([])
  })

  test('starts afresh with a memory that it can not read', async () => {
    memory = { readUntil: 'yesterday' }
    log = [attempt('a')]
    await turn()
    expect(asked).toEqual(['a'])
  })

  test('comes at once again when there was too much for one', async () => {
    log = Array.from({ length: 251 }, (_, n) => attempt(`${n}`, { ago: hour - n * second })).toReversed()
    expect(await turn()).toBeLessThan(sweepEvery)
    expect(asked).toHaveLength(250)
    await turn()
    expect(asked).toHaveLength(251)
  })

  test('says what it does', async () => {
    const lines: [object, string][] = []
    const keep = (fields: object, message: string) => void lines.push([fields, message])
    const speaking = sweepWith({ log: fakeLogOf(keep) })
    const go = () => speaking(alone)
    log = [attempt('b'), attempt('a', { ago: hour })]
    const refused = new Rejected('github', 404, '', 'gone')
    fault = what => (what === 'redeliver a' ? refused : undefined)
    await go()
    const until = now + minute
    fault = () => new RetryLater('github', until, 'rate-limit', 'later')
    await go()
    const silence = new NoResponse('github', 'no answer')
    fault = () => silence
    await go()
    expect(lines).toEqual([
      [{ delivery: 'a', event: 'issue_comment', err: refused }, 'GitHub will not send this webhook again'],
      [{ delivery: 'b', event: 'issue_comment', times: 1 }, 'requested the webhook again'],
      [{ until: new Date(until).toISOString() }, 'the search for missed webhooks waits for GitHub’s limit'],
      [{ err: silence }, 'the search for missed webhooks failed'],
    ])
  })

  test('reads a thousand pages at most', async () => {
    let read = 0
    const warn = vi.fn()
    const page = async () => {
      read += 1
      return { attempts: [attempt(`${read}`, ok)], next: `${read}` }
    }
    const log = fakeLog({ info: say, warn, error: say })
    await sweepWith({ deliveries: { page, redeliver: async () => {} }, log })(alone)
    expect(read).toBe(1_000)
    expect(warn).toHaveBeenCalledWith({ pages: 1_000 }, 'the log of deliveries is too long to read it all')
  })

  test('reads on for what is as old as its end, and no further', async () => {
    const from = now - 71 * hour
    log = [
      ...Array.from({ length: 3 }, (_, n) => attempt(`${n}`, { ...ok, at: n === 2 ? from : now })),
      ...Array.from({ length: 3 }, (_, n) => attempt(`old ${n}`, { ...ok, at: from - 1 - n })),
      attempt('z', { at: from - hour }),
    ]
    await turn()
    expect(pages).toEqual([undefined, '3'])
  })

  test('rests between two requests, and only there', async () => {
    log = [attempt('b'), attempt('a', { ago: hour })]
    const began = performance.now()
    await sweepWith({ pause: 200 })(alone)
    const took = performance.now() - began
    expect(took).toBeGreaterThan(190)
    expect(took).toBeLessThan(390)
  })

  test('of nothing comes back at the usual time', async () => {
    log = [attempt('a', { ago: minute - sweepEvery })]
    expect(await turn()).toBeUndefined()
    log = [attempt('b', { ago: minute - sweepEvery + 1 })]
    expect(await turn()).toBe(sweepEvery - 1)
  })
})
