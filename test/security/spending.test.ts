/** What somebody without rights can make the bot spend: asserted as counts of calls, never as times. */

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { answerWith } from '../../src/commands/command.ts'
import { helpCommand } from '../../src/commands/help-command.ts'
import { TriggerRecord } from '../../src/commands/trigger-record.ts'
import { refusals } from '../../src/core/words/refusals.ts'
import { pullView } from '../core/given.ts'
import { MemoryBot, type Sent } from './memory-bot.ts'
import {
  another,
  comment as commentOf,
  inlineComment,
  opens,
  reopens,
  review,
  type Said,
} from './payloads.ts'
import { botAfter, sends } from './steps.ts'

const comment = (by: string, text: string, number = 7, rest: Partial<Said> = {}) =>
  another({ by, text, number, association: 'MEMBER', ...rest })

const says = (bot: MemoryBot, by: string, text: string) => sends(bot, comment(by, text))

/** So many come before any is taken up. */
async function atOnce(bot: MemoryBot, count: number, sent: (n: number) => Sent) {
  for (let n = 1; n <= count; n += 1) await bot.deliver(sent(n))
  await bot.settleAtOnce()
}

const long = 'word '.repeat(2_000).trim()
const fence = '`'.repeat(3)
/** So much that a thread of its own reads it. */
const more = `\n\n${'more '.repeat(100)}`

const tenCommands = Array.from({ length: 10 }, (_, n) => `/codex fix number ${n}`).join('\n\n')

test.each(['rita', 'eve'])(
  'ten commands of %s are one question, one answer and one reaction',
  async by => {
    const bot = new MemoryBot()
    const calls = await says(bot, by, tenCommands)
    const expected =
      'comments.earlier comments.post people.permission thread.react thread.readAhead'
    expect(calls.toSorted()).toEqual(expected.split(' '))
    expect(bot.comments).toHaveLength(1)
  },
)

test.each(['rita', 'eve'])('the same again by %s costs one call and no word that day', async by => {
  const bot = new MemoryBot()
  await says(bot, by, tenCommands)
  expect(await says(bot, by, tenCommands)).toEqual(['thread.react'])
  expect(bot.comments).toHaveLength(1)
  bot.now += 25 * 60 * 60_000
  await says(bot, by, tenCommands)
  expect(bot.comments).toHaveLength(2)
})

test('the same again by somebody of whom GitHub says nothing costs no word and a dozen questions', async () => {
  const bot = new MemoryBot()
  await says(bot, 'ghost', tenCommands)
  expect(await says(bot, 'ghost', tenCommands)).toEqual(['thread.react'])
  bot.now += 60_000
  const calls = await says(bot, 'ghost', tenCommands)
  expect(new Set(calls)).toEqual(new Set(['people.permission', 'thread.react', 'thread.readAhead']))
  expect(calls.length).toBeLessThanOrEqual(2 * 13 + 1)
  expect(bot.comments).toHaveLength(1)
})

describe('what refusals cost has an end', () => {
  const written = ({ calls }: MemoryBot) =>
    calls.filter(name => name === 'comments.post' || name === 'thread.react').length

  /** GitHub takes about 80 comments and reactions a minute, and 500 an hour, of an installation. */
  test.each([
    ['nobody', 'eve'],
    ['triage', 'tess'],
  ])('for one sender, in however many threads: %s', async (_, by) => {
    const bot = new MemoryBot()
    await atOnce(bot, 120, number => comment(by, '/codex fix it', number))
    expect(bot.comments.length).toBeGreaterThan(2)
    expect(written(bot)).toBeLessThanOrEqual(28)
    expect((await says(bot, 'rita', '/codex fix it')).toSorted()).toContain('comments.post')
    bot.now += 60 * 60_000
    const before = written(bot)
    await sends(bot, comment(by, '/codex fix it', 121))
    expect(written(bot) - before).toBe(2)
  })

  test('the pages of what they write are read as long as that, whatever they edit', async () => {
    const bot = new MemoryBot()
    await atOnce(bot, 120, number =>
      comment('rita', `\`\`\`\n/codex fix it\n\`\`\`${more}`, number),
    )
    const asked = bot.calls.filter(name => name === 'pages.shown').length
    expect(asked).toBeGreaterThan(10)
    expect(asked).toBeLessThanOrEqual(28)
    // Neither read nor answered.
    expect(bot.comments).toHaveLength(0)
    expect(await says(bot, 'maya', `/codex help${more}`)).toContain('pages.shown')
    expect(bot.comments).toHaveLength(1)
  })

  test('for all senders of an installation together, and nobody who may waits for it', async () => {
    const bot = new MemoryBot()
    await atOnce(bot, 120, id =>
      comment('eve', '/codex fix it', 1_000 + id, { senderId: 1_000 + id }),
    )
    expect(written(bot)).toBeGreaterThan(20)
    expect(written(bot)).toBeLessThanOrEqual(40)
    const before = written(bot)
    await says(bot, 'maya', '/codex help')
    expect(written(bot) - before).toBe(2)
  })
})

const edit = (by: string, n: number, before: string) =>
  commentOf({ by, text: `/codex fix ${n}`, before, editedAt: n + 1 })
const byEve = { ref: 'eve/patch', repo: 666 }

test.each<[string, (n: number) => Sent, number]>([
  ['edits of what was no command, by eve', n => edit('eve', n, 'hello'), 6],
  ['edits of what was no command, by rita', n => edit('rita', n, 'hello'), 6],
  [
    'commands in as many repositories',
    n => comment('eve', '/codex fix it', 7, { repoId: n + 1 }),
    130,
  ],
  ['reviews that ask for nothing', n => review({ by: 'rita', id: n + 1, text: '' }), 60],
  ['pull requests reopened', n => reopens('eve', n, byEve), 18],
  ['pull requests closed', n => reopens('eve', n, byEve, 'closed'), 0],
  [
    'closed ones with a marker of nobody',
    n => reopens('eve', n, byEve, 'closed', '<!-- codex-run: x -->'),
    6,
  ],
])('a hundred %s in a minute cost an owner few calls', async (_, sent, most) => {
  const bot = new MemoryBot()
  bot.pulls.push(pull)
  const from = bot.now
  for (let n = 0; n < 100; n += 1) {
    bot.now = from + n * 500
    await bot.deliver(sent(n))
    await bot.work(20, bot.now)
  }
  expect(bot.calls.length).toBeLessThanOrEqual(most)
})

test.each(['synchronize', 'reopened', 'review_requested'])(
  'a pull request of a fork is looked at ten times at once, then once a minute, for its approval: %s',
  async action => {
    const bot = new MemoryBot({ settings: 'pull_request: { approval: somebody-else }' })
    const from = bot.now
    for (let n = 1; n <= 240; n += 1) {
      bot.now = Math.max(bot.now, from + n * 1_000)
      bot.head = String(n).padStart(40, '0')
      await bot.deliver(reopens('eve', n, { ...byEve, sha: bot.head }, action))
      await bot.work(20, bot.now)
    }
    await bot.settle()
    expect(bot.checked.length).toBeGreaterThan(10)
    expect(bot.checked.length).toBeLessThanOrEqual(12 + 5)
    expect(bot.checked.at(-1)).toBe(bot.head)
    expect(bot.calls.length).toBeLessThan(100)
  },
)

test('a hundred commands of somebody who may not leave one line of their refusal a minute', async () => {
  const bot = new MemoryBot()
  const refusals = () => bot.logs.filter(line => line.includes('"message":"refused"')).length
  await atOnce(bot, 100, n => comment('eve', `/codex fix ${n}`))
  expect(refusals()).toBe(1)
  bot.now += 60_000
  await says(bot, 'eve', '/codex fix it')
  await says(bot, 'rita', '/codex fix it')
  expect(refusals()).toBe(3)
})

test('ten comments of one person at once are one question', async () => {
  const bot = new MemoryBot()
  const questions = () => bot.calls.filter(call => call === 'people.permission').length
  for (let minutes = 1; minutes <= 2; minutes += 1) {
    await atOnce(bot, 10, () => comment('maya', '/codex status'))
    expect(questions()).toBe(minutes)
    bot.now += 60_000
  }
})

test('what was refused in another process is found in the thread, once', async () => {
  const before = new MemoryBot()
  await says(before, 'eve', '/codex do it')
  const bot = new MemoryBot()
  bot.comments.push(...before.comments)
  bot.now = before.now
  expect(await says(bot, 'eve', '/codex do it')).toContain('comments.earlier')
  expect(await says(bot, 'eve', '/codex do it')).not.toContain('comments.earlier')
  expect(bot.comments).toHaveLength(1)
})

test('what GitHub said of somebody is in the record: another process does not ask again', async () => {
  const sent = comment('maya', '/codex status')
  const died = await botAfter([sent])
  const decided = died.kept.map(text => TriggerRecord.safeParse(JSON.parse(text)).data)
  const record = decided.find(each => each?.sender?.kind === 'known')
  const bot = new MemoryBot()
  await bot.deliver(sent)
  for (const job of bot.triggers.values())
    job.data = record ?? expect.fail('it was not written down')
  await bot.settle()
  expect(bot.calls).not.toContain('people.permission')
  expect(bot.comments).toHaveLength(1)
})

test.each([
  ['a comment', () => comment('eve', `/codex fix ${long}`)],
  [
    'an edit',
    () =>
      commentOf({ by: 'rita', text: `/codex fix ${long}`, before: `hello ${long}`, editedAt: 60 }),
  ],
  ['what the page shows as code', () => comment('rita', `${fence}\n/codex fix ${long}\n${fence}`)],
  ['a comment on a line', () => inlineComment({ by: 'eve', text: `/codex fix ${long}` })],
  ['a review without a command', () => review({ by: 'eve', text: long })],
  ['a label', () => opens('eve', long, 0).label],
  ['a command that is done when it is answered', () => comment('maya', `${long}\n\n/codex help`)],
])('%s that begins no run leaves no words in the queue', async (_, sent) => {
  const bot = new MemoryBot()
  expect(await bot.deliver(sent())).toBe(202)
  const before = JSON.stringify([...bot.triggers.values()])
  expect(before).toContain(long)
  await bot.settle()
  const after = JSON.stringify([...bot.triggers.values()].map(({ data }) => data))
  expect(after).not.toContain('word')
  expect(after.length).toBeLessThan(2_000)
})

test('what a run was begun with is kept: a follow-up may have to be asked again', async () => {
  const bot = new MemoryBot()
  await says(bot, 'maya', `/codex fix ${long}\n\n/codex help`)
  expect(bot.requests).toHaveLength(1)
  expect(JSON.stringify([...bot.triggers.values()])).toContain(long)
})

test('whatever a command replies, a stranger is told it once a day', async () => {
  const decide = vi
    .spyOn(helpCommand, 'decide')
    .mockReturnValue(answerWith(refusals.nothingToRetry()))
  onTestFinished(() => decide.mockRestore())
  const bot = new MemoryBot()
  for (let time = 0; time < 10; time += 1) await says(bot, 'rita', '/codex help')
  expect(bot.comments).toHaveLength(1)
  bot.now += 25 * 60 * 60_000
  for (const by of ['rita', 'maya', 'maya']) await says(bot, by, '/codex help')
  expect(bot.comments).toHaveLength(4)
})

test.each(['status', 'help', 'fix it'])(
  '/codex %s ten times at once is answered once',
  async words => {
    const bot = new MemoryBot()
    await atOnce(bot, 10, () => comment('rita', `/codex ${words}`))
    expect(bot.comments).toHaveLength(1)
  },
)

test('a command whose refusal could not be told leaves the telling to the next one', async () => {
  const bot = new MemoryBot({ unanswered: 'comments.earlier' })
  await atOnce(bot, 2, () => comment('rita', '/codex fix it'))
  expect(bot.comments).toHaveLength(1)
  expect(bot.comments[0]?.body).toContain('you need write permission')
})

test('the answer to status folds away the last one, whoever asks', async () => {
  const bot = new MemoryBot()
  for (const by of ['maya', 'rita', 'maya']) await says(bot, by, '/codex status')
  expect(bot.unfolded()).toEqual(bot.comments.slice(-1))
})

test('one comment that asks the same twice has one answer', async () => {
  const bot = new MemoryBot()
  await says(bot, 'maya', '/codex status\n\n/codex status')
  expect(bot.comments).toHaveLength(1)
})

test('who may do nothing is refused before what they wrote is read', async () => {
  const bot = new MemoryBot()
  // Read as Markdown, this holds no command and would be passed over.
  expect(await says(bot, 'eve', `\`\`\`\n/codex fix it\n\`\`\`${more}`)).not.toContain(
    'pages.shown',
  )
  expect(bot.comments).toHaveLength(1)
})

test.each(['rita', 'eve'])(
  '%s is no reason to ask where a command stands that is none',
  async by => {
    const bot = new MemoryBot()
    expect(await says(bot, by, `- do:\n- /codex fix it${more}`)).not.toContain('pages.shown')
    expect(await says(bot, 'maya', `- do:\n- /codex fix it${more}`)).toContain('pages.shown')
    expect(bot.comments).toHaveLength(1)
  },
)

test('a long text is read once for a command of somebody who may use another', async () => {
  const bot = new MemoryBot()
  const first = await says(bot, 'rita', `/codex fix it\n\n\`\`\`\n/codex plan\n\`\`\`${more}`)
  const asked =
    'comments.earlier comments.post pages.shown people.permission thread.react thread.readAhead'
  expect(first.toSorted().join(' ')).toBe(asked)
})

test('somebody who is let in after a refusal is heard a minute later', async () => {
  const roles: Record<string, 'read' | 'write'> = { rita: 'read' }
  const bot = new MemoryBot({ roles })
  await says(bot, 'rita', '/codex fix it')
  roles.rita = 'write'
  bot.now += 60_000
  await says(bot, 'rita', '/codex fix it')
  expect(bot.requests).toHaveLength(1)
})

test.each([
  ['', 0],
  ['Well done.', 0],
  ['/codex do what I say below', 1],
])(
  'a review whose comments can not be read is answered only if it asked: %j',
  async (body, answers) => {
    const bot = new MemoryBot({ inline: 'unreadable' })
    await sends(bot, review({ text: body }))
    expect(bot.comments).toHaveLength(answers)
    expect(bot.reactions.includes('confused')).toBe(answers > 0)
  },
)

test('a text with which process after process dies is given up with one line, unread', async () => {
  const bot = new MemoryBot()
  bot.stalls = 4
  await says(bot, 'maya', '/codex help')
  expect(bot.comments[0]?.body).toContain('`/codex status` (read permission)')
  bot.stalls = 5
  const calls = await says(bot, 'maya', '/codex help')
  expect(bot.comments).toHaveLength(2)
  expect(bot.comments[1]?.body).toContain('this bot had an error')
  expect(calls).not.toContain('people.permission')
  // By whomever it is, not again that day; and where even the line kills, without one.
  await says(bot, 'maya', '/codex help')
  bot.stalls = 10
  expect(await says(bot, 'rita', '/codex help')).toEqual([])
  expect(bot.comments).toHaveLength(2)
})

test.each(['it may have been said before', 'its answer is lost'])(
  'that line comes once, though %s',
  async why => {
    const bot = new MemoryBot()
    bot.stalls = 5
    if (why === 'its answer is lost') bot.isCommentLost = true
    else bot.lagsSince = bot.now
    await bot.deliver(comment('maya', '/codex help'))
    await bot.work(1)
    // The step came to its end, so its process did not die once more.
    bot.stalls = 0
    await bot.settle()
    expect(bot.isCommentLost).toBe(false)
    expect(bot.comments).toHaveLength(1)
    expect(bot.reactions).toEqual(['confused'])
  },
)

test.each([
  ['no more of it', true],
  ['its run, which is over', false],
])(
  'what was stopped is not started anew when GitHub tells it again and the queue knows %s',
  async (_, all) => {
    const bot = new MemoryBot({ agent: { goesOn: true } })
    const asked = comment('maya', '/codex fix it')
    await bot.deliver(asked)
    await bot.work(20, bot.now + 30_000)
    await says(bot, 'maya', '/codex stop')
    expect(bot.requests).toHaveLength(1)
    bot.triggers.clear()
    if (all) bot.runs.clear()
    bot.now += 60_000
    await bot.deliver(asked)
    await bot.settle()
    expect(bot.requests).toHaveLength(1)
    // Nobody else would take the eyes off.
    expect(bot.reactions.at(-1)).toBe('none')
  },
)

test('what was asked on a line, with its status in the thread, is not started anew', async () => {
  const bot = new MemoryBot()
  const asked = inlineComment({ text: '/codex do it' })
  await sends(bot, asked)
  bot.triggers.clear()
  bot.runs.clear()
  const [status] = bot.comments
  bot.comments.splice(1)
  bot.now += 60_000
  await sends(bot, asked)
  expect(bot.requests).toHaveLength(1)
  expect(bot.comments).toEqual([status])
})

test('where its run had begun before process after process died, nothing is said to have failed', async () => {
  const bot = new MemoryBot()
  await says(bot, 'maya', '/codex fix it')
  const said = bot.bodies()
  const [job] = bot.triggers.values()
  if (!job) return expect.fail('no trigger was kept')
  // As it stood before it was written down that the run is there.
  Object.assign(job, { standing: 'live', due: 0, data: { ...job.data, done: 0 } })
  bot.stalls = 5
  await bot.work(1)
  bot.stalls = 0
  await bot.settle()
  expect(job.standing).toBe('ended')
  expect(bot.bodies()).toEqual(said)
  expect(bot.reactions).not.toContain('confused')
})

test('where its message was with the run before process after process died, that alone answers', async () => {
  const bot = new MemoryBot()
  await bot.deliver(comment('maya', '/codex fix it'))
  await bot.work(1)
  await bot.deliver(comment('maya', '/codex stop'))
  await bot.work(1)
  const stop = [...bot.triggers.values()].at(-1) ?? expect.fail('no trigger was kept')
  const [run] = bot.runs.values()
  const message = run?.inbox.at(-1) ?? expect.fail('nothing was told')
  const pendingMessage = { runId: run?.id ?? '', message: JSON.parse(message) }
  // As it stood before it was written down that the message was taken.
  Object.assign(stop, { standing: 'live', due: 0, data: { ...stop.data, done: 0, pendingMessage } })
  bot.stalls = 5
  await bot.work(1)
  bot.stalls = 0
  await bot.settle()
  expect(stop.standing).toBe('ended')
  expect(bot.bodies().join('\n')).not.toContain('itself failed')
  // The command that began the stopped run gets none.
  expect(bot.reactions).toEqual(['eyes', 'eyes', '+1', 'none'])
})

const pull = pullView({
  number: 8,
  url: 'https://github.com/acme/shop/pull/8',
  draft: false,
  author: { login: 'eve', bot: false },
})

test('a pull request that is reopened each second is looked at no more often', async () => {
  const bot = new MemoryBot({ agent: { goesOn: true } })
  const head = { ref: 'codex/issue-7-login-is-flaky', repo: 100 }
  bot.pulls.push({ ...pull, head: head.ref, sha: 'b'.repeat(40), base: 'main', repoId: head.repo })
  await bot.deliver(comment('maya', '/codex fix it'))
  // Long enough for the looks to have become rare.
  const begun = bot.now
  while (bot.now < begun + 15 * 60_000) await bot.work(1)
  const run = [...bot.runs.values()][0]
  expect(run?.data.workspace.branch?.name).toBe(head.ref)
  const before = bot.looks.length
  const from = bot.now
  for (let n = 0; n < 20; n += 1) {
    bot.now = Math.max(bot.now, from + n * 1_000)
    expect(await bot.deliver(reopens('eve', n, head))).toBe(202)
    await bot.work(20, bot.now)
  }
  expect(bot.looks.length - before).toBeLessThanOrEqual(11)
  expect(bot.looks.length - before).toBeGreaterThanOrEqual(5)
})

test('what an older copy of the queue decides anew is not refused for the pull request of its own run', async () => {
  const bot = new MemoryBot({ agent: { opens: true } })
  await bot.deliver(comment('maya', '/codex fix it'))
  const older = structuredClone(bot.triggers)
  await bot.settle()
  for (const [id, job] of older) bot.triggers.set(id, job)
  bot.runs.clear()
  bot.lagsSince = bot.now
  bot.closers = [
    { number: 21, title: '', url: '', branch: 'agent', author: { login: 'a', bot: true } },
  ]
  await bot.settle()
  expect([bot.comments.length, bot.reactions.includes('-1')]).toEqual([2, false])
})
