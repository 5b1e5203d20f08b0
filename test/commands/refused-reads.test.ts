/** What GitHub refuses to show once, or does not show, is asked for again before anybody is answered or stopped. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Rejected } from '../../src/core/model/errors.ts'
import type { MemoryBot, MemoryBotOptions } from '../security/memory-bot.ts'
import * as github from '../security/payloads.ts'
import { botAfter, has, sends, settles, tableOf, works } from '../security/steps.ts'

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

const refused = new Rejected(
  'github',
  403,
  '',
  'Resource not accessible by integration',
  undefined,
  'read',
)

const isUnseenOnce = () => {
  unseen = 1
}

describe('A read of a command that GitHub refuses once', () => {
  const each = tableOf({})
  const branches = () => shownLate<Record<string, string>>({}, 'release', 'b'.repeat(40))
  const release = expect.objectContaining({ branch: 'release' })
  const asks = (text?: string) => github.comment({ at: 10, text })
  const later = (text: string) => github.comment({ id: 502, at: 900, text })
  const hasLate =
    <Name extends keyof MemoryBotOptions>(
      name: Name,
      value: MemoryBotOptions[Name],
      fault?: Error,
    ) =>
    ({ options }: MemoryBot) =>
      shownLate(options, name, value, fault)
  const inline = [{ id: 601, path: 'a.ts', line: 1, hunk: '@@', body: 'Rename it', author: 'maya' }]
  const isClosed = ({ subject }: MemoryBot) => shownLate(subject, 'open', false, refused)
  const wasRefused = () => expect(unseen).toBeLessThan(0)
  each(
    [
      'of the branch that was named: it is worked on',
      [isUnseenOnce, asks('/codex --branch release fix it')],
      { requests: [release] },
      { branches: branches() },
    ],
    [
      'of the branch of a plan: it is approved',
      [asks('/codex plan --branch release how'), isUnseenOnce, later('/codex approve')],
      { requests: [release, release] },
      { branches: branches() },
    ],
    [
      'of settings that were there a moment ago: they hold',
      [
        hasLate('settings', 'permissions:\n  run: admin\n'),
        asks(),
        isUnseenOnce,
        later('/codex do it now'),
        wasRefused,
      ],
      { starts: 0 },
    ],
    [
      'of the lines of a review: they are worked on',
      [
        hasLate('inline', inline, refused),
        isUnseenOnce,
        github.review({ text: '/codex please', at: 10 }),
      ],
      { prompts: [has('Rename it')] },
    ],
    [
      'of how a thread stands that was closed: its run stops all the same',
      [asks(), works(40), isClosed, isUnseenOnce, github.closes('maya', 20), settles],
      { stops: 1 },
      { agent: { says: 'Working.', goesOn: true } },
    ],
  )

  test('of the pull request that a run opened: the next run goes on with it', async () => {
    const bot = await botAfter([asks()], { agent: { opens: true } })
    vi.spyOn(bot.pulls, 'find').mockReturnValueOnce(undefined)
    await sends(bot, later('/codex --model gpt-5 and more'))
    expect(bot.runs.get('run-comment-502')?.data.result.pulls).toMatchObject([{ number: 20 }])
  })
})
