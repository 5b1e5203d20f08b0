/** Where the bot may work no more: what a Run still does, and what it does not. */
import { expect, test } from 'vitest'
import { readMessages } from '../../src/core/record/messages.ts'
import { nextStep } from '../../src/core/record/next-step.ts'
import { withRetry } from '../../src/core/record/retries.ts'
import { changed, type Run } from '../../src/core/record/run.ts'
import { hour, intends, maya, noTaskRun, pull, runWith, t0, taskRun, working } from './given.ts'

const note = JSON.stringify({
  kind: 'access-lost',
  id: 'access-1',
  by: maya,
  at: t0,
  because: 'archived acme/shop',
})
const lost = (run: Run): Run => readMessages(run, [note])
const stopAsked = (run: Run): Run =>
  changed(run, { session: { cancelled: { taskRun: run.session.taskRun?.id ?? '', at: t0 } } })
const asked = (run: Run): Run => stopAsked(lost(run))

test.each<[string, Run, string]>([
  ['before the first comment', lost(runWith()), 'settle-outcome'],
  ['before there is a run at PostHog', lost(working({ session: { taskRun: undefined } })), 'settle-outcome'],
  [
    'while its start is unsettled: that is found out first',
    lost(working(noTaskRun, intends({ kind: 'start-run', at: t0, before: [] }))),
    'start-run',
  ],
  ['with an agent at work', lost(working()), 'cancel'],
  [
    'with an agent at work and a comment unsettled, which nobody can look for',
    lost(working({ attempts: { intent: [{ kind: 'conclude', at: t0 }] } })),
    'cancel',
  ],
  [
    'while GitHub is waited for, which is in vain',
    lost(withRetry(working(), 'github', { why: 'x', since: t0, until: t0 + hour, count: 1 })),
    'cancel',
  ],
  [
    'with a pull request that the agent speaks of',
    lost(working({ result: { claimedPulls: [pull.url] } })),
    'cancel',
  ],
  ['when PostHog was asked', asked(working({ schedule: { nextPollAt: undefined } })), 'poll'],
  [
    'when PostHog confirmed: no look at GitHub for a result',
    asked(working({ session: { taskRun: { ...taskRun, status: 'cancelled' } } })),
    'settle-outcome',
  ],
  [
    'when all is over: nothing is told, taken off or edited',
    changed(asked(working()), { result: { outcome: { kind: 'stopped', by: 'maya' } } }),
    'end',
  ],
])('%s', (_, run, step) => {
  expect(nextStep(run, { at: t0 + 1_000, text: 'phase' }).kind).toBe(step)
})
