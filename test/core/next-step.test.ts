import { describe, expect, test } from 'vitest'
import { type Now, nextStep } from '../../src/core/next-step.ts'
import { limits } from '../../src/core/pace.ts'
import type { Run } from '../../src/core/run.ts'
import {
  ask,
  branch,
  context,
  hour,
  maya,
  minute,
  more,
  pull,
  pullThread,
  rights,
  runWith,
  second,
  status,
  t0,
  taskRun,
  told,
  working,
} from './given.ts'

const now: Now = { at: t0 + second, text: 'same' }

/** A step as one word, or a word and what it is about. */
function step(run: Run, differs: Partial<Now> = {}): string {
  const { do: what, ...rest } = nextStep(run, { ...now, ...differs })
  const about =
    'outcome' in rest && rest.outcome && 'class' in rest.outcome ? rest.outcome.class : Object.values(rest)[0]
  return about === undefined ? what : `${what} ${about}`
}

type Table = [what: string, run: Run, now: Partial<Now>, expected: string][]

const holds = (table: Table): void => {
  test.each(table)('%s', (_, run, differs, expected) => {
    expect(step(run, differs)).toBe(expected)
  })
}

const earlier = { taskId: 'task-1', taskRunId: 'run-0', over: false, may: rights }
const notYet: Partial<Run> = { taskRun: undefined, nextLookAt: undefined }
const ready: Partial<Run> = { status, turn: true }

describe('from the asking to the start', () => {
  holds([
    ['first the thread is told', runWith(), {}, 'post-status'],
    ['but not one that takes no comments', runWith({ mute: true, turn: true }), {}, 'find-branch'],
    ['then it waits for its turn', runWith({ status }), {}, 'take-turn'],
    ['and asks again later', runWith({ status, ahead: 2, nextLookAt: now.at + 3_000 }), {}, 'wait 3000'],
    [
      'while the thread is told its place',
      runWith({ status, ahead: 2, nextLookAt: now.at + 3_000 }),
      { text: 'phase' },
      'edit-status',
    ],
    ['then the branch', runWith(ready), {}, 'find-branch'],
    ['then the task', runWith({ ...ready, branch }), {}, 'create-task'],
    [
      'then what was said in the thread',
      runWith({ ...ready, branch, taskId: 'task-1' }),
      {},
      'gather-context',
    ],
    [
      'then what was attached',
      runWith({ ...ready, branch, taskId: 'task-1', context }),
      {},
      'stage-attachments',
    ],
    ['then the run', working({ taskRun: undefined }), {}, 'start-run'],
    ['or the run of before', working({ taskRun: undefined, earlier }), {}, 'rejoin'],
    [
      'which ends first when it may do something else',
      working({ ...notYet, earlier: { ...earlier, may: { ...rights, permission: 'read-only' } } }),
      {},
      'end-earlier',
    ],
    [
      'or when nobody knows what it may do',
      working({ ...notYet, earlier: { ...earlier, may: undefined } }),
      {},
      'end-earlier',
    ],
    [
      'or when everything begins afresh',
      working({ ...notYet, earlier: { ...earlier, resumes: false } }),
      {},
      'end-earlier',
    ],
    [
      'which is looked at until it has ended',
      working({ taskRun: undefined, earlier: { ...earlier, resumes: false, cancelledAt: t0 } }),
      {},
      'wait 4000',
    ],
    [
      'and is not waited for without end',
      working({
        taskRun: undefined,
        earlier: { ...earlier, resumes: false, cancelledAt: t0 - limits.stopping },
      }),
      {},
      'give-up lost',
    ],
    [
      'what begins afresh reads the thread again',
      working({
        taskRun: undefined,
        context: undefined,
        earlier: { ...earlier, resumes: false, over: true },
      }),
      {},
      'gather-context',
    ],
    [
      'unless that is over',
      working({ taskRun: undefined, earlier: { ...earlier, over: true } }),
      {},
      'start-run',
    ],
  ])
})

describe('while the agent works', () => {
  const idle = (since: number, turns = 1) => ({ offset: 1, turns, idle: true, idleSince: now.at - since })
  holds([
    ['it is looked at', working({ nextLookAt: undefined }), {}, 'look'],
    ['when it is time', working({ nextLookAt: now.at }), {}, 'look'],
    ['and not before', working({ nextLookAt: now.at + 4_000 }), {}, 'wait 4000'],
    [
      'a new phase is shown at once',
      working({ nextLookAt: now.at + 4_000 }),
      { text: 'phase' },
      'edit-status',
    ],
    [
      'details wait for fifteen seconds',
      working({ nextLookAt: now.at + 60_000, status: { ...status, at: now.at - 5_000 } }),
      { text: 'details' },
      'wait 10000',
    ],
    [
      'and are shown then',
      working({ nextLookAt: now.at + 60_000, status: { ...status, at: now.at - 15_000 } }),
      { text: 'details' },
      'edit-status',
    ],
    ['more words are passed on', working({ undelivered: [more('a')] }), {}, 'deliver'],
    ['an address is checked', working({ claimedPulls: ['u'] }), {}, 'adopt-pull u'],
    ['before more words', working({ claimedPulls: ['u'], undelivered: [more('a')] }), {}, 'adopt-pull u'],
    ['a new pull request is the outcome', working({ pulls: [pull] }), {}, 'settle-outcome'],
    [
      'but not before more words are passed on',
      working({ pulls: [pull], undelivered: [more('a')] }),
      {},
      'deliver',
    ],
    [
      'one that is no news is not',
      working({ pulls: [pull], reported: 1, nextLookAt: now.at + 4_000 }),
      {},
      'wait 4000',
    ],
    [
      'the end of a turn counts after a moment',
      working({ nextLookAt: now.at + 60_000, heard: idle(1_000) }),
      {},
      `wait ${limits.settle - 1_000}`,
    ],
    [
      'the look that saw it may have missed its pull request',
      working({ heard: idle(3_000), lastLookAt: now.at - 3_000 }),
      {},
      'look',
    ],
    ['then GitHub is asked', working({ heard: idle(3_000), lastLookAt: now.at - 500 }), {}, 'find-result'],
    ['and it is over', working({ heard: idle(3_000), resultChecked: true }), {}, 'settle-outcome'],
    [
      'after more words the end counts later',
      working({ nextLookAt: now.at + 60_000, heard: idle(3_000), taskRun: { ...taskRun, notes: 1 } }),
      {},
      'wait 17000',
    ],
    [
      'so is what PostHog completed',
      working({ taskRun: { ...taskRun, status: 'completed' }, resultChecked: true }),
      {},
      'settle-outcome',
    ],
    [
      'a run that is never started',
      working({ taskRun: { ...taskRun, status: 'queued', changedAt: now.at - 15 * minute - 1 } }),
      {},
      'give-up lost',
    ],
    [
      'one that may still be',
      working({
        nextLookAt: undefined,
        taskRun: { ...taskRun, status: 'queued', changedAt: now.at - 15 * minute },
      }),
      {},
      'look',
    ],
    [
      'one that says nothing for three hours',
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour - 1 } }),
      {},
      'give-up lost',
    ],
  ])
})

describe('a stop', () => {
  const stop = { by: maya, at: t0, asked: false }
  holds([
    ['before anything is at PostHog is done', runWith({ ...ready, stop }), {}, 'settle-outcome'],
    [
      'while it waits for its turn, too',
      runWith({ status, stop, ahead: 2, nextLookAt: now.at + 3_000 }),
      {},
      'settle-outcome',
    ],
    ['is asked for', working({ stop }), {}, 'cancel'],
    ['goes before the words that wait', working({ stop, undelivered: [more('a')] }), {}, 'cancel'],
    ['is then looked for', working({ stop: { ...stop, asked: true }, nextLookAt: undefined }), {}, 'look'],
    [
      'and waited for',
      working({ stop: { ...stop, asked: true }, nextLookAt: now.at + 2_000 }),
      {},
      'wait 2000',
    ],
    ['keeps what the agent made', working({ stop, claimedPulls: ['u'] }), {}, 'adopt-pull u'],
    [
      'that PostHog confirmed: what is left behind?',
      working({ stop: { ...stop, asked: true }, taskRun: { ...taskRun, status: 'cancelled' } }),
      {},
      'find-result',
    ],
    [
      'and done',
      working({
        stop: { ...stop, asked: true },
        taskRun: { ...taskRun, status: 'cancelled' },
        resultChecked: true,
      }),
      {},
      'settle-outcome',
    ],
    [
      'of what is over already',
      working({ stop, taskRun: { ...taskRun, status: 'completed' }, resultChecked: true }),
      {},
      'settle-outcome',
    ],
    [
      'that nobody confirms within five minutes',
      working({ stop: { ...stop, at: now.at - 5 * minute - 1, asked: true } }),
      {},
      'give-up lost',
    ],
  ])
})

describe('after the outcome', () => {
  const over: Partial<Run> = {
    outcome: { is: 'answer' },
    concludedAt: t0,
    taskRun: { ...taskRun, status: 'completed' },
    told,
    cost: null,
  }
  const open: Partial<Run> = {
    cost: null,
    ...over,
    outcome: { is: 'pull' },
    pulls: [pull],
    taskRun,
    nextLookAt: now.at + 5_000,
  }
  const untold = { comment: false, inline: 0, reaction: false, label: false, branch: false }
  const inline = { id: 1, path: 'a', line: 1, hunk: '', body: '', author: 'zoe' }
  const review = {
    ...ask,
    origin: { by: 'comment' as const, place: { in: 'review' as const, reviewId: 4, nodeId: 'R' } },
    inline: [inline, inline],
  }

  holds([
    ['the status first', working({ ...over, told: untold }), { text: 'phase' }, 'edit-status'],
    ['then the last word', working({ ...over, told: untold }), {}, 'conclude'],
    ['then the reaction', working({ ...over, told: { ...untold, comment: true } }), {}, 'react'],
    [
      'then the label',
      working({ ...over, told: { ...untold, comment: true, reaction: true } }),
      {},
      'unlabel',
    ],
    ['then the branch', working({ ...over, told: { ...told, branch: false } }), {}, 'drop-branch'],
    ['then it asks what it cost', working({ ...over, cost: undefined }), {}, 'ask-cost'],
    ['then it ends', working(over), {}, 'end'],
    ['with the last details shown', working(over), { text: 'details' }, 'edit-status'],
    [
      'each inline comment of a review has its answer',
      working({ ...over, thread: pullThread, ask: review, told: { ...told, inline: 1 } }),
      {},
      'answer-inline',
    ],
    [
      'and no more than that',
      working({ ...over, thread: pullThread, ask: review, told: { ...told, inline: 2 } }),
      {},
      'end',
    ],
    [
      'a lone inline comment has the last word in its own thread',
      working({ ...over, ask: { ...ask, inline: [inline] } }),
      {},
      'end',
    ],
    ['a follow-up makes it go on', working({ ...over, undelivered: [more('a')] }), {}, 'resume-work'],
    [
      'before anything else is told',
      working({ ...over, told: untold, undelivered: [more('a')] }),
      { text: 'phase' },
      'resume-work',
    ],
    [
      'but not when there is nothing to go on with',
      runWith({ status, outcome: { is: 'stopped', by: 'maya' }, told, undelivered: [more('a')] }),
      {},
      'end',
    ],
    ['the Run of a pull request stays for the rest of the turn', working(open), {}, 'wait 5000'],
    ['and looks', working({ ...open, nextLookAt: undefined }), {}, 'look'],
    ['till the turn is over', working({ ...open, heard: { offset: 1, turns: 1, idle: true } }), {}, 'end'],
    ['till the run is over', working({ ...open, taskRun: { ...taskRun, status: 'completed' } }), {}, 'end'],
    ['for ten minutes at most', working({ ...open, concludedAt: now.at - 10 * minute }), {}, 'end'],
    ['not when another command waits', working({ ...open, yielding: true }), {}, 'end'],
    ['and finds a second pull request', working({ ...open, claimedPulls: ['u'] }), {}, 'adopt-pull u'],
  ])
})

describe('an effect whose result is not known comes first', () => {
  const intents: [NonNullable<Run['intent']>, string][] = [
    [{ effect: 'post-status', at: t0 }, 'post-status'],
    [{ effect: 'create-task', at: t0 }, 'create-task'],
    [{ effect: 'start-run', at: t0, before: [] }, 'start-run'],
    [{ effect: 'open-pull', at: t0 }, 'find-result'],
    [{ effect: 'conclude', at: t0 }, 'conclude'],
    [{ effect: 'answer-inline', at: t0 }, 'answer-inline'],
  ]
  test.each(intents)('%j: %s', (intent, expected) => {
    expect(step(working({ intent }))).toBe(expected)
    expect(step(working({ intent, undelivered: [more('a')], claimedPulls: ['u'] }))).toBe(expected)
  })
})

describe('while a service is out of reach', () => {
  const trouble = (service: 'github' | 'posthog', since = t0) => ({
    service,
    why: 'rate limit',
    since,
    until: now.at + 9_000,
    count: 1,
  })
  holds([
    ['it is waited for', working({ trouble: trouble('github') }), {}, 'wait 9000'],
    [
      'and nothing is written on GitHub',
      working({ trouble: trouble('github') }),
      { text: 'phase' },
      'wait 9000',
    ],
    [
      'but the thread is told of PostHog',
      working({ trouble: trouble('posthog') }),
      { text: 'phase' },
      'edit-status',
    ],
    ['once', working({ trouble: trouble('posthog') }), { text: 'details' }, 'wait 9000'],
    [
      'even before an effect whose result is not known',
      working({ trouble: trouble('posthog'), intent: { effect: 'start-run', at: t0, before: [] } }),
      {},
      'wait 9000',
    ],
    [
      'until it is time',
      working({ trouble: { ...trouble('posthog'), until: now.at }, nextLookAt: undefined }),
      {},
      'look',
    ],
    ['for a day', working({ trouble: trouble('posthog', now.at - 24 * hour) }), {}, 'wait 9000'],
    [
      'and no longer',
      working({ trouble: trouble('posthog', now.at - 24 * hour - 1) }),
      {},
      'give-up network',
    ],
    ['of either', working({ trouble: trouble('github', now.at - 24 * hour - 1) }), {}, 'give-up network'],
  ])
})

test('no wait is without end, none is shorter than a millisecond', () => {
  const times = [undefined, now.at - 1, now.at, now.at + 1, now.at + hour]
  for (const nextLookAt of times)
    for (const idleSince of times)
      for (const text of ['same', 'details', 'phase'] as const)
        for (const at of [t0 - hour, t0, t0 + hour]) {
          const heard = idleSince === undefined ? undefined : { offset: 1, turns: 1, idle: true, idleSince }
          const next = nextStep(working({ nextLookAt, heard, status: { ...status, at } }), { ...now, text })
          if (next.do === 'wait') {
            expect(next.ms).toBeGreaterThanOrEqual(1)
            expect(next.ms).toBeLessThanOrEqual(hour)
          }
        }
})

describe('in trouble', () => {
  const trouble = (given: Partial<NonNullable<Run['trouble']>> = {}): NonNullable<Run['trouble']> => ({
    service: 'posthog',
    why: 'limit',
    since: t0,
    until: now.at + 30_000,
    count: 1,
    ...given,
  })
  const stop = { by: maya, at: t0, asked: false }
  const intent = { effect: 'create-task' as const, at: t0 }
  const long = trouble({ since: now.at - 24 * hour - 1 })
  const aDay = trouble({ since: now.at - 24 * hour })
  const over: Partial<Run> = { outcome: { is: 'answer' }, concludedAt: t0, told, cost: null }
  const untaken: Partial<Run> = { status, taskRun: undefined, asked: false }

  holds([
    ['it waits', working({ trouble: trouble() }), {}, 'wait 30000'],
    ['until then', working({ trouble: trouble({ until: now.at }), nextLookAt: undefined }), {}, 'look'],
    [
      'the thread is told, where that is possible',
      working({ trouble: trouble() }),
      { text: 'phase' },
      'edit-status',
    ],
    ['not of details', working({ trouble: trouble() }), { text: 'details' }, 'wait 30000'],
    [
      'nor when GitHub is the trouble',
      working({ trouble: trouble({ service: 'github' }) }),
      { text: 'phase' },
      'wait 30000',
    ],
    [
      'nor where nothing was told yet',
      working({ trouble: trouble(), status: undefined }),
      { text: 'phase' },
      'wait 30000',
    ],
    [
      'a stop of what has not begun is done at once',
      working({ ...untaken, trouble: trouble(), stop }),
      {},
      'settle-outcome',
    ],
    [
      'but not of what may have begun',
      working({ ...untaken, trouble: trouble(), stop, intent }),
      {},
      'wait 30000',
    ],
    ['nor of what has begun', working({ trouble: trouble(), stop }), {}, 'wait 30000'],
    ['nor of what is over', working({ ...untaken, ...over, trouble: trouble(), stop }), {}, 'wait 30000'],
    ['without a stop it waits, too', working({ ...untaken, trouble: trouble() }), {}, 'wait 30000'],
    ['after a day it is given up', working({ trouble: long }), {}, 'give-up network'],
    ['and not before', working({ trouble: aDay }), {}, 'wait 30000'],
    ['what is over lets go after a day', working({ ...over, trouble: long }), {}, 'let-go'],
    ['and not before', working({ ...over, trouble: aDay }), {}, 'wait 30000'],
  ])
})

describe('the words of what is given up', () => {
  const given = (run: Run): unknown => nextStep(run, now)
  const queued = { ...taskRun, changedAt: now.at - 15 * minute - 1 }
  const never = {
    do: 'give-up',
    outcome: {
      is: 'failed',
      class: 'lost',
      reason: 'PostHog took the run but did not start it within 15 minutes',
      fix: 'Check that Tasks are enabled for the PostHog project, then `/codex retry`.',
    },
  }
  const trouble = { why: 'no answer', since: now.at - 25 * hour, until: now.at + 1, count: 9 }
  const away = (name: string) => ({
    do: 'give-up',
    outcome: {
      is: 'failed',
      class: 'network',
      reason: `${name} could not be used for a day: no answer`,
      fix: '`/codex retry` tries again.',
    },
  })

  test.each<[string, Run, object]>([
    ['queued for ever', working({ taskRun: { ...queued, status: 'queued' } }), never],
    ['not even queued', working({ taskRun: { ...queued, status: 'not_started' } }), never],
    [
      'silent',
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour - 1 } }),
      {
        do: 'give-up',
        outcome: {
          is: 'failed',
          class: 'lost',
          reason: 'Nothing was heard of the run for three hours',
          fix: 'Look at the run in PostHog, then `/codex retry`.',
        },
      },
    ],
    [
      'a stop that is not confirmed',
      working({ stop: { by: maya, at: now.at - 5 * minute - 1, asked: true } }),
      {
        do: 'give-up',
        outcome: {
          is: 'failed',
          class: 'lost',
          reason: 'PostHog was asked to stop the run but did not confirm it within 5 minutes',
          fix: 'Look at the run in PostHog; it may still be working.',
        },
      },
    ],
    ['GitHub away', working({ trouble: { service: 'github', ...trouble } }), away('GitHub')],
    ['PostHog away', working({ trouble: { service: 'posthog', ...trouble } }), away('PostHog')],
  ])('%s', (_, run, expected) => {
    expect(given(run)).toEqual(expected)
  })
})

describe('at the edge of a limit', () => {
  const later = now.at + 60_000
  const stopAt = (ago: number) => ({ by: maya, at: now.at - ago, asked: true })
  const idle = { offset: 1, turns: 1, idle: true }
  const open: Partial<Run> = {
    outcome: { is: 'pull' },
    pulls: [pull],
    concludedAt: t0,
    told,
    cost: null,
    nextLookAt: later,
  }

  holds([
    [
      'a stop may take five minutes',
      working({ stop: stopAt(5 * minute), nextLookAt: later }),
      {},
      'wait 60000',
    ],
    [
      'a run may be silent for three hours',
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour }, nextLookAt: later }),
      {},
      'wait 60000',
    ],
    [
      'one that works may be silent for longer than one that is queued',
      working({ taskRun: { ...taskRun, changedAt: now.at - hour }, nextLookAt: later }),
      {},
      'wait 60000',
    ],
    [
      'an end that counts now is no reason to wait',
      working({
        heard: { ...idle, idleSince: now.at - 20_000 },
        lastLookAt: now.at,
        taskRun: { ...taskRun, notes: 1 },
      }),
      {},
      'find-result',
    ],
    [
      'an end that counted is waited for no more',
      working({ stop: stopAt(0), heard: { ...idle, idleSince: now.at - 2_000 }, nextLookAt: later }),
      {},
      'wait 18000',
    ],
    [
      'one that never looked asks GitHub',
      working({ heard: { ...idle, idleSince: now.at - 3_000 }, lastLookAt: undefined }),
      {},
      'find-result',
    ],
    [
      'what PostHog ended needs no second look',
      working({
        taskRun: { ...taskRun, status: 'completed' },
        heard: { ...idle, idleSince: now.at },
        lastLookAt: now.at - 1_000,
      }),
      {},
      'find-result',
    ],
    [
      'details that were never sent are sent',
      working({ status: undefined, mute: true, nextLookAt: later }),
      { text: 'details' },
      'edit-status',
    ],
    [
      'no text that is the same is sent',
      working({ status: { ...status, at: 0 }, nextLookAt: later }),
      {},
      'wait 60000',
    ],
    [
      'words for a Run without a task',
      working({ ...open, taskId: undefined, taskRun: undefined, undelivered: [more('a')] }),
      {},
      'end',
    ],
    [
      'words for a Run without a branch',
      working({ ...open, branch: undefined, taskRun: undefined, undelivered: [more('a')] }),
      {},
      'end',
    ],
    ['a pull request whose run is gone', working({ ...open, taskRun: undefined }), {}, 'end'],
    ['an agent that was not heard yet', working({ ...open, heard: undefined }), {}, 'wait 60000'],
    ['an answer of an agent that goes on', working({ ...open, outcome: { is: 'answer' } }), {}, 'end'],
  ])

  const refused = { is: 'failed' as const, class: 'setup' as const, reason: 'No.', fix: 'x' }
  holds([
    [
      'words behind a refusal are not tried again and again',
      working({ ...open, outcome: refused, undelivered: [more('a')] }),
      {},
      'end',
    ],
    [
      'nor behind a start that was refused',
      working({ ...open, outcome: refused, taskRun: undefined, undelivered: [more('a')] }),
      {},
      'end',
    ],
    [
      'after an agent that failed they go on in its session',
      working({
        ...open,
        outcome: refused,
        taskRun: { ...taskRun, status: 'failed' },
        undelivered: [more('a')],
      }),
      {},
      'resume-work',
    ],
  ])

  test('a review without inline comments has none to answer', () => {
    const place = { in: 'review' as const, reviewId: 4, nodeId: 'R' }
    const review = { ...ask, origin: { by: 'comment' as const, place } }
    expect(step(working({ ...open, ask: review, outcome: { is: 'answer' } }))).toBe('end')
  })

  test('a label has no inline comments to answer', () => {
    const labelled = { ...ask, origin: { by: 'label' as const, label: 'codex' } }
    expect(step(working({ ...open, ask: labelled, outcome: { is: 'answer' } }))).toBe('end')
  })
})
