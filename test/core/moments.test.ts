/** What stands in a thread for a moment is true in that moment, and said once. */
import { describe, expect, test } from 'vitest'
import { modelMeant } from '../../src/commands/run-options.ts'
import { NoResponse, unansweredBy } from '../../src/core/model/errors.ts'
import { noActivity } from '../../src/core/record/agent-activity.ts'
import { observe } from '../../src/core/record/apply-snapshot.ts'
import { Given, type Outcome, type Run, type RunChange } from '../../src/core/record/run.ts'
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
  inLine,
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
    told('agent', false, t0 + hour + 10 * second),
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

describe('words that nobody needs', () => {
  const beside: RunChange = { mailbox: { followUpsSent: 1 } }
  const unsaid: RunChange = { report: { announced: { ...told, word: false } } }
  const merged: RunChange = {
    result: { pulls: [pull], ended: { number: pull.number, how: 'merged', at: now } },
  }
  const permitted: RunChange = { session: { permission: { id: 'p', title: 'push', allowed: false } } }
  const failed: Outcome = { kind: 'failed', class: 'agent', reason: 'It broke', fix: 'Look.' }
  const notServed = { kind: 'not-served', owner: 'globex', ownerId: 7 } as const
  const ended = (outcome: Outcome, ...more: RunChange[]): Run =>
    working(
      {
        result: { concludedAt: now, outcome },
        report: { announced: told },
        session: { progress: setUp(true) },
      },
      logIs({
        offset: 1,
        turns: 1,
        answer: 'Done.',
        activity: { ...noActivity, files: ['a.ts'], commands: 2 },
      }),
      ...more,
    )
  const setUp = (done: boolean) => [
    { step: 'setup', label: 'Setting up', done: true, at: t0 },
    { step: 'clone', label: 'Cloning', done, at: t0 + 4 * second },
  ]
  const answered = ended({ kind: 'answer' })
  const byMaya = ended({ kind: 'stopped', by: 'maya' })
  const long = `Please ${'fix this '.repeat(60)}whole`
  const asksLong: RunChange = { request: { ...ask, text: long } }
  const word = (run: Run): string => closingComment(run, deployment)

  test.each<[string, string, RegExp]>([
    ['that Codex read all there was, while it works', status(working()), /Codex read/],
    ['that it did, in the last word', word(answered), /Codex read/],
    ['set-up that is done', status(working({ session: { progress: setUp(true) } })), /Setting up|Cloning/],
    ['the steps of what went well', word(answered), /Setting up|In total|<details>/],
    ['details in a status that is folded', status(answered), /<details>/],
    ['a small line in a status that is folded', status(answered), /<sub>/],
    ['details below a stop, for whoever stopped it', status(byMaya), /<details>/],
    ['details below a stop', word(ended({ kind: 'stopped', by: 'zoe' })), /<details>/],
    ['a long instruction in what is mailed first', status(runWith(asksLong)), /whole/],
    ['a long instruction in the last word', word(ended({ kind: 'answer' }, asksLong)), /Please/],
    ['a long one beside others', word(ended({ kind: 'answer' }, asksLong, beside)), /(?:fix this ){5}/],
    ['`/codex help`', status(working()), /codex help/],
    ['how to add to what is getting ready', status(runWith({ schedule: { admitted: true } })), /to add/],
    ['how to add to what waits', status(runWith(inLine(1))), /to add/],
    ['that a hint comes once', replyComment('maya', notServed), /once/],
  ])('%s', (_, text, words) => {
    expect(text).not.toMatch(words)
  })

  test.each<[string, string, RegExp]>([
    [
      'what Codex did not get',
      word(ended({ kind: 'answer' }, { workspace: { given: Given.parse({ leftOut: { bots: 2 } }) } })),
      /Codex read the instruction[^\n]*did not read: 2 by bots/,
    ],
    ['what is cut', status(working({ workspace: { given: Given.parse({ cut: ['description'] }) } })), /Cut:/],
    [
      'set-up under way',
      status(working({ session: { progress: setUp(false) } })),
      /✅ Setting up[\s\S]*⏳ Cl/,
    ],
    ['set-up that failed', word(ended(failed, { session: { progress: setUp(false) } })), /❌ Cloning/],
    ['how far one that failed came', word(ended(failed)), /In total: 1 file changed, 2 commands run/],
    ['a permission', word(ended({ kind: 'answer' }, permitted)), /asked for permission and may not/],
    ['a status that no last word follows', status(ended({ kind: 'answer' }, unsaid)), /<sub>.*maya/],
    ['one whose pull request was merged', status(ended({ kind: 'pull' }, merged)), /<sub>.*merged at/],
    ['how to add, once it works', status(working()), /to add instructions/],
    [
      'which of several requests it is',
      word(ended({ kind: 'answer' }, beside)),
      /<sub>\[fix the flaky login test\]\(https:\/\/github\.com\/acme\/shop\/issues\/7#issuecomment-501\)/,
    ],
  ])('but %s', (_, text, words) => {
    expect(text).toMatch(words)
  })
})
