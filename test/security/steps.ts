/** What happens to a bot, one thing after another, and what came of it: the rows of the tables here. */
import { expect, test } from 'vitest'
import { MemoryBot, type MemoryBotOptions, type Sent } from './memory-bot.ts'

export type Step = Sent | ((bot: MemoryBot) => unknown)
export type Given = Partial<MemoryBotOptions>

/** Lets the bot do what it can; an agent that has no end works on. @returns the calls to GitHub that it cost */
export async function sends(bot: MemoryBot, sent: Sent): Promise<string[]> {
  const before = bot.calls.length
  expect(await bot.deliver(sent)).toBeLessThan(300)
  await (bot.options.agent?.goesOn ? bot.work(15) : bot.settle())
  // The settings are a part of what was read ahead.
  return bot.calls.slice(before).filter(name => name !== 'files.text')
}

export async function botAfter(steps: readonly Step[], given: Given = {}): Promise<MemoryBot> {
  const bot = new MemoryBot(given)
  for (const step of steps) await (typeof step === 'function' ? step(bot) : sends(bot, step))
  return bot
}

export const comes = (sent: Sent) => (bot: MemoryBot) => bot.deliver(sent)
export const works =
  (most: number, ms = Number.POSITIVE_INFINITY) =>
  (bot: MemoryBot) =>
    bot.work(most, bot.now + ms)
export const settles = (bot: MemoryBot) => bot.settle()
export const hasRole =
  (login: string, role: 'read' | 'write') =>
  ({ options }: MemoryBot) => {
    options.roles[login] = role
  }

const cameOf = (bot: MemoryBot) => ({
  starts: bot.requests.length,
  stops: bot.cancelled.length,
  runs: bot.runs.size,
  tasks: bot.tasks.length,
  branches: bot.made.length,
  requests: bot.requests,
  prompts: bot.prompts,
  told: bot.prompts.length,
  hears: bot.prompts.join(),
  comments: bot.comments.length,
  status: bot.comments.findLast(({ body }) => body.startsWith('### '))?.body,
  last: bot.comments.at(-1)?.body,
  says: bot.bodies().join('\n'),
  reacts: bot.reactions,
  reactions: bot.reactions.length,
  unlabelled: bot.unlabelled,
  asks: bot.asked,
  finds: bot.calls.filter(name => name === 'comments.find').length,
  triggers: bot.triggers.size,
  waiting: [...bot.triggers.values()].filter(({ standing }) => standing === 'live').length,
})

type Came = Partial<ReturnType<typeof cameOf>>
export type Row = [title: string, steps: readonly Step[], came: Came, given?: Given]

/** @param usual comes of a row that says nothing else */
export const tableOf =
  (usual: Came, with_: Given = {}) =>
  (...rows: Row[]) =>
    test.each(rows)('%s', async (_, steps, came, given) =>
      expect(cameOf(await botAfter(steps, { ...with_, ...given }))).toMatchObject({
        ...usual,
        ...came,
      }),
    )

export const has = (text: string) => expect.stringContaining(text)
/** Has the one text, and none of the others. */
export const hasWithout = (text: string, ...others: string[]) =>
  expect.toSatisfy(
    (said: string) => said.includes(text) && !others.some(other => said.includes(other)),
  )
export const lacks = (text: string) => expect.not.stringContaining(text)
