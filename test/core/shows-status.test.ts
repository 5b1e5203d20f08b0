import { describe, expect, test } from 'vitest'
import { changed, type RunChange, showsStatus } from '../../src/core/record/run.ts'
import { branch, runWith, t0 } from './given.ts'

const wants = (comments: 'all' | 'outcomes', change: object) => {
  const run = runWith(change as RunChange)
  return changed(run, { baseline: { settings: { ...run.baseline.settings, comments } } })
}

describe('the status is shown', () => {
  const until = { kind: 'until', at: t0, limit: 'a day' }
  const line = { kind: 'line', ahead: 1, of: 'owner' }
  const retry = { why: 'w', since: t0, until: t0, count: 1 }
  const status = { commentId: 1, hash: '', phase: '', at: 0 }
  test.each([
    ['all', {}, true],
    ['outcomes', {}, false],
    ['outcomes', { workspace: { branch } }, false],
    ['outcomes', { schedule: { waits: until } }, true],
    ['outcomes', { schedule: { waits: line } }, false],
    ['outcomes', { retries: { posthog: { ...retry, setup: true } } }, true],
    ['outcomes', { retries: { github: { ...retry, refusedSince: t0 } } }, true],
    ['outcomes', { retries: { posthog: retry } }, false],
    ['outcomes', { workspace: { branch }, result: { outcome: { kind: 'answer' } } }, false],
    ['all', { report: { readOnlyThread: true } }, false],
    ['outcomes', { report: { status }, workspace: { branch } }, true],
  ] as const)('with %s and %j: %s', (comments, change, shown) =>
    expect(showsStatus(wants(comments, change))).toBe(shown),
  )
})
