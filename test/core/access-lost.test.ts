/** Where the bot may work no more: what a Run still does, and what it does not. */
import { expect, test } from 'vitest'
import { readMessages } from '../../src/core/record/messages.ts'
import { nextStep } from '../../src/core/record/next-step.ts'
import { withRetry } from '../../src/core/record/retries.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import {
  cancelAsked,
  claimsPull,
  due,
  hour,
  intends,
  maya,
  noTaskRun,
  runWith,
  t0,
  taskRunIs,
  working,
} from './given.ts'

const note = JSON.stringify({
  kind: 'access-lost',
  id: 'access-1',
  by: maya,
  at: t0,
  because: 'archived acme/shop',
})
const lost = (run: Run): Run => readMessages(run, [note])
const asked = (run: Run): Run => changed(lost(run), cancelAsked(t0))

test.each<[string, Run, string]>([
  ['before the first comment', lost(runWith()), 'settle-outcome'],
  ['before there is a run at PostHog', lost(working(noTaskRun)), 'settle-outcome'],
  [
    'while its start is unsettled: that is found out first',
    lost(working(noTaskRun, intends({ kind: 'start-run', at: t0, before: [] }))),
    'start-run',
  ],
  ['with an agent at work', lost(working()), 'cancel'],
  ['with a comment that nobody can look for', lost(working(intends({ kind: 'conclude', at: t0 }))), 'cancel'],
  [
    'while GitHub is waited for, which is in vain',
    lost(withRetry(working(), 'github', { why: 'x', since: t0, until: t0 + hour, count: 1 })),
    'cancel',
  ],
  ['with a pull request that the agent speaks of', lost(working(claimsPull)), 'cancel'],
  ['when PostHog was asked', asked(working(due)), 'poll'],
  ['when PostHog confirmed it', asked(working(taskRunIs({ status: 'cancelled' }))), 'settle-outcome'],
  [
    'when all is over: nothing is told, taken off or edited',
    changed(asked(working()), { result: { outcome: { kind: 'stopped', by: 'maya' } } }),
    'end',
  ],
])('%s', (_, run, step) => expect(nextStep(run, { at: t0 + 1_000, text: 'phase' }).kind).toBe(step))
