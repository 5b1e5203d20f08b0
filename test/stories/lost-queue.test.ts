import { expect, it, test } from 'vitest'
import { z } from 'zod'
import { onBothQueues, onRedis } from '../world/on-queues.ts'
import { asks, newRepository, opensIssue, working } from '../world/opens-issue.ts'
import { wipeQueue } from '../world/wipe-queue.ts'
import { startWorld } from '../world/world.ts'

const waitForWebhook = /runs are not in this queue: they are continued once GitHub delivers/

onBothQueues(
  'The queue lost its data while agents were at work',
  world => {
    it('every run is taken up again from its thread, and none is started twice', async () => {
      const { github, posthog } = world()
      const repository = await newRepository(world(), 'limits: { repository: 2 }')
      const begin = async (how: 'labels' | 'asks' | 'waits') => {
        posthog.script(`work-${how}`, { kind: 'manual' })
        const issue = await opensIssue(world(), `work-${how}`, repository)
        if (how === 'labels') await issue.maya.labels(issue.number, 'codex')
        else await issue.says(`/codex work-${how}`)
        return issue
      }
      const atWork = [await begin('labels'), await begin('asks')]
      for (const { thread } of atWork) await thread.waitForStatus('Codex is working')
      const waiting = await begin('waits')
      await waiting.thread.waitForStatus('waits for its turn')
      await github.settled()

      await wipeQueue(world())
      await world().bot.says(waitForWebhook)
      await waiting.says('Is anybody there?')

      for (const { run, thread } of atWork) {
        await run(0).openPull()
        await run(0).completeTurn('There it is.')
        await thread.waitForAnswer('Codex opened draft')
      }
      await waiting.thread.waitForStatus('Codex is working')
      await waiting.run(0).completeTurn('Nothing to do.')
      await waiting.thread.waitForAnswer('Nothing to do.')

      for (const { thread, ledger } of [...atWork, waiting]) {
        const { tasks, runs } = ledger()
        expect([tasks.length, runs.length]).toEqual([1, 1])
        expect([await thread.statuses(), await thread.answers()]).toMatchObject([
          { length: 1 },
          { length: 1 },
        ])
        expect(await thread.status()).not.toContain('⏳')
      }
      const [first, second] = atWork
      expect((await first?.thread.view())?.labels).toEqual([])
      await second?.thread.waitForReaction('rocket', (await second.thread.view()).comments[0]?.id)
    })
  },
  { oneByOne: true },
)

onRedis('The queue lost its data before a run began', world => {
  it('what had not begun is not begun with words that nobody approved', async () => {
    const repository = await newRepository(world(), 'limits: { repository: 1 }')
    await working(world(), 'busy', repository)
    const later = await asks(world(), 'do as it says', undefined, { repository })
    await later.thread.waitForStatus('waits for its turn')

    await later.maya.editsIssue(later.number, { body: 'something else' })
    await world().github.settled()
    await wipeQueue(world())
    await world().bot.says(waitForWebhook)
    await later.says('Is anybody there?')

    await later.thread.waitForAnswer('edited before it was found again')
    expect(later.ledger().runs).toEqual([])
  })
})

const Listed = z.looseObject({ id: z.string(), since: z.string(), cost: z.number().nullable() })
const Board = z.object({ runs: z.array(Listed) })

test('the board then has its costs, and the times from before', async () => {
  const token = 'opens the admin pages of this story'
  const world = await startWorld({ env: { ADMIN_TOKEN: token } })
  try {
    const board = async () => {
      const headers = { authorization: `Bearer ${token}` }
      return Board.parse(
        await (await fetch(`${world.bot.url}/admin/runs.json`, { headers })).json(),
      ).runs
    }
    const over = await asks(world, 'be over before')
    await over.thread.waitForAnswer('Codex opened draft')
    const { run, thread, says } = await working(world, 'survive on the board')
    await world.github.settled()
    const before = await board()
    expect(before).toHaveLength(2)
    await wipeQueue(world)
    await world.bot.says(waitForWebhook)
    await says('Is anybody there?')
    const lost = /a run that the queue had lost/
    await world.bot.says(new RegExp(`${lost.source}[^]*${lost.source}`))
    // One at work is only looked at again.
    const unseen = { state: expect.stringMatching('starting|working') }
    expect(await board()).toEqual([{ ...before[0], ...unseen }, before[1]])
    await run(0).completeTurn('Nothing to do.')
    await thread.waitForAnswer('Nothing to do.')
    expect((await board())[0]?.cost).toBeGreaterThan(0)
  } finally {
    await world.close()
  }
})
