/** A command that waits for the thread's Run is woken by it: it does not look every so often. */
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { onRedis } from '../world/on-queues.ts'
import { opensIssue } from '../world/opens-issue.ts'

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
    const { posthog } = world()
    const { says, thread, started } = await opensIssue(world(), `To wait for: ${second}`)
    posthog.script('how to grow', {
      kind: 'slow',
      ms: 3_000,
      next: { kind: 'answers', text: '1. Grow.' },
    })

    await says(`/codex ${first}`)
    await started(1)
    const { id } = await says(`/codex ${second}\n/codex status`)
    await thread.waitForAnswer(`\`/codex ${second}\` by \`maya\` has not begun yet.`)
    await thread.waitForAnswer('1. Grow.')
    const over = Date.now()
    await started(2)
    expect(Date.now() - over, 'long before it would look by itself').toBeLessThan(15_000)
    await thread.waitForReaction('rocket', id)
    expect(await timesTaken(id)).toBeLessThanOrEqual(4)
  })
})
