/** How a Run stands, where the admin pages list it, and which label `labels.state` gives its thread. */
import { expect, test } from 'vitest'
import type { Outcome, Run, RunChange } from '../../src/core/record/run.ts'
import { type Group, liveGroups, runIndex, sets } from '../../src/core/record/run-index.ts'
import { labelStateOf, phaseOf, situationOf } from '../../src/core/record/situation.ts'
import {
  admitted,
  hasPull,
  inLine,
  instruction,
  logIs,
  notSent,
  runWith,
  stopAsked,
  t0,
  taskRunIs,
  toldOfPull,
  working,
} from './given.ts'

const unread: RunChange = { mailbox: { words: [instruction('sent')] } }
const queued = { ...taskRunIs({ status: 'queued' }), ...unread }
const question = { id: 'q', title: 'Which way?', question: true, options: [] }
const none = { offset: 0, turns: 0, prompts: [] }
const asks = logIs({ ...none, permissionRequest: question })
const fault = (setup?: true): RunChange => ({
  retries: { posthog: { why: 'the key', since: t0, until: t0, count: 1, setup } },
})
const outcome = (outcome: Outcome, ...given: RunChange[]) =>
  working(...given, { result: { outcome } })
const saysWhich = logIs({ offset: 0, turns: 1, prompts: [], answer: 'Which one?' })
const cutOff: Outcome = { kind: 'unfinished', why: 'sandbox-gone' }
const failed: Outcome = { kind: 'failed', class: 'agent', reason: 'no luck', fix: 'Again.' }

const groups: readonly Group[] = [...liveGroups, 'ended', 'failed']
const groupsOf = (data: Run): Group[] => {
  const names = runIndex.entries({ id: 'a', data, addedAt: t0 }).map(({ set }) => set)
  return groups.filter(group => names.includes(sets.board({ group })))
}

/** The kind of its situation, its lists, its label. */
test.each([
  ['a Run gets ready before it asked to begin', runWith(), 'preparing, waiting, no label'],
  ['a Run that is not let in waits', runWith(inLine(2)), 'waiting, waiting, no label'],
  ['a Run that is let in gets ready', runWith(admitted), 'preparing, working, working'],
  [
    'a Run that gives way keeps its place',
    runWith(inLine(1), admitted),
    'waiting, working, working',
  ],
  ['a queued task run starts', working(queued), 'starting, working, working'],
  ['a new pull request shows that it works', working(queued, hasPull), 'working, working, working'],
  [
    'an earlier pull request shows nothing',
    working(queued, toldOfPull),
    'starting, working, working',
  ],
  ['a task run whose words are read works', working(), 'working, working, working'],
  ['a task run without an agent starts', working(unread), 'starting, working, working'],
  [
    'a session that goes on has an agent',
    working(taskRunIs({ from: 9 }), unread),
    'working, working, working',
  ],
  [
    'a server without logs says it',
    working(logIs({ ...none, absent: true }), unread),
    'working, working, working',
  ],
  [
    'an end without an outcome',
    working(taskRunIs({ status: 'failed' })),
    'ending, working, working',
  ],
  [
    'an end whose last words may come',
    working(logIs({ ...none, ended: { stopReason: 'end_turn', at: t0 } })),
    'ending, working, working',
  ],
  ['a stop comes before the task run', working(stopAsked), 'stopping, working, no label'],
  ['a stop comes before a wait', runWith(inLine(2), stopAsked), 'stopping, waiting, no label'],
  ['a question holds a Run', working(asks), 'working, question, needs-you'],
  [
    'a question still holds it after a stop',
    working(asks, stopAsked),
    'stopping, question, needs-you',
  ],
  ['a wrong set-up holds a Run', runWith(fault(true)), 'preparing, set-up, needs-you'],
  [
    'a question comes before a wrong set-up',
    working(asks, fault(true)),
    'working, question, needs-you',
  ],
  ['a fault that passes holds nobody', working(fault()), 'working, working, working'],
  [
    'an outcome comes before all',
    outcome({ kind: 'nothing' }, asks, stopAsked),
    'nothing, ended, done',
  ],
  ['an answer is done', outcome({ kind: 'answer' }), 'answer, ended, done'],
  [
    'an answer that asks needs somebody',
    outcome({ kind: 'answer' }, saysWhich),
    'asks, ended, needs-you',
  ],
  ['a stop needs nobody', outcome({ kind: 'stopped', by: 'maya' }), 'stopped, ended, no label'],
  ['a failure needs somebody', outcome(failed), 'failed, ended+failed, needs-you'],
  ['a failure before it began', outcome(failed, notSent), 'unstarted, ended+failed, needs-you'],
  ['cut off work needs somebody', outcome(cutOff), 'unfinished, ended+failed, needs-you'],
])('%s', (_, run, stands) => {
  const label = labelStateOf(run) ?? 'no label'
  expect(`${phaseOf(situationOf(run))}, ${groupsOf(run).join('+')}, ${label}`).toBe(stands)
})
