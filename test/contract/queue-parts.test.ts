import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { deathsOf } from '../../src/queue/inbox.ts'
import { JobLock, within } from '../../src/queue/job-lock.ts'
import { WorkInProcess } from '../../src/queue/work-alone.ts'
import { errorReporter, LockLost } from '../../src/queue/work-queue.ts'

describe('the lock of a job in hand', () => {
  test('is renewed as long as the server says that it is ours', async () => {
    let asked = 0
    const lock = new JobLock('a', 1_500, async () => ++asked < 4)
    await lock.assert()
    await once(lock.signal, 'abort')
    expect(asked).toBe(4)
    expect(lock.signal.reason).toBeInstanceOf(LockLost)
    expect(lock.isLost).toBe(true)
    await expect(lock.assert()).rejects.toThrow('the lock of job a is lost')
    await sleep(1_000)
    expect(asked).toBe(4)
    lock.release()
  })

  test('is not lost by one failed renewal, but by silence for as long as it lasts', async () => {
    let asked = 0
    const lock = new JobLock('a', 3_000, () =>
      ++asked === 1 ? Promise.reject(new Error('hiccup')) : Promise.resolve(true),
    )
    while (asked < 2) await sleep(50)
    expect(lock.signal.aborted).toBe(false)
    lock.release()
    const unheard = new JobLock('b', 60, () => new Promise(() => {}))
    await expect(unheard.assert()).rejects.toThrow(LockLost)
    await sleep(50)
    expect(unheard.signal.aborted).toBe(true)
    unheard.release()
  })

  test('cannot be asserted when the server is not there, nor after the step', async () => {
    const lock = new JobLock('a', 1_000, () => Promise.reject(new Error('gone')))
    await expect(lock.assert()).rejects.toMatchObject({
      name: 'LockLost',
      cause: { message: 'gone' },
    })
    const over = new JobLock('b', 1_000, async () => true)
    over.release()
    await expect(over.assert()).rejects.toThrow('the step of job b is over')
    expect(over.signal.aborted).toBe(false)
    lock.release()
  })
})

describe('what died with a job in hand', () => {
  const deaths = (stalls: number, ...logs: string[]) => {
    const backend = { getJobLogs: async () => ({ logs, count: logs.length }) }
    return deathsOf(backend as unknown as Parameters<typeof deathsOf>[0], 'a', stalls)
  }

  test.each<[string, number, string[], { isSuspect: boolean; alone: number }]>([
    ['nothing yet', 0, ['alone:0'], { isSuspect: false, alone: 0 }],
    ['a process, in company', 1, [], { isSuspect: true, alone: 0 }],
    ['process after process, in company', 9, [], { isSuspect: true, alone: 0 }],
    [
      'one that lives, but had no time for the lock',
      1,
      ['lived:0'],
      { isSuspect: false, alone: 0 },
    ],
    [
      'one that had it alone and lives',
      2,
      ['alone:1', 'lived:1', 'lived:0'],
      { isSuspect: false, alone: 0 },
    ],
    [
      'one that had it alone',
      2,
      ['wake', 'alone:1', 'tell:lived:1'],
      { isSuspect: true, alone: 1 },
    ],
    ['two that had it alone', 3, ['alone:1', 'alone:2'], { isSuspect: true, alone: 2 }],
    [
      'got through since',
      3,
      ['alone:1', 'alone:2', 'alone:3', 'through:3'],
      { isSuspect: false, alone: 0 },
    ],
    ['another in company since', 4, ['alone:3', 'through:3'], { isSuspect: true, alone: 0 }],
  ])('%s', async (_, stalls, logs, expected) => {
    expect(await deaths(stalls, ...logs)).toEqual(expected)
  })
})

describe('what a process has in hand', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** Who has come in, in order. */
  function watched() {
    const inProcess = new WorkInProcess()
    const came: string[] = []
    const enter = (name: string, alone = false) => {
      const place = alone
        ? inProcess.enterAlone(() => came.push(`${name} lasted`))
        : inProcess.enter()
      void place.then(({ isAlone }) => came.push(isAlone ? `${name} alone` : name))
      return place
    }
    return { enter, came: () => vi.advanceTimersByTimeAsync(0).then(() => came.splice(0)) }
  }

  test('a suspect waits for those before it, and those after it wait for the suspect', async () => {
    const { enter, came } = watched()
    const before = enter('before')
    const suspect = enter('suspect', true)
    const after = enter('after')
    const next = enter('next suspect', true)
    expect(await came()).toEqual(['before'])
    ;(await before).leave()
    expect(await came()).toEqual(['suspect alone'])
    ;(await suspect).leave()
    expect(await came()).toEqual(['after'])
    ;(await after).leave()
    expect(await came()).toEqual(['next suspect alone'])
    ;(await next).leave()
    await enter('last')
    expect(await came()).toEqual(['last'])
  })

  test('one that takes long is not waited for: all go on in company', async () => {
    const { enter, came } = watched()
    await enter('long')
    void enter('suspect', true)
    void enter('next suspect', true)
    void enter('other')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await came()).toEqual(['long', 'suspect', 'other', 'next suspect'])
  })

  test('a suspect that takes long lets others in, and has lasted', async () => {
    const { enter, came } = watched()
    const suspect = await enter('suspect', true)
    void enter('other')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await came()).toEqual(['suspect alone', 'suspect lasted', 'other'])
    suspect.leave()
    await enter('last')
    expect(await came()).toEqual(['last'])
  })
})

test('a deadline passes on what came in time, and speaks for what did not', async () => {
  expect(await within(1_000, Promise.resolve('a'), () => 'late')).toBe('a')
  expect(await within(1, new Promise<string>(() => {}), () => 'late')).toBe('late')
  const late = () => {
    throw new Error('too late')
  }
  await expect(within(1, new Promise(() => {}), late)).rejects.toThrow('too late')
  await expect(within(1_000, Promise.reject(new Error('no')), late)).rejects.toThrow('no')
})

test('the same trouble is reported once in a while, and no more of it than its message', async () => {
  const lines: object[] = []
  const report = errorReporter({ warn: facts => lines.push(facts), error: () => {} }, 50)
  const failed = Object.assign(new Error('WRONGPASS'), {
    command: { name: 'auth', args: ['hunter2'] },
  })
  for (let n = 0; n < 5; n++) report(failed)
  report(new AggregateError([], ''))
  await sleep(60)
  report(failed)
  expect(lines).toEqual([
    { error: 'WRONGPASS' },
    { error: 'AggregateError' },
    { error: 'WRONGPASS' },
  ])
})
