import { describe, expect, test } from 'vitest'
import { cancelKey } from '../../src/core/record/agent-end.ts'
import { readMessages } from '../../src/core/record/messages.ts'
import { type Now, nextStep } from '../../src/core/record/next-step.ts'
import {
  changed,
  type Intent,
  newRun,
  type Retry,
  type Run,
  type RunChange,
} from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import { settingsOf } from '../support/deployment.ts'
import {
  admitted,
  agentAsks,
  ask,
  askedInReview,
  branch,
  cancelAsked,
  claimsPull,
  context,
  due,
  earlierIs,
  hasPull,
  hour,
  idleSince,
  inLine,
  inlineComment,
  intends,
  issueThread,
  labelled,
  lastPoll,
  left,
  logIs,
  maya,
  minute,
  more,
  nextPoll,
  noTaskRun,
  notSent,
  passing,
  pull,
  pullThread,
  resultChecked,
  rights,
  runWith,
  second,
  shown,
  status,
  stopAsked,
  t0,
  taskRunIs,
  told,
  wordsWait,
  working,
} from './given.ts'

/** When it was asked for, and whether that may be. */
const askedLongAgo: RunChange = {
  request: { ...ask, at: t0 - hour },
  schedule: { rightAskedAt: t0 - hour },
}
const start: Intent = { kind: 'start-run', at: t0, before: [] }
const now: Now = { at: t0 + second, text: 'same' }

const step = (run: Run, differs: Partial<Now> = {}) => shown(nextStep(run, { ...now, ...differs }))

/** What the status would say that it does not say yet. */
const newPhase = { text: 'phase' } as const
const newDetails = { text: 'details' } as const

type Table = [what: string, run: Run, expected: string, now?: Partial<Now>][]

const holds = (table: Table): void => {
  test.each(table)('%s', (_, run, expected, differs) => expect(step(run, differs)).toBe(expected))
}

const earlier = { taskId: 'task-1', taskRunId: 'run-0', over: false, may: rights }
/** The session of before is left for a new one. */
const newSession = (differs: Partial<typeof earlier & { cancelledAt: number }>) =>
  earlierIs({ ...earlier, resumes: false, ...differs })
const idles = logIs(idleSince(t0))
const hasStatus: RunChange = { report: { status } }
const ready = changed(hasStatus, admitted)
const hasTask: RunChange = { workspace: { branch }, session: { taskId: 'task-1' } }
const begun = changed(hasTask, { workspace: { threadContext: context } })
const readOnly: RunChange = { report: { readOnlyThread: true, status: undefined } }
/** Its status was sent so long ago. */
const sent = (ago: number): RunChange => ({ report: { status: { ...status, at: now.at - ago } } })
const retry = (until: number, since = t0): Retry => ({ why: 'w', since, until, count: 1 })
const hasCompleted = taskRunIs({ status: 'completed' })
const isCancelled = taskRunIs({ status: 'cancelled' })
const inTwoSeconds = nextPoll(now.at + 2_000)
const tenDays = t0 + 10 * 24 * hour
const usedUp = { ...retry(tenDays), promised: tenDays }
const atLimit: RunChange = { retries: { posthog: usedUp } }
const threadFull: RunChange = { retries: { thread: usedUp } }
const nextDay = { text: 'details', at: status.at + 24 * hour } as const
/** The agent was idle after its turn. */
const idleFor = (ms: number) => logIs(idleSince(now.at - ms))

/** It was answered, and the thread was told. */
const answered: RunChange = {
  result: { outcome: { kind: 'answer' }, concludedAt: t0 },
  report: { done: told },
  session: { cost: null },
}

const known: RunChange = { report: { status: { ...status, nodeId: 'IC_900' } } }
const untoldAnswer = changed(answered, left('conclude'))

describe('from the asking to the start', () => {
  holds([
    ['a run that was just asked for asks for its turn', runWith(), 'await-admission'],
    ['the thread is told what a run waits for', runWith(inLine(1)), 'post-status'],
    [
      'the status goes before a look at GitHub',
      runWith({ retries: { github: retry(t0) } }),
      'post-status',
    ],
    ['a thread that takes no comments is told nothing', runWith(readOnly, admitted), 'find-branch'],
    [
      'shown in line',
      runWith(inLine(2), hasStatus, nextPoll(now.at + 3_000)),
      'edit-status',
      newPhase,
    ],
    [
      'its place in the line is not shown at each change',
      runWith(inLine(2), hasStatus, nextPoll(t0 + hour)),
      `wait ${2 * minute}`,
      { text: 'details', at: status.at + minute },
    ],
    [
      'its place in the line is shown every few minutes',
      runWith(inLine(2), hasStatus, nextPoll(t0 + hour)),
      'edit-status',
      { text: 'details', at: status.at + 3 * minute },
    ],
    ['a wait is shown anew each day', runWith(ready, begun, atLimit), 'edit-status', nextDay],
    [
      'it wakes for that',
      runWith(ready, begun, atLimit),
      `wait ${second}`,
      { at: nextDay.at - second },
    ],
    [
      'that waits for the thread',
      runWith(ready, begun, atLimit, threadFull),
      `wait ${9 * 24 * hour}`,
      nextDay,
    ],
    ['the task comes after the branch', runWith(ready, { workspace: { branch } }), 'create-task'],
    ['files are staged after the thread was read', runWith(ready, begun), 'stage-attachments'],
    ['the task run is started last', working(noTaskRun), 'start-run'],
    ['an old ask is asked about', working(noTaskRun, notSent, askedLongAgo), 'await-admission'],
    [
      'whether its sender still may, also where it may have started',
      working(noTaskRun, notSent, askedLongAgo, intends(start)),
      'await-admission',
    ],
    [
      'a session that may do what is asked is rejoined',
      working(noTaskRun, earlierIs(earlier)),
      'rejoin',
    ],
    [
      'a session that may do something else is ended first',
      working(
        noTaskRun,
        due,
        earlierIs({ ...earlier, may: { ...rights, permission: 'read-only' } }),
      ),
      'end-earlier',
    ],
    [
      'its rights are not known',
      working(noTaskRun, due, earlierIs({ ...earlier, may: undefined })),
      'end-earlier',
    ],
    [
      'an earlier session is not waited for without end',
      working(noTaskRun, newSession({ cancelledAt: t0 - limits.stopping }), lastPoll(now.at)),
      'is over: the earlier run has other rights than this needs, and PostHog did not confirm its end within 5 minutes',
    ],
    [
      'that an earlier session goes on, only a look after the limit says',
      working(
        noTaskRun,
        newSession({ cancelledAt: t0 - hour }),
        lastPoll(t0 - hour + limits.stopping),
        due,
      ),
      'end-earlier',
    ],
    [
      'what begins afresh reads the thread again',
      working(noTaskRun, newSession({ over: true }), { workspace: { threadContext: undefined } }),
      'gather-context',
    ],
  ])
})

const source = { trigger: 't', command: 0, last: true }
const answers: RunChange = { mailbox: { answers: [{ id: 'a', to: maya, source }] } }

describe('while the agent works', () => {
  const neverStarted = 'is over: PostHog accepted the run but did not start it within 15 minutes'
  const stuck = (status: 'queued' | 'not_started') =>
    working(taskRunIs({ status, changedAt: now.at - 15 * minute - 1 }), lastPoll(now.at))
  const marker = 'sandbox-gone'
  const cutOff = changed(
    taskRunIs({ status: 'completed', marker, changedAt: now.at - limits.lateLog }),
    lastPoll(now.at),
  )
  const wentOn: RunChange = { result: { resumed: { why: marker } } }
  holds([
    ['who sent words is answered first', working(answers, due), 'answer-message'],
    ['a permission is answered', working(asks(false)), 'answer-permission allow'],
    ['a question is put to people', working(asks(true)), 'put-question'],
    ['a turn that broke goes on', working(cutOff), 'goes on after sandbox-gone'],
    ['a turn that broke goes on once', working(cutOff, wentOn), 'find-result'],
    [
      'a turn whose log may be late is looked at',
      working(cutOff, lastPoll(now.at - second), due),
      'poll',
    ],
    ['an agent at work is looked at when it is time', working(nextPoll(now.at)), 'poll'],
    [
      'details wait for 15 s',
      working(nextPoll(now.at + 60_000), sent(5_000)),
      'wait 10000',
      newDetails,
    ],
    [
      'details come after 15 s',
      working(nextPoll(now.at + 60_000), sent(15_000)),
      'edit-status',
      newDetails,
    ],
    ['more words are passed on', working(passing(more('a'))), 'deliver'],
    [
      'old words are asked about',
      working(passing({ ...more('a'), at: t0 - minute })),
      'await-admission',
    ],
    ['what was written beside more words is read first', working(wordsWait), 'gather-context'],
    [
      'a new pull request is shown first',
      working(wordsWait, due, hasPull),
      'edit-status',
      newPhase,
    ],
    ['a new pull request is not the end', working(nextPoll(now.at + 4_000), hasPull), 'wait 4000'],
    [
      'a look once more',
      working(idleFor(3_000), lastPoll(now.at - 3_000), nextPoll(now.at - 1_000)),
      'poll',
    ],
    [
      'a checked result ends it',
      working(idleFor(3_000), lastPoll(now.at), resultChecked),
      'is over: answer',
    ],
    ['a run that is never started', stuck('queued'), neverStarted],
    ['a run that is not even queued', stuck('not_started'), neverStarted],
    [
      'that a run was not started, only a look after the limit says',
      working(
        taskRunIs({ status: 'queued', changedAt: now.at - 2 * hour }),
        lastPoll(now.at - 2 * hour + 15 * minute),
        due,
      ),
      'poll',
    ],
    [
      'one that says nothing for three hours',
      working(taskRunIs({ changedAt: now.at - 3 * hour - 1 }), lastPoll(now.at)),
      'is over: PostHog showed nothing new of this run for three hours',
    ],
  ])
})

/** The agent asks for a permission, or asks people something. */
function asks(question: boolean): RunChange {
  const options = [{ id: 'allow', name: 'Allow', kind: 'allow_once' }]
  return agentAsks({ id: 'p1', title: 'Which way?', question, options })
}

const refusedCancel = (until: number, since?: number): RunChange => ({
  retries: { [cancelKey(working())]: retry(until, since) },
})
const stopAskedAnHourAgo: RunChange = { mailbox: { stop: { by: maya, at: now.at - hour } } }

describe('a stop', () => {
  holds([
    ['before anything is at PostHog is done', runWith(ready, stopAsked), 'is over: stopped'],
    ['is asked for', working(stopAsked), 'cancel'],
    ['keeps what the agent made', working(stopAsked, claimsPull), 'adopt-pull u'],
    [
      'that PostHog confirmed is answered',
      working(stopAsked, isCancelled, answers),
      'answer-message',
    ],
    [
      'that PostHog confirmed: what is left behind?',
      working(stopAsked, isCancelled),
      'find-result',
    ],
    [
      'is done when its result is known',
      working(stopAsked, isCancelled, resultChecked),
      'is over: stopped',
    ],
    [
      'that nobody confirms within five minutes',
      working(stopAsked, cancelAsked(now.at - 5 * minute - 1), lastPoll(now.at)),
      'is over: PostHog did not confirm the stop within 5 minutes',
    ],
    [
      'has five minutes from when PostHog was asked',
      working(stopAskedAnHourAgo, cancelAsked(now.at - 5 * minute), lastPoll(now.at), inTwoSeconds),
      'wait 2000',
    ],
    [
      'is asked for anew after a refusal',
      working(refusedCancel(now.at), stopAsked, inTwoSeconds),
      'cancel',
    ],
    [
      'that is refused for ten minutes is given up',
      working(refusedCancel(now.at + 1, now.at - 10 * minute - 1), stopAsked),
      'is over: PostHog did not confirm the stop within 5 minutes',
    ],
  ])
})

const stateShown = (state: 'working' | 'done' | undefined): RunChange => ({
  baseline: { settings: { ...defaultSettings, labels: { state: true } } },
  report: { state },
})

describe('after the outcome', () => {
  const over = changed(answered, hasCompleted)
  const untold: RunChange = { report: { done: [], labels: ['codex'] } }
  const concluded: RunChange = { report: { done: ['conclude'], labels: ['codex'] } }
  const folded: RunChange = { report: { status: { ...status, nodeId: 'IC_900', minimized: true } } }
  const fixed = { comments: [{ id: 1, threadId: 'PRRT_1' }] }
  const stopped = { kind: 'stopped', by: 'maya' } as const
  const opened: RunChange = { result: { outcome: { kind: 'pull' }, pulls: [pull] } }
  const answer = '```review-comments\n[{ "id": 1, "done": true, "said": "Done." }]\n```'
  const saysWhatIsFixed = (...differs: RunChange[]) =>
    working(
      over,
      {
        thread: pullThread,
        request: askedInReview(1),
        session: { sessionLog: idleSince(t0, { answer }) },
      },
      { baseline: { settings: settingsOf('review: { resolve: true }') } },
      concluded,
      ...differs,
    )
  holds([
    ['the status first', working(over, untold), 'edit-status', newPhase],
    [
      'the cost before the last word',
      working(over, untold, { session: { cost: undefined } }),
      'ask-cost',
    ],
    [
      'what it needs is read',
      working(over, untold, opened, { result: { hinted: true } }),
      'read-needs',
    ],
    [
      'the last word is edited where the pull request was merged since',
      working(over, opened, {
        result: { ended: { number: 9, how: 'merged', at: t0 } },
        report: { lastWord: { commentId: 77, as: 'comment' } },
      }),
      'edit-last-word',
    ],
    [
      'the last word comes at once, where the status goes along with what is done about a pull request',
      working(over, untold, {
        result: { pulls: [pull], untended: [9] },
        report: { status: { ...status, nodeId: 'IC_1' } },
      }),
      'conclude',
      newPhase,
    ],
    [
      'its pull request is put right',
      working(over, concluded, { result: { untended: [9] } }),
      'tend-pull',
    ],
    ['the label after the reaction', working(over, labelled, left('drop-branch')), 'unlabel'],
    [
      'the label that says how it stands is set',
      working(over, stateShown('working')),
      'show-state',
    ],
    ['the label that says how it stands is set once', working(over, stateShown('done')), 'end'],
    ['the branch is dropped after the label', working(over, left('drop-branch')), 'drop-branch'],
    ['the status is folded away below the last word', working(over, known), 'minimize-status'],
    ['the status is folded away once', working(over, folded), 'end'],
    ['the status is folded away as it will stay', working(over, known), 'edit-status', newDetails],
    ['no status is folded away as the only word', working(over, left('last-word'), known), 'end'],
    [
      'the status of an earlier run',
      working(over, { report: { supersedes: ['IC_1'] } }),
      'minimize-status',
    ],
    [
      'what it needs is read once its answers stand on the lines',
      working(over, opened, {
        thread: pullThread,
        request: askedInReview(1),
        result: { hinted: true },
      }),
      'answer-inline',
    ],
    ['which inline comments were fixed is looked at first', saysWhatIsFixed(), 'find-fixed'],
    ['in an issue no look at fixes', saysWhatIsFixed({ thread: issueThread }), 'answer-inline'],
    [
      'no look at fixes after a stop',
      saysWhatIsFixed({ result: { outcome: stopped } }),
      'answer-inline',
    ],
    [
      'what was fixed is known before any answer',
      saysWhatIsFixed({ result: { fixed } }),
      'answer-inline',
    ],
    [
      'inline comments that were fixed are resolved after their answers',
      saysWhatIsFixed({ result: { fixed }, report: { inlineAnswered: 1 } }),
      'resolve-threads',
    ],
    [
      'inline comments that were fixed are resolved once',
      saysWhatIsFixed({
        result: { fixed: { ...fixed, resolved: true } },
        report: { inlineAnswered: 1 },
      }),
      'react',
    ],
    [
      'a lone inline comment has its answer in the last word',
      working({ ...over, request: { ...ask, inline: [inlineComment()] } }),
      'end',
    ],
  ])
})

describe('an effect whose result is not known comes first', () => {
  const intents: [Intent, string][] = [
    [{ kind: 'post-status', at: t0 }, 'post-status'],
    [{ kind: 'create-task', at: t0 }, 'create-task'],
    [start, 'start-run'],
    [{ kind: 'open-pull', at: t0 }, 'find-result'],
    [{ kind: 'conclude', at: t0 }, 'conclude'],
    [{ kind: 'answer-inline', at: t0 }, 'answer-inline'],
  ]
  test.each(intents)('%j: %s', (intent, expected) => {
    expect(step(working(intends(intent)))).toBe(expected)
    expect(step(working(intends(intent), wordsWait, claimsPull))).toBe(expected)
  })
})

describe('a record that may lag behind what was done', () => {
  const lags = (caughtUpAt?: number): RunChange => ({ attempts: { lagsSince: t0, caughtUpAt } })

  test.each<[string, Run, string, Now['text']?]>([
    ['its status is read before it begins', working(noTaskRun, lags()), 'catch-up'],
    ['its status is read again after the next lag', working(noTaskRun, lags(t0 - 1)), 'catch-up'],
    ['its status is read once', working(noTaskRun, lags(t0)), step(working(noTaskRun))],
    ['its status is not read while its agent works', working(due, lags()), 'poll'],
    [
      'its status is read before an edit',
      working(due, lags(), nextPoll(now.at + 1)),
      'catch-up',
      'phase',
    ],
    ['nothing is read where it has no status', runWith(lags()), step(runWith())],
  ])('%s', (_, run, expected, text = 'same') => expect(step(run, { text })).toBe(expected))
})

const outage = (given?: Partial<Retry>): Retry => ({
  why: 'rate limit',
  since: t0,
  until: now.at + 9_000,
  count: 1,
  ...given,
})
const posthogAway = (given?: Partial<Retry>): RunChange => ({ retries: { posthog: outage(given) } })
const githubAway = (given?: Partial<Retry>): RunChange => ({ retries: { github: outage(given) } })

describe('while PostHog is out of reach', () => {
  holds([
    [
      'the thread of a new run is told',
      runWith(ready, begun, posthogAway()),
      'edit-status',
      newPhase,
    ],
    [
      'a stop is answered at once',
      working(due, posthogAway(), stopAsked, answers),
      'answer-message',
    ],
    [
      'it is waited for for a day',
      working(due, posthogAway({ since: now.at - 24 * hour })),
      'wait 9000',
    ],
    [
      'a promised end years ahead is not waited for',
      working(
        due,
        posthogAway({ since: now.at - 33 * 24 * hour, promised: now.at + 9_999 * hour }),
      ),
      'is over: PostHog was unavailable for a day (rate limit)',
    ],
  ])
})

describe('without access to the repository', () => {
  const because = 'archived acme/shop'
  const note = JSON.stringify({ kind: 'access-lost', id: 'access-1', by: maya, at: t0, because })
  const lost = (...differs: RunChange[]) => readMessages(working(...differs), [note])
  const stopped: RunChange = { result: { outcome: { kind: 'stopped', by: 'maya' } } }
  holds([
    [
      'a start without a result is looked for',
      lost(noTaskRun, intends(start)),
      'start-run',
      newPhase,
    ],
    ['an agent is ended', lost(), 'cancel', newPhase],
    [
      'the thread is told nothing',
      changed(lost(inTwoSeconds), cancelAsked(t0)),
      'wait 2000',
      newPhase,
    ],
    ['an agent that has ended has its outcome', lost(isCancelled), 'is over: stopped', newPhase],
    ['nothing is told, taken off or edited at the end', changed(lost(), stopped), 'end', newPhase],
  ])
})

describe('while GitHub is out of reach', () => {
  const since = now.at - 24 * hour - 1
  const noGitHub = 'GitHub was unavailable for a day (rate limit)'
  const awayFor = (ms: number) => githubAway({ since: now.at - ms })
  holds([
    [
      'its agent is looked at',
      working(githubAway(), due, intends({ kind: 'open-pull', at: t0 })),
      'poll',
    ],
    [
      'a stop goes first',
      working(githubAway(), stopAsked, intends({ kind: 'open-pull', at: t0 })),
      'cancel',
    ],
    ['words wait for their context', working(awayFor(30 * second), wordsWait), 'wait 4000'],
    ['words wait half a minute', working(awayFor(30 * second + 1), wordsWait), 'deliver'],
    [
      'an agent without a status',
      working(githubAway(), due, { report: { status: undefined } }),
      'poll',
    ],
    ['the end of a turn waits', working(githubAway(), hasCompleted, idleFor(second)), 'wait 9000'],
    ['refused reads are told', working(githubAway({ refusedSince: t0 })), 'edit-status', newPhase],
    ['no end is left out', working(untoldAnswer, githubAway()), 'wait 9000'],
    ['what is over lets go after a day', working(untoldAnswer, githubAway({ since })), 'lets go'],
    [
      'what has not begun is given up',
      runWith(ready, githubAway({ since })),
      `is over: ${noGitHub}`,
    ],
  ])
})

describe('a thread that takes nothing', () => {
  const locked = { retries: { thread: retry(now.at + 3_000) } }
  holds([['a run that has no comment yet waits', runWith(admitted, locked), 'wait 3000']])
})

describe('a pull request that GitHub does not show', () => {
  const shownAt = (until: number): RunChange => ({ retries: { 'pull u': retry(until) } })
  const hidden = changed(claimsPull, shownAt(now.at + 700))
  const over = changed(answered, hasCompleted)
  holds([
    ['holds up the end of the turn', working(hidden, idleFor(hour), lastPoll(t0)), 'wait 700'],
    ['holds up that the status is folded away', working(over, hidden, known), 'wait 700'],
    [
      'lets an end go for a command',
      working(over, hidden, { mailbox: { releaseThread: true } }),
      'end',
    ],
  ])
})

describe('a Run that failed sees to its agent', () => {
  const failed: RunChange = {
    result: {
      outcome: { kind: 'failed', class: 'lost', reason: 'No.', fix: 'x' },
      concludedAt: t0,
    },
    report: { done: told },
    session: { cost: null },
  }
  const late: RunChange = { result: { concludedAt: now.at - 10 * minute - 1 } }
  const mayHaveBegun = changed(noTaskRun, intends(start))
  holds([
    ['by asking for its end', working(failed), 'cancel'],
    [
      'not of another',
      working(failed, { session: { cancelled: { taskRun: 'run-0', at: t0 } } }),
      'cancel',
    ],
    ['one that idles may be spoken to again', working(failed, idles), 'end'],
    ['one that may have begun is looked for', working(failed, mayHaveBegun), 'start-run'],
    [
      'a lost start is looked for ten minutes',
      working(failed, late, mayHaveBegun),
      'leaves its agent',
    ],
  ])
})

describe('at the edge of a limit', () => {
  const later = now.at + 60_000
  const open: RunChange = {
    result: { outcome: { kind: 'pull' }, pulls: [pull], concludedAt: t0 },
    report: { done: told },
    session: { cost: null },
    schedule: { nextPollAt: later },
  }

  holds([
    [
      'a run may be silent for three hours',
      working(taskRunIs({ changedAt: now.at - 3 * hour }), lastPoll(now.at), nextPoll(later)),
      'wait 60000',
    ],
    [
      'the same text',
      working(nextPoll(later), { report: { status: { ...status, at: 0 } } }),
      'wait 60000',
    ],
    [
      'words without a task',
      working(open, noTaskRun, wordsWait, { session: { taskId: undefined } }),
      'end',
    ],
    [
      'words, no branch',
      working(open, noTaskRun, wordsWait, { workspace: { branch: undefined } }),
      'end',
    ],
  ])

  const wasRefused: RunChange = {
    result: { outcome: { kind: 'failed', class: 'setup', reason: 'No.', fix: 'x' } },
  }
  holds([
    [
      'words behind a start that was refused',
      working(open, noTaskRun, wordsWait, wasRefused),
      'end',
    ],
    [
      'words after a cancel',
      working(open, cancelAsked(t0), isCancelled, wordsWait, wasRefused),
      'end',
    ],
    [
      'words then go',
      working(open, taskRunIs({ status: 'failed' }), wordsWait, wasRefused),
      'begins another round',
    ],
  ])
})

test('a new run does not go on with a session of another name, and ends it', () => {
  const { thread, baseline } = runWith()
  const begun = (may: object) =>
    newRun({
      id: 'run-2',
      thread: { ...thread, owner: 'acme', repo: 'shop' },
      request: ask,
      baseline,
      session: { taskId: 'task-1', earlier: { ...earlier, may: { ...rights, ...may } } },
    }).session
  expect(begun({ repository: 'acme/old' })).toMatchObject({
    taskId: undefined,
    earlier: { resumes: false },
  })
  for (const may of [{ repository: 'acme/shop' }, {}])
    expect(begun(may)).toMatchObject({ taskId: 'task-1', earlier: { taskId: 'task-1' } })
})
