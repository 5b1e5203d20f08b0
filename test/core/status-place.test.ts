import { describe, expect, test } from 'vitest'
import { changed, type RunChange } from '../../src/core/record/run.ts'
import { checkedSha, commentsOf, statusPlace } from '../../src/core/record/status-place.ts'
import { statusCheck } from '../../src/core/words/status.ts'
import { branch, deployment, pull, runWith, t0 } from './given.ts'

const wants = (comments: 'all' | 'outcomes' | 'check', change: object = {}) => {
  const run = runWith(change as RunChange)
  return changed(run, { baseline: { settings: { ...run.baseline.settings, comments } } })
}

test.each([
  [{}, 'all'],
  [{ chatty: true }, 'all'],
  [{ chatty: false }, 'outcomes'],
  [{ chatty: false, comments: 'check' }, 'check'],
] as const)('%j is %s', (settings, comments) => {
  expect(commentsOf(settings)).toBe(comments)
})

describe('the status is shown', () => {
  const until = { kind: 'until', at: t0, limit: 'a day' }
  const line = { kind: 'line', ahead: 1, of: 'owner' }
  test.each([
    ['all', {}, 'comment'],
    ['check', {}, undefined],
    ['check', { workspace: { branch } }, 'check'],
    ['outcomes', { workspace: { branch } }, 'check'],
    ['check', { schedule: { waits: until } }, 'comment'],
    ['check', { schedule: { waits: line } }, undefined],
    ['check', { report: { checkRefused: true }, workspace: { branch } }, 'comment'],
    ['check', { workspace: { branch }, result: { outcome: { kind: 'answer' } } }, undefined],
    ['all', { report: { readOnlyThread: true } }, undefined],
    [
      'check',
      { report: { status: { commentId: 1, hash: '', phase: '', at: 0 } }, workspace: { branch } },
      'comment',
    ],
  ] as const)('with %s and %j in %s', (comments, change, place) => {
    expect(statusPlace(wants(comments, change))).toBe(place)
  })
})

test('a check stays on the commit of its pull request when that ends', () => {
  const sha = 'c'.repeat(40)
  const open = wants('check', { workspace: { branch }, result: { pulls: [{ ...pull, sha }] } })
  expect(checkedSha(open)).toBe(sha)
  const status = { check: { sha }, hash: '', phase: '', at: 0 }
  const merged = changed(open, { report: { status }, result: { pulls: [{ ...pull, sha, state: 'merged' }] } })
  expect(checkedSha(merged)).toBe(sha)
})

test('a check on a commit of other branches is never in progress', () => {
  const run = wants('check', { workspace: { branch } })
  expect(statusCheck(run, deployment, t0)).toMatchObject({ state: 'neutral' })
  expect(statusCheck(changed(run, { result: { pushed: 'b'.repeat(40) } }), deployment, t0)).toMatchObject({
    state: 'pending',
  })
  expect(statusCheck(wants('outcomes', { workspace: { branch } }), deployment, t0)).toMatchObject({
    title: 'Codex',
    summary: expect.stringContaining('answers there'),
  })
})
