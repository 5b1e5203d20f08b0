import { describe, expect, test } from 'vitest'
import { commands, parseCommands } from '../../src/commands/command-registry.ts'
import { infoOf, optionNames, usageOf } from '../../src/core/command/options.ts'
import type { Mistake } from '../../src/core/command/parse.ts'
import { failedCheck, passedCheck } from '../../src/core/model/check.ts'
import { zeroLimit } from '../../src/core/record/failures.ts'
import type { ReplyContent } from '../../src/core/record/mailbox-part.ts'
import { ofReview } from '../../src/core/record/open-question.ts'
import {
  changed,
  type Outcome,
  type Run,
  type RunChange,
  type Stray,
} from '../../src/core/record/run.ts'
import type { Phase } from '../../src/core/record/situation.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import { exactly, moment } from '../../src/core/text/phrases.ts'
import { closingComment as closingFor, inlineAnswer } from '../../src/core/words/closing.ts'
import { refusals } from '../../src/core/words/refusals.ts'
import { type Reply, replies, replyComment, replyToMessage } from '../../src/core/words/replies.ts'
import { phaseKey, statusComment } from '../../src/core/words/status.ts'
import { maxComment } from '../../src/core/words/words.ts'
import { cmarkAvailable, renderAll } from '../support/cmark-gfm.ts'
import { seen } from '../support/pages.ts'
import {
  admitted,
  ask,
  branch,
  deployment,
  head,
  hour,
  idleSince,
  instruction,
  issueThread,
  left,
  inLine as lineOf,
  logIs,
  maya,
  minute,
  more,
  noTaskRun,
  notSent,
  pull,
  pullThread,
  runWith,
  second,
  t0,
  taskRun,
  taskRunIs,
  told,
  toldOfPull,
  word,
  wordsAre,
  working,
} from './given.ts'

const now = t0 + 3 * minute
const status = (run: Run) => statusComment(run, deployment, now)
/** Without the details and the footer, which are much the same in each phase. */
const body = (text: string) =>
  text.replace(/<details>[\s\S]*<\/details>\n\n/, '').replace(/\n\n<sub>.*<\/sub>$/, '')
const each = (runs: Record<string, Run>, text: (run: Run) => string, between = '\n\n') =>
  Object.entries(runs)
    .map(([name, run]) => `${name}: ${text(run)}`)
    .join(between)
const closingComment = (run: Run) => closingFor(run, deployment)

const heard = {
  offset: 9,
  turns: 1,
  prompts: [],
  answer:
    'The test now waits for the session.\n\n- `login.test.ts` waits\n- thanks to @sam, see #5',
}
const saidNothing = logIs({ ...heard, answer: undefined })
const over: RunChange = {
  result: { concludedAt: now, resultChecked: true },
  report: { done: told },
  session: { sessionLog: heard, taskRun: { ...taskRun, status: 'completed' } },
}
const failure: Outcome = {
  kind: 'failed',
  class: 'quota',
  reason: 'The agent ran into a usage or spend limit',
  fix: 'Wait, then `/codex retry`.',
}
const stopped: Outcome = { kind: 'stopped', by: 'maya' }
/** How it ended, with what differs in its result. */
const endedAs = (outcome: Outcome, differs: Partial<Run['result']> = {}) =>
  working(over, { result: { outcome, ...differs } })
const withPulls = (...pulls: Partial<typeof pull>[]) =>
  endedAs({ kind: 'pull' }, { pulls: pulls.map(each => ({ ...pull, ...each })) })
const inLine = (ahead: number) => runWith(lineOf(ahead))
/** GitHub refused its last word, so that its status is all that people have. */
const unsaid = (run: Run) => changed(run, left('last-word'))
/** It was asked without words. */
const wordless: RunChange = { request: { ...ask, text: '' } }
const planned: RunChange = { request: { ...ask, what: 'plan' } }
const githubAway = (until: number, since = t0): RunChange => ({
  retries: { github: { why: 'x', since, until, count: 1 } },
})
const onPull: RunChange = {
  thread: pullThread,
  baseline: { head },
  workspace: { branch: { ...branch, name: head.ref, made: false, fresh: false } },
}

/** One Run in each phase. */
const phases: Record<Phase, Run> = {
  waiting: inLine(2),
  preparing: runWith(admitted),
  starting: working({ mailbox: { words: [instruction('sent')] } }),
  working: working(),
  stopping: working({ mailbox: { stop: { by: maya, at: now } } }),
  ending: working(taskRunIs({ status: 'failed' })),
  pull: endedAs({ kind: 'pull' }, { pulls: [pull], pushed: 'c'.repeat(40) }),
  pushed: working(over, onPull, {
    result: { outcome: { kind: 'pushed', sha: 'c'.repeat(40) }, pushed: 'c'.repeat(40) },
  }),
  answer: endedAs({ kind: 'answer' }),
  asks: changed(endedAs({ kind: 'answer' }), logIs({ ...heard, answer: 'Which one?' })),
  nothing: changed(endedAs({ kind: 'nothing' }), saidNothing),
  stopped: changed(endedAs(stopped), saidNothing),
  unfinished: endedAs({ kind: 'unfinished', why: 'sandbox-gone' }, { pulls: [pull] }),
  failed: endedAs(failure),
  unstarted: changed(endedAs(failure), notSent),
}

const plan = changed(phases.answer, planned)
const questioned: RunChange = { request: { ...ask, what: 'ask' } }
const question = changed(phases.answer, questioned)
describe('the status comment', () => {
  test('says what goes on, also where the pictures of threads do not show it', () => {
    const { preparing, starting, stopping, ending, nothing, unstarted } = phases
    const shown = { preparing, starting, stopping, ending, nothing, unstarted }
    expect(each(shown, run => body(status(run)))).toMatchInlineSnapshot(`
      "preparing: ### ⏳ Codex is getting ready

      > fix the flaky login test

      - [ ] Stop this run <!-- codex-box:stop -->

      starting: ### ⏳ PostHog is preparing a sandbox

      > fix the flaky login test

      - [ ] Stop this run <!-- codex-box:stop -->

      stopping: ### ⏳ Codex is stopping

      > fix the flaky login test

      ending: ### ⏳ Codex has ended

      > fix the flaky login test

      The bot waits up to 75 seconds for its last words. Then it tells the result.

      nothing: ### 💬 Codex finished

      unstarted: ### 👎 Not started

      ❌ The agent ran into a usage or spend limit."
    `)
  })

  test('everything that may be added', () => {
    const run = working(taskRunIs({ model: 'gpt-5', effort: 'low', authorship: 'bot' }), {
      ...wordsAre(
        ...['b', 'c'].map(id => word('read', more(id), { round: undefined })),
        word('waiting'),
      ),
      baseline: { settingsProblem: '.github/codex.yml, line 3, `model`, is not text' },
      workspace: {
        attachments: { ids: [], failed: [{ name: 'log.txt', why: 'it is larger than 10 MB' }] },
      },
      request: { ...ask, options: { ...ask.options, effort: 'high', authorship: 'user' } },
      retries: {
        posthog: {
          why: 'PostHog’s rate limit is reached',
          since: t0 + minute,
          until: t0 + 5 * minute,
          count: 3,
        },
      },
    })
    expect(body(status(run))).toMatchInlineSnapshot(`
      "### ⏸️ Codex waits for PostHog

      > fix the flaky login test

      PostHog has been unavailable since 14:03 UTC (PostHog’s rate limit is reached). Retrying.

      2 instructions added (by zoe) · 1 instruction waiting

      ⚠️ You asked for the model \`gpt-5.5\`. PostHog used \`gpt-5\`.
      ⚠️ You asked for the effort \`high\`. PostHog used \`low\`.
      ⚠️ The pull request will be by PostHog’s bot: the user of the PostHog key has no GitHub account there.
      ⚠️ Codex did not get \`log.txt\`: it is larger than 10 MB.
      ⚠️ .github/codex.yml, line 3, \`model\`, is not text. Until this is fixed, the last correct version applies.

      - [ ] Stop this run <!-- codex-box:stop -->"
    `)
  })

  const labelled: RunChange = {
    request: { ...ask, text: '', origin: { kind: 'label', label: 'codex' } },
  }
  const found: RunChange = { workspace: { branch: { ...branch, made: false, fresh: false } } }
  const push = (differs: Partial<Run['result']>) =>
    endedAs({ kind: 'pushed', sha: 'c' }, { pushed: 'c', ...differs })
  test.each([
    [
      'what whoever runs the bot has to mend, at once',
      runWith({ retries: { posthog: { why: 'No', since: t0, until: t0, count: 1, setup: true } } }),
      '### ⏸️ Codex waits for PostHog\n\n> fix the flaky login test\n\nNo. Whoever runs this bot has to fix it. Codex then continues',
    ],
    [
      'a request that waits, which can be cancelled',
      inLine(1),
      '\n- [ ] Cancel this request <!-- codex-box:stop -->\n',
    ],
    ['a plan that is made', working(planned), 'Codex is planning'],
    ['a question that was answered', question, '### 💬 Codex answered'],
    [
      'the newest edit, as it was typed',
      working(
        wordsAre(word('read', more('b', 'Fix #9.'), { typed: 'fix', replaces: working().id })),
      ),
      '\n> fix\n\n✏️ zoe edited this\n',
    ],
    [
      'a label that is the instruction',
      runWith(labelled),
      '\n> What the issue says (label `codex`)\n',
    ],
    [
      'a pull request that is the instruction',
      runWith(onPull, wordless),
      '\n> What the pull request says\n',
    ],
    [
      'a stop that PostHog does not answer',
      changed(phases.stopping, {
        retries: { posthog: { why: 'x', since: t0, until: t0, count: 1 } },
      }),
      '### ⏳ Codex is stopping\n\n> fix the flaky login test\n\nStops as soon as PostHog answers.\n',
    ],
    [
      'where one goes that no last word tells of',
      unsaid(phases.pull),
      '`codex/login` → `main`</sub>',
    ],
    [
      'two pull requests',
      withPulls({}, { number: 10 }),
      '🚀 [#9 Wait for the session before logging in](https://github.com/acme/shop/pull/9), [#10 ',
    ],
    [
      'a note on a pull request',
      withPulls({ remark: 'its base is wrong' }),
      '⚠️ #9: its base is wrong',
    ],
    [
      'commits on an issue’s pull request',
      push({ pulls: [pull], reported: 1 }),
      'pushed [`c`](https://github.com/acme/shop/commit/c) to [#9](',
    ],
    [
      'commits that no pull request shows',
      push({ pushedBranch: 'maya/login' }),
      ' to [`maya/login`](',
    ],
  ])('tells %s', (_, run, words) => expect(status(run)).toContain(words))

  test.each([
    ['short trouble', working(githubAway(now + 19 * second, now)), '⏸️'],
    ['trouble that is over with the run', changed(endedAs(failure), githubAway(now)), '⏸️'],
    ['a branch that was found, other than where it is', working(found), 'Branch'],
    ['an unused branch that is taken away', unsaid(phases.nothing), 'Branch'],
    ['an answer, which the last word carries', phases.answer, 'The test now waits'],
    ['the same model, written otherwise', working(taskRunIs({ model: 'GPT-5.5' })), '⚠️'],
  ])('does not tell of %s', (_, run, words) => expect(status(run)).not.toContain(words))
})

describe('a new phase', () => {
  const key = (run: Run) => phaseKey(run, now)
  test('is each of them, but “getting ready” and “preparing a sandbox” are one', () => {
    expect(new Set(Object.values(phases).map(key)).size).toBe(Object.keys(phases).length - 1)
    expect(key(phases.starting)).toBe(key(phases.preparing))
  })
  const { pull: atPull, working: atWork } = phases
  const pullIs = (differs: Partial<typeof pull>) =>
    changed(atPull, { result: { pulls: [{ ...pull, ...differs }] } })
  test.each([
    ['a line', runWith({}), inLine(1), true],
    ['another place in the line', inLine(2), inLine(1), false],
    ['a pull request that is no draft any more', atPull, pullIs({ draft: false }), true],
    ['a new round', atWork, changed(atWork, { result: { round: 1 } }), true],
    ['trouble that is worth telling', atWork, changed(atWork, githubAway(now)), true],
  ])('%s', (_, one, other, isNew) => expect(key(one) !== key(other)).toBe(isNew))
})

const zoeAdded = wordsAre(word('read'))

const inlineAsked = [1, 2].map(id => ofReview(id, 'm'))
const saidOf = (id: number, said: string) =>
  `\`\`\`review-comments\n${JSON.stringify([{ id, done: true, said }])}\n\`\`\``

describe('the last word', () => {
  test('does not say beside a box what that says', () => {
    expect(closingComment(phases.unfinished)).not.toContain('What to do')
    expect(closingComment(question)).toContain(' · `/codex ask …` asks more</sub>')
  })
  test.each(['pull', 'pushed', 'answer', 'nothing', 'stopped', 'failed'] as const)(
    '%s begins with whom it is for, and is short',
    name => {
      const run = phases[name]
      expect(closingComment(run)).toMatch(/^@maya /)
      expect(closingComment(changed(run, zoeAdded))).toMatch(/^@maya @zoe /)
      const [open = ''] = closingComment(run).split(/<(?:details|sub)>/)
      expect(open.length).toBeLessThan(500)
    },
  )

  test('stands for the status, so that it has all that is left to say', () => {
    const run = changed(phases.answer, {
      session: { cost: 0.42 },
      baseline: { settingsProblem: 'x is not a setting' },
    })
    const last = closingComment(run)
    expect(last).toMatch(/⚠️ x is not a setting[\s\S]*<sub>.* · \$0\.42 · /)
    expect(status(run)).not.toContain('$')
    expect(status(changed(phases.stopped, { session: { cost: 0.42 } }))).toContain('$0.42')
  })

  test.each([
    [7.9, ''],
    [
      null,
      "⚠️ The limit of `$10` for a session can't be kept: PostHog does not say what this one has cost.",
    ],
    [
      8,
      'ℹ️ This session has cost `$8`. The limit for one is `$10`; at the limit it accepts no further instructions.',
    ],
    [
      10.5,
      '⚠️ This session has cost `$10.50`. The limit for one is `$10`, so it accepts no further instructions. `/codex --new …` starts a new session.',
    ],
  ])('at %s of a session’s $10', (cost, warning) => {
    const limits = { ...defaultSettings.limits, cost_per_run: 10 }
    const settings = { ...defaultSettings, limits }
    const run = changed(phases.answer, { session: { cost }, baseline: { settings } })
    const [line = ''] = /.*(?:This|for a) session.*/.exec(closingComment(run)) ?? []
    expect(line).toBe(warning)
  })

  test.each([
    ['Which one is it?', true],
    ['**Which one is it?**\n\n- `a`\n- `b`\n', true],
    ['Which one?\n1. a\n2) b', true],
    ['Why? It has no index:\n\n- `orders`', false],
    ['Is it slow? Yes.', false],
  ])('calls %j a question: %s', (answer, isQuestion) => {
    const run = changed(phases.answer, logIs({ ...heard, answer }))
    const said = closingComment(run)
    expect(said.startsWith('@maya Codex has a question. Answer with `/codex …`.')).toBe(isQuestion)
    expect(said.includes('`/codex …` continues')).toBe(!isQuestion)
  })

  const ends = {
    'commits on the pull request of an issue': working(over, {
      result: { outcome: { kind: 'pushed', sha: 'c'.repeat(40) }, pulls: [pull], reported: 1 },
      session: { sessionLog: undefined },
    }),
    nothing: phases.nothing,
    'stopped, with nothing left behind': phases.stopped,
    'stopped, with commits left behind': changed(phases.stopped, {
      result: { pushed: 'c'.repeat(40) },
    }),
    'stopped, with a pull request left behind': changed(phases.stopped, {
      result: { pulls: [pull] },
    }),
    'stopped since its reason went away': changed(phases.stopped, {
      result: { outcome: { ...stopped, because: 'closed the issue' } },
    }),
    'not started': phases.unstarted,
  }

  test('says what came of it', () =>
    expect(each(ends, run => body(closingComment(run)))).toMatchInlineSnapshot(`
      "commits on the pull request of an issue: @maya done: **[\`ccccccc\`](https://github.com/acme/shop/commit/cccccccccccccccccccccccccccccccccccccccc)** is on [#9](https://github.com/acme/shop/pull/9).

      nothing: @maya Codex finished. PostHog kept none of its last words.

      stopped, with nothing left behind: @maya you stopped this run.

      - [ ] Try again <!-- codex-box:retry -->

      stopped, with commits left behind: @maya you stopped this run. It had pushed commits up to [\`ccccccc\`](https://github.com/acme/shop/commit/cccccccccccccccccccccccccccccccccccccccc) to [\`codex/issue-7-login-is-flaky\`](https://github.com/acme/shop/tree/codex/issue-7-login-is-flaky).

      - [ ] Try again <!-- codex-box:retry -->

      stopped, with a pull request left behind: @maya you stopped this run. It had opened [#9](https://github.com/acme/shop/pull/9).

      - [ ] Try again <!-- codex-box:retry -->

      stopped since its reason went away: @maya stopped: you closed the issue.

      not started: @maya not started: The agent ran into a usage or spend limit.

      **What to do:** Wait, then \`/codex retry\`.

      - [ ] Try again <!-- codex-box:retry -->"
    `))
  test('commits that no pull request shows', () => {
    expect(
      closingComment(changed(phases.pushed, { result: { pushedBranch: 'maya/login' } })),
    ).toContain(' is on [`maya/login`](https://github.com/acme/shop/tree/maya/login).')
    const elsewhere = { pushed: 'c'.repeat(40), pushedBranch: 'posthog/login' }
    expect(closingComment(changed(phases.stopped, { result: elsewhere }))).toContain(
      '/commit/cccccccccccccccccccccccccccccccccccccccc) to [`posthog/login`](https://github.com/acme/shop/tree/posthog/login).',
    )
  })
  test('what it waited for is no work, and what never started has taken no time', () => {
    const times = (run: Run) => /<sub>[^\n]*/.exec(closingComment(run))?.[0] ?? ''
    const schedule = { enteredAt: t0 - 12 * minute, admissionExpectedAt: t0 }
    const waited = changed(phases.answer, {
      schedule,
      session: { began: { round: 0, at: now - 40 * second } },
    })
    expect(times(waited)).toContain(' · waited 14 min 20 s, worked 40 s · ')
    const asked = changed(waited, logIs({ ...heard, waited: 10 * second }))
    expect(times(asked)).toContain(' · waited 14 min 30 s, worked 30 s · ')
    const atOnce = changed(waited, { schedule: { enteredAt: now - 45 * second } })
    expect(times(atOnce)).toContain(' · 40 s · ')
    const inVain = changed(phases.failed, { schedule, mailbox: { words: [instruction('sent')] } })
    expect(times(inVain)).toContain(' · waited 15 min · ')
    const never = changed(phases.failed, noTaskRun, {
      schedule: { enteredAt: now - second },
      ...notSent,
    })
    expect(times(never)).not.toMatch(/\d+ (?:s|min)\b/)
    expect(
      times(changed(never, { schedule: { ...schedule, admissionExpectedAt: undefined } })),
    ).toContain(' · waited 15 min')
  })

  test('the small line links the comment that approved the plan as what it is', () => {
    const approves = { plan: 'run-comment-400' }
    const request = { ...ask, text: 'Carry out the plan you made.', typed: 'approve', approves }
    expect(closingComment(changed(phases.pull, { request: { ...request, before: [] } }))).toContain(
      '<sub>[approve](https://github.com/acme/shop/issues/7#issuecomment-501)',
    )
  })

  test('the small line of a later round links what was added for it', () => {
    const target = { kind: 'thread' as const, commentId: 502 }
    const source = { trigger: 'comment-502', command: 0, target, last: true }
    const run = changed(phases.answer, wordsAre(word('read', more('b'), { round: 1, source })), {
      result: { round: 1 },
    })
    expect(closingComment(run)).toContain(
      ' · [and the logout test](https://github.com/acme/shop/issues/7#issuecomment-502) · ',
    )
  })

  test('words that are written from right to left do not reorder ours', () => {
    const run = changed(phases.answer, logIs({ ...heard, answer: 'الاختبار ينتظر الجلسة.' }), {
      request: { ...ask, text: 'أصلح الاختبار' },
      ...wordsAre(word('read', more('b', 'more', maya))),
    })
    expect(closingComment(run)).toMatch(/^@maya\n\nالاختبار/)
    expect(closingComment(run)).toContain(' · [\u2068أصلح الاختبار\u2069](')
  })

  test('a long answer keeps its end, and the line before it leads to the rest', () => {
    const answer = `It failed.\n\n${'Then it waited.\n'.repeat(2_000)}\nIn the end it was the clock.`
    const [, line, end] = closingComment(changed(phases.answer, logIs({ ...heard, answer }))).split(
      /\n\n(?=…)|…\n\n/,
    )
    expect(line).toContain(
      '… 12,033 characters are left out here. [All of it](https://us.posthog.com/project/42/tasks/task-1?runId=b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11) is at PostHog',
    )
    expect(end).toContain('\n\nIn the end it was the clock.\n\n</details>')
  })

  test('many files that Codex did not get are one line a reason', () => {
    const tooLarge = Array.from({ length: 13 }, (_, n) => `log-${n}.txt`)
    const failed = [
      ...tooLarge.map(name => ({ name, why: 'it is larger than 10 MB' })),
      { name: 'x', why: 'it is empty' },
    ]
    const text = status(working({ workspace: { attachments: { ids: [], failed } } }))
    expect(text.match(/^⚠️.*/gm)).toEqual([
      '⚠️ Codex did not get `log-0.txt`, `log-1.txt`, `log-2.txt` and 10 more: it is larger than 10 MB.',
      '⚠️ Codex did not get `x`: it is empty.',
    ])
  })

  test.each([
    ['#77', ['⚠️ Codex says that it opened `#77`, but that is no pull request of this run.']],
    [
      'https://github.com/acme/shop/pull/77',
      ['⚠️ Codex says that it opened `#77`, but that is no pull request of this run.'],
    ],
    ['https://github.com/acme/docs/pull/77', null],
  ])('Codex says that it opened %s', (name, warned) => {
    const answer = `Done. I opened ${name}.`
    const text = closingComment(changed(phases.pushed, logIs({ ...heard, answer })))
    expect(text.match(/^⚠️ Codex says.*/gm)).toEqual(warned)
  })

  test('what stands on lines of a review is not said again', () => {
    const said = logIs({ ...heard, answer: `All done.\n\n${saidOf(1, 'Renamed it.')}` })
    const run = changed(phases.answer, said, { report: { inlineAsked } })
    expect(closingComment(run)).toContain('All done.')
    expect(closingComment(run)).not.toContain('Renamed it.')
  })

  const elsewhere = 'See the last comment of this pull request.'
  test('in the thread of an inline comment', () => {
    const said = (name: keyof typeof phases) => inlineAnswer(phases[name], deployment)
    expect(said('pushed')).toBe(
      `See [\`ccccccc\`](https://github.com/acme/shop/commit/${'c'.repeat(40)}).`,
    )
    expect(said('pull')).toBe(`See [#9 ${pull.title}](${pull.url}).`)
    expect([said('failed'), said('stopped')]).toEqual(Array(2).fill(`Not done. ${elsewhere}`))
    expect([said('answer'), said('nothing')]).toEqual(Array(2).fill(elsewhere))
  })
})

describe('that nothing new is on GitHub', () => {
  const left: Stray = { kind: 'left', branch: 'posthog/fix', commits: ['c'] }
  const earlier = changed(phases.answer, toldOfPull)
  const unchecked = changed(phases.answer, { result: { resultChecked: false } })
  test.each([
    ['an answer', phases.answer, true],
    ['a question', phases.asks, true],
    ['silence', phases.nothing, true],
    ['a stop', phases.stopped, true],
    ['a failure', phases.failed, true],
    ['an answer beside an earlier pull request', earlier, true],
    ['an answer before GitHub was asked', unchecked, false],
    ['an answer beside commits', changed(phases.answer, { result: { strays: [left] } }), false],
    ['a stop that left commits', changed(phases.stopped, { result: { pushed: 'c' } }), false],
    ['a pull request', phases.pull, false],
    ['commits', phases.pushed, false],
    ['a plan', plan, false],
  ])('%s: %s', (_, run, isSaid) => {
    const fact = 'no new commit or pull request found'
    expect(closingComment(run).includes(`<sub>${fact} · `)).toBe(isSaid)
  })
})

describe('in the thread of one of several inline comments', () => {
  const answered = (name: 'pushed' | 'answer' | 'failed', answer: string, at: number): string => {
    const run = phases[name]
    const sessionLog = idleSince(t0, { ...run.session.sessionLog, answer })
    return inlineAnswer(
      changed(run, logIs(sessionLog), { report: { inlineAsked, inlineAnswered: at } }),
      deployment,
    )
  }

  test('what the agent said of it, and not what it said of others', () => {
    const answer = saidOf(2, 'Renamed it.')
    expect(answered('answer', answer, 1)).toBe('Renamed it.')
    expect(answered('pushed', answer, 1)).toBe('Renamed it.')
    expect(answered('pushed', answer, 0)).toMatch(/^See/)
    expect(answered('failed', answer, 1)).toMatch(/^Not done/)
  })

  test('what it said has no side effects', () =>
    expect(answered('answer', saidOf(1, 'ask @sam, closes #1 <b>'), 0)).not.toMatch(
      /@sam|closes #1|(?<!\\)<b>/,
    ))
})

/** One of each, so that a new reply or mistake does not compile without its sentence here. */
const mistakes: { [K in Mistake['kind']]: Extract<Mistake, { kind: K }> } = {
  'unknown-option': { kind: 'unknown-option', given: 'modle', meant: 'model' },
  misplaced: { kind: 'misplaced' },
  unaddressed: { kind: 'unaddressed' },
  'unknown-word': { kind: 'unknown-word', given: '/codx', meant: '/codex' },
  'unknown-command': { kind: 'unknown-command', given: 'sotp', meant: 'stop' },
  'missing-value': { kind: 'missing-value', option: 'effort' },
  'bad-value': { kind: 'bad-value', option: 'effort', given: 'hihg', meant: 'high' },
  'option-twice': { kind: 'option-twice', option: 'model' },
  'no-options-here': { kind: 'no-options-here', command: 'stop' },
  'too-many': { kind: 'too-many', max: 10 },
  unreadable: { kind: 'unreadable', why: 'page' },
}
const live = (waits: NonNullable<Run['schedule']['waits']>) =>
  replies.status({ live: runWith({ schedule: { waits } }), now: t0 })
const first = [{ name: '#3', title: 'x', url: 'https://x/3' }]
const away = { waitsFor: 'github', until: t0 + minute } as const
const soon = { by: 'maya', moment: { at: t0 }, words: undefined, ...away }
const behind = { by: 'zoe', moment: { at: t0 }, words: '/codex b', waitsFor: 'run' } as const
const gone = { by: 'zoe', moment: { at: t0 }, words: '/codex  wipe\nit', stopped: { by: 'maya' } }
const pulls = [{ number: 9, title: 'Fix it', url: 'https://x/9' }]
const shownHelp = {
  commands,
  templates: ['triage'],
  label: 'codex',
  app: 'my-app',
  guide: 'https://github.com/acme/bot/blob/v1/docs/using.md',
}
const forReaders = commands.filter(({ least }) => least === 'read')
const outOfSight = { kind: 'unreadable', why: 'cut' } as const
type Samples<Replies> = {
  [Name in keyof Replies as Replies[Name] extends () => Reply ? never : Name]: readonly Reply[]
}
const samples: Samples<typeof replies> & Samples<typeof refusals> = {
  help: [replies.help(shownHelp), replies.help({ ...shownHelp, commands: forReaders })],
  mistake: [...Object.values(mistakes), outOfSight].map(refusals.mistake),
  notAllowed: ['run', 'stop'].map(command =>
    refusals.notAllowed({ command, least: 'write', role: 'read' }),
  ),
  notKnown: [refusals.notKnown('stop', undefined)],
  effort: [refusals.effort('max', 'gpt-5.5', ['low', 'medium', 'high', 'xhigh'])],
  model: [
    refusals.model('gpt-5.7', 'gpt-5.6', [{ name: 'gpt-5.5' }, { name: 'gpt-5.6', costFactor: 2 }]),
    refusals.model('x', undefined, [{ name: 'gpt-5.5' }]),
  ],
  noBranch: [refusals.noBranch('relaese')],
  template: [refusals.template('release', 'long')],
  nothingToFix: [refusals.nothingToFix(9)],
  fixRounds: [refusals.fixRounds(9, 6, { asked: 4, byPostHog: 2 })],
  stateLabel: [refusals.stateLabel('codex:done')],
  baseTaken: [refusals.baseTaken(9, 'main')],
  planElsewhere: [refusals.planElsewhere('feature')],
  stoppingBeside: [replies.stoppingBeside(issueThread), replies.stoppingBeside(pullThread)],
  stoppedWaiting: [refusals.stoppedWaiting([{ line: 'fix it' }], 'maya')],
  stillGoing: [refusals.stillGoing('retry')],
  noUse: [refusals.noUse({ kind: 'unfinished', why: 'refusal' })],
  status: [
    replies.status({ asked: true, refused: 'https://x/7#issuecomment-9' }),
    replies.status({ beside: working() }),
    replies.status({ asked: false, notBegun: [soon, gone], now: t0 }),
    replies.status({ live: working(), notBegun: [behind, gone], now: t0 }),
    replies.status({ live: inLine(2), now: t0 }),
    live({ kind: 'zero', of: 'repository', limit: zeroLimit('repository', false), ahead: 0 }),
    live({ kind: 'blocked', since: t0, by: first, more: 0 }),
    live({
      kind: 'until',
      at: t0 + 10 * hour,
      limit: '`acme` started 9 runs in 24 hours; the limit is 9',
    }),
  ],
  config: [
    replies.config({
      models: [],
      held: [
        {
          key: 'model',
          value: 'gpt|5',
          from: [{ kind: 'owner', line: 4 }, { kind: 'deployment' }],
        },
        { key: 'mode', value: 'background', from: [{ kind: 'default' }] },
      ],
      problem: '.github/codex.yml, line 2, `effort`, is not one',
      usable: true,
      schema: undefined,
    }),
  ],
  doctor: [
    replies.doctor('acme/shop', [
      passedCheck('posthog-key', 'works at https://us.posthog.com'),
      failedCheck('posthog-github', 'PostHog’s App does not see acme/shop', 'Install it for @all.'),
    ]),
  ],
  planChanged: [undefined, 'https://x/7#issuecomment-9'].map(refusals.planChanged),
  planOutdated: [refusals.planOutdated('main', 'c'.repeat(40))],
  preset: [refusals.preset('paln', 'plan', ['plan', 'low'])],
  sandbox: [refusals.sandbox('bgi', 'big', ['big', 'small']), refusals.sandbox('x', undefined, [])],
  notGranted: [refusals.notGranted('as_user', 5)],
  badSettings: [
    refusals.badSettings({
      problem: ".github/codex.yml, line 2: `effort` can't be `enormous`: use `low` or `max`",
      slips: [{ path: '.github/codex.yml', count: 1 }],
    }),
  ],
  besideSlips: [
    replies.besideSlips(refusals.fork(), {
      problem: '.github/codex.yml, line 1: `modle` is not a setting; and 2 more',
      slips: [{ path: '.github/codex.yml', count: 3 }],
    }),
  ],
  sessionCost: [refusals.sessionCost(10.5, 10), refusals.sessionCost(10.5, 10, true)],
  hasPull: [
    refusals.hasPull(pulls, 'fix it, and `a.ts`'),
    refusals.hasPull(pulls, 'retry'),
    refusals.hasPull(pulls, undefined),
  ],
  notServed: [refusals.notServed('globex', 7)],
  notOffered: [
    refusals.notOffered('model', 'gpt-5', [
      { name: 'gpt-5.5', costFactor: 0.5 },
      { name: 'gpt-5.6' },
    ]),
  ],
  gaveUp: [replies.gaveUp('GitHub did not answer')],
  nothingToForce: [],
}
const toMessages: { [K in ReplyContent['kind']]: readonly Extract<ReplyContent, { kind: K }>[] } = {
  'not-passed-on': [{ kind: 'not-passed-on', words: 'use a trie' }],
  'has-it': [{ kind: 'has-it', words: 'use a trie' }],
  'asked-since': [{ kind: 'asked-since' }],
  refused: [
    { kind: 'refused', because: 'PostHog’s usage limit is reached', words: 'and *test* it,\n@sam' },
    { kind: 'refused', because: 'no.\n\n' },
  ],
  'permission-over': [{ kind: 'permission-over' }],
  'permission-refused': [{ kind: 'permission-refused', title: 'Run rm -rf dist', because: 'no' }],
}
const everyReply = [
  ...Object.entries({ ...replies, ...refusals, ...samples }).map(
    ([name, all]) => [name, typeof all === 'function' ? [all()] : all] as const,
  ),
  ...Object.entries(toMessages).map(([kind, all]) => [kind, all.map(replyToMessage)] as const),
].flatMap(([name, all]) => all.map(reply => [name, replyComment('maya', reply)] as const))

describe('replies', () => {
  const [helpText = '', readersHelp = ''] = everyReply.map(([, text]) => text)

  const said = everyReply.flatMap(([name, text]) => (name === 'help' ? [] : `${name}: ${text}`))

  test('every other one of a line', () =>
    expect(said.filter(text => !text.includes('\n')).join('\n')).toMatchInlineSnapshot(`
      "stoppingBeside: @maya the run in #7 (this is its pull request) is being stopped. Its status there says what it had done.
      stoppingBeside: @maya the run in #8 (the pull request of this issue) is being stopped. Its status there says what it had done.
      status: @maya nothing is going on here now. Nothing came of the newest request: [the reason](https://x/7#issuecomment-9).
      status: @maya nothing is going on here, but a run is going on in #7 (this is its pull request): Codex is working. \`maya\` asked for it. [Details](https://github.com/acme/shop/issues/7#issuecomment-601).
      status: @maya \`/codex wipe it\` by \`zoe\` was stopped by \`maya\` before it began. A command by \`maya\` waits for GitHub until 14:03 UTC.
      status: @maya a run is going on here: Codex is working. \`maya\` asked for it. [Details](https://github.com/acme/shop/issues/7#issuecomment-601). \`/codex b\` by \`zoe\` waits for the run here.
      status: @maya a run is going on here: it waits for its turn. 2 runs must end first. \`maya\` asked for it.
      status: @maya a run is going on here: it waits. \`limits.repository\` is 0, so nothing new starts. A higher number in \`.github/codex.yml\`, here or in the owner’s repository \`.github\`, lifts it. \`maya\` asked for it.
      status: @maya a run is going on here: it waits until #3 is closed. \`maya\` asked for it.
      status: @maya a run is going on here: it waits until 2026-01-03 00:02 UTC. \`acme\` started 9 runs in 24 hours; the limit is 9. \`maya\` asked for it.
      gaveUp: @maya this did not work: GitHub did not answer. Write the command again in a few minutes.
      notServed: @maya this bot does not serve \`globex\`, so nothing was started. An admin of this bot can add \`owners.7.posthog\` to the bot’s settings file.
      notKnown: @maya the bot could not find out which permission you have here, so it refused \`/codex stop\`. Try again in a few minutes.
      notAllowed: @maya you need write permission to start a run. Your permission here is read. Ask somebody with write permission to write the command.
      notAllowed: @maya you need write permission to use \`/codex stop\`. Your permission here is read. Ask somebody with write permission to write the command.
      hidden: @maya GitHub’s page does not show all of this command: some of it is HTML, an HTML comment, a link title or invisible characters. Nothing was started. Put code into backticks and write the rest as plain text.
      mistake: @maya there is no option \`--modle\`. Did you mean \`--model\`? To say it literally, write \`/codex -- …\`. Nothing was started.
      mistake: @maya \`/codex\` works only at the start of a line. It does not work in a list, a heading, a table or an indented line. Nothing was started. Edit your comment, or write the command again.
      mistake: @maya Codex reads only comments that begin with \`/codex\`. If yours answers its question, write it again with \`/codex\` before it.
      mistake: @maya there is no command \`/codx\`. Did you mean \`/codex\`? Nothing was started.
      mistake: @maya there is no command \`sotp\`. Did you mean \`/codex stop\`? If it is your instruction, write \`/codex -- sotp …\`. Nothing was started.
      mistake: @maya \`--effort\` needs a value: \`--effort low|medium|high|xhigh|max\`. To say it literally, write \`/codex -- …\`. Nothing was started.
      mistake: @maya \`hihg\` is not a value for \`--effort\`. Did you mean \`high\`? To say it literally, write \`/codex -- …\`. Nothing was started.
      mistake: @maya \`--model\` is given twice. Nothing was started.
      mistake: @maya \`/codex stop\` takes no options. Write it alone.
      mistake: @maya this comment has more than 10 commands. Only the first 10 were read.
      mistake: @maya the bot could not see this comment as GitHub’s page shows it, so it read no command in it. Write the command again in a new comment.
      mistake: @maya a part of this comment is too long to read, or out of sight on its page. No command was read below that. Write it again in a new comment.
      stateLabel: @maya only the bot sets the label \`codex:done\`: it says how a run here stands. Nothing was started.
      stoppedWaiting: @maya \`maya\` stopped \`/codex fix it\` before it began. Write it again if you still want it.
      closed: @maya this is closed, so nothing was started. \`/codex ask\` works here. For anything else, reopen it and ask again.
      preset: @maya there is no label preset \`paln\`. Did you mean \`plan\`? Nothing was started.
      baseOfPull: @maya a pull request has a base already. Nothing was started. Change the base on its page, or ask without \`--base\`.
      baseTaken: @maya pull request #9 of this thread is open, and goes into \`main\`. Nothing was started. Change the base on its page, or ask without \`--base\`.
      fork: @maya this pull request comes from a fork. Codex can push only to branches of this repository. Nothing was started. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work. To have it changed, push the branch to this repository, or ask in an issue.
      defaultBranch: @maya Codex does not push to the default branch. Nothing was started. \`/codex --branch NAME …\` names another branch. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work.
      planInteractive: @maya plans, reviews and answers do not work with \`mode: interactive\`, which this repository has. Nothing was started. Set \`mode: background\` in \`.github/codex.yml\`.
      notOffered: @maya this repository does not allow the model \`gpt-5\`. It allows \`gpt-5.5\` (price ×0.5), \`gpt-5.6\`. Nothing was started.
      model: @maya there is no model \`gpt-5.7\`. Did you mean \`gpt-5.6\`? There are \`gpt-5.5\`, \`gpt-5.6\` (price ×2). Nothing was started.
      model: @maya there is no model \`x\`. There are \`gpt-5.5\`. Nothing was started.
      effort: @maya \`gpt-5.5\` has no effort \`max\`. It has \`low\`, \`medium\`, \`high\`, \`xhigh\`. Nothing was started.
      noBranch: @maya there is no branch \`relaese\` in this repository. Nothing was started.
      notGranted: @maya this bot does not allow \`--as-user\` in this repository. Nothing was started. An admin of this bot can allow it with \`owners.5.as_user\` in the bot’s settings file.
      notAsUser: @maya this repository does not allow \`--as-user\`. Nothing was started. \`as_user: true\` in \`.github/codex.yml\` allows it.
      sandbox: @maya there is no sandbox environment \`bgi\`. Did you mean \`big\`? Nothing was started.
      sandbox: @maya there is no sandbox environment \`x\`. There are none. Nothing was started.
      sessionCost: @maya this session has cost \`$10.50\`, and the limit for one is \`$10\`. Nothing was started. \`/codex --new …\` starts a new session.
      sessionCost: @maya this session has cost \`$10.50\`, and the limit for one is \`$10\`. Nothing was started. \`/codex retry --new\` starts a new session.
      hasPull: @maya an open pull request already closes this issue: [#9 Fix it](https://x/9). Nothing was started. \`\` /codex --force fix it, and \`a.ts\` \`\` starts anyway.
      hasPull: @maya an open pull request already closes this issue: [#9 Fix it](https://x/9). Nothing was started. \`/codex --force retry\` starts anyway.
      hasPull: @maya an open pull request already closes this issue: [#9 Fix it](https://x/9). Nothing was started. Write the same again with \`--force\` behind \`/codex\` to start anyway.
      noQuestion: @maya there is no question, so nothing was started. Write it behind the command: \`/codex ask why …\`.
      template: @maya \`.github/codex/release.md\` is longer than 10000 characters. Nothing was started. Correct the file on the default branch, or write \`/codex -- release …\` if that is your instruction.
      nothingToFix: @maya #9 has no failed checks, conflicts, requested changes or open comments on lines now. Nothing was started. To have something else fixed, write \`/codex fix\` and what.
      fixRounds: @maya an agent was sent 6 times to fix #9, 2 of them by PostHog itself. The limit is 6. Nothing was started. Write \`/codex\` and what to do, or \`/codex --force fix\`.
      nothingToReview: @maya this is an issue, so there is nothing to review. Write the command on a pull request.
      nothingToApprove: @maya this thread has no plan to approve. \`/codex plan\` makes one.
      planElsewhere: @maya the plan was made for the branch \`feature\`, which is gone. Nothing was started. \`/codex plan\` makes a new plan.
      planChanged: @maya the plan above may no longer say what Codex wrote. Nothing was started. \`/codex plan\` makes a new plan.
      planChanged: @maya the plan above may no longer say what Codex wrote. Nothing was started. [This is what Codex wrote](https://x/7#issuecomment-9). Read it, then approve it.
      planOutdated: @maya \`main\` has new commits since the plan was made: it is at \`ccccccc\` now. Nothing was started. \`/codex plan\` makes a new plan.
      nothingToStop: @maya nothing is going on in this thread, so there is nothing to stop.
      askedSince: @maya someone started the run here after you wrote \`/codex stop\`, so it goes on. Write it again to stop it.
      permissionOver: @maya Codex no longer waits for this answer, so it did not get it.
      nothingToRetry: @maya nothing was asked in this thread yet, so there is nothing to try again.
      noUse: @maya the same request would end the same way, so nothing was started. Codex did not finish, as the model refused to go on. Ask in other words, or choose another model with \`/codex retry --model NAME\`.
      goneOn: @maya another run has worked in this thread since then. Nothing was started. \`/codex continue\` goes on where that one stopped.
      stillGoing: @maya a run is still going in this thread. \`/codex retry\` works when it has ended. \`/codex stop\` ends it now.
      nothingToContinue: @maya this thread has no earlier run to continue. \`/codex <instruction>\` starts one.
      questionAnswered: @maya Codex answered the last question here, so there is nothing to go on with. Nothing was started. \`/codex ask …\` asks more. \`/codex …\` says what to do about it.
      not-passed-on: @maya the run was stopped before Codex could read \`/codex use a trie\`. Write it again if you still want it.
      has-it: @maya Codex has \`/codex use a trie\` already, so deleting the comment does not take it back. Write \`/codex …\` and what to do instead, or \`/codex stop\`.
      asked-since: @maya someone started the run here after you wrote \`/codex stop\`, so it goes on. Write it again to stop it.
      refused: @maya Codex did not get \`/codex and *test* it, @sam\`: PostHog’s usage limit is reached. The run goes on without it.
      refused: @maya Codex did not get what you asked for: no. The run goes on without it.
      permission-over: @maya Codex no longer waits for this answer, so it did not get it.
      permission-refused: @maya Codex asks for a permission (Run rm -rf dist). PostHog did not accept the answer: no. Codex waits until somebody answers in PostHog. \`/codex stop\` ends the run."
    `))

  test('every other one of several lines', () =>
    expect(said.filter(text => text.includes('\n')).join('\n\n')).toMatchInlineSnapshot(`
      "config: @maya these settings apply here. A repository sets its own in \`.github/codex.yml\`.

      ⚠️ There is a problem: .github/codex.yml, line 2, \`effort\`, is not one. Until it is fixed, the last correct version applies.

      | Setting | Value | From |
      |---|---|---|
      | \`model\` | \`gpt\\|5\` | the owner’s \`.github\` repository, line 4 and the bot’s settings |

      <details><summary>Settings with their default value</summary>

      | Setting | Value | From |
      |---|---|---|
      | \`mode\` | \`background\` | default |

      </details>

      doctor: @maya 1 of 2 checks failed for \`acme/shop\`.

      - ✗ \`posthog-github\` PostHog’s App does not see acme/shop\\
        → Install it for @​all.
      - ✓ \`posthog-key\` works at \`https://us.posthog.com\`

      besideSlips: @maya this pull request comes from a fork. Codex can push only to branches of this repository. Nothing was started. \`/codex ask\`, \`/codex plan\` and \`/codex review\` change nothing, so they work. To have it changed, push the branch to this repository, or ask in an issue.

      ⚠️ Also, \`.github/codex.yml\` has 3 problems:

      - line 1: \`modle\` is not a setting
      - and 2 more

      badSettings: @maya \`.github/codex.yml\` has 1 problem, so nothing was started:

      - line 2: \`effort\` can't be \`enormous\`: use \`low\` or \`max\`

      Fix the file, then ask again."
    `))

  test('a guess at what was meant replaces all other advice', () => {
    const unlike = { kind: 'unknown-option', given: 'colour', meant: undefined } as const
    expect(refusals.mistake(unlike).text).toContain('`--effort`')
    for (const [reply] of [samples.mistake, samples.preset, samples.sandbox]) {
      const { text } = reply ?? expect.fail()
      expect(text).toContain('Did you mean')
      expect(text).not.toMatch(/There are|codex help/)
    }
  })

  test('help names every command, option and reaction there is, in lists, which a phone does not cut', () => {
    for (const { usage, about, least } of Object.values(commands))
      expect(helpText).toContain(`- \`${usage}\` (${least} permission)\\\n  ${about}`)
    expect(helpText).not.toMatch(/^\|/m)
    for (const name of optionNames)
      expect(helpText).toContain(`- \`${usageOf(name)}\`\\\n  ${infoOf(name).about}`)
  })

  test.each([
    [undefined, 'Models here: `gpt-5.5`.'],
    [
      2,
      'Models here: `gpt-5.5` (price ×2). The price is a multiple of that of PostHog’s usual model.',
    ],
  ])('config explains the price of a model, if it is shown: %s', (costFactor, line) => {
    const models = [{ name: 'gpt-5.5', costFactor }]
    const nothing = { held: [], problem: undefined, usable: true }
    const { text } = replies.config({ ...nothing, models, schema: undefined })
    expect(text.split('\n').filter(each => each.startsWith('Models'))).toEqual([line])
  })

  test('help begins with what is asked most, and leads to the guide', () => {
    const [first] = helpText.split('\n\n<details>')
    expect(first).toMatchInlineSnapshot(`
      "Write a command at the start of a line, or put the label \`codex\` on the issue or pull request. \`@my-app …\` is the same as \`/codex …\`.

      \`\`\`
      /codex fix the flaky login test
      /codex ask why the login waits
      /codex plan how to split the billing module
      /codex review the locking
      /codex stop
      /codex status
      \`\`\`

      [How to use it](https://github.com/acme/bot/blob/v1/docs/using.md)"
    `)
  })

  test('help shows readers what they may', () =>
    expect(readersHelp).toMatchInlineSnapshot(`
      "Write a command at the start of a line. \`@my-app …\` is the same as \`/codex …\`.

      Your permission here lets you use these commands.

      \`\`\`
      /codex status
      \`\`\`

      [How to use it](https://github.com/acme/bot/blob/v1/docs/using.md)

      <details><summary>All commands, options and reactions</summary>

      - \`/codex status\` (read permission)\\
        Says what is going on in this thread.
      - \`/codex help\` (read permission)\\
        Shows this list.

      A reaction on your comment shows what happened:

      - 👀 The bot has read your command and works on it.
      - 👍 Your command is done: answered, given to Codex, or stopped.
      - 🚀 Your run has ended. A comment has the result.
      - 👎 It was refused. A comment says why.
      - 😕 It failed, or ended before it was done. A comment says why.

      </details>"
    `))
})

const everything = (): string[] => [
  ...Object.values(phases).flatMap(run => [status(run), closingComment(run)]),
  ...everyReply.map(([, text]) => text),
]

test('nothing that the bot says is a command to it', () => {
  for (const text of everything()) expect(parseCommands(seen(text))).toEqual([])
})

test.skipIf(!cmarkAvailable())('all that the bot says is whole as GitHub shows it', () => {
  const all = everything().filter(text => text !== '')
  expect(all.length).toBeGreaterThan(50)
  for (const [index, html] of renderAll(all).entries()) {
    const text = all[index] ?? ''
    const count = (sign: RegExp) => html.match(sign)?.length ?? 0
    expect(count(/<h3>/g), text).toBe(text.startsWith('### ') ? 1 : 0)
    expect(count(/<h[1-24-6]>/g), text).toBe(0)
    expect(count(/<details>/g), text).toBe(count(/<\/details>/g))
    expect(count(/<summary>/g), text).toBe(count(/<details>/g))
    expect(count(/<sub>/g), text).toBe(count(/<\/sub>/g))
    // A box that is no item of a task list can't be ticked.
    expect(count(/<input type="checkbox"/g), text).toBe(text.match(/codex-box:/g)?.length ?? 0)
    // Signs that Markdown should have taken away.
    expect(html.replace(/<code>[\s\S]*?<\/code>/g, ''), text).not.toMatch(
      /\*\*|\]\(|`|&lt;(?:sub|details)/,
    )
  }
})

test('nothing that the bot says has a hole in it', () => {
  for (const text of everything()) expect(text).not.toMatch(/undefined|null|NaN|\[object|Infinity/)
})

describe('words of others', () => {
  const hostile =
    '@sam #7 <img src=x> ![x](https://evil.example/x.png) [a](https://evil.example)\n/codex stop\n| a |'
  const everywhere = working(
    over,
    logIs({ ...heard, answer: hostile }),
    taskRunIs({ model: hostile, effort: hostile }),
    {
      result: { outcome: { kind: 'pull' }, pulls: [{ ...pull, title: hostile, remark: hostile }] },
      request: { ...ask, text: hostile, by: { login: hostile, id: 1 } },
      baseline: { settingsProblem: hostile },
      workspace: { attachments: { ids: [], failed: [{ name: hostile, why: hostile }] } },
    },
  )

  test('mention nobody, show nothing, lead nowhere and give no command', () => {
    const run = everywhere
    for (const text of [
      status(run),
      status(changed(run, { result: { outcome: { ...failure, reason: hostile } } })),
      status(changed(run, { result: { outcome: { kind: 'stopped', by: hostile } } })),
      closingComment(
        changed(run, zoeAdded, { result: { outcome: { ...failure, reason: hostile } } }),
      ),
    ]) {
      expect(text.replaceAll('`@sam', '').replace(/^@zoe/, '')).not.toMatch(/(?<![`\w])@[a-z]/)
      expect(text.replace(/`[^`\n]*`/g, '')).not.toMatch(
        /(?<!\\)<img|(?<!\\)!\[x\]\(|(?<!\\)\]\(https:\/\/evil/,
      )
      expect(parseCommands(seen(text))).toEqual([])
    }
  })

  test('are cut, so that no comment is too long for GitHub', () => {
    const long = '@x `'.repeat(100_000)
    const run = working(over, logIs({ ...heard, answer: '[a](b)<c>|*_'.repeat(20_000) }), {
      result: { outcome: { kind: 'answer' }, pulls: [{ ...pull, title: long, remark: long }] },
      request: {
        ...ask,
        text: long,
        by: { login: long, id: 1 },
        options: { ...ask.options, model: long },
      },
      baseline: { settingsProblem: long },
      workspace: { attachments: { ids: [], failed: [{ name: long, why: long }] } },
    })
    const failed = changed(run, { result: { outcome: { ...failure, reason: long } } })
    const forZoe = changed(run, zoeAdded)
    for (const text of [status(run), status(failed), closingComment(forZoe)])
      expect(text.length).toBeLessThanOrEqual(maxComment)
  })
})

test.each<[string, RunChange, string]>([
  [
    'since its turn, not since it was asked',
    { schedule: { admissionExpectedAt: t0 + hour } },
    '1 min',
  ],
  ['of one whose turn nobody wrote down, since it was asked', {}, '1 h 1 min'],
  [
    'of a later round, since its words were said',
    {
      schedule: { admissionExpectedAt: t0 },
      result: { round: 1 },
      mailbox: { lastWordsAt: t0 + hour + 30 * second },
    },
    '30 s',
  ],
])('how long a run took is told %s', (_, rest, words) => {
  const run = changed(endedAs({ kind: 'answer' }, { concludedAt: t0 + hour + minute }), rest)
  expect(status(unsaid(run)).split(' · ')).toContain(words)
})

test.each([
  [0, '14:02 UTC'],
  [9 * hour, '23:02 UTC'],
  [10 * hour, '2026-01-03 00:02 UTC'],
  [-15 * hour, '2026-01-01 23:02 UTC'],
])('a time %d ms from now is %j: with its date when that is not today', (ms, words) =>
  expect(moment(t0 + ms, t0)).toBe(words),
)

test.each([
  [-second, '0 s'],
  [42 * second, '42 s'],
  [minute, '1 min'],
  [3 * minute + 20 * second, '3 min 20 s'],
  [hour, '1 h 0 min'],
  [hour + 12 * minute + 50 * second, '1 h 12 min'],
])('%d ms are exactly %j', (ms, words) => expect(exactly(ms)).toBe(words))
