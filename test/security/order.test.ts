/** Events come late, twice, in any order, and from anybody: what they stop, and what they do not. */
import { describe, expect, test } from 'vitest'
import { NoResponse } from '../../src/core/model/errors.ts'
import { t0 } from '../core/given.ts'
import { MemoryBot, type MemoryBotOptions, type Sent } from './memory-bot.ts'
import * as github from './payloads.ts'

const botWith = (given: Partial<MemoryBotOptions> = {}): MemoryBot =>
  new MemoryBot({
    roles: { maya: 'write', zoe: 'write', tess: 'triage', sam: 'read' },
    agent: { says: 'Working.', goesOn: true },
    ...given,
  })

/** Lets the bot do what it can; its agent works on. */
async function sends(bot: MemoryBot, ...all: Sent[]): Promise<void> {
  for (const sent of all) {
    expect(await bot.deliver(sent)).toBeLessThan(300)
    await bot.work(15)
  }
}

const statusOf = (bot: MemoryBot): string =>
  bot.comments.findLast(({ body }) => body.startsWith('### '))?.body ?? ''

describe('a command that GitHub sends again', () => {
  test.each<[string, Sent, number, number]>([
    ['whose comment was deleted starts nothing', github.comment({ id: 501, at: 10 }), 501, 0],
    ['whose inline comment was deleted starts nothing', github.inlineComment({ id: 501, at: 10 }), 501, 0],
    ['whose review was deleted starts nothing', github.review({ at: 10 }), 40, 0],
    ['whose inline comment is there starts a run', github.inlineComment({ id: 501, at: 10 }), 7, 1],
    ['whose review is there starts a run', github.review({ at: 10 }), 7, 1],
  ])('%s', async (_, sent, deleted, starts) => {
    const bot = botWith({ branches: { 'maya/login': 'b'.repeat(40) } })
    bot.deleted.add(deleted)
    await sends(bot, sent)
    expect([bot.requests.length, bot.comments.length, bot.reactions.length]).toEqual([starts, starts, starts])
  })

  test('after its label was taken off starts nothing', async () => {
    const bot = botWith()
    bot.subject.labels = []
    await sends(bot, github.labels('maya', 10))
    expect([bot.requests, bot.comments, bot.reactions]).toEqual([[], [], []])
  })

  test('is looked at no more once it has been taken up', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ id: 501, at: 10 }))
    expect(bot.requests).toHaveLength(1)
    expect(bot.calls.filter(name => name === 'comments.find')).toHaveLength(1)
  })
})

describe('a closing', () => {
  const closed = async (by: string, at: number): Promise<MemoryBot> => {
    const bot = botWith()
    await sends(bot, github.comment({ at: 10 }))
    bot.subject.open = false
    await sends(bot, github.closes(by, at))
    return bot
  }

  test.each([
    ['stops what was asked before it', 'maya', 20, 1],
    ['in the second of the command stops it', 'maya', 10, 1],
    ['that comes hours late stops nothing newer', 'maya', 9, 0],
    ['by another who may stop, stops', 'zoe', 20, 1],
  ])('%s', async (_, by, at, stops) => {
    expect((await closed(by, at)).cancelled).toHaveLength(stops)
  })

  test('that is undone by now stops nothing', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ at: 10 }), github.closes('maya', 20))
    expect(bot.cancelled).toEqual([])
  })

  test('stops nothing that words after it asked for', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ at: 10 }), github.comment({ id: 502, at: 30, text: '/codex and that' }))
    bot.subject.open = false
    await sends(bot, github.closes('maya', 20))
    expect(bot.cancelled).toEqual([])
  })

  test.each([
    ['by somebody who may not stop is told in the status, quietly, and stops nothing', 'sam'],
    ['by a bot is told, too: a person may want the work all the same', 'stale[bot]'],
  ])('%s', async (_, by) => {
    const bot = await closed(by, 20)
    expect(bot.cancelled).toEqual([])
    expect(statusOf(bot)).toContain(`ℹ️ \`${by}\` closed this but may not stop the run, so it goes on.`)
    expect(bot.comments).toHaveLength(1)
  })

  test('by who asked stops, whatever the role is by now', async () => {
    const roles: Record<string, 'write' | 'read'> = { maya: 'write' }
    const bot = botWith({ roles })
    await sends(bot, github.comment({ at: 10 }))
    bot.subject.open = false
    roles.maya = 'read'
    await sends(bot, github.closes('maya', 20))
    expect(bot.cancelled).toHaveLength(1)
  })
})

describe('a label of an issue that was transferred', () => {
  test.each<[string, number | undefined, number]>([
    ['that came along, as GitHub tells it at once, is of nobody', 10, 0],
    ['that came along with an older time is of nobody', 400, 0],
    ['that came along some seconds later is of nobody', 1, 0],
    ['that is set afterwards starts a run', 0, 1],
    ['that was never transferred starts a run', undefined, 1],
  ])('%s', async (_, moved, starts) => {
    const bot = botWith(moved === undefined ? {} : { transferredAt: t0 + moved * 1_000 })
    await sends(bot, github.labels('maya', 10))
    expect([bot.requests.length, bot.reactions.length]).toEqual([starts, starts])
  })
})

describe('a label taken off', () => {
  const labelled = async (): Promise<MemoryBot> => {
    const bot = botWith()
    await sends(bot, github.labels('maya', 10))
    return bot
  }

  test('stops its run', async () => {
    const bot = await labelled()
    bot.subject.labels = []
    await sends(bot, github.labels('maya', 20, 'unlabeled'))
    expect(bot.cancelled).toHaveLength(1)
    await bot.settle()
    expect(statusOf(bot)).toContain('Stopped: `maya` took the label off.')
  })

  test('that is back on by the time of the look stops nothing', async () => {
    const bot = await labelled()
    await sends(bot, github.labels('maya', 20, 'unlabeled'))
    expect(bot.cancelled).toEqual([])
  })

  test('that is set again while its run stops starts another, whose label stays on', async () => {
    const bot = await labelled()
    bot.subject.labels = []
    await bot.deliver(github.labels('maya', 20, 'unlabeled'))
    await bot.work(1)
    bot.subject.labels = ['codex']
    await bot.deliver(github.labels('maya', 30))
    await bot.work(120)
    expect(bot.cancelled).toHaveLength(1)
    expect(bot.requests).toHaveLength(2)
    expect(bot.unlabelled).toEqual([])
  })

  test('by somebody who may not stop stops nothing', async () => {
    const bot = await labelled()
    bot.subject.labels = []
    await sends(bot, github.labels('tess', 20, 'unlabeled'))
    expect(bot.cancelled).toEqual([])
    expect(statusOf(bot)).toContain('ℹ️ `tess` took the label off')
  })
})

describe('a label beside a command in the text', () => {
  const textOf = (bot: MemoryBot) => bot.triggers.get('text-100-7') ?? expect.fail('no text')

  test.each([
    ['joins its run', '/codex fix it', 1],
    ['joins its run, which is asked for below another command', '/codex status\n\n/codex fix it', 1],
    ['that starts nothing starts its own', '/codex status', 1],
    ['that was refused starts nothing, as that is told', '/codex --model gpt-2 fix it', 0],
  ])('%s', async (_, text, starts) => {
    const bot = botWith()
    const opened = github.opens('maya', text, 10)
    await bot.deliver(opened.label)
    await sends(bot, opened.text)
    expect(bot.requests).toHaveLength(starts)
    expect(bot.prompts).toHaveLength(starts)
    expect(bot.comments.at(-1)?.body).toContain(starts === 0 ? 'there is no model' : '### ')
    await sends(bot, github.comment({ id: 502, at: 20, text: '/codex stop' }))
    await bot.settle()
    expect(bot.unlabelled).toEqual(starts === 0 ? [] : ['codex'])
  })

  test('waits for it, however long that takes', async () => {
    const bot = botWith()
    const opened = github.opens('maya', '/codex fix it', 10)
    await bot.deliver(opened.text)
    textOf(bot).due = bot.now + 60_000
    await bot.deliver(opened.label)
    await bot.work(300, bot.now + 120_000)
    expect(bot.requests).toHaveLength(1)
    await sends(bot, github.comment({ id: 502, at: 200, text: '/codex stop' }))
    await bot.settle()
    expect(bot.unlabelled).toEqual(['codex'])
  })

  test('goes if its run has ended by then', async () => {
    const bot = botWith({ agent: { says: 'Done.' } })
    const opened = github.opens('maya', '/codex fix it', 10)
    await sends(bot, opened.text)
    await bot.settle()
    await sends(bot, opened.label)
    expect(bot.requests).toHaveLength(1)
    expect(bot.unlabelled).toEqual(['codex'])
  })

  test('of which GitHub does not tell starts its run, which takes up the text', async () => {
    const bot = botWith()
    const opened = github.opens('maya', '/codex fix it', 10)
    await bot.deliver(opened.label)
    await bot.work(300, bot.now + 60_000)
    expect(bot.requests).toHaveLength(1)
    await sends(bot, opened.text)
    expect(bot.requests).toHaveLength(1)
    expect(bot.prompts).toHaveLength(2)
  })
})

test.each([
  ['at once', true],
  ['one after the other', false],
])(
  'a text and a comment of one second, taken up %s, are one run, which begins with the text',
  async (_, atOnce) => {
    const bot = botWith()
    await bot.deliver(github.comment({ at: 10, text: '/codex and the docs' }))
    await bot.deliver(github.opens('maya', '/codex fix it', 10).text)
    if (atOnce) await bot.workAtOnce()
    await bot.work(200, bot.now + 10_000)
    expect(bot.requests).toHaveLength(1)
    expect(bot.prompts).toEqual([
      expect.stringContaining('# Instruction\n\nfix it'),
      expect.stringContaining('and the docs'),
    ])
  },
)

test('a label and a comment of one second are one run, and neither waits for its end', async () => {
  const bot = botWith()
  await bot.deliver(github.labels('maya', 10))
  await bot.deliver(github.comment({ at: 10 }))
  await bot.workAtOnce()
  await bot.work(200, bot.now + 10_000)
  expect(bot.requests).toHaveLength(1)
  expect([...bot.triggers.values()].map(({ standing }) => standing)).toEqual(['ended', 'ended'])
})

describe('a stop in words', () => {
  test('that comes late does not stop what was asked since, and says so', async () => {
    const bot = botWith()
    const stop = github.comment({ id: 500, at: 5, text: '/codex stop' })
    await sends(bot, github.comment({ id: 501, at: 10 }), stop)
    expect(bot.cancelled).toEqual([])
    expect(bot.comments.at(-1)?.body).toContain('started the run here after you wrote `/codex stop`')
  })

  test.each([
    [500, 0],
    [502, 1],
  ])('of the same second counts by the number of its comment: %i', async (id, stops) => {
    const bot = botWith()
    await sends(bot, github.comment({ id: 501, at: 10 }), github.comment({ id, at: 10, text: '/codex stop' }))
    expect(bot.cancelled).toHaveLength(stops)
  })

  test('counts beside a retry in its comment', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ id: 501, at: 10 }))
    await bot.deliver(github.comment({ id: 502, at: 20, text: '/codex stop\n\n/codex retry' }))
    await bot.work(150)
    expect(bot.cancelled).toHaveLength(1)
    expect(bot.requests).toHaveLength(2)
    expect(bot.comments.map(({ body }) => body).join()).not.toContain('still going')
  })
})

describe('a stop', () => {
  const command = github.comment({ id: 501, at: 10 })
  const stop = (by = 'maya', at = 20): Sent => github.comment({ id: 502, by, at, text: '/codex stop' })
  const told = (bot: MemoryBot): string => bot.comments.map(({ body }) => body).join('\n')

  test('that came before an earlier command ends it', async () => {
    const bot = botWith()
    await sends(bot, stop(), command)
    expect(bot.requests).toEqual([])
    expect(told(bot)).toMatch(/@maya you stopped `\/codex .*` before it began/)
  })

  test('is kept for that as long as GitHub delivers again, and for nothing asked later', async () => {
    const bot = botWith()
    await sends(bot, stop())
    bot.now += 70 * 3_600_000
    await sends(bot, github.comment({ id: 503, at: 30 }), command)
    expect(bot.requests).toHaveLength(1)
    expect(told(bot)).toContain('before it began')
  })

  test('by somebody who may not ends nothing, come or waiting', async () => {
    const bot = botWith()
    await sends(bot, stop('sam'))
    await bot.deliver(command)
    await bot.deliver(github.comment({ id: 504, by: 'sam', at: 21, text: '/codex stop' }))
    await bot.work(60)
    expect(bot.requests).toHaveLength(1)
  })

  /** As a stop that GitHub's limit holds up. */
  const waits = (bot: MemoryBot, id: string): void => {
    const waiting = bot.triggers.get(id) ?? expect.fail(`no ${id}`)
    waiting.due = bot.now + 60_000
  }

  test.each([
    ['that waits is heeded by a command, and answers truthfully', 0, 'you stopped `/codex'],
    ['that waits is heeded by a run before its agent, and answers truthfully', 1, '### ⏹️ Codex was stopped'],
  ])('%s', async (_, steps, said) => {
    const bot = botWith()
    await bot.deliver(command)
    await bot.work(steps)
    await bot.deliver(stop())
    waits(bot, 'comment-502')
    await bot.work(60)
    expect(bot.requests).toEqual([])
    expect(told(bot)).toContain(said)
    expect(told(bot)).not.toContain('nothing to stop')
    expect(bot.reactions.at(-1)).toBe('+1')
  })

  const onLine = { id: 601, path: 'a.ts', line: 1, hunk: '@@', body: '/codex stop', author: 'maya' }
  test.each([
    ['on a line of a review', '', [onLine], 0],
    ['on a line of a review that says something itself', 'No.', [onLine], 0],
    ['on no line of a review that GitHub shows', '', 'unreadable' as const, 1],
  ])('%s, waiting in the queue', async (_, text, inline, starts) => {
    const bot = botWith({ branches: { 'maya/login': 'b'.repeat(40) }, inline })
    await bot.deliver(github.inlineComment({ id: 501, at: 10 }))
    await bot.deliver(github.review({ text, at: 20 }))
    waits(bot, 'review-40')
    await bot.work(60)
    expect(bot.requests).toHaveLength(starts)
  })

  test('wakes what waits in its thread, however long that has to wait', async () => {
    const bot = botWith()
    await bot.deliver(command)
    const waiting = bot.triggers.get('comment-501') ?? expect.fail('no command')
    waiting.due = bot.now + 3_600_000
    await bot.deliver(stop())
    await bot.work(60, bot.now + 60_000)
    expect(told(bot)).toMatch(/@maya you stopped `\/codex .*` before it began/)
  })

  test('with a new command behind it in one comment ends what was before, and not that', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ id: 502, at: 20, text: '/codex stop\n\n/codex do it well' }), command)
    expect(bot.requests).toHaveLength(1)
    expect(bot.prompts.join()).toContain('do it well')
  })

  test('of words that come after it, though written before, says that they were not read', async () => {
    const bot = botWith({ agent: { says: 'Working.', goesOn: true } })
    await sends(bot, command)
    await sends(bot, stop('maya', 30), github.comment({ id: 503, at: 25, text: '/codex and the docs' }))
    await bot.settle()
    expect(bot.requests).toHaveLength(1)
    expect(bot.cancelled).toHaveLength(1)
    expect(told(bot)).toContain('stopped')
    expect(bot.reactions.filter(content => content === '-1')).not.toEqual([])
  })
})

test('a command that waits an hour for a run costs ten calls at the most', async () => {
  const bot = botWith()
  await sends(bot, github.comment({ at: 10 }))
  await sends(bot, github.comment({ id: 502, at: 20, text: '/codex --effort low and then that' }))
  expect(bot.comments.at(-1)?.body).toContain('another run is still going')
  for (const run of bot.runs.values()) run.due = Number.POSITIVE_INFINITY
  const before = bot.calls.length
  expect(await bot.work(500, bot.now + 3_600_000), 'it waits').toBe(false)
  expect(bot.calls.slice(before).length).toBeLessThanOrEqual(10)
})

describe('a deletion', () => {
  test('of the comment that asked stops', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ at: 10 }))
    bot.deleted.add(501)
    await sends(bot, github.deletes('maya', { at: 10 }))
    expect(bot.cancelled).toHaveLength(1)
  })

  test('of a comment that is still there stops nothing', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ at: 10 }), github.deletes('maya', { at: 10 }))
    expect(bot.cancelled).toEqual([])
  })

  test('of the inline comment that asked stops', async () => {
    const bot = botWith({ branches: { 'maya/login': 'b'.repeat(40) } })
    await sends(bot, github.inlineComment({ at: 10 }))
    bot.deleted.add(501)
    await sends(bot, github.deletesInline('maya', { at: 10 }))
    expect(bot.cancelled).toHaveLength(1)
  })

  test.each([
    ['that held the last command of its review stops', '/codex fix it', 'And this.', 1],
    ['of a review that asks in others stops nothing', 'Why?', '/codex fix it', 0],
  ])('of an inline comment %s', async (_, gone, left, stops) => {
    const lines = [gone, left].map((body, n) => ({
      id: 501 + n,
      path: 'a.ts',
      line: n,
      hunk: '@@',
      body,
      author: 'maya',
    }))
    const bot = botWith({ branches: { 'maya/login': 'b'.repeat(40) }, inline: lines })
    await sends(bot, github.review({ text: '', at: 10 }))
    expect(bot.requests).toHaveLength(1)
    bot.deleted.add(501)
    lines.shift()
    await sends(bot, github.deletesInline('maya', { at: 10, text: gone }))
    expect(bot.cancelled).toHaveLength(stops)
  })
})

describe('a deletion of words that wait for the agent', () => {
  const waiting = async (): Promise<MemoryBot> => {
    const bot = botWith()
    bot.fault = new NoResponse('posthog', 'PostHog answered 502')
    await sends(bot, github.comment({ at: 10 }), github.comment({ id: 502, at: 20, text: '/codex in red' }))
    bot.deleted.add(502)
    return bot
  }
  const begins = async (bot: MemoryBot): Promise<string> => {
    bot.fault = undefined
    await bot.work(200)
    return bot.prompts.join()
  }

  test.each([
    ['by who said them takes them back', 'maya', false],
    ['by who may stop takes them back', 'zoe', false],
    ['by somebody else does not', 'sam', true],
  ])('%s', async (_, by, reaches) => {
    const bot = await waiting()
    await sends(bot, github.deletes(by, { id: 502, at: 20, text: '/codex in red' }))
    expect(await begins(bot)).toContain('fix it')
    expect(bot.prompts.join().includes('in red')).toBe(reaches)
    expect(statusOf(bot).includes('`sam` deleted words that wait for the agent')).toBe(by === 'sam')
    expect(bot.cancelled).toEqual([])
  })

  test('that GitHub still has takes nothing back', async () => {
    const bot = await waiting()
    bot.deleted.delete(502)
    await sends(bot, github.deletes('maya', { id: 502, at: 20, text: '/codex in red' }))
    expect(await begins(bot)).toContain('in red')
  })

  test('that overtakes them takes them back all the same', async () => {
    const bot = botWith()
    bot.fault = new NoResponse('posthog', 'PostHog answered 502')
    await sends(bot, github.comment({ at: 10 }))
    bot.deleted.add(502)
    await bot.deliver(github.comment({ id: 502, at: 20, text: '/codex in red' }))
    await bot.deliver(github.deletes('maya', { id: 502, at: 20, text: '/codex in red' }))
    expect(await begins(bot)).toContain('fix it')
    expect(bot.prompts.join()).not.toContain('in red')
  })

  test('that the agent has stops nothing', async () => {
    const bot = botWith()
    await sends(bot, github.comment({ at: 10 }), github.comment({ id: 502, at: 20, text: '/codex in red' }))
    expect(bot.prompts.join()).toContain('in red')
    bot.deleted.add(502)
    await sends(bot, github.deletes('maya', { id: 502, at: 20, text: '/codex in red' }))
    expect(bot.cancelled).toEqual([])
  })
})

describe('an edit', () => {
  const written = [
    ['a comment', github.comment],
    ['an inline comment', github.inlineComment],
    ['a review', github.review],
  ] as const
  test.each(written)('of %s by its author counts', async (_, of) => {
    const bot = botWith({ branches: { 'maya/login': 'b'.repeat(40) } })
    await sends(bot, of({ before: 'Let me think.', at: 10, editedAt: 60 }))
    expect(bot.requests).toHaveLength(1)
  })

  test.each(written)('of %s of a stranger by somebody who may asks for nothing', async (_, of) => {
    const bot = botWith()
    await sends(bot, of({ author: 'sam', before: 'Let me thnik.', at: 10, editedAt: 60 }))
    expect(bot.requests).toEqual([])
    expect(bot.triggers.size).toBe(0)
  })

  test('of a review does not ask again for what stands on its lines', async () => {
    const inline = [{ id: 501, path: 'a.ts', line: 1, hunk: '@@', body: '/codex fix it', author: 'maya' }]
    const bot = botWith({ branches: { 'maya/login': 'b'.repeat(40) }, inline })
    await sends(bot, github.review({ text: 'See /codex below.', at: 10 }))
    await sends(
      bot,
      github.review({
        text: '/codex-see below.\n> /codex',
        before: 'See /codex below.',
        at: 10,
        editedAt: 60,
      }),
    )
    expect([bot.requests.length, bot.prompts.length]).toEqual([1, 1])
  })

  test('asks again for nothing that stood there before', async () => {
    const bot = botWith()
    const first = { before: 'Hm.', text: 'Hm.\n\n/codex fix it', at: 10, editedAt: 60 }
    await sends(bot, github.comment(first))
    await sends(
      bot,
      github.comment({ before: first.text, text: 'Well.\n\n/codex fix it', at: 10, editedAt: 70 }),
    )
    expect([bot.requests.length, bot.prompts.length]).toEqual([1, 1])
  })

  test('within the second of another counts by itself', async () => {
    const bot = botWith()
    const first = { before: 'Hm.', text: 'Hm.\n\n/codex status', at: 10, editedAt: 60 }
    await sends(bot, github.comment(first))
    await sends(bot, github.comment({ ...first, before: first.text, text: 'Hm.\n\n/codex config' }))
    expect(bot.triggers.size).toBe(2)
    expect(bot.comments).toHaveLength(2)
  })

  test('that arrives twice is one', async () => {
    const bot = botWith()
    const edit = github.comment({ before: 'Hm.', text: '/codex status', at: 10, editedAt: 60 })
    await sends(bot, edit, { ...edit, id: 'another-delivery' })
    expect(bot.triggers.size).toBe(1)
  })
})

describe('what the thread remembers', () => {
  const answered = async (): Promise<MemoryBot> => {
    const bot = botWith({ agent: { says: 'The usage limit is reached.', fails: true } })
    await sends(bot, github.comment({ at: 10, text: '/codex fix the first' }))
    await bot.settle()
    return bot
  }
  const forgets = (bot: MemoryBot, which: (body: string) => boolean): void => {
    for (const gone of bot.comments.filter(({ body }) => which(body)))
      bot.comments.splice(bot.comments.indexOf(gone), 1)
  }

  const gone: [string, (body: string) => boolean][] = [
    ['its status comment', body => body.startsWith('### ')],
    ['all that the bot said', () => true],
  ]

  test.each(gone)('survives the deletion of %s', async (_, which) => {
    const bot = await answered()
    forgets(bot, which)
    await sends(bot, github.comment({ id: 502, at: 900, text: '/codex retry' }))
    await bot.settle()
    expect(bot.requests).toHaveLength(2)
    expect(bot.prompts.at(-1)).toContain('fix the first')
  })

  test.each(gone)('tells of its last run and goes on with it after the deletion of %s', async (_, which) => {
    const bot = await answered()
    forgets(bot, which)
    await sends(bot, github.comment({ id: 502, at: 900, text: '/codex status' }))
    expect(bot.comments.at(-1)?.body).toMatch(/last run.*failed/s)
    forgets(bot, which)
    await sends(bot, github.comment({ id: 503, at: 1_000, text: '/codex continue with the tests' }))
    await bot.settle()
    expect(bot.tasks).toHaveLength(1)
    expect(bot.prompts.at(-1)).toContain('Go on: with the tests')
  })

  test('of an old comment is what its box repeats', async () => {
    const bot = await answered()
    const shown = bot.comments.find(({ body }) => body.includes('Try again'))?.body ?? ''
    await sends(bot, github.comment({ id: 502, at: 900, text: '/codex --new fix the second' }))
    await bot.settle()
    await sends(bot, github.ticks('maya', shown, 'Try again'))
    await bot.settle()
    expect(bot.requests).toHaveLength(3)
    expect(bot.prompts.at(-1)).toContain('fix the first')
  })
})
