/** How a turn stands: the table that everything else follows from. */
import { describe, expect, test } from 'vitest'
import { nextStep } from '../../src/core/record/next-step.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import {
  finalPollAt,
  mayGoOn,
  neverRead,
  outcomeOf,
  type Turn,
  turnOf,
} from '../../src/core/record/turn.ts'
import {
  hour,
  instruction,
  minute,
  more,
  pull,
  shown,
  t0,
  taskRun,
  word,
  working,
} from './given.ts'

const at = t0 + hour
const log = { offset: 9, prompts: ['2'], turns: 0, answer: 'Now I run the tests.' }
const idle = { ...log, prompts: [], turns: 1, ended: { at: at - minute, stopReason: 'end_turn' } }
type TaskRun = NonNullable<Run['session']['taskRun']>

const run = (session: NonNullable<RunChange['session']>, differs: RunChange = {}) =>
  changed(working({ session, schedule: { lastPollAt: at } }), differs)

const unfinished = (why: (Turn & { kind: 'unfinished' })['why']): Turn => ({
  kind: 'unfinished',
  why,
})
const ended: Turn = { kind: 'ended' }
const failed: Turn = { kind: 'failed', failure: expect.objectContaining({ kind: 'failed' }) }
const lateLogTurn: Turn = { kind: 'late-log' }
const leftUnread = unfinished('unread')
/** Its task run is over, and was polled at the end of the time in which any log may be late. */
const ranTo = (
  status: 'completed' | 'failed' | 'cancelled',
  differs: Partial<TaskRun> = {},
  sessionLog: NonNullable<Run['session']['sessionLog']> = log,
  words: Run['mailbox']['words'] = [instruction()],
) =>
  run(
    {
      sessionLog,
      taskRun: { ...taskRun, status, changedAt: at - limits.latestLog, ...differs },
    },
    { mailbox: { words } },
  )
/** Its log may have more to show. */
const early = (given: Run) =>
  changed(given, { schedule: { lastPollAt: at - limits.latestLog + limits.lateLog - 1 } })
const note = more('m', 'and that')
const resumed: RunChange = { result: { resumed: { why: 'failed' } } }
const unreadNote = [instruction(), word('sent', note)]
const asked = instruction('sent')
const nothingRead = [asked]

describe('a turn', () => {
  const logless = { ...log, absent: true as const }
  const sandboxGone = { marker: 'sandbox-gone' as const }
  const cutOff = unfinished('sandbox-gone')
  const joined = { from: 9 }
  const internal = { error: 'agent_error: Internal error' }
  const givingUp = { ...log, gaveUp: 'No.' }
  const byWorkflow = { error: 'activity Heartbeat timeout' }
  const broken = (text: string, named?: string) => ({
    ...idle,
    ended: { at: at - minute, stopReason: undefined, fault: { class: named, text } },
  })
  test.each<[what: string, run: Run, stands: Turn]>([
    ['goes on', run({ sessionLog: log }), { kind: 'working' }],
    ['ended by itself', run({ sessionLog: idle }), ended],
    ['ended before its run did', ranTo('completed', {}, idle), ended],
    ['ended before its run failed', ranTo('failed', internal, idle), ended],
    [
      'ended before its run was cut off',
      ranTo('failed', sandboxGone, { ...givingUp, ...idle }),
      ended,
    ],
    ['is not concluded before its log was read late', early(ranTo('completed')), lateLogTurn],
    ['is not, whatever PostHog noted', early(ranTo('completed', sandboxGone)), lateLogTurn],
    [
      'of a server without logs is over with its run',
      early(ranTo('completed', {}, logless)),
      ended,
    ],
    ['was noted as cut off, no log', early(ranTo('completed', sandboxGone, logless)), cutOff],
    [
      'was ended by its agent, which left no words',
      ranTo('completed', {}, log, nothingRead),
      ended,
    ],
    [
      'was ended, with what joined it unread',
      ranTo('completed', joined, log, nothingRead),
      leftUnread,
    ],
    [
      'was given up by its agent',
      ranTo('failed', { error: 'No.' }, { ...idle, ...givingUp }),
      failed,
    ],
    [
      'was given up by its agent, in its row',
      early(ranTo('failed', { error: 'No.' }, givingUp)),
      failed,
    ],
    ['was given up without a reason', ranTo('failed', {}, { ...log, gaveUp: '' }), failed],
    ['may prove given up', early(ranTo('failed', byWorkflow)), lateLogTurn],
    ['was failed by PostHog', ranTo('failed', byWorkflow), unfinished('outage')],
    [
      'was failed by PostHog, whatever its agent says',
      ranTo('failed', byWorkflow, givingUp),
      unfinished('outage'),
    ],
    [
      'was failed by PostHog with nothing read',
      ranTo('failed', byWorkflow, log, nothingRead),
      leftUnread,
    ],
    ['was failed by PostHog once more', changed(ranTo('failed', byWorkflow), resumed), failed],
    ['was answered before PostHog failed it', ranTo('failed', byWorkflow, idle), ended],
    ['failed', ranTo('failed', internal), unfinished('failed')],
    ['failed without a word', ranTo('failed'), unfinished('failed')],
    [
      'failed, as its row says before its log',
      early(ranTo('failed', internal)),
      unfinished('failed'),
    ],
    [
      'failed, and may yet prove read',
      early(ranTo('failed', internal, log, nothingRead)),
      lateLogTurn,
    ],
    ['failed with nothing read', ranTo('failed', internal, log, nothingRead), leftUnread],
    ['failed, no log', early(ranTo('failed', {}, logless, nothingRead)), unfinished('failed')],
    ['was stopped in PostHog', ranTo('cancelled'), unfinished('interrupted')],
    [
      'was stopped there with a word',
      ranTo('cancelled', { error: 'Stopped by user' }),
      unfinished('interrupted'),
    ],
    [
      'was stopped by PostHog',
      ranTo('cancelled', { error: 'Stopped automatically: idle credits' }),
      failed,
    ],
    [
      'was stopped by PostHog for a limit',
      ranTo('cancelled', { error: 'Usage limit exceeded' }),
      failed,
    ],
    [
      'failed for good',
      ranTo('failed', { error: 'task_spend_limit: unexpected status 402' }),
      failed,
    ],
    ['failed once more', changed(ranTo('failed', internal), resumed), failed],
    [
      'broke, and its run lives on',
      run({ sessionLog: broken('high demand') }),
      unfinished('failed'),
    ],
    ['broke for good', run({ sessionLog: broken('status 402', 'task_spend_limit') }), failed],
    [
      'never read the words',
      ranTo('completed', { marker: 'inactive' }, idle, unreadNote),
      leftUnread,
    ],
    ['ended with words unread', ranTo('completed', {}, idle, unreadNote), leftUnread],
    ['may have read them', early(ranTo('completed', {}, idle, unreadNote)), lateLogTurn],
    ['failed with words unread', ranTo('failed', internal, idle, unreadNote), leftUnread],
    ['failed before it read what joined it', ranTo('failed', joined, log, nothingRead), leftUnread],
  ])('%s', (_, given, stands) => expect(turnOf(given)).toEqual(stands))

  const polled = (given: Run, after: number) =>
    changed(given, { schedule: { lastPollAt: at + after } })

  test('counts as ended from a look a moment later: PostHog writes a pull request into the run just after it', () => {
    const given = run({ sessionLog: { ...idle, ended: { at, stopReason: 'end_turn' } } })
    expect(finalPollAt(given)).toBe(at + limits.lateRow)
    expect(turnOf(polled(given, limits.lateRow - 1))).toEqual({ kind: 'working' })
    expect(turnOf(polled(given, limits.lateRow))).toEqual(ended)
    expect(finalPollAt(polled(given, limits.lateRow))).toBeUndefined()
  })

  test.each([{ answer: undefined }, { answer: 'Done.', isReported: true as const }])(
    'without words of its own, %j, it is waited for as long as a log may be late',
    said => {
      const given = run({ sessionLog: { ...idle, ...said, ended: { at, stopReason: 'end_turn' } } })
      expect(finalPollAt(given)).toBe(at + limits.lateLog)
      expect(turnOf(polled(given, limits.lateLog - 1))).toEqual({ kind: 'working' })
      expect(turnOf(polled(given, limits.lateLog))).not.toEqual({ kind: 'working' })
    },
  )

  test('counts at once where its pull request is known', () => {
    const justEnded = { at, stopReason: 'end_turn' }
    const given = run({ sessionLog: { ...idle, ended: justEnded } }, { result: { pulls: [pull] } })
    expect(turnOf(given)).toEqual(ended)
    const told = changed(given, { result: { reported: 1 } })
    expect(turnOf(told)).toEqual({ kind: 'working' })
  })
})

describe('words that nobody read', () => {
  const of = (words: Run['mailbox']['words'], differs: Partial<TaskRun> = {}, absent?: true) =>
    neverRead(ranTo('completed', differs, { ...log, absent }, words)).map(({ id }) => id)
  test.each([
    ['are all where it was cut off', of(nothingRead, { marker: 'sandbox-gone' }), [asked.id]],
    [
      'are what joined a session that its agent then ended',
      of(nothingRead, { from: 9 }),
      [asked.id],
    ],
    [
      'are not what the run began with that its agent ended',
      of([asked, word('sent', note)]),
      ['m'],
    ],
    ['are not the words that resumed the run that its agent ended', of([word('sent', note)]), []],
    [
      'are not the bot’s own, to go on',
      of([instruction(), word('sent', note, { resumes: true })]),
      [],
    ],
    ['are unknown on a server without logs', of(nothingRead, { from: 9 }, true), []],
  ])('%s', (_, left, expected) => expect(left).toEqual(expected))

  test('are said again once, though a turn was resumed before', () => {
    const given = (again?: true) =>
      changed(ranTo('completed', {}, log, [instruction(), word('sent', note, { again })]), resumed)
    expect(mayGoOn(given(), 'unread')).toBe(true)
    expect(mayGoOn(given(true), 'unread')).toBe(false)
  })
})

describe('what is next for a turn', () => {
  const stopped = (stopReason: string, answer = '') =>
    run({ sessionLog: { ...idle, answer, ended: { at: at - minute, stopReason } } })
  const failedWith = (error: string) => ranTo('failed', { error })
  const cut = (marker: TaskRun['marker']) => ranTo('completed', { marker })
  const nextOf = (given: Run) => shown(nextStep(given, { at, text: 'same' }))

  test.each([
    ['its sandbox stopped', cut('sandbox-gone')],
    ['its time was over', cut('out-of-time')],
    ['it was inactive', cut('inactive')],
    ['a reason of tomorrow', stopped('new')],
    ['an outage', failedWith('upstream_provider_failure: The upstream AI provider failed.')],
    ['an error', failedWith('agent_error: no luck')],
  ])('that broke: it is resumed once, and then told: %s', (_, given) => {
    const again = changed(given, resumed)
    expect(nextOf(given)).toMatch(/^goes on after /)
    expect(nextOf(again)).toBe('find-result')
    expect(nextOf(changed(again, { result: { resultChecked: true } }))).toMatch(/^is over: /)
  })

  test.each([
    ['an interrupt', stopped('cancelled')],
    ['a run that was ended there', ranTo('cancelled')],
    ['a refusal', stopped('refusal')],
    [
      'a limit that only the words of the agent name',
      stopped('refusal', "You've hit your usage limit."),
    ],
    ['a refusal that names a limit', stopped('refusal', 'I do not help with fraud of billing.')],
    ['a spend limit', failedWith('task_spend_limit: unexpected status 402')],
    ['a repository', failedWith('Failed to clone repository')],
    ['a model', failedWith('agent_error: model x not found')],
    [
      'its own reason',
      ranTo('failed', { error: 'It needs a network.' }, { ...log, gaveUp: 'It needs' }),
    ],
  ])(
    'that its agent, a person or a limit ended: it is told, and never asked again: %s',
    (_, given) => expect(nextOf(given)).toBe('find-result'),
  )

  test.each([
    "You've hit your usage limit.",
    'Quota exceeded. Check your plan and billing details.',
    'You exceeded your current quota.',
    'insufficient_quota',
    'You have reached your weekly limit.',
    'Billing hard limit has been reached',
    'Your credit balance is too low',
    'Your workspace is out of credits.',
  ])('that a limit ended, which only the words of the agent name, has failed by it: %s', words =>
    expect(outcomeOf(stopped('refusal', words))).toMatchObject({ class: 'quota' }),
  )
})
