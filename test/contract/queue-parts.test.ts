import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { JobLock, within } from '../../src/queue/job-lock.ts'
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

test('a deadline passes on what came in time, and speaks for what did not', async () => {
  expect(await within(1_000, Promise.resolve('a'), () => 'late')).toBe('a')
  expect(await within(1, new Promise<string>(() => {}), () => 'late')).toBe('late')
  const late = () => {
    throw new Error('too late')
  }
  await expect(within(1, new Promise(() => {}), late)).rejects.toThrow('too late')
  await expect(within(1_000, Promise.reject(new Error('no')), late)).rejects.toThrow('no')
})

test('the same trouble is reported once a minute, and no more of it than its message', () => {
  const lines: object[] = []
  let now = 0
  const report = errorReporter({ warn: facts => lines.push(facts), error: () => {} }, () => now)
  const failed = Object.assign(new Error('WRONGPASS'), {
    command: { name: 'auth', args: ['hunter2'] },
  })
  for (let n = 0; n < 5; n++) report(failed)
  report(new AggregateError([], ''))
  now = 60_000
  report(failed)
  expect(lines).toEqual([
    { error: 'WRONGPASS' },
    { error: 'AggregateError' },
    { error: 'WRONGPASS' },
  ])
})
