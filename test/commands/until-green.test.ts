import { expect, test } from 'vitest'
import { standingOf } from '../../src/commands/until-green.ts'
import { day, hour, minute, second } from '../../src/core/model/time.ts'
import type { NeedsView } from '../../src/core/model/views.ts'

const needs = (passed: number, failed: number, running: number, sha = 'new'): NeedsView => ({
  ...{ number: 9, sha, isKnown: true, hasConflicts: false, failedChecks: [] },
  ...{ changesRequestedBy: [], unresolved: [], facts: { checks: { passed, failed, running } } },
})

/** Without the pull request, which is as it was given. */
const inWords = (view: NeedsView | undefined, waited: number): string => {
  const stands = standingOf(view, { waited, before: 'old' })
  if (stands.kind === 'waits') return `waits ${stands.ms / second} s`
  return stands.kind === 'ended' ? stands.end.kind : stands.kind
}

test.each<[string, NeedsView | undefined, number, string]>([
  ['a pull request that is not open', undefined, 0, 'closed'],
  ['a failure', needs(1, 1, 0), 0, 'failing'],
  ['a failure, while others run', needs(0, 1, 1), minute, 'waits 600 s'],
  ['a failure, while others run for long', needs(0, 1, 1), hour, 'failing'],
  ['a failure of the commit that it began on', needs(0, 1, 0, 'old'), minute, 'waits 30 s'],
  ['a failure of that commit, to which somebody went back', needs(0, 1, 0, 'old'), 6 * minute, 'failing'],
  ['checks that run', needs(2, 0, 1), 23 * hour, 'waits 600 s'],
  ['checks that run for ever', needs(2, 0, 1), day, 'late'],
  ['nothing yet', needs(0, 0, 0), 10 * second, 'waits 20 s'],
  ['one that was fast, while others may begin', needs(1, 0, 0), 10 * second, 'waits 20 s'],
  ['nothing', needs(0, 0, 0), 30 * second, 'no-checks'],
  ['checks that may not be seen', { ...needs(0, 0, 0), facts: {} }, 30 * second, 'no-checks'],
  ['only passes', needs(2, 0, 0), 30 * second, 'green'],
])('%s', (_, view, waited, expected) => {
  expect(inWords(view, waited)).toBe(expected)
})
