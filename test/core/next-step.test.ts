import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Now, nextStep, steps } from '../../src/core/run/next-step.ts'
import { isTerminal, type Outage, type Run } from '../../src/core/run/run.ts'
import { limits } from '../../src/core/run/timing.ts'
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
        lastLookAt: now.at,
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
      working({
        taskRun: { ...taskRun, status: 'queued', changedAt: now.at - 15 * minute - 1 },
        lastLookAt: now.at,
      }),
      {},
      'give-up lost',
    ],
    [
      'that it was not started, only a look after the limit says',
      working({
        taskRun: { ...taskRun, status: 'queued', changedAt: now.at - 2 * hour },
        lastLookAt: now.at - 2 * hour + 15 * minute,
        nextLookAt: undefined,
      }),
      {},
      'look',
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
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour - 1 }, lastLookAt: now.at }),
      {},
      'give-up lost',
    ],
    [
      'that it is silent, only a look after the limit says',
      working({
        taskRun: { ...taskRun, changedAt: now.at - 9 * hour },
        lastLookAt: now.at - 6 * hour,
        nextLookAt: now.at + 4_000,
      }),
      {},
      'wait 4000',
    ],
  ])
})

const cancelled = (askedAt: number) => ({
  taskRun: taskRun.id,
  at: askedAt,
  askedAt,
  refused: 0,
  until: askedAt,
})
const refusedUntil = (until: number) => ({ taskRun: taskRun.id, at: t0, refused: 1, until })

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
      working({ stop: { ...stop, at: now.at - 5 * minute - 1, asked: true }, lastLookAt: now.at }),
      {},
      'give-up lost',
    ],
    [
      'which count from when PostHog was asked',
      working({
        stop: { ...stop, at: now.at - hour, asked: true },
        cancel: cancelled(now.at - 5 * minute),
        lastLookAt: now.at,
        nextLookAt: now.at + 2_000,
      }),
      {},
      'wait 2000',
    ],
    [
      'and only a look after them says so',
      working({
        stop: { ...stop, at: now.at - hour, asked: true },
        cancel: cancelled(now.at - hour),
        lastLookAt: now.at - 55 * minute,
        nextLookAt: undefined,
      }),
      {},
      'look',
    ],
    [
      'that PostHog refused is asked for again after a while',
      working({ stop, cancel: refusedUntil(now.at + 900), nextLookAt: now.at + 2_000 }),
      {},
      'wait 900',
    ],
    ['and then', working({ stop, cancel: refusedUntil(now.at), nextLookAt: now.at + 2_000 }), {}, 'cancel'],
    [
      'for ten minutes',
      working({ stop, cancel: { ...refusedUntil(now.at + 1), at: now.at - 10 * minute - 1 } }),
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

const outage = (given: Partial<Outage> = {}): Outage => ({
  why: 'rate limit',
  since: t0,
  until: now.at + 9_000,
  count: 1,
  ...given,
})
const posthogAway = (given: Partial<Outage> = {}): Partial<Run> => ({ outages: { posthog: outage(given) } })
const githubAway = (given: Partial<Outage> = {}): Partial<Run> => ({ outages: { github: outage(given) } })

describe('while PostHog is out of reach', () => {
  const due = { nextLookAt: undefined }
  const stop = { by: maya, at: t0, asked: false }
  const since = now.at - 24 * hour - 1
  holds([
    ['it is waited for', working({ ...due, ...posthogAway() }), {}, 'wait 9000'],
    ['the thread is told', working({ ...due, ...posthogAway() }), { text: 'phase' }, 'edit-status'],
    ['of a detail when it is time', working({ ...due, ...posthogAway() }), { text: 'details' }, 'wait 9000'],
    [
      'unless nothing is told',
      working({ ...due, ...posthogAway(), mute: true, status: undefined }),
      {},
      'wait 9000',
    ],
    [
      'or GitHub is away, too',
      working({ ...due, outages: { posthog: outage(), github: outage({ until: now.at + 7 }) } }),
      { text: 'phase' },
      'wait 7',
    ],
    [
      'a pull request is looked at',
      working({ ...due, ...posthogAway(), claimedPulls: ['u'] }),
      {},
      'adopt-pull u',
    ],
    [
      'GitHub is asked what came of it',
      working({
        ...posthogAway(),
        heard: { offset: 1, turns: 1, idle: true, idleSince: t0 - hour },
        lastLookAt: t0,
      }),
      {},
      'find-result',
    ],
    ['a new run finds its branch', runWith({ ...ready, ...posthogAway() }), {}, 'find-branch'],
    [
      'an effect without an answer waits',
      working({ ...due, ...posthogAway(), intent: { effect: 'deliver', at: t0, note: 'a' } }),
      {},
      'wait 9000',
    ],
    ['a stop waits', working({ ...due, ...posthogAway(), stop }), {}, 'wait 9000'],
    [
      'a stop of what has not begun does not',
      runWith({ ...ready, ...posthogAway(), stop }),
      {},
      'settle-outcome',
    ],
    ['until it is time', working({ ...due, ...posthogAway({ until: now.at }) }), {}, 'look'],
    ['for a day', working({ ...due, ...posthogAway({ since: now.at - 24 * hour }) }), {}, 'wait 9000'],
    ['and no longer', working({ ...due, ...posthogAway({ since }) }), {}, 'give-up network'],
    [
      'unless it said until when',
      working({ ...due, ...posthogAway({ since, promised: now.at + 48 * hour, until: now.at + 48 * hour }) }),
      {},
      `wait ${48 * hour}`,
    ],
    [
      'or that was less than a day ago',
      working({ ...due, ...posthogAway({ since: now.at - 90 * hour, promised: now.at - 20 * hour }) }),
      {},
      'wait 9000',
    ],
    [
      'but not for years',
      working({
        ...due,
        ...posthogAway({ since: now.at - 33 * 24 * hour, promised: now.at + 9_999 * hour }),
      }),
      {},
      'give-up network',
    ],
    [
      'as an older version wrote it',
      working({ ...due, trouble: { service: 'posthog', ...outage() } }),
      {},
      'wait 9000',
    ],
  ])
})

describe('while GitHub is out of reach', () => {
  const stop = { by: maya, at: t0, asked: false }
  const over: Partial<Run> = { outcome: { is: 'answer' }, concludedAt: t0, told, cost: null }
  const since = now.at - 24 * hour - 1
  holds([
    ['the agent is looked at', working({ ...githubAway(), nextLookAt: undefined }), {}, 'look'],
    ['at its time', working(githubAway()), { text: 'phase' }, 'wait 4000'],
    ['a stop is asked for', working({ ...githubAway(), stop }), {}, 'cancel'],
    [
      'even where the result of an effect is not known',
      working({ ...githubAway(), stop, intent: { effect: 'open-pull', at: t0 } }),
      {},
      'cancel',
    ],
    ['words are passed on', working({ ...githubAway(), undelivered: [more('a')] }), {}, 'deliver'],
    [
      'also while a pull request waits',
      working({ ...githubAway(), claimedPulls: ['u'], undelivered: [more('a')] }),
      {},
      'deliver',
    ],
    [
      'a run that nobody knows of is looked at',
      working({ ...githubAway(), status: undefined, nextLookAt: undefined }),
      {},
      'look',
    ],
    ['a new run waits', runWith({ ...ready, ...githubAway() }), {}, 'wait 9000'],
    [
      'the end of a turn waits',
      working({ ...githubAway(), taskRun: { ...taskRun, status: 'completed' } }),
      {},
      'wait 9000',
    ],
    [
      'where reads are refused, the thread is told so',
      working(githubAway({ refusedSince: t0 })),
      { text: 'phase' },
      'edit-status',
    ],
    [
      'no end is left out',
      working({ ...over, ...githubAway(), told: { ...told, comment: false } }),
      {},
      'wait 9000',
    ],
    [
      'what is over lets go after a day',
      working({ ...over, ...githubAway({ since }), told: { ...told, comment: false } }),
      {},
      'let-go',
    ],
    [
      'and not before',
      working({ ...over, ...githubAway({ since: since + 1 }), told: { ...told, comment: false } }),
      {},
      'wait 9000',
    ],
    [
      'what has not begun is given up',
      runWith({ ...ready, ...githubAway({ since }) }),
      {},
      'give-up network',
    ],
    [
      'what ended needs nobody',
      working({ ...over, ...githubAway({ since }), taskRun: { ...taskRun, status: 'completed' } }),
      {},
      'end',
    ],
  ])
})

describe('a thread that takes nothing', () => {
  const over: Partial<Run> = { outcome: { is: 'answer' }, concludedAt: t0, told, cost: null }
  const unheard = { since: t0, until: now.at + 3_000, count: 1 }
  holds([
    ['is not told again at once', working({ unheard }), { text: 'phase' }, 'wait 3000'],
    [
      'but after a while',
      working({ unheard: { ...unheard, until: now.at } }),
      { text: 'phase' },
      'edit-status',
    ],
    ['nothing waits for it', working({ unheard, nextLookAt: undefined }), { text: 'phase' }, 'look'],
    ['a run that has no comment yet waits', runWith({ unheard, turn: true }), {}, 'wait 3000'],
    [
      'the last word waits',
      working({ ...over, unheard, told: { ...told, comment: false } }),
      {},
      'wait 3000',
    ],
    [
      'and what else is to be done does not',
      working({ ...over, unheard, told: { ...told, comment: false, label: false } }),
      {},
      'unlabel',
    ],
    [
      'is told the last word after a while',
      working({ ...over, unheard: { ...unheard, until: now.at }, told: { ...told, comment: false } }),
      {},
      'conclude',
    ],
  ])
})

describe('a pull request that GitHub does not show', () => {
  const unseenPulls = { u: { since: t0, until: now.at + 700 } }
  const claimedPulls = ['u']
  const completed = { ...taskRun, status: 'completed' as const }
  const over: Partial<Run> = {
    outcome: { is: 'answer' },
    concludedAt: t0,
    told,
    cost: null,
    taskRun: completed,
  }
  holds([
    ['is asked for again after a while', working({ claimedPulls, unseenPulls }), {}, 'wait 700'],
    [
      'and then',
      working({ claimedPulls, unseenPulls: { u: { since: t0, until: now.at } } }),
      {},
      'adopt-pull u',
    ],
    ['others are not kept waiting', working({ claimedPulls: ['u', 'v'], unseenPulls }), {}, 'adopt-pull v'],
    ['nor are words', working({ claimedPulls, unseenPulls, undelivered: [more('a')] }), {}, 'deliver'],
    [
      'the end of the turn is',
      working({
        claimedPulls,
        unseenPulls,
        heard: { offset: 1, turns: 1, idle: true, idleSince: t0 - hour },
        lastLookAt: t0,
      }),
      {},
      'wait 700',
    ],
    ['so is the end', working({ ...over, claimedPulls, unseenPulls }), {}, 'wait 700'],
    [
      'unless another command waits',
      working({ ...over, claimedPulls, unseenPulls, yielding: true }),
      {},
      'end',
    ],
  ])
})

describe('a Run that failed sees to its agent', () => {
  const failed: Partial<Run> = {
    outcome: { is: 'failed', class: 'lost', reason: 'No.', fix: 'x' },
    concludedAt: t0,
    told,
    cost: null,
  }
  const late = { concludedAt: now.at - 10 * minute - 1 }
  holds([
    ['by asking for its end', working(failed), {}, 'cancel'],
    ['before the thread is told', working({ ...failed, told: { ...told, comment: false } }), {}, 'cancel'],
    ['then it looks', working({ ...failed, cancel: cancelled(t0), nextLookAt: undefined }), {}, 'look'],
    [
      'until it has ended',
      working({ ...failed, cancel: cancelled(t0), taskRun: { ...taskRun, status: 'cancelled' } }),
      {},
      'end',
    ],
    [
      'or five minutes after PostHog was asked',
      working({ ...failed, cancel: cancelled(now.at - 5 * minute - 1), lastLookAt: now.at }),
      {},
      'leave-agent',
    ],
    ['for ten minutes in all', working({ ...failed, ...late }), {}, 'leave-agent'],
    ['and then says so', working({ ...failed, ...late, agentLeft: true }), {}, 'end'],
    [
      'the end of another task run does not count',
      working({ ...failed, cancel: { ...cancelled(t0), taskRun: 'run-0' } }),
      {},
      'cancel',
    ],
    [
      'one that idles may be spoken to again',
      working({ ...failed, heard: { offset: 1, turns: 1, idle: true } }),
      {},
      'end',
    ],
    [
      'one that may have begun is looked for',
      working({ ...failed, taskRun: undefined, intent: { effect: 'start-run', at: t0, before: [] } }),
      {},
      'start-run',
    ],
    [
      'or spoken to',
      working({ ...failed, taskRun: undefined, intent: { effect: 'rejoin', at: t0, offset: 0 } }),
      {},
      'rejoin',
    ],
    [
      'not for ever',
      working({
        ...failed,
        ...late,
        taskRun: undefined,
        intent: { effect: 'start-run', at: t0, before: [] },
      }),
      {},
      'leave-agent',
    ],
    ['not while PostHog is away', working({ ...failed, ...posthogAway() }), {}, 'wait 4000'],
    ['but GitHub is not needed for it', working({ ...failed, ...githubAway() }), {}, 'cancel'],
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
  const away25 = outage({ why: 'no answer', since: now.at - 25 * hour, until: now.at + 1, count: 9 })
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
    ['queued for ever', working({ taskRun: { ...queued, status: 'queued' }, lastLookAt: now.at }), never],
    [
      'not even queued',
      working({ taskRun: { ...queued, status: 'not_started' }, lastLookAt: now.at }),
      never,
    ],
    [
      'silent',
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour - 1 }, lastLookAt: now.at }),
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
      working({ stop: { by: maya, at: now.at - 5 * minute - 1, asked: true }, lastLookAt: now.at }),
      {
        do: 'give-up',
        outcome: {
          is: 'failed',
          class: 'lost',
          reason: 'PostHog was asked to stop the run but did not confirm it within 5 minutes',
          fix: 'Look at the run in PostHog, then `/codex retry`.',
        },
      },
    ],
    ['GitHub away', runWith({ ...ready, outages: { github: away25 } }), away('GitHub')],
    ['PostHog away', working({ nextLookAt: undefined, outages: { posthog: away25 } }), away('PostHog')],
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
      working({ stop: stopAt(5 * minute), lastLookAt: now.at, nextLookAt: later }),
      {},
      'wait 60000',
    ],
    [
      'a run may be silent for three hours',
      working({
        taskRun: { ...taskRun, changedAt: now.at - 3 * hour },
        lastLookAt: now.at,
        nextLookAt: later,
      }),
      {},
      'wait 60000',
    ],
    [
      'one that works may be silent for longer than one that is queued',
      working({ taskRun: { ...taskRun, changedAt: now.at - hour }, lastLookAt: now.at, nextLookAt: later }),
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
      working({ ...open, outcome: refused, agentLeft: true, undelivered: [more('a')] }),
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
      'nor after an agent that was seen to',
      working({
        ...open,
        outcome: refused,
        cancel: cancelled(t0),
        taskRun: { ...taskRun, status: 'cancelled' },
        undelivered: [more('a')],
      }),
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

describe('from any state', () => {
  const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
  const outcomes: Run['outcome'][] = [
    { is: 'failed', class: 'lost', reason: 'No.', fix: 'x' },
    { is: 'stopped', by: 'maya' },
    { is: 'pull' },
    { is: 'answer' },
    undefined,
  ]
  const times = oneOf(t0 - 25 * hour, t0 - 11 * minute, t0, now.at, now.at + minute)
  const outages = fc.option(
    fc.record({
      why: fc.constant('w'),
      since: times,
      until: times,
      count: fc.constant(1),
      refusedSince: fc.option(times, { nil: undefined }),
    }),
    { nil: undefined },
  )
  const state: fc.Arbitrary<Run> = fc
    .record({
      outcome: oneOf(...outcomes),
      status: oneOf(status, undefined),
      mute: fc.boolean(),
      told: oneOf(told, { ...told, comment: false }),
      branch: oneOf(branch, undefined),
      taskRun: fc.option(
        fc.record({
          id: fc.constant(taskRun.id),
          since: fc.constant(t0),
          notes: oneOf(0, 1),
          changedAt: times,
          status: oneOf<NonNullable<Run['taskRun']>['status']>(
            'queued',
            'in_progress',
            'completed',
            'cancelled',
          ),
        }),
        { nil: undefined },
      ),
      heard: oneOf(
        undefined,
        { offset: 1, turns: 1, idle: true, idleSince: t0 - hour },
        { offset: 1, turns: 0, idle: false },
      ),
      stop: oneOf(undefined, { by: maya, at: t0, asked: false }),
      cancel: oneOf(undefined, cancelled(t0), cancelled(t0 - hour), refusedUntil(now.at + 1)),
      intent: oneOf<Run['intent']>(
        undefined,
        { effect: 'start-run', at: t0, before: [] },
        { effect: 'conclude', at: t0 },
      ),
      agentLeft: oneOf(undefined, true),
      unheard: oneOf(undefined, { since: t0, until: now.at + 1, count: 1 }),
      claimedPulls: oneOf([], ['u']),
      undelivered: oneOf([], [more('a')]),
      yielding: fc.boolean(),
      resultChecked: fc.boolean(),
      concludedAt: times,
      lastLookAt: fc.option(times, { nil: undefined }),
      nextLookAt: fc.option(times, { nil: undefined }),
      outages: fc.record({ github: outages, posthog: outages }),
      cost: fc.constant(null),
    })
    .map(given => working({ ...given, outages: present(given.outages) }))

  const present = ({ github, posthog }: { github: Outage | undefined; posthog: Outage | undefined }) => ({
    ...(github ? { github } : {}),
    ...(posthog ? { posthog } : {}),
  })
  const text = oneOf<Now['text']>('same', 'details', 'phase')
  const numRuns = 3_000

  test('no Run ends while an agent works that was not asked to end, or of which the thread was not told', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        const next = nextStep(run, { ...now, text: differs })
        if (next.do !== 'end') return
        const atRest = !run.taskRun || isTerminal(run.taskRun.status) || run.heard?.idle === true
        const byChoice = run.outcome?.is !== 'failed'
        expect(atRest || byChoice || run.agentLeft === true).toBe(true)
      }),
      { numRuns },
    )
  })

  test('nothing is told, nor given back, before the agent of a Run that failed is seen to', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        if (run.outcome?.is !== 'failed' || run.agentLeft) return
        if (!run.taskRun || isTerminal(run.taskRun.status) || run.heard?.idle) return
        const next = nextStep(run, { ...now, text: differs })
        expect(['conclude', 'react', 'unlabel', 'drop-branch', 'end', 'let-go']).not.toContain(next.do)
      }),
      { numRuns },
    )
  })

  test('no service is asked before its outage is over, and no wait is without end', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        const next = nextStep(run, { ...now, text: differs })
        if (next.do === 'end') return
        if (next.do === 'wait') {
          expect(Number.isFinite(next.ms) && next.ms >= 1).toBe(true)
          return
        }
        const { asks } = steps[next.do]
        const outage = asks && run.outages[asks]
        if (!outage || (next.do === 'edit-status' && outage.refusedSince !== undefined)) return
        expect(outage.until).toBeLessThanOrEqual(now.at)
      }),
      { numRuns },
    )
  })

  test('a stop is asked for whatever GitHub says', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        if (!run.stop || run.outcome || !run.taskRun || isTerminal(run.taskRun.status)) return
        if (run.cancel || run.intent?.effect === 'start-run') return
        const away: Outage = { why: 'w', since: t0, until: now.at + hour, count: 1 }
        const next = nextStep({ ...run, outages: { github: away } }, { ...now, text: differs })
        expect(next.do).toBe('cancel')
      }),
      { numRuns },
    )
  })
})
