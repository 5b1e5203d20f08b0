import { describe, expect, test } from 'vitest'
import type { LogEntry, TaskRunSnapshot } from '../../src/core/model/task-run.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { outcomeOf, standingOf } from '../../src/core/record/turn.ts'
import {
  hour,
  logIs,
  maya,
  minute,
  more,
  pull,
  runWith,
  second,
  snapshotWith,
  t0,
  taskRun,
  taskRunIs,
  working,
  zoe,
} from './given.ts'

const at = t0 + minute
const seen = (given: Partial<TaskRunSnapshot>, run = working()): Run => observe(run, snapshotWith(given), at)

/** As a poll of that time shows, which found nothing new. */
const turnIsOver = (run: Run, lastPollAt: number): boolean =>
  standingOf(changed(run, { schedule: { lastPollAt } })).kind !== 'working'

const turnOver: LogEntry = { at: t0, what: { kind: 'turn-over' } }
const activity: LogEntry = { at: t0, what: { kind: 'activity' } }
const says = (text: string): LogEntry => ({ at: t0, what: { kind: 'message', text } })
const does = (step: string, label: string, done = false): LogEntry => ({
  at: t0,
  what: { kind: 'progress', step, label, done },
})

describe('what is heard in the log', () => {
  test.each<[string, LogEntry[], object]>([
    ['nothing', [], { turns: 0, idle: false }],
    ['a message', [says('a')], { turns: 0, idle: false, answer: 'a' }],
    ['two messages: the last one counts', [says('a'), says('b')], { answer: 'b' }],
    ['the end of a turn', [says('a'), turnOver], { turns: 1, idle: true, idleSince: t0, answer: 'a' }],
    ['work after the end of a turn', [turnOver, activity], { turns: 1, idle: false }],
    ['words after the end of a turn', [turnOver, says('more')], { turns: 1, idle: false, answer: 'more' }],
    ['two turns', [turnOver, activity, turnOver], { turns: 2, idle: true }],
    [
      'progress after the end of a turn, which says nothing',
      [turnOver, does('pr', 'Opened')],
      { turns: 1, idle: true },
    ],
  ])('%s', (_, log, heard) => {
    expect(seen({ log, offset: log.length }).session.sessionLog).toMatchObject({
      offset: log.length,
      ...heard,
    })
  })

  test.each([
    ['when it was logged', t0, t0],
    ['not before the look that did not show it, whatever clock PostHog has', t0 - hour, t0 - second],
    ['not in the future', t0 + hour, at],
  ])('a turn ended %s', (_, logged, idleSince) => {
    const before = working({ schedule: { lastPollAt: t0 - second } })
    const log = [{ ...turnOver, at: logged }]
    expect(seen({ log, offset: 1 }, before).session.sessionLog?.idleSince).toBe(idleSince)
  })

  test('steps and addresses without end are not kept without end', () => {
    const log = Array.from({ length: 200 }, (_, n) => does(`s${n}`, `Step ${n}`))
    const pulls = Array.from({ length: 200 }, (_, n) => `https://github.com/acme/shop/pull/${n}`)
    const { session, result } = seen({ log, pulls })
    expect(session.progress.map(({ step }) => step)).toEqual(log.slice(-50).map((_, n) => `s${n + 150}`))
    expect(result.claimedPulls).toEqual(pulls.slice(0, 50))
    const given = { claimedPulls: [], foreignPulls: result.claimedPulls }
    expect(seen({ pulls }, working({ result: given })).result.claimedPulls).toEqual([])
  })

  test('of a step there is one line, with the last word on it', () => {
    const log = [does('clone', 'Cloning'), does('setup', 'Setting up'), does('clone', 'Cloned', true)]
    expect(seen({ log }).session.progress.map(({ step, label, done }) => [step, label, done])).toEqual([
      ['clone', 'Cloned', true],
      ['setup', 'Setting up', false],
    ])
  })
})

describe('what is seen of the run', () => {
  test.each<[string, Partial<TaskRunSnapshot>, object]>([
    ['its status', { status: 'completed' }, { status: 'completed', changedAt: at }],
    ['nothing new', {}, { status: 'in_progress', changedAt: t0 }],
    ['a sign of life in the log', { log: [activity], offset: 1 }, { changedAt: at }],
    ['a line that says nothing is one, too', { offset: 1 }, { changedAt: at }],
    ['when it was changed first', { updatedAt: t0 }, { changedAt: t0, updatedAt: t0 }],
    ['an error', { status: 'failed', error: 'boom' }, { status: 'failed', error: 'boom' }],
    [
      'what was made of the request',
      { model: 'gpt-5', effort: 'low', authorship: 'bot' },
      { model: 'gpt-5', effort: 'low', authorship: 'bot' },
    ],
    ['the branch it works on', { headBranch: 'codex/x' }, { headBranch: 'codex/x' }],
  ])('%s', (_, given, expected) => {
    expect(seen(given).session.taskRun).toMatchObject(expected)
  })

  test('a change of its row is a sign of life', () => {
    const before = working({ session: { taskRun: { ...taskRun, updatedAt: t0 } } })
    expect(seen({ updatedAt: t0 }, before).session.taskRun).toMatchObject({ changedAt: t0 })
    expect(seen({ updatedAt: t0 + second }, before).session.taskRun).toMatchObject({ changedAt: at })
  })

  test('a change of its row is none once it is over, or its log would be waited for without end', () => {
    const over = { ...taskRun, status: 'failed' as const, updatedAt: t0 }
    const before = working({ session: { taskRun: over } })
    const { session } = seen({ status: 'failed', updatedAt: t0 + second }, before)
    expect(session.taskRun).toMatchObject({ changedAt: t0 })
  })

  test('what was known and is not said again stays', () => {
    const before = working(taskRunIs({ error: 'boom', headBranch: 'codex/x', model: 'gpt-5', effort: 'low' }))
    expect(seen({}, before).session.taskRun).toEqual(before.session.taskRun)
  })

  test('a Run that has none sees none', () => {
    const before = runWith()
    expect(seen({ status: 'completed', log: [turnOver] }, before)).toBe(before)
  })

  const one = 'https://x/pull/1'
  const asPostHogWritesIt = 'https://github.com/ACME/shop/pull/9'
  test.each<[string, string[], Partial<Run['result']>, string[]]>([
    ['one', [one], {}, [one]],
    ['the same one twice', [one, one], {}, [one]],
    ['one that is claimed already', [one], { claimedPulls: [one] }, [one]],
    ['one that was found to be foreign', [one], { foreignPulls: [one] }, []],
    ['one that is known, written otherwise', [asPostHogWritesIt], { pulls: [pull] }, []],
    ['a second one', [pull.url, one], { pulls: [pull] }, [one]],
  ])('pull requests that PostHog tells of: %s', (_, pulls, result, claimed) => {
    expect(seen({ pulls }, working({ result })).result.claimedPulls).toEqual(claimed)
  })
})

/** It failed once and was resumed. */
const again = { resumed: { why: 'failed' as const, words: [] } }

describe('the outcome', () => {
  const ended = (status: 'completed' | 'failed' | 'cancelled', error?: string): RunChange => ({
    session: { taskRun: { ...taskRun, status, ...(error === undefined ? {} : { error }) } },
    result: status === 'failed' ? again : {},
  })
  const answered = logIs({ offset: 1, turns: 1, idle: true, answer: 'Because.' })
  const hasPull: RunChange = { result: { pulls: [pull] } }
  const reported: RunChange = { result: { pulls: [pull], reported: 1 } }
  const another = { ...pull, number: 10 }
  const stop = { by: maya, at: t0 }

  test.each<[string, RunChange, object]>([
    ['a new pull request', hasPull, { kind: 'pull' }],
    ['a pull request that is no news, and words', changed(reported, answered), { kind: 'answer' }],
    ['a second pull request', changed(reported, { result: { pulls: [pull, another] } }), { kind: 'pull' }],
    ['a run that failed after its pull request', changed(ended('failed', 'x'), hasPull), { kind: 'failed' }],
    ['commits', changed({ result: { pushed: 'abc' } }, answered), { kind: 'pushed', sha: 'abc' }],
    ['words', changed(ended('completed'), answered), { kind: 'answer' }],
    ['nothing', ended('completed'), { kind: 'nothing' }],
    [
      'a stop by somebody',
      changed(ended('cancelled'), { mailbox: { stop } }),
      { kind: 'stopped', by: 'maya' },
    ],
    [
      'a stop since its reason went away',
      { mailbox: { stop: { ...stop, because: 'closed the issue' } } },
      { kind: 'stopped', by: 'maya', because: 'closed the issue' },
    ],
    [
      'a stop, whatever it left',
      { mailbox: { stop }, result: { pulls: [pull], pushed: 'abc' } },
      { kind: 'stopped', by: 'maya' },
    ],
    ['a stop by PostHog', ended('cancelled'), { kind: 'stopped', by: 'PostHog' }],
    ['a failure', ended('failed', 'boom'), { kind: 'failed', class: 'agent', reason: 'boom' }],
    [
      'a failure without words',
      ended('failed'),
      { kind: 'failed', class: 'agent', reason: 'PostHog did not say why' },
    ],
    ['a failure with too many words', ended('failed', 'x'.repeat(300)), { reason: 'x'.repeat(200) }],
  ])('%s', (_, given, expected) => {
    expect(outcomeOf(working(given))).toMatchObject(expected)
  })
})

test('a Run that heard nothing yet begins with no turn', () => {
  const before = working({ session: { sessionLog: undefined } })
  expect(seen({ offset: 3 }, before).session.sessionLog).toEqual({ offset: 3, turns: 0, idle: false })
})

test('an idle agent whose end an older version did not date is over', () => {
  expect(turnIsOver(working(logIs({ offset: 1, turns: 1, idle: true })), at)).toBe(true)
})

describe('the words for a failure that a person can do something about', () => {
  const failed = (error: string) =>
    outcomeOf(working({ session: { taskRun: { ...taskRun, status: 'failed', error } }, result: again }))
  const fixes = {
    quota: 'Wait until the limit resets, or raise it in PostHog. Then write `/codex retry`.',
    clone: "Install PostHog's own GitHub App on this repository. Then write `/codex retry`.",
    model: 'Choose another model: `/codex retry --model NAME`.',
    agent: 'Look at the PostHog run. Then write `/codex retry`.',
  }
  test.each<[said: string, reason: string, fix: keyof typeof fixes]>([
    ['Your usage limit is used up', 'a usage or spend limit is reached: ', 'quota'],
    ['quota', 'a usage or spend limit is reached: ', 'quota'],
    ['Billing', 'a usage or spend limit is reached: ', 'quota'],
    ['rate limit', 'a usage or spend limit is reached: ', 'quota'],
    ['ratelimited', 'a usage or spend limit is reached: ', 'quota'],
    ['Repository not found', 'PostHog could not read the repository: ', 'clone'],
    ['no repository access', 'PostHog could not read the repository: ', 'clone'],
    ['Could not read from remote repository', 'PostHog could not read the repository: ', 'clone'],
    ['authentication failed', 'PostHog could not read the repository: ', 'clone'],
    ['model x not found', 'PostHog does not know the model: ', 'model'],
    ['the model gpt-9 is not available', 'PostHog does not know the model: ', 'model'],
    ['the model x is unknown', 'PostHog does not know the model: ', 'model'],
    ['Unknown model', 'PostHog does not know the model: ', 'model'],
    ['boom', '', 'agent'],
  ])('%s', (said, reason, fix) => {
    expect(failed(said)).toMatchObject({ reason: `${reason}${said}`, fix: fixes[fix] })
  })

  test.each(['Agent error: the sandbox is gone', 'Error: agent error: the sandbox is gone'])(
    'does not say twice that it is one: %s',
    said => expect(failed(said)).toMatchObject({ reason: 'the sandbox is gone' }),
  )
})

describe('words are answered from where they stand in the log', () => {
  const words = (...messages: string[]): LogEntry => ({ at: t0, what: { kind: 'words', messages } })
  const theirs = words()
  const mine = words('comment-502')
  /** A follow-up was said, in the order of what went on meanwhile. */
  const heardOf = (
    log: LogEntry[],
    differs: Partial<NonNullable<Run['session']['sessionLog']>> = {},
  ): Run => {
    const heard = { offset: 0, turns: 1, idle: false, awaitedMessageId: 'comment-502', ...differs }
    const run = working(logIs(heard), taskRunIs({ messages: 1, from: 9 }), {
      mailbox: { handledMessageIds: ['comment-502'] },
    })
    return seen({ log, offset: log.length }, run)
  }
  const later = at + limits.settle
  const muchLater = at + limits.settleUnread

  test.each<[what: string, log: LogEntry[], over: boolean, answer: string | undefined]>([
    ['they are answered', [mine, says('b'), turnOver], true, 'b'],
    ['they are not taken up yet', [theirs, says('green'), turnOver], false, 'green'],
    [
      'they come after a turn of others',
      [theirs, says('green'), turnOver, mine, says('b'), turnOver],
      true,
      'b',
    ],
    ['they come after it, and are not answered', [theirs, says('green'), turnOver, mine], false, undefined],
    ['a turn of others comes after them', [mine, says('b'), turnOver, theirs, says('green')], true, 'b'],
    [
      'one of others that is over, too',
      [mine, says('b'), turnOver, theirs, says('green'), turnOver],
      true,
      'b',
    ],
    ['more of what they were said with', [mine, theirs, says('b'), turnOver], true, 'b'],
    ['a turn is told to be over twice', [mine, says('b'), turnOver, turnOver, theirs], true, 'b'],
  ])('when %s', (_, log, over, answer) => {
    const run = heardOf(log)
    expect([turnIsOver(run, muchLater), run.session.sessionLog?.answer]).toEqual([over, answer])
  })

  test('the next ones of ours are heard again', () => {
    const log = [mine, says('b'), turnOver, theirs, says('green'), turnOver]
    const before = heardOf(log)
    const said = changed(
      before,
      logIs({ offset: 6, turns: 2, idle: false, ofOthers: true, ...before.session.sessionLog }),
    )
    const log2 = { offset: 0, turns: 0, ...said.session.sessionLog }
    const again = changed(said, logIs({ ...log2, idle: false, awaitedMessageId: 'comment-503' }))
    const after = seen({ log: [words('comment-503'), says('c'), turnOver], offset: 9 }, again)
    expect([turnIsOver(after, later), after.session.sessionLog?.answer]).toEqual([true, 'c'])
  })

  test('a log that shows no words has its turns counted, with time for one of others since it was seen', () => {
    const run = heardOf([says('green'), turnOver])
    expect(turnIsOver(run, muchLater - 1)).toBe(false)
    expect(turnIsOver(run, muchLater)).toBe(true)
  })

  test.each([
    ['a silent turn', [does('s2', 'Thinks'), turnOver]],
    ['a step of it', [does('s2', 'Thinks')]],
  ])('and with all the time once more after %s', (_, log) => {
    const before = heardOf([says('green'), turnOver])
    const run = observe(before, snapshotWith({ log, offset: 4 }), muchLater - second)
    expect(turnIsOver(run, muchLater)).toBe(false)
    expect(turnIsOver(run, muchLater - second + limits.settleUnread)).toBe(true)
  })

  test('in a run of our own the first turn is that of our words', () => {
    const heard = { offset: 0, turns: 0, idle: false, awaitedMessageId: 'run-comment-501' }
    const run = seen({ log: [says('a'), turnOver] }, working({ session: { sessionLog: heard } }))
    expect(turnIsOver(run, later)).toBe(true)
  })
})

describe('words that the agent ended without reading', () => {
  const note = more('m', 'and that')
  const outcome = { kind: 'failed' as const, class: 'lost' as const, reason: 'r', fix: 'f' }
  const said = working(
    taskRunIs({ messages: 1, lastMessageId: 'm', unread: [note] }),
    logIs({ offset: 2, turns: 0, idle: false, awaitedMessageId: 'm', showsWords: true }),
    { mailbox: { handledMessageIds: ['m'] }, result: { outcome } },
  )
  const over = { status: 'completed' as const }

  test('are left to be asked again where the Run has failed', () => {
    expect(seen(over, said)).toMatchObject({
      mailbox: { pendingFollowUps: [note] },
      session: { taskRun: { unread: [] } },
    })
  })

  test.each<[string, Partial<TaskRunSnapshot>, Run]>([
    ['while it works', {}, said],
    ['before the Run is over: it resumes them', over, changed(said, { result: { outcome: undefined } })],
    [
      'when its log shows them',
      { ...over, log: [{ at: t0, what: { kind: 'words', messages: ['m'] } }] },
      said,
    ],
    ['after a stop', over, changed(said, { mailbox: { stop: { by: zoe, at: t0 } } })],
    [
      'where the log shows no words, as nobody can tell',
      over,
      changed(said, { session: { sessionLog: { offset: 2, turns: 0, idle: false, awaitedMessageId: 'm' } } }),
    ],
  ])('not %s', (_, snapshot, run) => {
    expect(seen(snapshot, run).mailbox.pendingFollowUps).toEqual([])
  })
})
