/** A command that waits for the thread's Run is woken by it: it does not look every so often. */
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { onEitherQueue, onRedis } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'
import { ledgerOf, Thread } from '../world/thread.ts'

onRedis('A command that waits for a run', world => {
  /** How often the bot had a command in hand, as BullMQ counts it. */
  async function timesTaken(commentId: number): Promise<number> {
    const redis = new Redis(world().env.REDIS_URL ?? '')
    const taken = await redis.hget(`{codex}:triggers:comment-${commentId}`, 'ats')
    await redis.quit()
    return Number(taken)
  }

  it.each([
    ['an approval of a plan that is not there yet', 'plan how to grow', 'approve'],
    ['words with other options', 'how to grow', '--effort high go on with it'],
  ])('%s is taken when that is over, and not meanwhile', async (_, first, second) => {
    const { github, posthog } = world()
    const maya = github.as('maya')
    const { number } = await maya.opensIssue({ title: `To wait for: ${second}`, body: 'As said.' })
    const thread = new Thread(world(), number)
    const ledger = () => ledgerOf(world(), number)
    posthog.script('how to grow', { kind: 'slow', ms: 3_000, next: { kind: 'answers', text: '1. Grow.' } })

    await maya.comments(number, `/codex ${first}`)
    await github.waitFor(() => ledger().runs.length === 1)
    const { id } = await maya.comments(number, `/codex ${second}`)
    await thread.waitForAnswer('1. Grow.')
    const over = Date.now()
    await github.waitFor(() => ledger().runs.length === 2)
    expect(Date.now() - over, 'long before it would look by itself').toBeLessThan(15_000)
    await thread.waitForReaction('rocket', id)
    expect(await timesTaken(id)).toBeLessThanOrEqual(4)
  })
})

onEitherQueue('Words that wait behind a run', world => {
  const opens = (title: string) => opensIssue(world(), title)

  it('wait for an agent that goes on after its pull request was told', async () => {
    const { github, posthog } = world()
    const { thread, says, ledger, run } = await opens('A busy tail')
    posthog.script('take it slowly', { kind: 'manual' })
    await says('/codex take it slowly')
    await thread.waitForStatus('⏳ Codex is working')
    await run(0).openPull()
    await thread.waitForStatus('Codex still works on it')
    await says('/codex --model gpt-5 what next')
    await thread.waitForAnswer('with another `--model`')
    expect(run(0).status).toBe('in_progress')
    await run(0).completeTurn('Now it is done.')
    await github.waitFor(() => ledger().runs.length === 2)
  })
})
