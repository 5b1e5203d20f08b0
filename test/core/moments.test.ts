/** What stands in a thread for a moment is true in that moment, and said once. */
import { describe, expect, test } from 'vitest'
import { modelMeant } from '../../src/commands/run-options.ts'
import { NoResponse, unansweredBy } from '../../src/core/model/errors.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import { Given, type Run, type RunChange } from '../../src/core/record/run.ts'
import { contextGiven, wordsOf } from '../../src/core/record/words-to-say.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { replyComment } from '../../src/core/words/replies.ts'
import { statusComment } from '../../src/core/words/status.ts'
import { faultOf } from '../../src/posthog/posthog-http.ts'
import {
  ask,
  contextFor,
  deployment,
  hour,
  logIs,
  minute,
  more,
  pull,
  runWith,
  second,
  snapshotWith,
  t0,
  taskRunIs,
  told,
  working,
} from './given.ts'

const now = t0 + 3 * minute
const status = (run: Run): string => statusComment(run, deployment, now)
const wordOf = (...given: RunChange[]): string =>
  closingComment(working({ result: { concludedAt: now }, report: { announced: told } }, ...given), deployment)

describe('a pull request', () => {
  const opened = (differs: Partial<typeof pull>): string =>
    wordOf({ result: { concludedAt: now, outcome: { kind: 'pull' }, pulls: [{ ...pull, ...differs }] } })

  test.each([
    [{}, 'Codex opened draft **[#9 '],
    [{ draft: false }, 'Codex opened **[#9 '],
    [{ state: 'merged' as const }, '**, which was merged'],
    [{ state: 'closed' as const }, '**, which was closed without a merge'],
  ])('that is %j is told as that', (differs, words) => {
    expect(opened(differs)).toContain(words)
    expect(opened(differs)).not.toContain('ready')
  })

  const still = 'Codex still works on it'
  const earlier: RunChange = { result: { pulls: [pull], reported: 1 } }
  test.each([
    ['before its agent begins', runWith(earlier, { request: { ...ask, what: 'plan' } }), false],
    ['before this run pushed', working(earlier), false],
    [
      'after this run pushed',
      working(earlier, { result: { pulls: [pull], reported: 1, pushed: 'c'.repeat(40) } }),
      true,
    ],
    ['that this run opened', working({ result: { pulls: [pull] } }), true],
  ])('%s', (_, run, isWorkedOn) => {
    expect(status(run)).toContain('[#9 ')
    expect(status(run).includes(still)).toBe(isWorkedOn)
  })
})

test('words that an ended session never read are asked again, which is one sentence', () => {
  const text = status(working({ result: { resumed: { why: 'unread', words: [] } } }))
  expect(text).toContain('The session ended before Codex read this. Codex is asked again.')
  expect(text).not.toContain('had not finished')
})

test('a step that another session takes again has its own time', () => {
  const label = (step: string): string => ({ setup: 'Setting up', clone: 'Cloning' })[step] ?? step
  const told = (step: string, done: boolean, at: number) => ({
    at,
    what: { kind: 'progress' as const, step, label: label(step), done },
  })
  const first = [
    told('setup', false, t0),
    told('setup', true, t0 + 4 * second),
    told('clone', true, t0 + 5 * second),
  ]
  const again = [
    told('setup', false, t0 + hour),
    told('setup', true, t0 + hour + 3 * second),
    told('clone', false, t0 + hour + 3 * second),
    told('clone', true, t0 + hour + 10 * second),
  ]
  const run = [first, again].reduce(
    (before, log) => observe(before, snapshotWith({ log }), now),
    working(logIs({ offset: 0, turns: 0, prompts: [] })),
  )
  expect(status(run)).toContain('✅ Setting up · 3 s\n✅ Cloning · 7 s')
})

test('what an agent that did not finish said last is quoted as its words', () => {
  const text = wordOf(
    { result: { concludedAt: now, outcome: { kind: 'unfinished', why: 'sandbox-gone' } } },
    logIs({ offset: 1, turns: 1, answer: 'I will now change the parser.\n\nThen the tests.' }),
  )
  expect(text).toContain(
    'Codex’s last words:\n\n> I will now change the parser.\n>\n> Then the tests.\n\n**What to do:**',
  )
})

test('a run that is over is told to have ended at once, and cannot be stopped any more', () => {
  const text = status(working(taskRunIs({ status: 'failed' })))
  expect(text).toContain('### ⏳ Codex has ended')
  expect(text).not.toMatch(/Codex is|codex-box:stop/)
})

test('a comment that came too late for the first words, and was read with the next, is not called unread', () => {
  const later = (count: number): RunChange => ({
    workspace: {
      threadContext: contextFor('b', { leftOut: { later: count } }),
      given: Given.parse({ leftOut: { later: 1 } }),
    },
  })
  const unread = (count: number): number | undefined => {
    const run = working(later(count), { mailbox: { pendingFollowUps: [more('b')] } })
    return contextGiven(run, wordsOf(more('b'))).workspace?.given?.leftOut.later
  }
  expect([unread(0), unread(1)]).toEqual([0, 1])
})

describe('a fault is named once', () => {
  test('of GitHub that does not answer', () => {
    const fault = new NoResponse('github', 'GitHub did not answer (ECONNREFUSED)')
    expect(unansweredBy('github', fault)).toBe('GitHub did not answer (ECONNREFUSED)')
    expect(unansweredBy('github', new Error('socket hang up'))).toBe('GitHub did not answer: socket hang up')
  })

  test('of PostHog that only has a status', () => {
    expect(faultOf(502, {}, { now }).message).toBe('PostHog answered 502')
    expect(faultOf(502, { detail: 'no sandbox' }, { now }).message).toBe('PostHog answered 502: no sandbox')
  })

  test('of a settings file', () => {
    const path = '.github/codex.yml'
    const problem = `${path}, line 2: \`effort\` must be a word; ${path}, line 3: \`nodel\` is no setting`
    const said = replyComment('maya', { kind: 'bad-settings', problem, slips: [{ path, count: 2 }] })
    expect(said.split(path)).toHaveLength(2)
    expect(said).toContain('- line 2: `effort` must be a word\n- line 3: `nodel` is no setting')
  })
})

describe('a model that is not there', () => {
  const names = ['gpt-5', 'gpt-5.4', 'gpt-5.4-mini', 'gpt-5.5', 'gpt-5.5-mini', 'o4']
  test.each([
    ['gpt-6', 'gpt-5.5'],
    ['gpt-5.9', 'gpt-5.5'],
    ['gtp-5.4', 'gpt-5.4'],
    ['gpt-5.4-mni', 'gpt-5.4-mini'],
    ['o3', 'o4'],
    ['claude', undefined],
  ])('%s: %s is meant', (given, meant) => {
    expect(modelMeant(given, names)).toBe(meant)
  })
})
