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
import { deployment, hour, minute, more, pull, t0, taskRun, working } from './given.ts'

const at = t0 + hour
const log = { offset: 9, prompts: ['2'], turns: 0, answer: 'Now I run the tests.' }
const idle = { ...log, prompts: [], turns: 1, ended: { at: at - minute, stopReason: 'end_turn' } }
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
const failed: Turn = { kind: 'failed', failure: expect.objectContaining({ kind: 'failed' }) }
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
  const startedWith = { ...nothingRead, begunWith: 'run-comment-501' }
  const resumed: RunChange = { result: { resumed: { why: 'failed', words: [] } } }
  const internal = { error: 'agent_error: Internal error' }
  const finishing = { ...log, finishes: true as const }
  const broken = (text: string, named?: string) => ({
    ...idle,
    ended: { at: at - minute, stopReason: undefined, fault: { class: named, text } },
  })
  test.each<[what: string, run: Run, stands: Turn]>([
    ['goes on', run({ sessionLog: log }), { kind: 'working' }],
    ['ended by itself', run({ sessionLog: idle }), ended],
    ['ended before its run did', ranTo('completed', {}, idle), ended],
    ['ended before its run idled out', ranTo('completed', { marker: 'inactive' }, idle), ended],
    ['ended before its run failed', ranTo('failed', internal, idle), ended],
    ['is not concluded before its log was read late', early(ranTo('completed')), settling],
    ['is not, whatever PostHog noted', early(ranTo('completed', sandboxGone)), settling],
    ['of a server without logs is over with its run', early(ranTo('completed', {}, logless)), ended],
    [
      'was noted as cut off, no log',
      early(ranTo('completed', sandboxGone, logless)),
      unfinished('sandbox-gone'),
    ],
    ['was ended by its agent, which left no words', ranTo('completed', startedWith), ended],
    ['was given up by its agent', ranTo('failed', { error: 'No.' }, { ...idle, ...finishing }), failed],
    ['was given up by its agent, in its row', early(ranTo('failed', { error: 'No.' }, finishing)), failed],
    ['was ended by its agent, and its log never came', ranTo('failed', { error: 'No.' }), failed],
    ['failed', ranTo('failed', internal), unfinished('failed')],
    ['failed without a word', ranTo('failed'), unfinished('failed')],
    ['failed, as its row says before its log', early(ranTo('failed', internal)), unfinished('failed')],
    ['failed, and may yet prove read', early(ranTo('failed', { ...internal, ...nothingRead })), settling],
    ['failed with nothing read', run({ taskRun: over('failed', { ...internal, ...nothingRead }) }), failed],
    ['failed on a server without logs', early(ranTo('failed', nothingRead, logless)), unfinished('failed')],
    ['was stopped in PostHog', ranTo('cancelled'), unfinished('interrupted')],
    ['failed for good', ranTo('failed', { error: 'task_spend_limit: unexpected status 402' }), failed],
    ['failed once more', changed(ranTo('failed', internal), resumed), failed],
    ['broke, and its run lives on', run({ sessionLog: broken('high demand') }), unfinished('failed')],
    ['broke for good', run({ sessionLog: broken('status 402', 'task_spend_limit') }), failed],
    [
      'never read the words',
      ranTo('completed', { marker: 'inactive', unread: [note] }, awaiting),
      unfinished('unread'),
    ],
    ['ended with words unread', ranTo('completed', { unread: [note] }, awaiting), unfinished('unread')],
    ['may have read them', early(ranTo('completed', { unread: [note] }, awaiting)), settling],
  ])('%s', (_, given, stands) => expect(standingOf(given)).toEqual(stands))

  const polled = (given: Run, after: number): Run => changed(given, { schedule: { lastPollAt: at + after } })

  test('counts as ended from a look a moment later: PostHog writes a pull request into the run just after it', () => {
    const given = run({ sessionLog: { ...idle, ended: { at, stopReason: 'end_turn' } } })
    expect(settlesAt(given)).toBe(at + limits.lateRow)
    expect(standingOf(polled(given, limits.lateRow - 1))).toEqual({ kind: 'working' })
    expect(standingOf(polled(given, limits.lateRow))).toEqual(ended)
    expect(settlesAt(polled(given, limits.lateRow))).toBeUndefined()
  })

  test('never counts before words that the log will show', () => {
    const given = run({ sessionLog: awaiting })
    expect(settlesAt(given)).toBeUndefined()
    expect(standingOf(polled(given, hour))).toEqual({ kind: 'working' })
  })

  test('counts at once where its pull request is known, unless words were not read', () => {
    const justEnded = { at, stopReason: 'end_turn' }
    const given = run({ sessionLog: { ...idle, ended: justEnded } }, { result: { pulls: [pull] } })
    expect(standingOf(given)).toEqual(ended)
    const unread = changed(given, { session: { sessionLog: { ...awaiting, ended: justEnded } } })
    expect(standingOf(unread)).toEqual({ kind: 'working' })
    const told = changed(given, { result: { reported: 1 } })
    expect(standingOf(told)).toEqual({ kind: 'working' })
  })
})

describe('words that nobody read', () => {
  test.each<[string, Partial<TaskRun>, [boolean, string[]]]>([
    ['none', {}, [false, []]],
    ['follow-ups', { unread: [note] }, [false, ['m']]],
    ['the instruction', { marker: 'sandbox-gone', instructionUnread: true }, [true, []]],
    ['what it was not started with', { instructionUnread: true }, [true, []]],
    [
      'not what it was started with, where its agent ended the run',
      { instructionUnread: true, begunWith: 'run-comment-501', unread: [note] },
      [false, ['m']],
    ],
    ['not the words that resumed it', { unread: [note], begunWith: 'm' }, [false, []]],
  ])('%s', (_, given, expected) => {
    const { instruction, followUps } = unreadWords(ranTo('completed', given))
    expect([instruction, followUps.map(({ id }) => id)]).toEqual(expected)
  })

  test('are said again once, though a turn was resumed before', () => {
    const given = (words: string[]): Run =>
      changed(ranTo('completed', { unread: [note] }), { result: { resumed: { why: 'failed', words } } })
    expect(mayGoOn(given([]), 'unread')).toBe(true)
    expect(mayGoOn(given(['m']), 'unread')).toBe(false)
  })
})

const now = { at, text: 'same' } as const
const told = (given: Run): string =>
  closingComment(changed(given, { result: { outcome: outcomeOf(given) } }), deployment)
const soFar = { resultChecked: true, pulls: [pull], concludedAt: at }

describe('a turn that broke is resumed once, and then told with what to do', () => {
  const cut = (marker: TaskRun['marker']) => ranTo('completed', { marker })

  test.each<[what: string, run: Run, because: string]>([
    ['its sandbox stopped', cut('sandbox-gone'), 'did not finish: its sandbox stopped.'],
    ['its time was over', cut('out-of-time'), 'did not finish: it reached the time limit of PostHog.'],
    ['it was inactive', cut('inactive'), 'did not finish: it did nothing for too long and PostHog ended it'],
    [
      'a reason of tomorrow',
      run({ sessionLog: { ...idle, ended: { at: at - minute, stopReason: 'new' } } }),
      'did not finish: PostHog ended the run in the middle of its work.',
    ],
    [
      'an outage',
      ranTo('failed', { error: 'upstream_provider_failure: The upstream AI provider failed.' }),
      'failed: the AI provider behind PostHog does not answer (since 15:01 UTC).',
    ],
    [
      'an error',
      ranTo('failed', { error: 'agent_error: no luck' }),
      'failed: it ran into an error: no luck.',
    ],
  ])('%s', (_, given, because) => {
    const first = nextStep(given, now)
    if (first.kind !== 'resume-turn') return expect(first).toBe('a turn that is resumed')
    const again = changed(given, { result: { resumed: { why: first.why, words: [] }, ...soFar } })
    expect(nextStep(again, now)).toEqual({ kind: 'settle-outcome' })
    expect(told(again)).toContain(`@maya Codex ${because}`)
    expect(told(again)).toContain(`It had opened [#9](${pull.url}).`)
    expect(told(again)).toContain('**What to do:** ')
  })
})

describe('what its agent, a person or a limit ended is told, and never asked again', () => {
  const stopped = (stopReason: string) =>
    run({ sessionLog: { ...idle, ended: { at: at - minute, stopReason } } })
  test.each<[what: string, run: Run, because: string]>([
    ['an interrupt', stopped('cancelled'), 'did not finish: somebody stopped it in PostHog.'],
    ['a run that was ended there', ranTo('cancelled'), 'did not finish: somebody stopped it in PostHog.'],
    ['a refusal', stopped('refusal'), 'did not finish: the model refused to go on.'],
    [
      'a limit that only the words of the agent name',
      changed(stopped('refusal'), {
        session: {
          sessionLog: {
            ...idle,
            ended: { at, stopReason: 'refusal' },
            answer: "You've hit your usage limit.",
          },
        },
        schedule: { lastPollAt: at + limits.lateRow },
      }),
      "failed: the usage limit of the AI provider is reached: You've hit your usage limit.",
    ],
    [
      'a spend limit',
      ranTo('failed', { error: 'task_spend_limit: unexpected status 402' }),
      'failed: PostHog’s spend limit for one run is reached.',
    ],
    [
      'a repository',
      ranTo('failed', { error: 'Failed to clone repository' }),
      'failed: PostHog could not read the repository',
    ],
    [
      'a model',
      ranTo('failed', { error: 'agent_error: model x not found' }),
      'failed: PostHog does not know the model',
    ],
    [
      'its own reason',
      ranTo('failed', { error: 'It needs a network connection.' }),
      'failed: it gave up. In its own words: It needs a network connection.',
    ],
  ])('%s', (_, given, because) => {
    const over = changed(given, { result: soFar })
    expect(nextStep(over, now)).toEqual({ kind: 'settle-outcome' })
    expect(told(over)).toContain(`@maya Codex ${because}`)
  })
})
