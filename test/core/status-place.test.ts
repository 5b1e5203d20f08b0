import { describe, expect, test } from 'vitest'
import { changed, type RunChange } from '../../src/core/record/run.ts'
import { checkedSha, statusPlace } from '../../src/core/record/status-place.ts'
import { statusCheck } from '../../src/core/words/status.ts'
import { branch, pull, runWith, t0 } from './given.ts'

const wants = (comments: 'all' | 'outcomes', change: object = {}) => {
  const run = runWith(change as RunChange)
  return changed(run, { baseline: { settings: { ...run.baseline.settings, comments } } })
}

describe('the status is shown', () => {
  const until = { kind: 'until', at: t0, limit: 'a day' }
  const line = { kind: 'line', ahead: 1, of: 'owner' }
  test.each([
    ['all', {}, 'comment'],
    ['outcomes', {}, undefined],
    ['outcomes', { workspace: { branch } }, 'check'],
    ['outcomes', { schedule: { waits: until } }, 'comment'],
    ['outcomes', { schedule: { waits: line } }, undefined],
    ['outcomes', { report: { checkRefused: true }, workspace: { branch } }, 'comment'],
    ['outcomes', { workspace: { branch }, result: { outcome: { kind: 'answer' } } }, undefined],
    ['all', { report: { readOnlyThread: true } }, undefined],
    [
      'outcomes',
      { report: { status: { commentId: 1, hash: '', phase: '', at: 0 } }, workspace: { branch } },
      'comment',
    ],
  ] as const)('with %s and %j in %s', (comments, change, place) =>
    expect(statusPlace(wants(comments, change))).toBe(place),
  )
})

test('a check stays on the commit of its pull request when that ends', () => {
  const sha = 'c'.repeat(40)
  const open = wants('outcomes', { workspace: { branch }, result: { pulls: [{ ...pull, sha }] } })
  expect(checkedSha(open)).toBe(sha)
  const status = { check: { sha }, hash: '', phase: '', at: 0 }
  const merged = changed(open, { report: { status }, result: { pulls: [{ ...pull, sha, state: 'merged' }] } })
  expect(checkedSha(merged)).toBe(sha)
})

test('a check on a commit of other branches is never in progress', () => {
  const run = wants('outcomes', { workspace: { branch } })
  expect(statusCheck(run)).toMatchObject({
    ...{ state: 'neutral', title: 'Codex' },
    summary: expect.stringContaining('answers there'),
  })
  expect(statusCheck(changed(run, { result: { pushed: 'b'.repeat(40) } }))).toMatchObject({
    state: 'pending',
  })
})
