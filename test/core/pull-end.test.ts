import { describe, expect, test } from 'vitest'
import { tellerOf, withStanding } from '../../src/core/record/pull-end.ts'
import type { Outcome, RunChange } from '../../src/core/record/run.ts'
import { pull, runWith, t0 } from './given.ts'

describe('of a pull request', () => {
  const merged = { number: 9, state: 'merged' } as const
  const ended = { number: 9, how: 'merged', at: t0 } as const

  test.each<[string, RunChange, Parameters<typeof withStanding>[1], object | undefined]>([
    ['the end is kept', {}, { ...merged, at: t0 }, ended],
    ['that somebody else tells of, it is not', {}, merged, undefined],
    ['the first word of its end holds', { result: { ended } }, { ...merged, at: t0 + 1 }, ended],
    [
      'that is opened again, nothing is',
      { result: { ended } },
      { number: 9, state: 'open' },
      undefined,
    ],
    ['another one changes nothing', { result: { ended } }, { number: 8, state: 'open' }, ended],
  ])('%s', (_, before, stands, expected) =>
    expect(withStanding(runWith(before), stands).result.ended).toEqual(expected),
  )

  test('that was merged, an answer to an earlier look takes nothing back, and a later one does', () => {
    const run = withStanding(runWith({ result: { pulls: [{ ...pull, number: 9 }] } }), {
      ...merged,
      at: t0,
      readAt: t0 + 2,
    })
    const open = { number: 9, state: 'open' } as const
    expect(withStanding(run, { ...open, readAt: t0 + 1 })).toEqual(run)
    expect(withStanding(run, { ...open, readAt: t0 + 3 }).result.ended).toBeUndefined()
    expect(withStanding(run, { ...open, number: 8, readAt: t0 + 1 }).result.ended).toEqual(ended)
  })

  test('tells the newest run that changed it, or else opened it', () => {
    const by = (name: string, outcome: Outcome['kind'], knows = true) => ({
      name,
      data: runWith({
        result: { outcome: { kind: outcome } as Outcome, pulls: knows ? [pull] : [] },
      }),
    })
    const all = [
      by('opened', 'pull'),
      by('pushed', 'pushed'),
      by('asked', 'answer'),
      by('else', 'answer', false),
    ]
    expect(tellerOf(all)?.name).toBe('pushed')
    expect(tellerOf(all.slice(2))?.name).toBe('asked')
    expect(tellerOf(all.slice(3))).toBeUndefined()
  })
})
