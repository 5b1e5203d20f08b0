/** What is said to a live Run: the command is over when the Run has it, and the Run says what came of it. */
import { describe, expect, test } from 'vitest'
import { NoResponse, Rejected } from '../../src/core/model/errors.ts'
import { MemoryBot } from '../security/memory-bot.ts'
import * as github from '../security/payloads.ts'
import { botAfter, sends, settles } from '../security/steps.ts'

const agent = { says: 'Working.', goesOn: true }
const first = github.comment({ at: 10 })
const more = (text = '/codex and the logout test') => github.comment({ id: 502, at: 20, text })
const standingOf = (bot: MemoryBot, trigger: string) => bot.triggers.get(trigger)?.standing
const runOf = (bot: MemoryBot, id: string) => bot.runs.get(id)?.data
const answersOf = (bot: MemoryBot) => bot.bodies().filter(body => !body.startsWith('### '))

const lastIn = (bot: MemoryBot) => runOf(bot, 'run-comment-501')?.mailbox.words.at(-1)?.state

describe('more words', () => {
  test('wait in the Run while PostHog is away; their command does not', async () => {
    const bot = await botAfter([first], { agent })
    bot.fault = new NoResponse('posthog', 'PostHog answered 502')
    const { reactions } = bot
    await sends(bot, more())
    expect(standingOf(bot, 'comment-502')).toBe('ended')
    expect(lastIn(bot)).toBe('waiting')
    expect(reactions).not.toContain('+1')
    bot.fault = undefined
    await bot.work(200)
    expect(bot.prompts.at(-1)).toContain('and the logout test')
    expect(reactions.filter(content => content === '+1')).toHaveLength(1)
    expect(lastIn(bot)).not.toBe('waiting')
    expect(runOf(bot, 'run-comment-501')).toMatchObject({ mailbox: { answers: [] } })
  })

  test('do not keep what else the comment asks for', async () => {
    const bot = await botAfter([first], { agent })
    bot.fault = new NoResponse('posthog', 'PostHog answered 502')
    await sends(bot, more('/codex and the logout test\n\n/codex status'))
    expect(answersOf(bot).join()).toContain('a run is going on here')
  })

  test('for a Run that fails before it can pass them on begin one of their own', async () => {
    const bot = new MemoryBot()
    bot.fault = new NoResponse('posthog', 'PostHog answered 502')
    for (const sent of [first, more()]) {
      await bot.deliver(sent)
      await bot.work(40)
    }
    expect(standingOf(bot, 'comment-502')).toBe('ended')
    expect(lastIn(bot)).toBe('waiting')
    bot.fault = new Rejected('posthog', 402, '', 'no credits')
    while (!runOf(bot, 'run-comment-501')?.result.outcome) await bot.work(1)
    bot.fault = undefined
    await bot.settle()
    expect([...bot.runs.keys()]).toEqual(['run-comment-501', 'run-comment-502-1-again'])
    expect(runOf(bot, 'run-comment-502-1-again')).toMatchObject({
      request: { text: 'and the logout test', by: { login: 'maya' } },
      result: { outcome: { kind: 'answer' } },
    })
    expect(answersOf(bot)).toHaveLength(2)
  })
})

test('a stop that is said twice, by a process that came back, is one stop with one answer', async () => {
  const stop = more('/codex stop')
  const bot = await botAfter([first, stop, stop, settles], { agent })
  expect(bot.cancelled).toHaveLength(1)
  expect(runOf(bot, 'run-comment-501')).toMatchObject({
    result: { outcome: { kind: 'stopped' } },
    mailbox: { answers: [] },
  })
})
