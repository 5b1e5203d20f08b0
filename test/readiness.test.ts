import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { passed } from '../src/core/model/check.ts'
import { watchReadiness } from '../src/readiness.ts'
import { fakeLog } from './support/fake-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const silent = fakeLog()
const examineDeliveries = async () => []
const well = [passed('github-app', 'codex-bot'), passed('posthog-key', 'works')]

test('checks that break off are made again', async () => {
  const examine = vi.fn(async () => well).mockRejectedValueOnce(new Error('broke off'))
  const readiness = watchReadiness({ examine, examineDeliveries, log: silent, ready() {} })
  await vi.advanceTimersByTimeAsync(6_000)
  expect(examine).toHaveBeenCalledTimes(2)
  expect(readiness.isReady()).toBe(true)
  readiness.close()
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(examine).toHaveBeenCalledTimes(2)
})

test('who does not answer keeps nobody waiting', async () => {
  const ready = vi.fn()
  const readiness = watchReadiness({
    examine: () => new Promise(() => {}),
    examineDeliveries,
    log: silent,
    ready,
  })
  await vi.advanceTimersByTimeAsync(4_900)
  expect(readiness.isReady()).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect([readiness.isReady(), ready.mock.calls.length]).toEqual([true, 1])
  readiness.close()
})
