import { expect, test, vi } from 'vitest'
import { endEarlier } from '../../src/runs/steps/earlier-session.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import { minute, second, t0, working } from '../core/given.ts'

test('an earlier session is asked to end once, and looked at ever more rarely', async () => {
  let now = t0
  const calls = {
    cancel: vi.fn(async () => {}),
    statusOf: vi.fn(async () => 'in_progress' as const),
  }
  const earlier = { taskId: 'task-1', taskRunId: 'run-0', over: false }
  let run = working({ session: { taskRun: undefined, earlier } })
  while (now < t0 + minute) {
    run = await afterStep(endEarlier, handWith(run, { now: () => now, posthog: calls }))
    now = run.schedule.nextPollAt ?? Number.NaN
  }
  expect(calls.cancel).toHaveBeenCalledOnce()
  expect(calls.statusOf.mock.calls.length).toBeLessThan(8)
  calls.statusOf.mockResolvedValueOnce('cancelled' as never)
  run = await afterStep(endEarlier, handWith(run, { now: () => t0 + 64 * second, posthog: calls }))
  expect(run.session.earlier?.over).toBe(true)
})
