/** What only a person can mend or allow is said in a comment after ten minutes, once for each reason. */
import { describe, expect, test } from 'vitest'
import { NoResponse, Rejected, RetryLater } from '../../src/core/model/errors.ts'
import { callAt, callIsDue, neededPerson } from '../../src/core/record/call-person.ts'
import { afterPassing } from '../../src/core/record/retries.ts'
import { changed, type Retry, type Run, type RunChange } from '../../src/core/record/run.ts'
import { callComment } from '../../src/core/words/while-working.ts'
import { putQuestion } from '../../src/runs/steps/closing-comment.ts'
import { minimizeStatus } from '../../src/runs/steps/status-comment.ts'
import { afterStep, handWith } from '../commands/command-world.ts'
import { maya, minute, runWith, second, status, t0, working } from '../core/given.ts'
import { MemoryBot } from '../security/memory-bot.ts'
import * as github from '../security/payloads.ts'

const hour = 60 * minute
const wrongKey: Retry = {
  why: 'PostHog does not accept the key of this bot',
  since: t0,
  until: t0 + minute,
  count: 3,
  setup: true,
}
const refused: Retry = {
  why: 'w',
  since: t0,
  until: t0 + minute,
  count: 3,
  refusedSince: t0 + second,
}
const away: Retry = { why: 'w', since: t0, until: t0 + minute, count: 3 }
const waitsUntil = (admin?: true): RunChange => ({
  schedule: {
    enteredAt: t0,
    waits: {
      kind: 'until',
      at: t0 + 5 * hour,
      limit: '`acme` started 3 runs. Whoever runs the bot can raise it',
      admin,
    },
  },
})
const called = (key: string): RunChange => ({ report: { questions: [{ key, commentId: 9 }] } })
const shown: RunChange = { report: { status } }

describe('a run that waits', () => {
  const never = Number.POSITIVE_INFINITY
  test.each<[string, Run, ReturnType<typeof callAt>]>([
    [
      'for whoever runs the bot, calls',
      runWith({ retries: { posthog: wrongKey } }),
      t0 + 10 * minute,
    ],
    ['with an agent at work', working({ retries: { posthog: wrongKey } }), t0 + 10 * minute],
    [
      'for rights, calls',
      working({ retries: { github: { ...refused, rights: true } } }),
      t0 + second + 10 * minute,
    ],
    ['for a limit of whoever runs the bot, calls', runWith(waitsUntil(true)), t0 + 10 * minute],
    ['for a limit of its repository, does not', runWith(waitsUntil()), never],
    [
      'in line, does not',
      runWith({ schedule: { enteredAt: t0, waits: { kind: 'line', of: 'owner', ahead: 3 } } }),
      never,
    ],
    [
      'for a service that is away, does not',
      runWith({ retries: { posthog: away, github: away } }),
      never,
    ],
    [
      'for reads that are refused for another reason, does not',
      working({ retries: { github: refused } }),
      never,
    ],
    [
      'that has called does not call again',
      runWith({ retries: { posthog: wrongKey } }, called('needs-setup-posthog')),
      never,
    ],
    [
      'that has called for another reason calls',
      runWith(waitsUntil(true), called('needs-setup-posthog')),
      t0 + 10 * minute,
    ],
    [
      'that has called for the same at another service calls',
      runWith({ retries: { posthog: wrongKey } }, called('needs-setup-github')),
      t0 + 10 * minute,
    ],
    [
      'that is being stopped does not call',
      runWith({ retries: { posthog: wrongKey } }, { mailbox: { stop: { by: maya, at: t0 } } }),
      never,
    ],
    [
      'where no comment can be, does not',
      runWith({ retries: { posthog: wrongKey } }, { report: { readOnlyThread: true } }),
      never,
    ],
    [
      'no more, does not',
      runWith({ retries: { posthog: wrongKey } }, { result: { outcome: { kind: 'answer' } } }),
      never,
    ],
  ])('%s', (_, run, at) => {
    expect(callAt(run)).toBe(at)
    if (at !== never) expect([callIsDue(run, at - 1), callIsDue(run, at)]).toEqual([false, true])
  })

  test.each([
    [
      new Rejected('github', 403, '', 'Resource not accessible by integration', undefined, 'read'),
      true,
    ],
    [new Rejected('posthog', 401, '', 'no', undefined, 'read'), true],
    [new Rejected('github', 404, '', 'Not Found', undefined, 'read'), undefined],
    [new NoResponse('github', 'reset'), undefined],
  ])('for rights, by what a service said: %s', (fault, rights) => {
    expect(afterPassing(runWith(), 'github', fault, { now: t0 }).rights).toBe(rights)
  })
})

test('says whom it calls, what is wrong, and who can mend it', () => {
  const words = (run: Run): string => {
    const needed = neededPerson(run)
    return needed ? callComment(run, needed, t0) : ''
  }
  const rights = {
    github: { ...refused, rights: true as const, why: 'GitHub refused this bot: no' },
  }
  expect(
    [
      runWith({ retries: { posthog: wrongKey } }),
      working({ retries: rights }),
      runWith(waitsUntil(true)),
    ]
      .map(words)
      .join('\n\n'),
  ).toMatchInlineSnapshot(`
    "@maya Codex waits: PostHog does not accept the key of this bot. Whoever runs this bot has to fix it: \`npm run doctor\` shows them what is wrong. Codex then continues on its own.

    <sub>fix the flaky login test</sub>

    @maya Codex waits: GitHub refused this bot: no. An owner has to accept what the App asks for: Settings ▸ GitHub Apps ▸ Review request. Codex then continues on its own.

    <sub>fix the flaky login test</sub>

    @maya Codex waits: \`acme\` started 3 runs. Whoever runs the bot can raise it. Otherwise Codex starts at 19:02 UTC.

    <sub>fix the flaky login test</sub>"
  `)
})

describe('a person is called once', () => {
  const due = runWith(shown, { retries: { posthog: wrongKey } })
  const at = t0 + 11 * minute

  const said = (comments: string[]) =>
    handWith(due, {
      now: () => at,
      github: {
        'comments.own': async () =>
          comments.map((body, id) => ({ id, nodeId: `IC_${id}`, body, createdAt: at })),
        'comments.post': async body => ({ id: comments.push(body) - 1 }),
        'comments.delete': async id => {
          comments.splice(id, 1)
        },
      },
    })
  const calling = { questions: [{ key: 'needs-setup-posthog', commentId: 0 }] }

  test('by a comment that is deleted in the end', async () => {
    const comments: string[] = []
    const hand = said(comments)
    const { report } = await afterStep(putQuestion, hand)
    expect(comments).toEqual([
      expect.stringContaining('@maya Codex waits: PostHog does not accept the key'),
    ])
    expect(report).toMatchObject(calling)
    hand.run = changed(hand.run, { report })
    expect((await afterStep(minimizeStatus, hand)).report.questions).toEqual([])
    expect(comments).toEqual([])
  })

  test('by processes that died before they could note that', async () => {
    const comments: string[] = []
    await afterStep(putQuestion, said(comments))
    const again = said(comments)
    again.run = changed(again.run, { attempts: { intent: [{ kind: 'put-question', at }] } })
    expect((await afterStep(putQuestion, again)).report).toMatchObject(calling)
    expect(comments).toHaveLength(1)
  })
})

describe('from the command on', () => {
  const botWith = (grants?: string) =>
    new MemoryBot({
      roles: { maya: 'write' },
      agent: { says: 'All done.' },
      ...(grants === undefined ? { settings: 'limits:\n  repository_per_day: 1\n' } : { grants }),
    })
  const calls = (bot: MemoryBot) =>
    bot.comments.filter(({ body }) => body.startsWith('@maya Codex waits: '))

  test('a wrong key calls after ten minutes, once, and the run goes on when it is mended', async () => {
    const bot = botWith()
    bot.fault = new RetryLater('posthog', 0, 'setup', 'PostHog does not accept the key of this bot')
    Object.defineProperty(bot.fault, 'until', { get: () => bot.now + 30 * second })
    await bot.deliver(github.comment({ at: 10 }))
    const began = bot.now
    await bot.work(2_000, began + 9 * minute)
    expect(calls(bot)).toEqual([])
    await bot.work(4_000, began + 60 * minute)
    expect(calls(bot)).toHaveLength(1)
    expect(Number(calls(bot)[0]?.createdAt) - began).toBeLessThan(11 * minute)
    bot.fault = undefined
    await bot.work(500, bot.now + 60 * minute)
    expect(bot.comments.at(-1)?.body).toContain('All done.')
    expect(calls(bot)).toEqual([])
  })

  test.each([
    ['of all owners', 'limits:\n  owner_per_day: 1\n', 1],
    ['of its repository, in the settings file', 'limits:\n  repository_per_day: 1\n', 1],
    ['of its repository, in its own file', undefined, 0],
  ])('a limit %s', async (_, grants, called) => {
    const bot = botWith(grants)
    await bot.deliver(github.comment({ at: 10 }))
    await bot.work(2_000, bot.now + 2 * minute)
    await bot.deliver(github.comment({ id: 502, at: 20, text: '/codex --new and more' }))
    await bot.work(2_000, bot.now + 60 * minute)
    expect(calls(bot)).toHaveLength(called)
  })
})
