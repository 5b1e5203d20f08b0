/** A second process has the same App and a queue of its own: a laptop with the `.env` of production, or a move. */
import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type Bot, scratchDir, spawnBot } from '../world/bot.ts'
import { onBothQueues } from '../world/on-queues.ts'
import { type Talk, working } from '../world/opens-issue.ts'

onBothQueues(
  'A second process has the same App and a queue of its own',
  world => {
    const isToldOnce = async ({ thread, ledger }: Talk) => {
      expect([await thread.statuses(), await thread.answers()]).toMatchObject([
        { length: 1 },
        { length: 1 },
      ])
      expect(ledger().runs).toHaveLength(1)
    }
    const startTwin = async (): Promise<Bot> => {
      const { REDIS_URL: _, ...env } = world().env
      const { path } = await scratchDir()
      const twin = spawnBot({ ...env, DATA_DIR: path }, await freePort())
      world().bots.unshift(twin)
      return twin.ready()
    }

    it('takes up nothing of the first, and all of it once GitHub delivers there', async () => {
      const { github, bot } = world()
      const [soon, later] = [
        await working(world(), 'ends soon'),
        await working(world(), 'ends later'),
      ]
      await github.settled()
      const twin = await startTwin()
      await twin.says(/runs are not in this queue: they are continued once GitHub delivers/)
      await soon.run(0).completeTurn('That was soon.')
      await soon.thread.waitForAnswer('That was soon.')

      await bot.stop()
      github.webhooks.target = `${twin.url}/api/github/webhooks`
      await later.says('How far is it?')
      await twin.says(new RegExp(`/${later.number}"[^\\n]*continued a run that the queue had lost`))
      await later.run(0).completeTurn('That was later.')
      await later.thread.waitForAnswer('That was later.')
      for (const each of [soon, later]) await isToldOnce(each)
      expect(bot.output()).not.toContain('continued a run')
    })
  },
  { oneByOne: true },
)
