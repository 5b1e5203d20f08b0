import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LockedJob } from '../../src/core/model/ports.ts'
import {
  LockLost,
  type Processor,
  ShuttingDown,
  UnreadableRecord,
} from '../../src/queue/work-queue.ts'
import {
  childHolding,
  cleanUp,
  foreign,
  killHard,
  type LogLine,
  type Note,
  open,
  ownDataDir,
  type Place,
  stored,
  type TestQueues,
  timed,
  until,
  workBy,
} from '../support/queue-world.ts'
import {
  type RedisServer,
  redisAvailable,
  startRedis,
  startSecured,
  tlsAvailable,
  valkeyAvailable,
} from '../support/redis-server.ts'
import { exhaustive, oneOf } from '../support/tries.ts'

const parked = { kind: 'park', ms: 3_600_000 } as const
const over = { kind: 'end' } as const

interface Backend {
  name: string
  kind: 'redis' | 'embedded'
  start?: () => Promise<RedisServer>
}
const backends: Backend[] = [{ name: 'the embedded database', kind: 'embedded' }]
if (redisAvailable()) backends.push({ name: 'Redis', kind: 'redis', start: () => startRedis() })
if (exhaustive && valkeyAvailable() && tlsAvailable()) {
  const start = () => startSecured('valkey-server')
  backends.push({ name: 'Valkey with TLS and a password', kind: 'redis', start })
}

describe.each(oneOf(backends))('the queues on $name', ({ kind, start: startServer }) => {
  let server: RedisServer | undefined
  let queues: TestQueues
  let place: Place
  const processors = new Map<string, Processor<Note>>()
  const lines: LogLine[] = []
  const heardOf: { data: Note; slotIsFree: boolean }[] = []
  let last = 0

  beforeAll(async () => {
    server = await startServer?.()
    place = await newPlace()
    queues = await open(place, lines)
    await workBy(queues.runs, processors, {
      concurrency: 5,
      async ended(data) {
        if (data.by !== 'heard-of') return
        heardOf.push({ data, slotIsFree: (await queues.runs.holder('a slot')) === undefined })
      },
    })
  })

  afterAll(async () => {
    await cleanUp()
    await server?.stop()
  })

  async function newPlace(): Promise<Place> {
    if (server) return { redisUrl: server.url, dataDir: '/nowhere', prefix: `{test-${++last}}` }
    return { dataDir: await ownDataDir() }
  }

  /** Registers a processor and adds a job for it: such as `added a` or `held b`. */
  async function start(id: string, process: Processor<Note>, slot?: string) {
    processors.set(id, process)
    const added = await queues.runs.add(id, { by: id }, slot)
    return `${added.outcome} ${added.id}`
  }

  const ended = (id: string) => until(async () => (await queues.runs.get(id))?.standing === 'ended')
  const end: Processor<Note> = async () => over
  const parkLong: Processor<Note> = async () => parked

  test('says which backend it is', () => expect(queues.kind).toBe(kind))

  test('whoever works hears of each job that has ended, with its last record, when its slot is free', async () => {
    const before = heardOf.length
    await start(
      'heard-of',
      async job => {
        await job.save({ ...job.data, text: 'the last' })
        return over
      },
      'a slot',
    )
    await start('parked', parkLong)
    await until(() => heardOf.length > before)
    expect(heardOf.slice(before)).toEqual([
      { data: expect.objectContaining({ by: 'heard-of', text: 'the last' }), slotIsFree: true },
    ])
  })

  describe('adding', () => {
    test('an id is claimed once, and stays known after its job has ended', async () => {
      expect(await start('once', parkLong)).toBe('added once')
      expect(await start('once', end)).toBe('known once')
      await queues.runs.wake('once')
      await ended('once')
      expect(await start('once', end)).toBe('known once')
    })

    test('of fifty who add one id at the same time, one has added it', async () => {
      const other = kind === 'redis' ? await open(place) : queues
      const adding = Array.from({ length: 50 }, (_, n) =>
        (n % 2 ? other : queues).triggers.add('contested', { by: `${n}` }, 'contested-slot'),
      )
      const outcomes = (await Promise.all(adding)).map(added => added.outcome)
      expect(outcomes.filter(outcome => outcome === 'added')).toHaveLength(1)
      expect(outcomes.filter(outcome => outcome === 'known')).toHaveLength(49)
      if (other !== queues) await other.close(200)
    })

    test('a slot is held by one live job, whose id the others are told', async () => {
      const adding = Array.from({ length: 20 }, (_, n) => start(`rival-${n}`, parkLong, 'seat'))
      const outcomes = await Promise.all(adding)
      const winner = await queues.runs.holder('seat')
      expect(outcomes).toContain(`added ${winner}`)
      expect(outcomes.filter(outcome => outcome === `held ${winner}`)).toHaveLength(19)
    })

    test('a slot is free once its job has ended, and stays free when that job is added again', async () => {
      await start('first', parkLong, 'chair')
      expect(await start('second', end, 'chair')).toBe('held first')
      expect(await queues.runs.get('second')).toBeUndefined()
      processors.set('first', end)
      await queues.runs.wake('first')
      await ended('first')
      expect(await start('first', end, 'chair')).toBe('known first')
      expect(await queues.runs.holder('chair')).toBeUndefined()
      expect(await start('second', parkLong, 'chair')).toBe('added second')
    })

    test.each(['', '12', 'a:b'])('refuses %j as an id', async id => {
      await expect(queues.runs.add(id, { by: 'nobody' })).rejects.toThrow(TypeError)
    })

    test('texts that a database cannot keep are made so that it can', async () => {
      await queues.runs.add('odd', { by: 'nobody', text: 'a\0b\ud800c \u{1f600} \\u0000' })
      expect((await queues.runs.get('odd'))?.data.text).toBe('a\ufffdb\ufffdc \u{1f600} \\u0000')
      expect(await queues.runs.send('odd', 'a\0b\ud800')).toBe(true)
    })
  })

  describe('parking', () => {
    test('a job comes back when it said', async () => {
      const starts: number[] = []
      await start('timed', async () => {
        starts.push(Date.now())
        return starts.length < 4 ? { kind: 'park', ms: 200 } : over
      })
      await ended('timed')
      const gaps = starts.slice(1).map((at, n) => at - (starts[n] ?? 0))
      for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(198)
      for (const gap of gaps) expect(gap).toBeLessThan(600)
    })

    test('parked for 0 ms, a job lets those go first that wait already', async () => {
      const order: string[] = []
      let letGo = (): void => {}
      const allAreThere = new Promise<void>(resolve => {
        letGo = resolve
      })
      const turns = (id: string): Processor<Note> => {
        let left = 20
        return async () => {
          await allAreThere
          order.push(id)
          await sleep(1)
          return left-- > 0 ? { kind: 'park', ms: 0 } : over
        }
      }
      for (let n = 0; n < 15; n++) await start(`turn-${n}`, turns(`turn-${n}`))
      letGo()
      await ended('turn-14')
      await ended('turn-0')
      // With five at work, nobody can be a dozen turns ahead of everybody else.
      const half = order.slice(0, order.length / 2)
      const counts = Array.from(
        { length: 15 },
        (_, n) => half.filter(id => id === `turn-${n}`).length,
      )
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(12)
    })
  })

  describe('waking and telling', () => {
    test('no wake is lost, whenever it comes', async () => {
      let lastStart = 0
      await start('restless', async () => {
        lastStart = performance.now()
        await sleep(Math.random() * 3)
        return parked
      })
      for (let round = 0; round < 100; round++) {
        await queues.runs.wake('restless')
        await sleep(Math.random() * 6)
        const woken = performance.now()
        await queues.runs.wake('restless')
        await until(() => lastStart >= woken, 2_000)
      }
    })

    test('what is told is found in the inbox, in order and as it was, wakes left out', async () => {
      const told = Array.from({ length: 40 }, (_, n) => (n % 10 ? `message ${n}\n{}` : 'wake'))
      let seen: string[] = []
      await start('listener', async job => {
        seen = await job.inbox()
        if (seen.length < told.length) return parked
        await job.closeInbox()
        return over
      })
      for (const message of told) {
        expect(await queues.runs.send('listener', message)).toBe(true)
        await queues.runs.wake('listener')
      }
      await ended('listener')
      expect(seen).toEqual(told)
    })

    test('a message that comes while its job is being parked is seen', async () => {
      let seen = 0
      await start('distracted', async job => {
        await sleep(Math.random() * 3)
        seen = (await job.inbox()).length
        return parked
      })
      for (let n = 1; n <= 50; n++) {
        await queues.runs.send('distracted', `${n}`)
        await sleep(Math.random() * 4)
      }
      await until(() => seen === 50, 2_000)
    })

    test('what is taken is read before the job ends, whenever it comes', async () => {
      const taken: string[] = []
      const read = new Set<string>()
      let jobs = 0
      let cameBetween = false
      for (let round = 0; round < 30; round++) {
        const id = `closing-${round}`
        await start(id, async job => {
          if (round % 2) await sleep(Math.random() * 3)
          const known = (await job.inbox()).length
          if (round === 0 && !cameBetween) {
            cameBetween = true
            expect(await queues.runs.send(id, `${id} between`)).toBe(true)
            taken.push(`${id} between`)
          }
          const last = await job.closeInbox()
          for (const message of last) read.add(message)
          jobs++
          return last.length > known ? { kind: 'park', ms: 0 } : over
        })
        for (let n = 0; n < 12; n++) {
          const message = `${id} ${n}`
          if (await queues.runs.send(id, message)) taken.push(message)
          await sleep(Math.random() * 2)
        }
      }
      for (let round = 0; round < 30; round++) await ended(`closing-${round}`)
      expect(taken.filter(message => !read.has(message))).toEqual([])
      expect(taken.length).toBeGreaterThan(0)
      expect(taken.length).toBeLessThan(30 * 12)
      expect(jobs).toBeGreaterThan(30)
    })

    test('a closed inbox takes nothing until it is read again, and what it took before stays taken', async () => {
      let closed = false
      let reads = 0
      let go: () => void = () => {}
      await start('shut', async job => {
        const known = await job.inbox()
        reads++
        if (known.includes('after')) return over
        if (closed || known.length === 0) return parked
        expect(await job.closeInbox()).toEqual(['before'])
        closed = true
        await new Promise<void>(resolve => {
          go = resolve
        })
        return parked
      })
      expect(await queues.runs.send('shut', 'before')).toBe(true)
      await until(() => closed)
      expect(await queues.runs.send('shut', 'between')).toBe(false)
      expect(await queues.runs.send('shut', 'before')).toBe(true)
      const before = reads
      go()
      await until(() => reads > before)
      expect(await queues.runs.send('shut', 'after')).toBe(true)
      await ended('shut')
    })

    test('an ended or missing job cannot be told anything, and waking it does nothing', async () => {
      await start('gone', end)
      await ended('gone')
      for (const id of ['gone', 'never-was']) {
        expect(await queues.runs.send(id, 'hello?')).toBe(false)
        await queues.runs.wake(id)
      }
      expect((await queues.runs.get('gone'))?.standing).toBe('ended')
    })
  })

  describe('the record', () => {
    test('of an ended job can be amended, of a live one not', async () => {
      await start('closed', end)
      await ended('closed')
      const withPs = (note: Note): Note => ({ ...note, text: 'PS' })
      expect((await queues.runs.amendEnded('closed', withPs))?.data.text).toBe('PS')
      expect((await queues.runs.get('closed'))?.data.text).toBe('PS')
      await start('open', parkLong)
      expect(await queues.runs.amendEnded('open', withPs)).toBeUndefined()
      expect(await queues.runs.amendEnded('never-was', withPs)).toBeUndefined()
    })

    test('of an ended job loses nothing of what several write at once', async () => {
      await start('signed', end)
      await ended('signed')
      const signs = (name: string) =>
        queues.runs.amendEnded('signed', note => ({ ...note, text: `${note.text ?? ''}${name}` }))
      await Promise.all([...'abcdef'].map(signs))
      const { text = '' } = (await queues.runs.get('signed'))?.data ?? {}
      expect([...text].toSorted().join('')).toBe('abcdef')
    })

    test('that cannot be read parks its job, by name, until it can, and hinders nothing else', async () => {
      foreign.add('garbled')
      await start('garbled', end, 'garbled-slot')
      await until(() =>
        lines.some(line => line.message === 'parked a job that this version cannot read'),
      )
      await expect(queues.runs.get('garbled')).rejects.toThrow(UnreadableRecord)
      await expect(queues.runs.get('garbled')).rejects.toThrow(
        'job garbled of runs holds data that cannot be read',
      )
      expect(await start('garbled', end)).toBe('known garbled')
      await start('after-garbled', end)
      await ended('after-garbled')
      expect(await queues.runs.send('garbled', 'are you there?')).toBe(true)
      expect(await queues.runs.holder('garbled-slot')).toBe('garbled')
      foreign.delete('garbled')
      await ended('garbled')
    })

    test('keeps what is not understood of it, when it is saved and when it is amended', async () => {
      const record = { by: 'newer', text: 'a', of: 'another version' }
      processors.set('newer', async job => {
        await job.save({ by: 'newer', text: 'b' })
        await job.save({ by: 'newer', text: 'c' })
        return over
      })
      await queues.runs.add('newer', record)
      await ended('newer')
      expect(stored.get('newer')).toEqual({ ...record, text: 'c' })
      await queues.runs.amendEnded('newer', () => ({ by: 'newer' }))
      await queues.runs.get('newer')
      expect(stored.get('newer')).toEqual({ by: 'newer', of: 'another version' })
    })

    test('a step may not act after it is over', async () => {
      let kept: LockedJob<Note> | undefined
      await start('lingering', async job => {
        kept = job
        return parked
      })
      await until(() => kept)
      await sleep(50)
      await expect(kept?.save({ by: 'lingering', text: 'late' })).rejects.toThrow(LockLost)
    })
  })

  describe('failing', () => {
    test('a step that throws is taken again after a while; the count of failures ends with success', async () => {
      const failures: number[] = []
      const starts: number[] = []
      await start('clumsy', async job => {
        failures.push(job.failures)
        starts.push(Date.now())
        if (failures.length === 1) throw new Error('oops', { cause: new Error('banana') })
        return failures.length < 3 ? { kind: 'park', ms: 0 } : over
      })
      await ended('clumsy')
      expect(failures).toEqual([0, 1, 0])
      expect((starts[1] ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(450)
      const line = lines.find(entry => 'job' in entry.facts && entry.facts.job === 'clumsy')
      expect(line).toMatchObject({
        level: 'error',
        facts: { failures: 1, err: { message: 'oops' } },
      })
    })

    test('a job whose worker was killed is taken up by the next, who knows', async () => {
      const there = await newPlace()
      const child = await childHolding(there, 'orphan')
      await killHard(child)
      const killed = performance.now()
      const heirs = await open(there)
      const stalls: number[] = []
      const heir: Processor<Note> = async job => {
        stalls.push(job.stalls)
        return over
      }
      await workBy(heirs.runs, new Map([['heir', heir]]), { concurrency: 1 })
      await until(() => stalls.length > 0)
      expect(stalls).toEqual([1])
      // Its lock lapses here within 2 s; as it would be without our timing, that takes half a minute.
      expect(performance.now() - killed).toBeLessThan(20_000)
      await until(async () => (await heirs.runs.holder('slot-orphan')) === undefined)
      await heirs.close(500)
    })
  })

  describe('processes that died', () => {
    test('with several jobs in hand are counted for each until it gets through, and those come back apart', async () => {
      const there = await newPlace()
      for (let n = 0; n < 2; n += 1) await killHard(await childHolding(there, 'one,two,three'))
      const heirs = await open(there)
      const stalls: number[] = []
      const starts: number[] = []
      const heir: Processor<Note> = async job => {
        stalls.push(job.stalls)
        if (job.stalls === 0) return over
        starts.push(performance.now())
        return { kind: 'park', ms: 10 }
      }
      await workBy(heirs.runs, new Map([['heir', heir]]), { concurrency: 5 })
      await until(() => stalls.length === 6)
      expect(stalls.toSorted()).toEqual([0, 0, 0, 2, 2, 2])
      // Taken up together, all three begin within some ms.
      expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(100)
      await heirs.close(500)
    })
  })

  describe('closing', () => {
    async function closingWhile(process: Processor<Note>) {
      const there = await newPlace()
      const other = await open(there)
      let inHand: LockedJob<Note> | undefined
      const holding: Processor<Note> = job => {
        inHand = job
        return process(job)
      }
      await workBy(other.runs, new Map([['held', holding]]), { concurrency: 1 })
      await other.runs.add('held', { by: 'held' })
      await until(() => inHand)
      return { there, other, signal: () => inHand?.signal }
    }

    test('waits for a step, then lets it go at the end of the grace whatever it does', async () => {
      const { other, signal } = await closingWhile(() => new Promise(() => {}))
      const closing = timed(other.close(1_000))
      await sleep(400)
      expect(signal()?.aborted).toBe(false)
      await sleep(400)
      expect(signal()?.reason).toBeInstanceOf(ShuttingDown)
      const { ms, result } = await closing
      expect(result).toBeUndefined()
      expect(ms).toBeLessThan(1_500)
      await expect(other.runs.add('late', { by: 'nobody' })).rejects.toThrow('closed')
    })

    test('a step that ends in time ends well', async () => {
      const { there, other } = await closingWhile(async () => {
        await sleep(300)
        return over
      })
      const { ms } = await timed(other.close(2_000))
      expect(ms).toBeLessThan(1_000)
      const again = await open(there)
      expect((await again.runs.get('held'))?.standing).toBe('ended')
      await again.close(100)
    })

    test('a step that stops when told so is put back, without blame', async () => {
      const { there, other } = await closingWhile(async job => {
        await new Promise(resolve => job.signal.addEventListener('abort', resolve))
        throw job.signal.reason
      })
      const { ms } = await timed(Promise.all([other.close(500), other.close(500)]))
      expect(ms).toBeLessThan(1_000)
      const again = await open(there)
      const seen: number[][] = []
      const heir: Processor<Note> = async job => {
        seen.push([job.stalls, job.failures])
        return over
      }
      await workBy(again.runs, new Map([['held', heir]]), { concurrency: 1 })
      await until(() => seen.length)
      expect(seen).toEqual([[0, 0]])
      await again.close(500)
    })
  })
})
