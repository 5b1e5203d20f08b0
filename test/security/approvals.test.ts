/** What an approval carries out, and what is no plan. */
import { expect, test } from 'vitest'
import { MemoryBot, type MemoryBotOptions, type Sent } from './memory-bot.ts'
import * as github from './payloads.ts'

const head = { 'maya/login': 'b'.repeat(40) }

/** Asks, and approves what came of it. */
async function approved(
  asked: Sent,
  agent: NonNullable<MemoryBotOptions['agent']>,
  meanwhile: (bot: MemoryBot) => void = () => {},
  approval: Sent = github.comment({ id: 502, at: 900, text: '/codex approve' }),
): Promise<MemoryBot> {
  const bot = new MemoryBot({ roles: { maya: 'write' }, agent, branches: head })
  await bot.deliver(asked)
  await bot.settle()
  meanwhile(bot)
  await bot.deliver(approval)
  await bot.settle()
  return bot
}

const plan = github.comment({ at: 10, text: '/codex plan the split' })

test('a plan is carried out', async () => {
  const bot = await approved(plan, { says: '1. Split it' })
  expect(bot.requests).toHaveLength(2)
  expect(bot.requests[1]).toMatchObject({ auto_publish: true, resume_from_run_id: expect.any(String) })
  expect(bot.prompts[1]).toContain('Carry out the plan')
})

test('a plan that was made on a line of a pull request is carried out', async () => {
  const inline = github.inlineComment({ at: 10, text: '/codex plan the split' })
  const approval = github.inlineComment({ id: 502, at: 900, text: '/codex approve' })
  const bot = await approved(inline, { says: '1. Split it' }, undefined, approval)
  expect(bot.requests).toHaveLength(2)
  expect(bot.requests[1]).toMatchObject({ auto_publish: true, branch: 'maya/login' })
})

test('a plan whose status comment somebody deleted is carried out', async () => {
  const bot = await approved(plan, { says: '1. Split it' }, ({ comments }) => {
    comments.splice(
      comments.findIndex(({ body }) => body.startsWith('### ')),
      1,
    )
  })
  expect(bot.requests).toHaveLength(2)
})

test.each<[string, Sent, NonNullable<MemoryBotOptions['agent']>]>([
  ['that failed', plan, { says: 'The usage limit is reached.', fails: true }],
  ['of which nothing was said', plan, { says: '' }],
  ['that was none, but an answer', github.comment({ at: 10, text: '/codex why?' }), { says: 'So.' }],
  ['that was none, but work', github.comment({ at: 10 }), { says: 'Done.', opens: true }],
])('one %s is not', async (_, asked, agent) => {
  const bot = await approved(asked, agent)
  expect(bot.requests).toHaveLength(1)
  expect(bot.comments.at(-1)?.body).toContain('no plan')
})
