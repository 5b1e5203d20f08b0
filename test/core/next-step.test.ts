import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Now, nextStep, steps } from '../../src/core/run/next-step.ts'
import { isTerminal, type Outage, type Run } from '../../src/core/run/run.ts'
import { limits } from '../../src/core/run/timing.ts'
import { tries } from '../support/tries.ts'
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
  const { kind: what, ...rest } = nextStep(run, { ...now, ...differs })
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
const notYet: Partial<Run> = { taskRun: undefined, nextPollAt: undefined }
const ready: Partial<Run> = { status, admitted: true }

describe('from the asking to the start', () => {
  holds([
    ['first the thread is told', runWith(), {}, 'post-status'],
    [
      'but not one that takes no comments',
      runWith({ readOnlyThread: true, admitted: true }),
      {},
      'find-branch',
    ],
    ['then it waits for its turn', runWith({ status }), {}, 'await-admission'],
    ['and asks again later', runWith({ status, ahead: 2, nextPollAt: now.at + 3_000 }), {}, 'wait 3000'],
    [
      'while the thread is told its place',
      runWith({ status, ahead: 2, nextPollAt: now.at + 3_000 }),
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
      runWith({ ...ready, branch, taskId: 'task-1', threadContext: context }),
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
        lastPollAt: now.at,
      }),
      {},
      'give-up lost',
    ],
    [
      'what begins afresh reads the thread again',
      working({
        taskRun: undefined,
        threadContext: undefined,
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
    ['it is looked at', working({ nextPollAt: undefined }), {}, 'poll'],
    ['when it is time', working({ nextPollAt: now.at }), {}, 'poll'],
    ['and not before', working({ nextPollAt: now.at + 4_000 }), {}, 'wait 4000'],
    [
      'a new phase is shown at once',
      working({ nextPollAt: now.at + 4_000 }),
      { text: 'phase' },
      'edit-status',
    ],
    [
      'details wait for fifteen seconds',
      working({ nextPollAt: now.at + 60_000, status: { ...status, at: now.at - 5_000 } }),
      { text: 'details' },
      'wait 10000',
    ],
    [
      'and are shown then',
      working({ nextPollAt: now.at + 60_000, status: { ...status, at: now.at - 15_000 } }),
      { text: 'details' },
      'edit-status',
    ],
    ['more words are passed on', working({ pendingFollowUps: [more('a')] }), {}, 'deliver'],
    ['an address is checked', working({ claimedPulls: ['u'] }), {}, 'adopt-pull u'],
    [
      'before more words',
      working({ claimedPulls: ['u'], pendingFollowUps: [more('a')] }),
      {},
      'adopt-pull u',
    ],
    ['a new pull request is the outcome', working({ pulls: [pull] }), {}, 'settle-outcome'],
    [
      'but not before more words are passed on',
      working({ pulls: [pull], pendingFollowUps: [more('a')] }),
      {},
      'deliver',
    ],
    [
      'one that is no news is not',
      working({ pulls: [pull], reported: 1, nextPollAt: now.at + 4_000 }),
      {},
      'wait 4000',
    ],
    [
      'the end of a turn counts after a moment',
      working({ nextPollAt: now.at + 60_000, sessionLog: idle(1_000) }),
      {},
      `wait ${limits.settle - 1_000}`,
    ],
    [
      'the look that saw it may have missed its pull request',
      working({ sessionLog: idle(3_000), lastPollAt: now.at - 3_000 }),
      {},
      'poll',
    ],
    [
      'then GitHub is asked',
      working({ sessionLog: idle(3_000), lastPollAt: now.at - 500 }),
      {},
      'find-result',
    ],
    ['and it is over', working({ sessionLog: idle(3_000), resultChecked: true }), {}, 'settle-outcome'],
    [
      'after more words the end counts later',
      working({ nextPollAt: now.at + 60_000, sessionLog: idle(3_000), taskRun: { ...taskRun, messages: 1 } }),
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
        lastPollAt: now.at,
      }),
      {},
      'give-up lost',
    ],
    [
      'that it was not started, only a look after the limit says',
      working({
        taskRun: { ...taskRun, status: 'queued', changedAt: now.at - 2 * hour },
        lastPollAt: now.at - 2 * hour + 15 * minute,
        nextPollAt: undefined,
      }),
      {},
      'poll',
    ],
    [
      'one that may still be',
      working({
        nextPollAt: undefined,
        taskRun: { ...taskRun, status: 'queued', changedAt: now.at - 15 * minute },
      }),
      {},
      'poll',
    ],
    [
      'one that says nothing for three hours',
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour - 1 }, lastPollAt: now.at }),
      {},
      'give-up lost',
    ],
    [
      'that it is silent, only a look after the limit says',
      working({
        taskRun: { ...taskRun, changedAt: now.at - 9 * hour },
        lastPollAt: now.at - 6 * hour,
        nextPollAt: now.at + 4_000,
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
      runWith({ status, stop, ahead: 2, nextPollAt: now.at + 3_000 }),
      {},
      'settle-outcome',
    ],
    ['is asked for', working({ stop }), {}, 'cancel'],
    ['goes before the words that wait', working({ stop, pendingFollowUps: [more('a')] }), {}, 'cancel'],
    ['is then looked for', working({ stop: { ...stop, asked: true }, nextPollAt: undefined }), {}, 'poll'],
    [
      'and waited for',
      working({ stop: { ...stop, asked: true }, nextPollAt: now.at + 2_000 }),
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
      working({ stop: { ...stop, at: now.at - 5 * minute - 1, asked: true }, lastPollAt: now.at }),
      {},
      'give-up lost',
    ],
    [
      'which count from when PostHog was asked',
      working({
        stop: { ...stop, at: now.at - hour, asked: true },
        cancel: cancelled(now.at - 5 * minute),
        lastPollAt: now.at,
        nextPollAt: now.at + 2_000,
      }),
      {},
      'wait 2000',
    ],
    [
      'and only a look after them says so',
      working({
        stop: { ...stop, at: now.at - hour, asked: true },
        cancel: cancelled(now.at - hour),
        lastPollAt: now.at - 55 * minute,
        nextPollAt: undefined,
      }),
      {},
      'poll',
    ],
    [
      'that PostHog refused is asked for again after a while',
      working({ stop, cancel: refusedUntil(now.at + 900), nextPollAt: now.at + 2_000 }),
      {},
      'wait 900',
    ],
    ['and then', working({ stop, cancel: refusedUntil(now.at), nextPollAt: now.at + 2_000 }), {}, 'cancel'],
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
    outcome: { kind: 'answer' },
    concludedAt: t0,
    taskRun: { ...taskRun, status: 'completed' },
    announced: told,
    cost: null,
  }
  const open: Partial<Run> = {
    cost: null,
    ...over,
    outcome: { kind: 'pull' },
    pulls: [pull],
    taskRun,
    nextPollAt: now.at + 5_000,
  }
  const untold = { comment: false, word: false, inline: 0, reaction: false, label: false, branch: false }
  const known = { commentId: 900, hash: 'h', phase: 'p', at: t0, nodeId: 'IC_900' }
  const inline = { id: 1, path: 'a', line: 1, hunk: '', body: '', author: 'zoe' }
  const review = {
    ...ask,
    origin: { kind: 'comment' as const, commentRef: { kind: 'review' as const, reviewId: 4, nodeId: 'R' } },
    inline: [inline, inline],
  }

  holds([
    ['the status first', working({ ...over, announced: untold }), { text: 'phase' }, 'edit-status'],
    [
      'then it asks what it cost, which the last word tells',
      working({ ...over, cost: undefined, announced: untold }),
      {},
      'ask-cost',
    ],
    ['then the last word', working({ ...over, announced: untold }), {}, 'conclude'],
    ['then the reaction', working({ ...over, announced: { ...untold, comment: true } }), {}, 'react'],
    [
      'then the label',
      working({ ...over, announced: { ...untold, comment: true, reaction: true } }),
      {},
      'unlabel',
    ],
    ['then the branch', working({ ...over, announced: { ...told, branch: false } }), {}, 'drop-branch'],
    ['then it folds the status away', working({ ...over, status: known }), {}, 'minimize-status'],
    ['once', working({ ...over, status: { ...known, minimized: true } }), {}, 'end'],
    [
      'not before it is as it will stay',
      working({ ...over, status: known }),
      { text: 'details' },
      'edit-status',
    ],
    [
      'and not where no other word stands',
      working({ ...over, status: known, announced: { ...told, word: false } }),
      {},
      'end',
    ],
    ['that of an earlier run, too', working({ ...over, supersedes: ['IC_1'] }), {}, 'minimize-status'],
    ['then it ends', working(over), {}, 'end'],
    ['with the last details shown', working(over), { text: 'details' }, 'edit-status'],
    [
      'each inline comment of a review has its answer',
      working({ ...over, thread: pullThread, request: review, announced: { ...told, inline: 1 } }),
      {},
      'answer-inline',
    ],
    [
      'and no more than that',
      working({ ...over, thread: pullThread, request: review, announced: { ...told, inline: 2 } }),
      {},
      'end',
    ],
    [
      'a lone inline comment has the last word in its own thread',
      working({ ...over, request: { ...ask, inline: [inline] } }),
      {},
      'end',
    ],
    ['a follow-up makes it go on', working({ ...over, pendingFollowUps: [more('a')] }), {}, 'resume-work'],
    [
      'before anything else is told',
      working({ ...over, announced: untold, pendingFollowUps: [more('a')] }),
      { text: 'phase' },
      'resume-work',
    ],
    [
      'but not when there is nothing to go on with',
      runWith({
        status,
        outcome: { kind: 'stopped', by: 'maya' },
        announced: told,
        pendingFollowUps: [more('a')],
      }),
      {},
      'end',
    ],
    ['the Run of a pull request stays for the rest of the turn', working(open), {}, 'wait 5000'],
    ['and looks', working({ ...open, nextPollAt: undefined }), {}, 'poll'],
    [
      'till the turn is over',
      working({ ...open, sessionLog: { offset: 1, turns: 1, idle: true } }),
      {},
      'end',
    ],
    ['till the run is over', working({ ...open, taskRun: { ...taskRun, status: 'completed' } }), {}, 'end'],
    ['for ten minutes at most', working({ ...open, concludedAt: now.at - 10 * minute }), {}, 'end'],
    ['not when another command waits', working({ ...open, releaseThread: true }), {}, 'end'],
    ['and finds a second pull request', working({ ...open, claimedPulls: ['u'] }), {}, 'adopt-pull u'],
  ])
})

describe('an effect whose result is not known comes first', () => {
  const intents: [NonNullable<Run['intent']>, string][] = [
    [{ kind: 'post-status', at: t0 }, 'post-status'],
    [{ kind: 'create-task', at: t0 }, 'create-task'],
    [{ kind: 'start-run', at: t0, before: [] }, 'start-run'],
    [{ kind: 'open-pull', at: t0 }, 'find-result'],
    [{ kind: 'conclude', at: t0 }, 'conclude'],
    [{ kind: 'answer-inline', at: t0 }, 'answer-inline'],
  ]
  test.each(intents)('%j: %s', (intent, expected) => {
    expect(step(working({ intent }))).toBe(expected)
    expect(step(working({ intent, pendingFollowUps: [more('a')], claimedPulls: ['u'] }))).toBe(expected)
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
  const due = { nextPollAt: undefined }
  const stop = { by: maya, at: t0, asked: false }
  const since = now.at - 24 * hour - 1
  holds([
    ['it is waited for', working({ ...due, ...posthogAway() }), {}, 'wait 9000'],
    ['the thread is told', working({ ...due, ...posthogAway() }), { text: 'phase' }, 'edit-status'],
    ['of a detail when it is time', working({ ...due, ...posthogAway() }), { text: 'details' }, 'wait 9000'],
    [
      'unless nothing is told',
      working({ ...due, ...posthogAway(), readOnlyThread: true, status: undefined }),
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
        sessionLog: { offset: 1, turns: 1, idle: true, idleSince: t0 - hour },
        lastPollAt: t0,
      }),
      {},
      'find-result',
    ],
    ['a new run finds its branch', runWith({ ...ready, ...posthogAway() }), {}, 'find-branch'],
    [
      'an effect without an answer waits',
      working({ ...due, ...posthogAway(), intent: { kind: 'deliver', at: t0, messageId: 'a' } }),
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
    ['until it is time', working({ ...due, ...posthogAway({ until: now.at }) }), {}, 'poll'],
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
  const over: Partial<Run> = { outcome: { kind: 'answer' }, concludedAt: t0, announced: told, cost: null }
  const since = now.at - 24 * hour - 1
  holds([
    ['the agent is looked at', working({ ...githubAway(), nextPollAt: undefined }), {}, 'poll'],
    ['at its time', working(githubAway()), { text: 'phase' }, 'wait 4000'],
    ['a stop is asked for', working({ ...githubAway(), stop }), {}, 'cancel'],
    [
      'even where the result of an effect is not known',
      working({ ...githubAway(), stop, intent: { kind: 'open-pull', at: t0 } }),
      {},
      'cancel',
    ],
    ['words are passed on', working({ ...githubAway(), pendingFollowUps: [more('a')] }), {}, 'deliver'],
    [
      'also while a pull request waits',
      working({ ...githubAway(), claimedPulls: ['u'], pendingFollowUps: [more('a')] }),
      {},
      'deliver',
    ],
    [
      'a run that nobody knows of is looked at',
      working({ ...githubAway(), status: undefined, nextPollAt: undefined }),
      {},
      'poll',
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
      working({ ...over, ...githubAway(), announced: { ...told, comment: false } }),
      {},
      'wait 9000',
    ],
    [
      'what is over lets go after a day',
      working({ ...over, ...githubAway({ since }), announced: { ...told, comment: false } }),
      {},
      'let-go',
    ],
    [
      'and not before',
      working({ ...over, ...githubAway({ since: since + 1 }), announced: { ...told, comment: false } }),
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
  const over: Partial<Run> = { outcome: { kind: 'answer' }, concludedAt: t0, announced: told, cost: null }
  const unheard = { since: t0, until: now.at + 3_000, count: 1 }
  holds([
    ['is not told again at once', working({ threadBlocked: unheard }), { text: 'phase' }, 'wait 3000'],
    [
      'but after a while',
      working({ threadBlocked: { ...unheard, until: now.at } }),
      { text: 'phase' },
      'edit-status',
    ],
    [
      'nothing waits for it',
      working({ threadBlocked: unheard, nextPollAt: undefined }),
      { text: 'phase' },
      'poll',
    ],
    [
      'a run that has no comment yet waits',
      runWith({ threadBlocked: unheard, admitted: true }),
      {},
      'wait 3000',
    ],
    [
      'the last word waits',
      working({ ...over, threadBlocked: unheard, announced: { ...told, comment: false } }),
      {},
      'wait 3000',
    ],
    [
      'and what else is to be done does not',
      working({ ...over, threadBlocked: unheard, announced: { ...told, comment: false, label: false } }),
      {},
      'unlabel',
    ],
    [
      'is told the last word after a while',
      working({
        ...over,
        threadBlocked: { ...unheard, until: now.at },
        announced: { ...told, comment: false },
      }),
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
    outcome: { kind: 'answer' },
    concludedAt: t0,
    announced: told,
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
    ['nor are words', working({ claimedPulls, unseenPulls, pendingFollowUps: [more('a')] }), {}, 'deliver'],
    [
      'the end of the turn is',
      working({
        claimedPulls,
        unseenPulls,
        sessionLog: { offset: 1, turns: 1, idle: true, idleSince: t0 - hour },
        lastPollAt: t0,
      }),
      {},
      'wait 700',
    ],
    ['so is the end', working({ ...over, claimedPulls, unseenPulls }), {}, 'wait 700'],
    [
      'unless another command waits',
      working({ ...over, claimedPulls, unseenPulls, releaseThread: true }),
      {},
      'end',
    ],
  ])
})

describe('a Run that failed sees to its agent', () => {
  const failed: Partial<Run> = {
    outcome: { kind: 'failed', class: 'lost', reason: 'No.', fix: 'x' },
    concludedAt: t0,
    announced: told,
    cost: null,
  }
  const late = { concludedAt: now.at - 10 * minute - 1 }
  holds([
    ['by asking for its end', working(failed), {}, 'cancel'],
    [
      'before the thread is told',
      working({ ...failed, announced: { ...told, comment: false } }),
      {},
      'cancel',
    ],
    ['then it looks', working({ ...failed, cancel: cancelled(t0), nextPollAt: undefined }), {}, 'poll'],
    [
      'until it has ended',
      working({ ...failed, cancel: cancelled(t0), taskRun: { ...taskRun, status: 'cancelled' } }),
      {},
      'end',
    ],
    [
      'or five minutes after PostHog was asked',
      working({ ...failed, cancel: cancelled(now.at - 5 * minute - 1), lastPollAt: now.at }),
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
      working({ ...failed, sessionLog: { offset: 1, turns: 1, idle: true } }),
      {},
      'end',
    ],
    [
      'but not one that has words left to read',
      working({
        ...failed,
        sessionLog: { offset: 1, turns: 1, idle: true, showsWords: true, awaitedMessageId: 'a' },
      }),
      {},
      'cancel',
    ],
    [
      'nor one that had fewer turns than words, where its log shows none',
      working({
        ...failed,
        taskRun: { ...taskRun, messages: 1 },
        sessionLog: { offset: 1, turns: 1, idle: true, awaitedMessageId: 'a' },
      }),
      {},
      'cancel',
    ],
    [
      'one that may have begun is looked for',
      working({ ...failed, taskRun: undefined, intent: { kind: 'start-run', at: t0, before: [] } }),
      {},
      'start-run',
    ],
    [
      'or spoken to',
      working({ ...failed, taskRun: undefined, intent: { kind: 'rejoin', at: t0, offset: 0 } }),
      {},
      'rejoin',
    ],
    [
      'not for ever',
      working({
        ...failed,
        ...late,
        taskRun: undefined,
        intent: { kind: 'start-run', at: t0, before: [] },
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
          const next = nextStep(
            working({ nextPollAt: nextLookAt, sessionLog: heard, status: { ...status, at } }),
            { ...now, text },
          )
          if (next.kind === 'wait') {
            expect(next.ms).toBeGreaterThanOrEqual(1)
            expect(next.ms).toBeLessThanOrEqual(hour)
          }
        }
})

describe('the words of what is given up', () => {
  const given = (run: Run): unknown => nextStep(run, now)
  const queued = { ...taskRun, changedAt: now.at - 15 * minute - 1 }
  const never = {
    kind: 'give-up',
    outcome: {
      kind: 'failed',
      class: 'lost',
      reason: 'PostHog took the run but did not start it within 15 minutes',
      fix: 'Check that Tasks are enabled for the PostHog project, then `/codex retry`.',
    },
  }
  const away25 = outage({ why: 'no answer', since: now.at - 25 * hour, until: now.at + 1, count: 9 })
  const away = (name: string) => ({
    kind: 'give-up',
    outcome: {
      kind: 'failed',
      class: 'network',
      reason: `${name} could not be used for a day: no answer`,
      fix: '`/codex retry` tries again.',
    },
  })

  test.each<[string, Run, object]>([
    ['queued for ever', working({ taskRun: { ...queued, status: 'queued' }, lastPollAt: now.at }), never],
    [
      'not even queued',
      working({ taskRun: { ...queued, status: 'not_started' }, lastPollAt: now.at }),
      never,
    ],
    [
      'silent',
      working({ taskRun: { ...taskRun, changedAt: now.at - 3 * hour - 1 }, lastPollAt: now.at }),
      {
        kind: 'give-up',
        outcome: {
          kind: 'failed',
          class: 'lost',
          reason: 'Nothing was heard of the run for three hours',
          fix: 'Look at the run in PostHog, then `/codex retry`.',
        },
      },
    ],
    [
      'a stop that is not confirmed',
      working({ stop: { by: maya, at: now.at - 5 * minute - 1, asked: true }, lastPollAt: now.at }),
      {
        kind: 'give-up',
        outcome: {
          kind: 'failed',
          class: 'lost',
          reason: 'PostHog was asked to stop the run but did not confirm it within 5 minutes',
          fix: 'Look at the run in PostHog, then `/codex retry`.',
        },
      },
    ],
    ['GitHub away', runWith({ ...ready, outages: { github: away25 } }), away('GitHub')],
    ['PostHog away', working({ nextPollAt: undefined, outages: { posthog: away25 } }), away('PostHog')],
  ])('%s', (_, run, expected) => {
    expect(given(run)).toEqual(expected)
  })
})

describe('at the edge of a limit', () => {
  const later = now.at + 60_000
  const stopAt = (ago: number) => ({ by: maya, at: now.at - ago, asked: true })
  const idle = { offset: 1, turns: 1, idle: true }
  const open: Partial<Run> = {
    outcome: { kind: 'pull' },
    pulls: [pull],
    concludedAt: t0,
    announced: told,
    cost: null,
    nextPollAt: later,
  }

  holds([
    [
      'a stop may take five minutes',
      working({ stop: stopAt(5 * minute), lastPollAt: now.at, nextPollAt: later }),
      {},
      'wait 60000',
    ],
    [
      'a run may be silent for three hours',
      working({
        taskRun: { ...taskRun, changedAt: now.at - 3 * hour },
        lastPollAt: now.at,
        nextPollAt: later,
      }),
      {},
      'wait 60000',
    ],
    [
      'one that works may be silent for longer than one that is queued',
      working({ taskRun: { ...taskRun, changedAt: now.at - hour }, lastPollAt: now.at, nextPollAt: later }),
      {},
      'wait 60000',
    ],
    [
      'an end that counts now is no reason to wait',
      working({
        sessionLog: { ...idle, idleSince: now.at - 20_000 },
        lastPollAt: now.at,
        taskRun: { ...taskRun, messages: 1 },
      }),
      {},
      'find-result',
    ],
    [
      'an end that counted is waited for no more',
      working({ stop: stopAt(0), sessionLog: { ...idle, idleSince: now.at - 2_000 }, nextPollAt: later }),
      {},
      'wait 18000',
    ],
    [
      'one that never looked asks GitHub',
      working({ sessionLog: { ...idle, idleSince: now.at - 3_000 }, lastPollAt: undefined }),
      {},
      'find-result',
    ],
    [
      'what PostHog ended needs no second look',
      working({
        taskRun: { ...taskRun, status: 'completed' },
        sessionLog: { ...idle, idleSince: now.at },
        lastPollAt: now.at - 1_000,
      }),
      {},
      'find-result',
    ],
    [
      'details that were never sent are sent',
      working({ status: undefined, readOnlyThread: true, nextPollAt: later }),
      { text: 'details' },
      'edit-status',
    ],
    [
      'no text that is the same is sent',
      working({ status: { ...status, at: 0 }, nextPollAt: later }),
      {},
      'wait 60000',
    ],
    [
      'words for a Run without a task',
      working({ ...open, taskId: undefined, taskRun: undefined, pendingFollowUps: [more('a')] }),
      {},
      'end',
    ],
    [
      'words for a Run without a branch',
      working({ ...open, branch: undefined, taskRun: undefined, pendingFollowUps: [more('a')] }),
      {},
      'end',
    ],
    ['a pull request whose run is gone', working({ ...open, taskRun: undefined }), {}, 'end'],
    ['an agent that was not heard yet', working({ ...open, sessionLog: undefined }), {}, 'wait 60000'],
    ['an answer of an agent that goes on', working({ ...open, outcome: { kind: 'answer' } }), {}, 'end'],
  ])

  const refused = { kind: 'failed' as const, class: 'setup' as const, reason: 'No.', fix: 'x' }
  holds([
    [
      'words behind a refusal are not tried again and again',
      working({ ...open, outcome: refused, agentLeft: true, pendingFollowUps: [more('a')] }),
      {},
      'end',
    ],
    [
      'nor behind a start that was refused',
      working({ ...open, outcome: refused, taskRun: undefined, pendingFollowUps: [more('a')] }),
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
        pendingFollowUps: [more('a')],
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
        pendingFollowUps: [more('a')],
      }),
      {},
      'resume-work',
    ],
  ])

  test('a review without inline comments has none to answer', () => {
    const commentRef = { kind: 'review' as const, reviewId: 4, nodeId: 'R' }
    const review = { ...ask, origin: { kind: 'comment' as const, commentRef } }
    expect(step(working({ ...open, request: review, outcome: { kind: 'answer' } }))).toBe('end')
  })

  test('a label has no inline comments to answer', () => {
    const labelled = { ...ask, origin: { kind: 'label' as const, label: 'codex' } }
    expect(step(working({ ...open, request: labelled, outcome: { kind: 'answer' } }))).toBe('end')
  })
})

describe('from any state', () => {
  const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
  const outcomes: Run['outcome'][] = [
    { kind: 'failed', class: 'lost', reason: 'No.', fix: 'x' },
    { kind: 'stopped', by: 'maya' },
    { kind: 'pull' },
    { kind: 'answer' },
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
      readOnlyThread: fc.boolean(),
      announced: oneOf(told, { ...told, comment: false }),
      branch: oneOf(branch, undefined),
      taskRun: fc.option(
        fc.record({
          id: fc.constant(taskRun.id),
          since: fc.constant(t0),
          messages: oneOf(0, 1),
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
      sessionLog: oneOf(
        undefined,
        { offset: 1, turns: 1, idle: true, idleSince: t0 - hour },
        { offset: 1, turns: 0, idle: false },
      ),
      stop: oneOf(undefined, { by: maya, at: t0, asked: false }),
      cancel: oneOf(undefined, cancelled(t0), cancelled(t0 - hour), refusedUntil(now.at + 1)),
      intent: oneOf<Run['intent']>(
        undefined,
        { kind: 'start-run', at: t0, before: [] },
        { kind: 'conclude', at: t0 },
      ),
      agentLeft: oneOf(undefined, true),
      threadBlocked: oneOf(undefined, { since: t0, until: now.at + 1, count: 1 }),
      claimedPulls: oneOf([], ['u']),
      pendingFollowUps: oneOf([], [more('a')]),
      releaseThread: fc.boolean(),
      resultChecked: fc.boolean(),
      concludedAt: times,
      lastPollAt: fc.option(times, { nil: undefined }),
      nextPollAt: fc.option(times, { nil: undefined }),
      outages: fc.record({ github: outages, posthog: outages }),
      cost: fc.constant(null),
    })
    .map(given => working({ ...given, outages: present(given.outages) }))

  const present = ({ github, posthog }: { github: Outage | undefined; posthog: Outage | undefined }) => ({
    ...(github ? { github } : {}),
    ...(posthog ? { posthog } : {}),
  })
  const text = oneOf<Now['text']>('same', 'details', 'phase')
  const numRuns = tries(3_000)

  test('no Run ends while an agent works that was not asked to end, or of which the thread was not told', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        const next = nextStep(run, { ...now, text: differs })
        if (next.kind !== 'end') return
        const atRest = !run.taskRun || isTerminal(run.taskRun.status) || run.sessionLog?.idle === true
        const byChoice = run.outcome?.kind !== 'failed'
        expect(atRest || byChoice || run.agentLeft === true).toBe(true)
      }),
      { numRuns },
    )
  })

  test('nothing is told, nor given back, before the agent of a Run that failed is seen to', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        if (run.outcome?.kind !== 'failed' || run.agentLeft) return
        if (!run.taskRun || isTerminal(run.taskRun.status) || run.sessionLog?.idle) return
        const next = nextStep(run, { ...now, text: differs })
        expect(['conclude', 'react', 'unlabel', 'drop-branch', 'end', 'let-go']).not.toContain(next.kind)
      }),
      { numRuns },
    )
  })

  test('no service is asked before its outage is over, and no wait is without end', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        const next = nextStep(run, { ...now, text: differs })
        if (next.kind === 'end') return
        if (next.kind === 'wait') {
          expect(Number.isFinite(next.ms) && next.ms >= 1).toBe(true)
          return
        }
        const { asks } = steps[next.kind]
        const outage = asks && run.outages[asks]
        if (!outage || (next.kind === 'edit-status' && outage.refusedSince !== undefined)) return
        expect(outage.until).toBeLessThanOrEqual(now.at)
      }),
      { numRuns },
    )
  })

  test('a stop is asked for whatever GitHub says', () => {
    fc.assert(
      fc.property(state, text, (run, differs) => {
        if (!run.stop || run.outcome || !run.taskRun || isTerminal(run.taskRun.status)) return
        if (run.cancel || run.intent?.kind === 'start-run') return
        const away: Outage = { why: 'w', since: t0, until: now.at + hour, count: 1 }
        const next = nextStep({ ...run, outages: { github: away } }, { ...now, text: differs })
        expect(next.kind).toBe('cancel')
      }),
      { numRuns },
    )
  })
})
