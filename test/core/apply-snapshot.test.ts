import { describe, expect, test } from 'vitest'
import type { LogEntry, TaskRunSnapshot } from '../../src/core/model/task-run.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import { maxClaims } from '../../src/core/record/own-pull-request.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { limits } from '../../src/core/record/timing.ts'
import { outcomeOf } from '../../src/core/record/turn.ts'
import {
  hasPull,
  instruction,
  lastPoll,
  logIs,
  maya,
  minute,
  pull,
  runWith,
  second,
  snapshotWith,
  t0,
  taskRun,
  taskRunIs,
  toldOfPull,
  working,
} from './given.ts'

const at = t0 + minute
const seen = (given: Partial<TaskRunSnapshot>, run = working()) =>
  observe(run, snapshotWith(given), at)

const activity: LogEntry = { at: t0, what: { kind: 'activity' } }

test('a handful of pull requests in the log is looked up at most', () => {
  const pulls = Array.from({ length: 200 }, (_, n) => `https://github.com/acme/shop/pull/${n}`)
  const { result } = seen({ pulls })
  expect(result.claimedPulls).toEqual(pulls.slice(0, maxClaims))
  const given = { claimedPulls: [], foreignPulls: result.claimedPulls }
  expect(seen({ pulls }, working({ result: given })).result.claimedPulls).toEqual([])
})

describe('what is seen of the run', () => {
  const pushedTo = [
    { branch: 'fix/login', repository: 'Acme/Shop' },
    { branch: 'fix/lib', repository: 'acme/lib' },
  ]
  test.each<[string, Partial<TaskRunSnapshot>, object]>([
    ['its status', { status: 'completed' }, { status: 'completed', changedAt: at }],
    ['nothing new', {}, { status: 'in_progress', changedAt: t0 }],
    ['a sign of life in the log', { log: [activity], offset: 1 }, { changedAt: at }],
    ['a line that says nothing is one', { offset: 1 }, { changedAt: at }],
    ['when it was changed first', { updatedAt: t0 }, { changedAt: t0, updatedAt: t0 }],
    ['an error', { status: 'failed', error: 'boom' }, { status: 'failed', error: 'boom' }],
    [
      'what was made of the request',
      { model: 'gpt-5', effort: 'low', authorship: 'bot' },
      { model: 'gpt-5', effort: 'low', authorship: 'bot' },
    ],
    ['the branch it works on', { headBranch: 'codex/x' }, { headBranch: 'codex/x' }],
    ['where it pushed here', { pushedTo }, { pushedTo: ['fix/login'] }],
  ])('%s', (_, given, expected) => expect(seen(given).session.taskRun).toMatchObject(expected))

  test('a change of its row is a sign of life', () => {
    const before = working(taskRunIs({ updatedAt: t0 }))
    expect(seen({ updatedAt: t0 }, before).session.taskRun).toMatchObject({ changedAt: t0 })
    expect(seen({ updatedAt: t0 + second }, before).session.taskRun).toMatchObject({
      changedAt: at,
    })
  })

  test('a change of its row is none once it is over, or its log would be waited for without end', () => {
    const over = { ...taskRun, status: 'failed' as const, updatedAt: t0 }
    const before = working({ session: { taskRun: over } })
    const { session } = seen({ status: 'failed', updatedAt: t0 + second }, before)
    expect(session.taskRun).toMatchObject({ changedAt: t0 })
  })

  test('what was known and is not said again stays', () => {
    const before = working(
      taskRunIs({ error: 'boom', headBranch: 'codex/x', model: 'gpt-5', effort: 'low' }),
    )
    expect(seen({}, before).session.taskRun).toEqual(before.session.taskRun)
  })

  test.each<[string, RunChange, number, number | undefined]>([
    [
      'with the instruction',
      { mailbox: { words: [instruction('sent')] } },
      t0 + second,
      t0 + second,
    ],
    [
      'not before the look at which it had not',
      lastPoll(t0 + 2 * second),
      t0 + second,
      t0 + 2 * second,
    ],
    ['with the words of a later round', { result: { round: 1 } }, t0 + second, undefined],
  ])('the agent begins when its log shows its words: %s', (_, given, saidAt, began) => {
    const words = { kind: 'words' as const, messages: ['run-comment-501'] }
    const before = working({ mailbox: { words: [instruction('sent')] } }, given)
    const { session } = seen({ log: [{ at: saidAt, what: words }] }, before)
    expect(session.began?.at).toBe(began)
  })

  test('a Run that has none sees none', () => {
    const before = runWith()
    expect(seen({ status: 'completed', log: [activity] }, before)).toBe(before)
  })

  const one = 'https://github.com/acme/shop/pull/1'
  const asPostHogWritesIt = 'https://github.com/ACME/shop/pull/9'
  test.each<[string, string[], Partial<Run['result']>, string[]]>([
    ['one', [one], {}, [one]],
    ['the same one twice', [one, one], {}, [one]],
    ['one that is claimed already', [one], { claimedPulls: [one] }, [one]],
    ['one that was found to be foreign', [one], { foreignPulls: [one] }, []],
    ['one that is known, written otherwise', [asPostHogWritesIt], { pulls: [pull] }, []],
    ['a second one', [pull.url, one], { pulls: [pull] }, [one]],
    ['one of another repository', ['https://github.com/acme/other/pull/9'], {}, []],
    ['one of another server', ['https://evil.example/acme/shop/pull/9'], {}, []],
    ['none', ['https://github.com/acme/shop/issues/9'], {}, []],
  ])('pull requests that PostHog tells of: %s', (_, pulls, result, claimed) =>
    expect(seen({ pulls }, working({ result })).result.claimedPulls).toEqual(claimed),
  )
})

/** It failed once and was resumed. */
const again = { resumed: { why: 'failed' as const } }

describe('the outcome', () => {
  const ended = (status: 'completed' | 'failed' | 'cancelled', error?: string): RunChange => ({
    session: { taskRun: { ...taskRun, status, ...(error === undefined ? {} : { error }) } },
    result: status === 'failed' ? again : {},
    schedule: { lastPollAt: t0 + limits.lateLog },
  })
  const answered = logIs({
    offset: 1,
    prompts: [],
    turns: 1,
    ended: { at: t0 },
    answer: 'Because.',
  })
  const another = { ...pull, number: 10 }
  const stop = { by: maya, at: t0 }

  test.each<[string, RunChange, object]>([
    ['a new pull request', hasPull, { kind: 'pull' }],
    [
      'a pull request that is no news, and words',
      changed(toldOfPull, answered),
      { kind: 'answer' },
    ],
    [
      'a second pull request',
      changed(toldOfPull, { result: { pulls: [pull, another] } }),
      { kind: 'pull' },
    ],
    [
      'a run that failed after its pull request',
      changed(ended('failed', 'x'), hasPull),
      { kind: 'failed' },
    ],
    ['commits', changed({ result: { pushed: 'abc' } }, answered), { kind: 'pushed', sha: 'abc' }],
    ['words', changed(ended('completed'), answered), { kind: 'answer' }],
    ['nothing', ended('completed'), { kind: 'nothing' }],
    [
      'somebody’s stop',
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
    [
      'a stop by somebody in PostHog',
      ended('cancelled'),
      { kind: 'unfinished', why: 'interrupted' },
    ],
    ['a failure', ended('failed', 'agent_error: boom'), { kind: 'failed', class: 'agent' }],
  ])('%s', (_, given, expected) => expect(outcomeOf(working(given))).toMatchObject(expected))
})
