/** Events come late, twice, in any order, and from anybody: what they stop, and what they do not. */
import { describe, expect, test } from 'vitest'
import { NoResponse } from '../../src/core/model/errors.ts'
import { hour, minute } from '../core/given.ts'
import type { MemoryBot } from './memory-bot.ts'
import * as github from './payloads.ts'
import {
  botAfter,
  comes,
  type Given,
  has,
  hasRole,
  hasWithout,
  lacks,
  type Step,
  sends,
  settles,
  tableOf,
  works,
} from './steps.ts'

/** Starts one run and stops nothing, but for what is expected. */
const each = tableOf({ starts: 1, stops: 0 }, { agent: { says: 'Working.', goesOn: true } })
const hasGone = (id: number) => (bot: MemoryBot) => bot.deleted.add(id)
/** As what GitHub's limit holds up. */
const waits =
  (id: string, ms = minute) =>
  (bot: MemoryBot) => {
    const waiting = bot.triggers.get(id) ?? expect.fail(`no ${id}`)
    waiting.due = bot.now + ms
  }
const hasLabels =
  (...labels: string[]) =>
  (bot: MemoryBot) => {
    bot.subject.labels = labels
  }
const isClosed = (bot: MemoryBot) => {
  bot.subject.open = false
}
const hoursLater = (hours: number) => (bot: MemoryBot) => {
  bot.now += hours * hour
}
const postHogIs = (state: 'away' | 'back') => (bot: MemoryBot) => {
  bot.fault = state === 'away' ? new NoResponse('posthog', 'PostHog answered 502') : undefined
}

const nothing = { starts: 0, comments: 0, reactions: 0 }
const asked = github.comment({ at: 10 })
const onLine = github.inlineComment({ at: 10 })
const reviewed = github.review({ at: 10 })
const labelled = github.labels('maya', 10)
const unlabelled = (by = 'maya') => github.labels(by, 20, 'unlabeled')
const more = (text: string, at = 20, id = 502) => github.comment({ id, at, text })
const stop = (by = 'maya', at = 20, id = 502) => github.comment({ id, by, at, text: '/codex stop' })
const lineOf = (body: string, id = 501) => ({
  id,
  path: 'a.ts',
  line: 1,
  hunk: '@@',
  body,
  author: 'maya',
})

describe('a command that GitHub sends again', () => {
  each(
    ['whose comment was deleted starts nothing', [hasGone(501), asked], nothing],
    ['whose inline comment was deleted starts nothing', [hasGone(501), onLine], nothing],
    ['whose review was deleted starts nothing', [hasGone(40), reviewed], nothing],
    ['whose inline comment is there starts a run', [onLine], { comments: 1, reactions: 1 }],
    ['whose review is there starts a run', [reviewed], { comments: 1, reactions: 1 }],
    ['after its label was taken off starts nothing', [hasLabels(), labelled], nothing],
    ['is looked at no more once it has been taken up', [asked], { finds: 1 }],
  )
})

describe('a closing', () => {
  const closed = (by = 'maya', at = 20) => [isClosed, github.closes(by, at)]
  const goesOn = (by: string) => ({
    status: has(`ℹ️ \`${by}\` closed this but may not stop the run, so it goes on.`),
    comments: 1,
  })
  each(
    ['stops what was asked before it', [asked, ...closed()], { stops: 1 }],
    ['in the second of the command stops it', [asked, ...closed('maya', 10)], { stops: 1 }],
    ['that comes hours late stops nothing newer', [asked, ...closed('maya', 9)], {}],
    [
      'that comes late, by who may not stop, is not told',
      [asked, ...closed('rita', 9)],
      { status: lacks('closed this') },
    ],
    ['by another who may stop, stops', [asked, ...closed('zoe')], { stops: 1 }],
    ['that is undone by now stops nothing', [asked, github.closes('maya', 20)], {}],
    [
      'stops nothing that words after it asked for',
      [asked, more('/codex and that', 30), ...closed()],
      {},
    ],
    [
      'by somebody who may not stop is told in the status, quietly, and stops nothing',
      [asked, ...closed('rita')],
      goesOn('rita'),
    ],
    [
      'by a bot is told, too: a person may want the work all the same',
      [asked, ...closed('stale[bot]')],
      goesOn('stale[bot]'),
    ],
    [
      'by who asked stops, whatever the role is by now',
      [asked, hasRole('maya', 'read'), hoursLater(1), ...closed('maya', 7_200)],
      { stops: 1 },
    ],
  )
})

describe('a label taken off', () => {
  const again = [hasLabels('codex'), comes(github.labels('maya', 30)), works(120)]
  each(
    [
      'stops its run',
      [labelled, hasLabels(), unlabelled(), settles],
      { stops: 1, status: has('Stopped: `maya` took the label off.') },
    ],
    ['that is back on by the time of the look stops nothing', [labelled, unlabelled()], {}],
    [
      'that is set again while its run stops starts another, whose label stays on',
      [labelled, hasLabels(), comes(unlabelled()), works(1), ...again],
      { stops: 1, starts: 2, unlabelled: [] },
    ],
    [
      'by somebody who may not stop stops nothing',
      [labelled, hasLabels(), unlabelled('tess')],
      { status: has('ℹ️ `tess` took the label off') },
    ],
  )
})

describe('a label beside a command in the text', () => {
  const opened = (text = '/codex fix it') => github.opens('maya', text, 10)
  const { label, text } = opened()
  const beside = (words: string) => {
    const { label, text } = opened(words)
    return [comes(label), text, stop(), settles]
  }
  const joins = { told: 1, stops: 1, unlabelled: ['codex'] }
  each(
    ['joins its run', beside('/codex fix it'), joins],
    [
      'joins its run, which is asked for below another command',
      beside('/codex status\n\n/codex fix it'),
      joins,
    ],
    ['that starts nothing starts its own', beside('/codex status'), joins],
    ['that is only named there starts its own', beside('As in\n\n```\n/codex fix it\n```'), joins],
    [
      'that was refused starts nothing, as that is told',
      beside('/codex --model gpt-2 fix it'),
      { starts: 0, says: has('there is no model'), unlabelled: [] },
    ],
    [
      'waits for it, however long that takes',
      [
        comes(text),
        waits('text-100-7'),
        comes(label),
        works(300, 2 * minute),
        stop('maya', 200),
        settles,
      ],
      joins,
    ],
    ['goes if its run has ended by then', [text, label], { unlabelled: ['codex'] }, { agent: {} }],
    [
      'of which GitHub does not tell starts its run, which takes up the text',
      [comes(label), works(300, minute), text],
      { told: 2 },
    ],
  )
})

describe('of one second', () => {
  const atOnce = (bot: MemoryBot) => bot.workAtOnce()
  const soon = works(200, 10_000)
  const both = [
    comes(github.comment({ at: 10, text: '/codex and the docs' })),
    comes(github.opens('maya', '/codex fix it', 10).text),
  ]
  const inOrder = { prompts: [has('# Instruction\n\nfix it'), has('and the docs')] }
  each(
    [
      'a text and a comment, taken up at once, are one run, the text first',
      [...both, atOnce, soon],
      inOrder,
    ],
    [
      'a text and a comment, one after the other, are one run, the text first',
      [...both, soon],
      inOrder,
    ],
    [
      'a label and a comment are one run, and neither waits for its end',
      [comes(labelled), comes(asked), atOnce, soon],
      { triggers: 2, waiting: 0 },
    ],
    ['a stop whose comment has the lower number stops nothing', [asked, stop('maya', 10, 500)], {}],
    ['a stop whose comment has the higher number stops', [asked, stop('maya', 10)], { stops: 1 }],
    [
      'words whose comment has a higher number than the stop’s are worked on after it',
      [asked, comes(stop()), comes(more('/codex and the docs', 20, 503)), works(300)],
      { runs: 1, stops: 1, starts: 2, hears: has('and the docs') },
    ],
    [
      'words between two stops are taken back once, also while the second waits to be judged',
      [
        asked,
        comes(stop()),
        comes(more('/codex and the docs', 20, 503)),
        works(2),
        comes(stop('maya', 20, 504)),
        waits('comment-504', hour),
        works(300),
      ],
      { runs: 1, stops: 1, reacts: expect.arrayContaining(['-1']) },
    ],
  )
})

describe('a stop', () => {
  const notBegun = expect.stringMatching(/@maya you stopped `\/codex .*` before it began/)
  const heeded = (said: string) => ({
    starts: 0,
    says: hasWithout(said, 'nothing to stop'),
    reacts: expect.toSatisfy((all: string[]) => all.at(-1) === '+1'),
  })
  const whileItWaits = (steps: number) => [
    comes(asked),
    works(steps),
    comes(stop()),
    waits('comment-502'),
    works(60),
  ]
  const inReview = (text = '') => [
    comes(onLine),
    comes(github.review({ text, at: 20 })),
    waits('review-40'),
    works(60),
  ]
  const inline = [lineOf('/codex stop', 601)]
  each(
    [
      'that comes late does not stop what was asked since, and says so',
      [asked, stop('maya', 5, 500)],
      { last: has('started the run here after you wrote `/codex stop`') },
    ],
    [
      'counts beside a retry in its comment',
      [asked, comes(more('/codex stop\n\n/codex retry')), works(150)],
      { stops: 1, starts: 2, says: lacks('still going') },
    ],
    ['that came before an earlier command ends it', [stop(), asked], { starts: 0, says: notBegun }],
    [
      'is kept for that as long as GitHub delivers again, and for nothing asked later',
      [stop(), hoursLater(70), more('/codex fix it', 30, 503), asked],
      { says: has('before it began') },
    ],
    [
      'by somebody who may not ends nothing, come or waiting',
      [stop('rita'), comes(asked), comes(stop('rita', 21, 504)), works(60)],
      {},
    ],
    [
      'that waits is heeded by a command, and answers truthfully',
      whileItWaits(0),
      heeded('you stopped `/codex'),
    ],
    [
      'that waits is heeded by a run before its agent, and answers truthfully',
      whileItWaits(1),
      heeded('### ⏹️ Codex was stopped'),
    ],
    ['that waits on a line of a review is heeded', inReview(), { starts: 0 }, { inline }],
    [
      'that waits on a line of a review with words is heeded',
      inReview('No.'),
      { starts: 0 },
      { inline },
    ],
    ['on no line of a review that GitHub shows is none', inReview(), {}, { inline: 'unreadable' }],
    [
      'wakes what waits in its thread, however long that has to wait',
      [comes(asked), waits('comment-501', hour), comes(stop()), works(60, minute)],
      { starts: 0, says: notBegun },
    ],
    [
      'with a new command behind it in one comment ends what was before, and not that',
      [more('/codex stop\n\n/codex do it well'), asked],
      { hears: has('do it well') },
    ],
    [
      'of words that come after it, though written before, says that they were not read',
      [asked, stop('maya', 30), more('/codex and the docs', 25, 503), settles],
      { stops: 1, says: has('stopped'), reacts: expect.arrayContaining(['-1']) },
    ],
  )
})

test('a command that waits an hour for a run costs ten calls at the most', async () => {
  const bot = await botAfter([asked, more('/codex --effort low and then that')], {
    agent: { goesOn: true },
  })
  for (const run of bot.runs.values()) run.due = Number.POSITIVE_INFINITY
  const before = bot.calls.length
  expect(await bot.work(500, bot.now + hour), 'it waits').toBe(false)
  expect(bot.calls.slice(before).length).toBeLessThanOrEqual(10)
})

describe('a deletion', () => {
  const deleted = github.deletes('maya', { at: 10 })
  const next = more('/codex --new and that')
  const ofOneLine = (gone: string, left: string): [Step[], Given] => {
    const inline = [lineOf(gone), lineOf(left, 502)]
    const goes = () => void inline.shift()
    const told = github.deletesInline('maya', { at: 10, text: gone })
    return [[github.review({ text: '', at: 10 }), hasGone(501), goes, told], { inline }]
  }
  const [ofTheCommand, commands] = ofOneLine('/codex fix it', 'And this.')
  const [ofAnother, others] = ofOneLine('Why?', '/codex fix it')
  each(
    ['of the comment that asked stops', [asked, hasGone(501), deleted], { stops: 1 }],
    ['of a comment that is still there stops nothing', [asked, deleted], {}],
    [
      'of the inline comment that asked stops',
      [onLine, hasGone(501), github.deletesInline('maya', { at: 10 })],
      { stops: 1 },
    ],
    [
      'of a command that waits for a run ends it',
      [
        asked,
        next,
        hasGone(502),
        github.deletes('maya', { id: 502, at: 20, text: '/codex --new and that' }),
      ],
      { waiting: 0, comments: 1 },
    ],
    ['of the last command on the lines of its review stops', ofTheCommand, { stops: 1 }, commands],
    ['of a line of a review that asks in others stops nothing', ofAnother, {}, others],
  )
})

describe('a deletion of words that wait for the agent', () => {
  const words = more('/codex in red')
  const deleted = (by = 'maya') => github.deletes(by, { id: 502, at: 20, text: '/codex in red' })
  const begins = [postHogIs('back'), works(200)]
  const waiting = [postHogIs('away'), asked, words]
  const goneBy = (by: string) => [...waiting, hasGone(502), deleted(by)]
  const takenBack = { hears: lacks('in red') }
  const heard = { hears: has('in red') }
  each(
    ['by who said them takes them back', [...goneBy('maya'), ...begins], takenBack],
    ['by who may stop takes them back', [...goneBy('zoe'), ...begins], takenBack],
    ['by somebody else does not', [...goneBy('rita'), ...begins], heard],
    [
      'by somebody else is told',
      goneBy('rita'),
      { starts: 0, status: has('`rita` deleted words that wait for the agent') },
    ],
    ['that GitHub still has takes nothing back', [...waiting, deleted(), ...begins], heard],
    [
      'that overtakes them takes them back all the same',
      [postHogIs('away'), asked, hasGone(502), comes(words), comes(deleted()), ...begins],
      takenBack,
    ],
    [
      'that the agent has stops nothing, and is told so',
      [asked, words, hasGone(502), deleted()],
      { ...heard, says: has('@maya Codex has `/codex in red` already'), comments: 2 },
    ],
  )
})

describe('an edit', () => {
  const before = 'Hm.'
  const edited = (was: string, text: string, editedAt = 60) =>
    github.comment({ before: was, text, at: 10, editedAt })
  const twice = edited(before, '/codex status')
  for (const [what, of] of [
    ['a comment', github.comment],
    ['an inline comment', github.inlineComment],
    ['a review', github.review],
  ] as const)
    each(
      [`of ${what} by its author counts`, [of({ before, at: 10, editedAt: 60 })], {}],
      [
        `of ${what} of a stranger by somebody who may asks for nothing`,
        [of({ author: 'rita', before, at: 10, editedAt: 60 })],
        { ...nothing, triggers: 0 },
      ],
    )
  const seeBelow = { text: 'See /codex below.', at: 10 }
  each(
    [
      'of a review does not ask again for what stands on its lines',
      [
        github.review(seeBelow),
        github.review({
          before: seeBelow.text,
          text: '/codex-see below.\n> /codex',
          at: 10,
          editedAt: 60,
        }),
      ],
      { told: 1 },
      { inline: [lineOf('/codex fix it')] },
    ],
    [
      'asks again for nothing that stood there before',
      [
        edited(before, 'Hm.\n\n/codex fix it'),
        edited('Hm.\n\n/codex fix it', 'Well.\n\n/codex fix it', 70),
      ],
      { told: 1 },
    ],
    [
      'within the second of another counts by itself',
      [
        edited(before, 'Hm.\n\n/codex status'),
        edited('Hm.\n\n/codex status', 'Hm.\n\n/codex config'),
      ],
      { starts: 0, triggers: 2, comments: 2 },
    ],
    [
      'that arrives twice is one',
      [twice, { ...twice, id: 'another-delivery' }],
      { starts: 0, triggers: 1 },
    ],
  )
})

test('what an old comment shows is what its box repeats', async () => {
  const says = (text: string, at: number) => more(text, at, at)
  const agent = { says: 'The usage limit is reached.', fails: true }
  const bot = await botAfter([says('/codex fix the first', 501)], { agent })
  const shown = bot.comments.find(({ body }) => body.includes('Try again'))?.body ?? ''
  for (const sent of [
    says('/codex --new fix the second', 900),
    github.ticks('maya', shown, 'Try again'),
  ])
    await sends(bot, sent)
  expect(bot.requests).toHaveLength(3)
  expect(bot.prompts.at(-1)).toContain('fix the first')
})
