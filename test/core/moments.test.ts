/** What stands in a thread for a moment is true in that moment, and said once. */
import { describe, expect, test } from 'vitest'
import { NoResponse, unansweredBy } from '../../src/core/model/errors.ts'
import type { LogEntry } from '../../src/core/model/task-run.ts'
import { rightsOf } from '../../src/core/record/request-part.ts'
import { changed, type Outcome, type Run, type RunChange } from '../../src/core/record/run.ts'
import { noActivity } from '../../src/core/record/session-part.ts'
import { withCiTurn } from '../../src/core/record/turn-log.ts'
import { contextGiven } from '../../src/core/record/words-to-say.ts'
import { GivenContext } from '../../src/core/record/workspace-part.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import { closingComment } from '../../src/core/words/closing.ts'
import { refusals } from '../../src/core/words/refusals.ts'
import { replies } from '../../src/core/words/replies.ts'
import { pullFooter } from '../../src/core/words/small-line.ts'
import { statusComment } from '../../src/core/words/status.ts'
import {
  admitted,
  ask,
  contextFor,
  deployment,
  hasPull,
  hour,
  idleSince,
  left,
  logIs,
  maya,
  minute,
  more,
  pull,
  pullThread,
  runWith,
  status as statusHere,
  t0,
  told,
  toldOfPull,
  word,
  wordsAre,
  working,
  zoe,
} from './given.ts'

const now = t0 + 3 * minute
const status = (run: Run) => statusComment(run, deployment, now)
const wordOf = (...given: RunChange[]) =>
  closingComment(
    working({ result: { concludedAt: now }, report: { done: told } }, ...given),
    deployment,
  )

describe('a pull request', () => {
  const opened = (differs: Partial<typeof pull>) =>
    wordOf({
      result: { outcome: { kind: 'pull' }, pulls: [{ ...pull, ...differs }] },
    })

  test.each([
    [{}, 'Codex opened draft **[#9 '],
    [{ draft: false }, 'Codex opened **[#9 '],
    [{ state: 'merged' as const }, '**, which was merged'],
    [{ state: 'closed' as const }, '**, which was closed without a merge'],
  ])('that is %j is told as that', (differs, words) => {
    expect(opened(differs)).toContain(words)
    expect(opened(differs)).not.toContain('ready')
  })

  test('that the settings want ready is no draft, as it is marked right after', () => {
    const settings = {
      ...defaultSettings,
      pull_request: { ...defaultSettings.pull_request, draft: false },
    }
    const result = { outcome: { kind: 'pull' as const }, pulls: [pull] }
    expect(wordOf({ baseline: { settings }, result })).toContain('Codex opened **[#9 ')
  })

  const still = 'Codex still works on it'
  test.each([
    ['before its agent begins', runWith(toldOfPull, { request: { ...ask, what: 'plan' } }), false],
    ['after this run pushed', working(toldOfPull, { result: { pushed: 'c'.repeat(40) } }), true],
    ['that this run opened', working(hasPull), true],
  ])('%s', (_, run, isWorkedOn) => {
    expect(status(run)).toContain('[#9 ')
    expect(status(run).includes(still)).toBe(isWorkedOn)
  })
})

test('words that an ended session never read are asked again, which is one sentence', () => {
  const text = status(working({ result: { resumed: { why: 'unread' } } }))
  expect(text).toContain('The session ended before Codex read this. Codex is asked again.')
  expect(text).not.toContain('had not finished')
})

test('what an agent that did not finish said last is quoted as its words', () => {
  const text = wordOf(
    { result: { outcome: { kind: 'unfinished', why: 'sandbox-gone' } } },
    logIs(idleSince(t0, { answer: 'I will now change the parser.\n\nThen the tests.' })),
  )
  expect(text).toContain(
    'Codex’s last words:\n\n> I will now change the parser.\n>\n> Then the tests.\n\n- [ ] Go on',
  )
})

test('a comment that came too late for the first words, and was read with the next, is not called unread', () => {
  const later = (count: number): RunChange => ({
    workspace: {
      threadContext: contextFor('b', { leftOut: { later: count } }),
      given: GivenContext.parse({ leftOut: { later: 1 } }),
    },
  })
  const unread = (count: number): number | undefined => {
    const run = working(later(count), wordsAre(word('waiting', more('b'))))
    return contextGiven(run, more('b')).workspace?.given?.leftOut.later
  }
  expect([unread(0), unread(1)]).toEqual([0, 1])
})

test('a fault of GitHub that does not answer is named once', () => {
  const fault = new NoResponse('github', 'GitHub did not answer (ECONNREFUSED)')
  expect(unansweredBy('github', fault)).toBe('GitHub did not answer (ECONNREFUSED)')
  expect(unansweredBy('github', new Error('socket hang up'))).toBe(
    'GitHub did not answer: socket hang up',
  )
})

describe('words that nobody needs', () => {
  const beside = wordsAre(word('read', more('b'), { round: undefined }))
  const unsaid = left('last-word')
  const failed: Outcome = { kind: 'failed', class: 'agent', reason: 'It broke', fix: 'Look.' }
  const leftOut: RunChange = {
    workspace: { given: GivenContext.parse({ leftOut: { outsiders: 2 } }) },
  }
  const activity = { ...noActivity, files: ['a.ts'], commands: 2 }
  const log = logIs(idleSince(t0, { activity }))
  const ended = (outcome: Outcome, ...more: RunChange[]) =>
    working({ result: { concludedAt: now, outcome }, report: { done: told } }, log, ...more)
  const long = `Please ${'fix this '.repeat(60)}whole`
  const asksLong: RunChange = { request: { ...ask, text: long } }
  const closing = (run: Run) => closingComment(run, deployment)

  test.each([
    [
      'details below a stop, for whoever stopped it',
      status(ended({ kind: 'stopped', by: 'maya' })),
      '<details>',
    ],
    ['a long instruction in what is mailed first', status(runWith(asksLong)), 'whole'],
    ['a long instruction in the last word', closing(ended({ kind: 'answer' }, asksLong)), 'Please'],
    [
      'a long one beside others',
      closing(ended({ kind: 'answer' }, asksLong, beside)),
      'fix this '.repeat(5),
    ],
    ['how to add to what is getting ready', status(runWith(admitted)), 'to add'],
  ])('%s', (_, text, words) => expect(text).not.toContain(words))

  test.each([
    [
      'what Codex did not get',
      closing(ended({ kind: 'answer' }, leftOut)),
      'did not read: 2 by people',
    ],
    [
      'how far one that failed came',
      closing(ended(failed)),
      'In total: 1 file changed, 2 commands run',
    ],
    [
      'a status that no last word follows',
      status(ended({ kind: 'answer' }, unsaid)),
      '<sub>fix the flaky login test · maya',
    ],
  ])('are not left out: %s', (_, text, words) => expect(text).toContain(words))
})

describe('of a pull request, what is known is said', () => {
  const size = { files: 3, additions: 24, deletions: 5 }
  const one = { files: 1, additions: 1, deletions: 0 }
  const checks = { passed: 2, failed: 0, running: 1 }
  const sha = 'c'.repeat(40)
  const mergedAt = { number: pull.number, how: 'merged' as const, at: t0 + hour }

  const opened: [string, RunChange['result'], string][] = [
    ['nothing', { pulls: [pull] }, `(${pull.url})`],
    [
      'what was looked at last',
      { pulls: [{ ...pull, size: one }], looked: { number: 9, size, checks } },
      ' · 3 files, +24 −5 · checks: 2 passed, 1 running',
    ],
    [
      'checks that came to nothing',
      { pulls: [pull], looked: { number: 9, checks: { passed: 0, failed: 0, running: 0 } } },
      `(${pull.url})**`,
    ],
    [
      'several',
      {
        pulls: [
          { ...pull, number: 10, size: one },
          { ...pull, size },
        ],
      },
      'draft · 3 files, +24 −5',
    ],
  ]
  test.each(opened)('that was opened: %s', (_, result, words) => {
    const [first = ''] = wordOf({
      result: { outcome: { kind: 'pull' }, ...result },
    }).split('\n\n<')
    expect(first).toContain(words)
    expect(first.includes('checks')).toBe(words.includes('checks'))
  })

  test('to which was pushed', () => {
    const pushed: RunChange = {
      thread: pullThread,
      result: {
        outcome: { kind: 'pushed', sha },
        looked: { number: 8, size, checks: { passed: 0, failed: 1, running: 0 } },
      },
    }
    expect(wordOf(pushed)).toContain(' is on this pull request (checks: 1 failed).')
  })

  const ends: [string, RunChange['result'], string][] = [
    [
      'merged',
      { ended: mergedAt },
      '🎉 **Merged** 2026-01-02 15:02 UTC\n\n@maya Codex opened **[#9 ',
    ],
    [
      'closed',
      { ended: { ...mergedAt, how: 'closed' } },
      '✖️ **Closed without a merge** 2026-01-02 15:02 UTC\n\n@maya Codex opened **[#9 ',
    ],
    [
      'one of several',
      { pulls: [{ ...pull, number: 10 }, pull], ended: mergedAt },
      `🎉 [#9 ${pull.title}](${pull.url}): **Merged** 2026-01-02 15:02 UTC\n\n`,
    ],
  ]
  test.each(ends)('that is over: %s', (_, result, words) => {
    const told = {
      pulls: [{ ...pull, size, state: 'merged' as const }],
      looked: { number: 9, checks },
    }
    const said = wordOf({
      session: { sessionLog: idleSince(t0) },
      result: { outcome: { kind: 'pull' }, ...told, ...result },
    })
    expect(said.startsWith(words)).toBe(true)
    expect(said).not.toMatch(/which was|checks:/)
  })

  test('with whom it is for, where, and how to go on there', () =>
    expect(pullFooter(runWith())).toBe(
      '<sub>Asked for by `maya` in #7 · `/codex …` works here</sub> <!-- codex-asked -->',
    ))
})

describe('after its last word', () => {
  const lastWord = { commentId: 77, as: 'comment' as const }
  const done: RunChange = {
    result: { outcome: { kind: 'pull' }, pulls: [pull] },
    report: { status: statusHere },
  }
  const answer = (...given: RunChange[]) =>
    replies.status({ last: working(done, ...given), asked: true, now }).text

  test('`/codex status` leads to that, else to the status', () => {
    expect(answer()).toContain('[Details](https://github.com/acme/shop/issues/7#issuecomment-601)')
    expect(answer({ report: { status: statusHere, lastWord } })).toContain(
      '[What Codex said](https://github.com/acme/shop/issues/7#issuecomment-77)',
    )
    expect(answer({ report: { status: statusHere, lastWord } })).not.toContain('Details')
    const place = (as: 'inline' | 'review') => answer({ report: { lastWord: { ...lastWord, as } } })
    expect(place('inline')).toContain('#discussion_r77')
    expect(place('review')).toContain('#pullrequestreview-77')
  })

  const prompt = (...messages: string[]): LogEntry['what'] => ({
    kind: 'prompt',
    id: '9',
    messages,
  })
  const goOn: LogEntry['what'] = { kind: 'prompt', id: '9', messages: [], byPostHog: true }
  const says = (text: string): LogEntry['what'] => ({ kind: 'message', text })
  const logs: [string, LogEntry['what'][], string | undefined][] = [
    ['its turn for the checks', [goOn, says('Looking.'), says('All green.')], 'All green.'],
    ['somebody’s turn after it', [goOn, prompt('m'), says('Yours.')], undefined],
    ['a new process', [goOn, { kind: 'begins' }, says('Resumed.')], undefined],
  ]
  test.each(logs)('its agent is quoted above the last word: %s', (_, entries, said) => {
    const log = entries.map(what => ({ at: t0 + hour, what }))
    const before = idleSince(t0)
    const sessionLog = log.reduce(withCiTurn, before)
    const needs = {
      number: 9,
      failedChecks: [],
      hasConflicts: true,
      changesRequestedBy: [],
      unresolved: [],
    }
    const shown = closingComment(
      working(done, { session: { sessionLog }, result: { needs } }),
      deployment,
    )
    const quote = `Codex looked at the checks, and said at 2026-01-02 15:02 UTC:\n\n> ${said}`
    expect(shown.includes('looked at the checks')).toBe(said !== undefined)
    if (said !== undefined) expect(shown).toContain(quote)
  })
})

describe('whose and which', () => {
  const added = (...by: { login: string; id: number }[]) =>
    by.map((each, n) => word('read', more(`w${n}`, 'more', each)))

  test.each([
    [[], undefined],
    [[zoe, maya, zoe], '3 instructions added (by zoe, maya)'],
    [
      ['ann', 'ben', 'cem', 'dee', 'eve'].map((login, at) => ({ login, id: 20 + at })),
      '5 instructions added (by ann, ben, cem and 2 more)',
    ],
  ])('instructions of %j are theirs', (by, words) => {
    const text = status(
      working(logIs({ offset: 1, turns: 0, prompts: [] }), wordsAre(...added(...by)), {
        mailbox: { requesters: by },
      }),
    )
    if (words === undefined) expect(text).not.toContain('added')
    else expect(text).toContain(words)
  })

  test('who only waits has added nothing', () => {
    const goOn = word('read', more('g'), { resumes: true })
    const run = working(wordsAre(...added(maya), word('waiting', more('z')), goOn))
    expect(status(run)).toContain('1 instruction added (by maya) · 1 instruction waiting')
  })

  test.each([
    [{ kind: 'tick' as const }, 'box ticked by maya, 14:02 UTC'],
    [
      { kind: 'tick' as const, admin: 'an admin' },
      '<sub>maya, 14:02 UTC · started again by an admin',
    ],
    [ask.origin, '<sub>maya, 14:02 UTC'],
  ])('a run by %j says who began it', (origin, words) =>
    expect(status(working({ request: { ...ask, origin } }))).toContain(words),
  )
})

describe('a run in line', () => {
  const after = { number: 8, url: 'https://github.com/acme/shop/pull/8' }
  const link = `[#8](${after.url})`
  const inLine = (waits: NonNullable<Run['schedule']['waits']>) =>
    status(runWith({ schedule: { waits } }))

  test.each([
    [{ kind: 'line', of: 'repository', ahead: 1, after } as const, `one run before it: ${link}`],
    [
      { kind: 'line', of: 'owner', ahead: 3, after } as const,
      `3 runs before it, the last of them ${link}`,
    ],
    [{ kind: 'session', ahead: 1, after } as const, `one run before it: ${link}`],
    [{ kind: 'line', of: 'repository', ahead: 2 } as const, '2 runs before it\n'],
  ])('%j says which', (waits, words) => expect(inLine(waits)).toContain(words))
})

test.each([
  [{ line: 'plan the rest' }, 'you stopped `/codex plan the rest` before it began.'],
  [{ line: 'a'.repeat(200) }, `you stopped \`/codex ${'a'.repeat(80)} …\` before`],
  [{ label: 'codex:high' }, 'you stopped what the label `codex:high` asks for before'],
  [{}, 'you stopped what you asked for before'],
])('a command that was stopped while it waited is named: %j', (named, words) =>
  expect(refusals.stoppedWaiting([named], undefined).text).toContain(words),
)

describe('a session that goes on', () => {
  const had = (model: string, effort?: 'low' | 'high'): RunChange => ({
    session: {
      earlier: {
        taskId: 'task-1',
        taskRunId: 'r-1',
        over: true,
        may: rightsOf({ ...ask.options, model, effort }, 'main'),
      },
    },
  })
  const has = (model: string, effort?: 'low' | 'high'): RunChange => ({
    request: { ...ask, options: { ...ask.options, model, effort } },
  })

  test.each([
    [
      'with another effort',
      had('gpt-5.5', 'high'),
      has('gpt-5.5', 'low'),
      'From here on with `gpt-5.5`, effort `low`.',
    ],
    ['with another model', had('gpt-5'), has('gpt-5.5'), 'From here on with `gpt-5.5`.'],
    ['with the same', had('gpt-5.5', 'low'), has('openai/GPT-5.5', 'low'), undefined],
  ])('%s', (_, was, is, words) => {
    for (const run of [runWith(was, is), working(was, is)]) {
      if (words === undefined) expect(status(run)).not.toContain('From here on')
      else expect(status(run)).toContain(words)
    }
  })

  test('that is left for a new one has no middle', () => {
    const left = changed(runWith(had('gpt-5')), has('gpt-5.5'))
    const earlier = left.session.earlier && { ...left.session.earlier, resumes: false }
    expect(status(changed(left, { session: { earlier } }))).not.toContain('From here on')
  })
})
