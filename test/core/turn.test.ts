/** How a turn stands: the table that everything else follows from. */
import { describe, expect, test } from 'vitest'
import { nextStep } from '../../src/core/record/next-step.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import {
  mayGoOn,
  outcomeOf,
  settlesAt,
  standingOf,
  type Turn,
  unreadWords,
} from '../../src/core/record/turn.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { deployment, hour, minute, more, pull, second, t0, taskRun, working } from './given.ts'

const at = t0 + hour
const log = { offset: 9, turns: 0, idle: false, showsWords: true, answer: 'Now I run the tests.' }
const idle = { ...log, turns: 1, idle: true, idleSince: at - minute }
type TaskRun = NonNullable<Run['session']['taskRun']>

/** Polled at the end of the time in which a log may be late. */
const over = (status: 'completed' | 'failed' | 'cancelled', differs: Partial<TaskRun> = {}): TaskRun => ({
  ...taskRun,
  status,
  changedAt: at - limits.lateLog,
  ...differs,
})

const run = (session: NonNullable<RunChange['session']>, differs: RunChange = {}): Run =>
  changed(working({ session, schedule: { lastPollAt: at } }), differs)

const unfinished = (why: (Turn & { kind: 'unfinished' })['why']): Turn => ({ kind: 'unfinished', why })
const ended: Turn = { kind: 'ended' }
const failed: Turn = { kind: 'failed' }
const settling: Turn = { kind: 'settling' }
/** Its task run is over. */
const ranTo = (
  status: 'completed' | 'failed' | 'cancelled',
  differs: Partial<TaskRun> = {},
  sessionLog: NonNullable<Run['session']['sessionLog']> = log,
): Run => run({ sessionLog, taskRun: over(status, differs) })
/** Its log may have more to show. */
const early = (given: Run): Run => changed(given, { schedule: { lastPollAt: at - 1 } })
const note = more('m', 'and that')

describe('a turn', () => {
  const logless = { ...log, absent: true as const }
  const awaiting = { ...idle, awaitedMessageId: 'm' }
  const sandboxGone = { marker: 'sandbox-gone' as const }
  const nothingRead = { instructionUnread: true as const }
  const resumed: RunChange = { result: { resumed: { why: 'failed', words: [] } } }
  test.each<[what: string, run: Run, stands: Turn]>([
    ['goes on', run({ sessionLog: log }), { kind: 'working' }],
    ['ended by itself', run({ sessionLog: idle }), ended],
    ['says so', run({ sessionLog: { ...idle, stopReason: 'end_turn' } }), ended],
    ['ended before its run did', ranTo('completed', {}, idle), ended],
    ['ended before its run idled out', ranTo('completed', { marker: 'inactive' }, idle), ended],
    ['ended before its run failed', ranTo('failed', {}, idle), ended],
    ['is not concluded before its log was read late', early(ranTo('completed')), settling],
    ['is not, whatever PostHog noted', early(ranTo('completed', sandboxGone)), settling],
    ['of a server without logs is over with its run', early(ranTo('completed', {}, logless)), ended],
    [
      'of a server without logs is not, where PostHog noted it',
      early(ranTo('completed', sandboxGone, logless)),
      unfinished('sandbox-gone'),
    ],
    ['failed', early(ranTo('failed')), unfinished('failed')],
    ['failed before it read anything', run({ taskRun: over('failed', nothingRead) }), failed],
    [
      'failed, and its log may yet show that it was read',
      early(run({ taskRun: over('failed', nothingRead) })),
      settling,
    ],
    ['failed on a server without logs', early(ranTo('failed', { ...nothingRead, from: 7 }, logless)), failed],
    ['was cancelled at PostHog', ranTo('cancelled'), { kind: 'cancelled' }],
    ['for words that came later failed', early(ranTo('failed', { messages: 1 })), unfinished('failed')],
    [
      'for words that came later failed where that can not help',
      ranTo('failed', { messages: 1, error: 'spend limit' }),
      failed,
    ],
    [
      'for words that came later failed once more',
      changed(ranTo('failed', { messages: 1 }), resumed),
      failed,
    ],
    [
      'for words that came later failed, by an older log that tells no words from a turn before them',
      ranTo('failed', { messages: 1 }, { ...awaiting, showsWords: false }),
      unfinished('failed'),
    ],
    [
      'never read the words',
      ranTo('completed', { marker: 'inactive', messages: 1, unread: [note] }, awaiting),
      unfinished('unread'),
    ],
    [
      'may have read them, which its log will show',
      early(ranTo('completed', { unread: [note] }, awaiting)),
      settling,
    ],
  ])('%s', (_, given, stands) => {
    expect(standingOf(given)).toEqual(stands)
  })

  const polled = (given: Run, after: number): Run => changed(given, { schedule: { lastPollAt: at + after } })

  test('counts as ended once a poll a moment later saw no more: PostHog may report a pull request just after it', () => {
    const given = run({ sessionLog: { ...idle, idleSince: at } })
    expect(settlesAt(given)).toBe(at + limits.settle)
    expect(standingOf(polled(given, limits.settle - 1))).toEqual({ kind: 'working' })
    expect(standingOf(polled(given, limits.settle))).toEqual(ended)
    expect(settlesAt(polled(given, limits.settle))).toBeUndefined()
  })

  test('in a log without words, counts later while some may be unread', () => {
    const given = run({
      taskRun: { ...taskRun, messages: 1 },
      sessionLog: { ...idle, showsWords: undefined, idleSince: at, awaitedMessageId: 'm' },
    })
    expect(settlesAt(given)).toBe(at + limits.settleUnread)
    expect(standingOf(polled(given, limits.settleUnread - 1))).toEqual({ kind: 'working' })
    expect(standingOf(polled(given, limits.settleUnread))).toEqual(ended)
  })

  test('never counts before words that the log will show', () => {
    const given = run({ sessionLog: awaiting })
    expect(settlesAt(given)).toBeUndefined()
    expect(standingOf(polled(given, hour))).toEqual({ kind: 'working' })
  })

  test('counts at once where its pull request is known, unless words were not read', () => {
    const given = run({ sessionLog: { ...idle, idleSince: at } }, { result: { pulls: [pull] } })
    expect(standingOf(given)).toEqual(ended)
    const unread = changed(given, { session: { sessionLog: { ...awaiting, idleSince: at } } })
    expect(standingOf(unread)).toEqual({ kind: 'working' })
    const told = changed(given, { result: { reported: 1 } })
    expect(standingOf(told)).toEqual({ kind: 'working' })
  })
})

describe('words that nobody read', () => {
  const unread = (sessionLog: Run['session']['sessionLog'], taskRunWith: Partial<TaskRun>) => {
    const { instruction, followUps } = unreadWords(ranTo('completed', taskRunWith, sessionLog))
    return [instruction, followUps.map(({ id }) => id)]
  }

  test.each<[string, Run['session']['sessionLog'], Partial<TaskRun>, [boolean, string[]]]>([
    ['none', log, {}, [false, []]],
    ['follow-ups', log, { unread: [note] }, [false, ['m']]],
    ['the instruction', log, { instructionUnread: true }, [true, []]],
    [
      'both, in an older log to which nothing was added',
      { offset: 0, turns: 0, idle: false },
      { instructionUnread: true, unread: [note] },
      [true, ['m']],
    ],
    [
      'an older log in which the agent did something can not tell',
      { offset: 3, turns: 1, idle: true },
      { instructionUnread: true, unread: [note] },
      [false, []],
    ],
  ])('%s', (_, sessionLog, taskRunWith, expected) => {
    expect(unread(sessionLog, taskRunWith)).toEqual(expected)
  })

  test('are said again once, though a turn was resumed before', () => {
    const given = (words: string[]): Run =>
      changed(ranTo('completed', { unread: [note] }), { result: { resumed: { why: 'error', words } } })
    expect(mayGoOn(given([]))).toBe(true)
    expect(mayGoOn(given(['m']))).toBe(false)
  })
})

describe('a turn that did not end by itself is resumed once, and then told with what to do', () => {
  const reason = (stopReason: string) => run({ sessionLog: { ...idle, stopReason } })
  const cut = (marker: TaskRun['marker']) => ranTo('completed', { marker })

  test.each<[what: string, run: Run, because: string]>([
    ['cancelled', reason('cancelled'), 'did not finish: somebody interrupted it in PostHog.'],
    ['error_recoverable', reason('error_recoverable'), 'did not finish: it ran into an error.'],
    ['refusal', reason('refusal'), 'did not finish: the model refused to go on.'],
    ['max_tokens', reason('max_tokens'), 'did not finish: it reached the length limit of the model.'],
    ['a reason of tomorrow', reason('new'), 'did not finish: PostHog ended the run in the middle of its'],
    ['its sandbox stopped', cut('sandbox-gone'), 'did not finish: its sandbox stopped.'],
    ['its time was over', cut('out-of-time'), 'did not finish: it reached the time limit of PostHog.'],
    ['it was inactive', cut('inactive'), 'did not finish: it did nothing for too long and PostHog ended it'],
    ['nobody knows', cut(undefined), 'did not finish: PostHog ended the run in the middle of its work.'],
    [
      'its first turn failed',
      ranTo('failed', { error: 'Agent error: 503 of upstream' }),
      'failed: 503 of upstream.',
    ],
    [
      'a later turn failed',
      ranTo('failed', { messages: 1, error: '503 of upstream' }),
      'failed: 503 of upstream.',
    ],
    [
      'a turn of a rejoined session failed',
      ranTo('failed', { from: 7, error: 'no luck' }),
      'failed: no luck.',
    ],
  ])('%s', (_, given, because) => {
    const first = nextStep(given, { at, text: 'same' })
    if (first.kind !== 'resume-turn') return expect(first).toBe('a turn that is resumed')
    const again = changed(given, {
      result: { resumed: { why: first.why, words: [] }, resultChecked: true, pulls: [pull], concludedAt: at },
    })
    expect(nextStep(again, { at, text: 'same' })).toEqual({ kind: 'settle-outcome' })
    const told = closingComment(changed(again, { result: { outcome: outcomeOf(again) } }), deployment)
    expect(told).toContain(`@maya Codex ${because}`)
    expect(told).toContain(`It had opened [#9](${pull.url}).`)
    expect(told).toContain('**What to do:** ')
  })

  test.each(['spend limit reached', 'Failed to clone repository', 'model x not found'])(
    'but not where that can not help: %s',
    error => {
      const given = changed(ranTo('failed', { error }), { result: { resultChecked: true } })
      expect(nextStep(given, { at, text: 'same' })).toEqual({ kind: 'settle-outcome' })
      expect(outcomeOf(given)).toMatchObject({ kind: 'failed' })
    },
  )
})

describe('what came of a turn that did not end', () => {
  const cutOff = ranTo('completed', { marker: 'sandbox-gone' })

  test('is looked for once it was resumed', () => {
    expect(nextStep(cutOff, { at, text: 'same' })).toEqual({ kind: 'resume-turn', why: 'sandbox-gone' })
    const again = changed(cutOff, { result: { resumed: { why: 'sandbox-gone', words: [] } } })
    expect(nextStep(again, { at, text: 'same' })).toEqual({ kind: 'find-result' })
  })

  test('is polled for until its log was late enough', () => {
    const given = changed(cutOff, { schedule: { lastPollAt: at - 2 * second, nextPollAt: at } })
    expect(nextStep(given, { at, text: 'same' })).toEqual({ kind: 'poll' })
  })
})
