import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { failedCheck, passedCheck } from '../src/core/model/check.ts'
import { watchReadiness } from '../src/readiness.ts'
import { fakeLog } from './support/fake-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const silent = fakeLog()
const well = [passedCheck('github-app', 'codex-bot'), passedCheck('posthog-key', 'works')]

test('checks that break off are made again', async () => {
  const examine = vi.fn(async () => well).mockRejectedValueOnce(new Error('broke off'))
  const readiness = watchReadiness({ examine, log: silent, ready() {} })
  await vi.advanceTimersByTimeAsync(6_000)
  expect(examine).toHaveBeenCalledTimes(2)
  expect(readiness.isReady()).toBe(true)
  readiness.close()
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(examine).toHaveBeenCalledTimes(2)
})

test('who does not answer keeps nobody waiting', async () => {
  const ready = vi.fn()
  const readiness = watchReadiness({ examine: () => new Promise(() => {}), log: silent, ready })
  await vi.advanceTimersByTimeAsync(4_900)
  expect(readiness.isReady()).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect([readiness.isReady(), ready.mock.calls.length]).toEqual([true, 1])
  readiness.close()
})

test('what was right is asked again after five minutes, what went wrong after seconds', async () => {
  let checks = well
  const readiness = watchReadiness({
    examine: async () => checks,
    log: silent,
    ready() {},
  })
  await vi.advanceTimersByTimeAsync(299_000)
  checks = [
    passedCheck('github-app', 'codex-bot'),
    failedCheck('posthog-key', 'it was revoked', 'Make another one.'),
  ]
  expect([readiness.isReady(), readiness.failed()]).toEqual([true, []])
  await vi.advanceTimersByTimeAsync(2_000)
  expect([readiness.isReady(), readiness.failed()]).toEqual([false, [checks[1]]])
  checks = well
  await vi.advanceTimersByTimeAsync(5_000)
  expect([readiness.isReady(), readiness.failed()]).toEqual([true, []])
  readiness.close()
})

test('what a call was refused for is asked at once', async () => {
  const examine = vi.fn(async () => well)
  const readiness = watchReadiness({ examine, log: silent, ready() {} })
  readiness.hurry()
  await vi.advanceTimersByTimeAsync(1)
  expect(examine).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(1_000)
  readiness.hurry()
  await vi.advanceTimersByTimeAsync(1)
  expect(examine).toHaveBeenCalledTimes(3)
  readiness.close()
})
