import { describe, expect, test } from 'vitest'
import { spendingOf } from '../../src/core/record/admission.ts'
import { changed, type RunChange } from '../../src/core/record/run.ts'
import { hour, limitedTo, runWith, t0 } from './given.ts'

const day = 24 * hour
const now = t0 + day

const me = (limits: object) => ({ id: 'run-me', addedAt: now, data: runWith(limitedTo(limits)) })

/** A run that began so many hours ago. */
const began = (hoursAgo: number, session: RunChange['session']) => {
  const at = now - hoursAgo * hour
  const data = changed(runWith(), {
    session,
    schedule: { admitted: true, admissionExpectedAt: at },
  })
  return { id: `run-${hoursAgo}`, data, standing: 'ended' as const, addedAt: 0 }
}

const spent = (runs: ReturnType<typeof began>[], limits: object = { cost_per_day: 10 }) =>
  spendingOf(me(limits), { listed: async () => runs }, now)

describe('what a day cost', () => {
  test('has a limit also where no settings say one', async () =>
    expect(await spent([began(1, { taskId: 'a', cost: 49 })], {})).toMatchObject({
      limit: 50,
      used: 49,
      until: undefined,
    }))
  test('is that of all runs of the repository', async () => {
    const listed = async ([set]: readonly string[]) =>
      set === 'started repository 100' ? [began(2, { taskId: 'a', cost: 12 })] : []
    expect(await spendingOf(me({ cost_per_day: 10 }), { listed }, now)).toEqual({
      limit: 10,
      used: 12,
      unknown: 0,
      until: now - 2 * hour + day,
    })
  })
  test('has what was known of a run when it went on', async () => {
    const one = await spent([
      began(2, { taskId: 'a', cost: undefined, costBefore: 7 }),
      began(1, { taskId: 'b', cost: 5, costBefore: 4 }),
    ])
    expect(one).toMatchObject({ used: 12 })
  })
  test('counts a task once, from its newest run', async () => {
    const one = await spent([
      began(20, { taskId: 'a', cost: 5 }),
      began(2, { taskId: 'a', cost: 3 }),
      began(1, { taskId: 'b', cost: 4 }),
    ])
    expect(one).toEqual({ limit: 10, used: 9, unknown: 0, until: undefined })
  })
  test('at the limit it is over when enough of it is a day old', async () => {
    const one = await spent([
      began(1, { taskId: 'c', cost: 6 }),
      began(20, { taskId: 'a', cost: 3 }),
      began(5, { taskId: 'b', cost: 4 }),
    ])
    expect(one).toMatchObject({ used: 13, until: now - 5 * hour + day })
  })
  test('does not count itself, what is older, nor what PostHog does not say', async () => {
    const one = await spent([
      { ...began(1, { taskId: 'd', cost: 9 }), id: 'run-me' },
      began(25, { taskId: 'a', cost: 50 }),
      began(3, { taskId: 'b', cost: null }),
      began(2, { taskId: 'c' }),
    ])
    expect(one).toMatchObject({ used: 0, unknown: 1, until: undefined })
  })
})
