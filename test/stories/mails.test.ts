/** How often a thread is mailed: GitHub mails each new comment, and no edit. */
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { nameOfCall } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, type Talk } from '../world/opens-issue.ts'
import { startWorld } from '../world/world.ts'

onEitherQueue('A thread is mailed', world => {
  /** Comments that were made in it, also those that are deleted by now. */
  const mails = ({ repository, number }: Talk): number =>
    world().github.calls.filter(
      call =>
        call.path.includes(`/${repository}/issues/${number}/`) &&
        nameOfCall(call) === 'POST issues/comments' &&
        call.status === 201,
    ).length

  const opens = async (title: string, times = 3) => {
    const repository = await newRepository(world())
    const answers = { kind: 'answers' as const, text: '1. So.' }
    world().posthog.script({ repository, prompt: 'how to' }, answers, { times })
    return opensIssue(world(), title, repository)
  }

  it('twice for work: when it begins, and when it is done', async () => {
    const talk = await opens('Work')
    await talk.makes()
    expect(mails(talk)).toBe(2)
  })

  it('twice for a question', async () => {
    const talk = await opens('Ask')
    await talk.says('/codex ask how to')
    await talk.thread.waitForFolded()
    expect(mails(talk)).toBe(2)
  })

  it('four times for a plan and its approval', async () => {
    const talk = await opens('Plan', 1)
    await talk.says('/codex plan how to')
    await talk.thread.waitForFolded()
    await talk.says('/codex approve')
    await talk.thread.waitForAnswer('Codex opened draft')
    expect(mails(talk)).toBe(4)
  })

  it('twice for each of three commands in one comment', async () => {
    const talk = await opens('Three')
    const { id } = await talk.says('/codex ask how to\n/codex plan how to\n/codex ask how to pay')
    await talk.thread.waitForReaction('rocket', id)
    expect(mails(talk)).toBe(6)
  })
})

it('a thread is mailed of the first check that fails, once PostHog had five minutes for it, with a box that works', async () => {
  const preload = `--import ${fileURLToPath(new URL('../world/moved-clock.js', import.meta.url))}`
  const fiveMinutes = 5 * 60_000
  const world = await startWorld()
  const { github, posthog } = world
  const { makes, thread, ticks } = await opensIssue(world, 'Red')
  const { number: pull } = await makes()
  posthog.script(`Fix what pull request #${pull} needs`, { kind: 'pushesToBranch', text: 'Green.' })
  github.checks(pull, 'unit tests', 'FAILURE')
  await thread.waitForAnswer('❌ 1 check failed')
  expect(await thread.answers()).toHaveLength(1)
  await world.bot.stop()
  // The bot goes by GitHub's clock.
  const now = Date.now() + fiveMinutes
  vi.useFakeTimers({ toFake: ['Date'], now, shouldAdvanceTime: true })
  try {
    await world.startBot('all', { NODE_OPTIONS: preload, CLOCK_AHEAD: String(fiveMinutes) })
    const failed = new RegExp(`^@maya a check failed on #${pull}: \\[unit tests\\]\\(http`)
    await thread.waitForAnswer(failed, { timeout: 30_000 })
    await ticks('Fix this')
    await thread.waitForAnswer('Green.', { timeout: 30_000 })
    await github.settled()
    expect((await thread.answers()).filter(text => failed.test(text))).toHaveLength(1)
  } finally {
    vi.useRealTimers()
    await world.close()
  }
})
