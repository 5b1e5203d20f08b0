/** What GitHub refuses to show once, or does not show, is asked for again before anybody is answered or stopped. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import { MemoryBot, type MemoryBotOptions, type Sent } from '../security/memory-bot.ts'
import * as github from '../security/payloads.ts'

/** How often it is not shown from now on. */
let unseen = 0
beforeEach(() => {
  unseen = 0
})

/** Has that in the end. @param fault in place of nothing */
const shownLate = <Of extends object>(of: Of, name: keyof Of, value: unknown, fault?: Error): Of =>
  Object.defineProperty(of, name, {
    enumerable: true,
    get() {
      unseen -= 1
      if (unseen < 0) return value
      if (fault) throw fault
      return undefined
    },
  })

const refused = new Rejected('github', 403, '', 'Resource not accessible by integration', undefined, 'read')
const usual = (): MemoryBotOptions => ({ roles: { maya: 'write' }, agent: { says: 'Done.' } })
const release = (): Record<string, string> => shownLate<Record<string, string>>({}, 'release', 'b'.repeat(40))

async function sends(bot: MemoryBot, ...all: Sent[]): Promise<void> {
  for (const sent of all) {
    await bot.deliver(sent)
    await bot.settle()
  }
}

describe('A read of a command that GitHub refuses once', () => {
  test('of the branch that was named: it is worked on', async () => {
    const bot = new MemoryBot({ ...usual(), branches: release() })
    unseen = 1
    await sends(bot, github.comment({ at: 10, text: '/codex --branch release fix it' }))
    expect(bot.requests).toMatchObject([{ branch: 'release' }])
  })

  test('of the branch of a plan: it is approved', async () => {
    const bot = new MemoryBot({ ...usual(), branches: release() })
    await sends(bot, github.comment({ at: 10, text: '/codex plan --branch release how' }))
    unseen = 1
    await sends(bot, github.comment({ id: 502, at: 900, text: '/codex approve' }))
    expect(bot.requests).toMatchObject([{ branch: 'release' }, { branch: 'release' }])
  })

  test('of the pull request that a run opened: the next run goes on with it', async () => {
    const bot = new MemoryBot({ ...usual(), agent: { says: 'Done.', opens: true } })
    await sends(bot, github.comment({ at: 10 }))
    vi.spyOn(bot.pulls, 'find').mockReturnValueOnce(undefined)
    await sends(bot, github.comment({ id: 502, at: 900, text: '/codex --model gpt-5 and more' }))
    expect(bot.runs.get('run-comment-502')?.data.result.pulls).toMatchObject([{ number: 20 }])
  })

  test('of settings that were there a moment ago: they hold', async () => {
    const bot = new MemoryBot(shownLate(usual(), 'settings', 'permissions:\n  run: admin\n'))
    await sends(bot, github.comment({ at: 10 }))
    unseen = 1
    await sends(bot, github.comment({ id: 502, at: 900, text: '/codex do it now' }))
    expect(unseen).toBeLessThan(0)
    expect(bot.requests).toEqual([])
  })

  test('of the lines of a review: they are worked on', async () => {
    const line = { id: 601, path: 'a.ts', line: 1, hunk: '@@', body: 'Rename it', author: 'maya' }
    const options = { ...usual(), branches: { 'maya/login': 'b'.repeat(40) } }
    const bot = new MemoryBot(shownLate(options, 'inline', [line], refused))
    unseen = 1
    await sends(bot, github.review({ text: '/codex please', at: 10 }))
    expect(bot.prompts).toEqual([expect.stringContaining('Rename it')])
  })

  test('of how a thread stands that was closed: its run stops all the same', async () => {
    const bot = new MemoryBot({ ...usual(), agent: { says: 'Working.', goesOn: true } })
    await bot.deliver(github.comment({ at: 10 }))
    await bot.work(40)
    shownLate(bot.subject, 'open', false, refused)
    unseen = 1
    await sends(bot, github.closes('maya', 20))
    expect(bot.cancelled).toHaveLength(1)
  })
})
