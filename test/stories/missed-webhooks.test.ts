import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { exhaustive } from '../support/tries.ts'
import { spawnBot } from '../world/bot.ts'
import { onBothQueues, onRedis } from '../world/on-queues.ts'
import { isPast, opensIssue, unheard } from '../world/opens-issue.ts'
import type { World } from '../world/world.ts'

const minute = 60_000
const hour = 60 * minute

/** The bot starts at the address that GitHub knows, so that a sweep finds its door open. */
async function startAt(world: World, port: number): Promise<void> {
  const bot = spawnBot({ ...world.env, ROLE: 'all' }, port)
  world.bots.push(bot)
  await bot.ready()
}

/** How often each webhook since `first` that failed was sent again, and how many of the others were. */
function again({ github }: World, first: number): { failed: number[]; taken: number } {
  const log = github.webhooks.deliveries.slice(first)
  const firsts = log.filter(({ redelivery }) => !redelivery)
  const times = (ok: boolean) =>
    firsts
      .filter(({ status }) => (status === 'OK') === ok)
      .map(({ guid }) => log.filter(each => each.guid === guid && each.redelivery).length)
  return { failed: times(false), taken: times(true).filter(count => count > 0).length }
}

onBothQueues(
  'Webhooks are missed',
  world => {
    it('because the bot was down: afterwards everything is answered, once', async () => {
      const { github, bot } = world()
      const first = github.webhooks.deliveries.length
      const [known, missed] = [
        await opensIssue(world(), 'Known'),
        await opensIssue(world(), 'Missed'),
      ]
      await known.says('/codex help')
      await known.thread.waitForAnswer('/codex')
      await github.settled()

      await bot.stop()
      const helped = await missed.says('/codex help')
      const worked = await missed.says('/codex do it')
      await missed.says('I wonder where it is.')
      await github.settled()
      isPast(world(), first, 5 * minute)
      await startAt(world(), world().bot.port)

      const { thread } = missed
      await thread.waitForAnswer('Codex opened draft')
      await thread.waitForReaction('+1', helped.id)
      await thread.waitForReaction('rocket', worked.id)
      await github.settled()
      await sleep(1_500)
      expect(again(world(), first)).toEqual({ failed: [1, 1, 1], taken: 0 })
      expect(await thread.answers()).toHaveLength(2)
      expect(await thread.statuses()).toHaveLength(1)
      expect(await known.thread.answers()).toHaveLength(1)
      expect(missed.counts()).toMatchObject({ tasks: 1, runs: 1 })
    })

    it('by GitHub itself, and its limit is reached while they are asked for', async () => {
      const { github } = world()
      const { says, thread } = await opensIssue(world(), 'Dropped')
      await github.settled()
      const first = github.webhooks.deliveries.length
      await unheard(world(), async () => {
        for (const words of ['/codex help', '/codex status', '/codex config']) await says(words)
      })
      isPast(world(), first, 5 * minute)
      const called = github.calls.length
      const attempts = () =>
        github.calls.slice(called).filter(({ path }) => path.endsWith('/attempts'))
      const limit = github.fault({
        method: 'POST',
        path: /attempts$/,
        fault: { kind: 'secondary-limit', retryAfter: 3 },
      })
      await world().bot.stop()
      await startAt(world(), world().bot.port)

      await github.waitFor(async () => (await thread.answers()).length === 3)
      await github.settled()
      expect(limit.hits).toBe(1)
      expect(attempts().map(({ status }) => status)).toEqual([403, 202, 202, 202])
      expect(again(world(), first)).toEqual({ failed: [1, 1, 1], taken: 0 })
    })
  },
  { oneByOne: true },
)

onBothQueues(
  'The bot is started for the first time',
  world => {
    it('answers what was asked in the last three days, and no more', async () => {
      const { github } = world()
      const port = await freePort()
      github.webhooks.target = `http://127.0.0.1:${port}/api/github/webhooks`
      const { says, thread } = await opensIssue(world(), 'Long ago')
      await says('/codex help')
      await github.settled()
      isPast(world(), 0, 73 * hour)
      const first = github.webhooks.deliveries.length
      await says('/codex status')
      await github.settled()
      isPast(world(), first, 70 * hour)
      await startAt(world(), port)
      await thread.waitForAnswer('nobody has asked for anything here yet')
      await github.settled()
      expect(again(world(), 0)).toEqual({ failed: [0, 0, 1], taken: 0 })
      expect(await thread.answers()).toHaveLength(1)
    })
  },
  { oneByOne: true, roles: [] },
)

if (exhaustive)
  onRedis(
    'Webhooks are missed while many processes work',
    world => {
      it('each is asked for once, though all workers start at once', async () => {
        const { github, bots } = world()
        const { says, thread } = await opensIssue(world(), 'Many')
        await github.settled()
        const first = github.webhooks.deliveries.length
        await unheard(world(), async () => {
          for (let n = 0; n < 5; n++) await says('/codex help')
        })
        isPast(world(), first, 5 * minute)
        await Promise.all(bots.slice(1).map(bot => bot.stop()))
        await Promise.all([1, 2, 3].map(() => world().startBot('worker')))
        await github.waitFor(async () => (await thread.answers()).length === 5)
        await sleep(1_500)
        await github.settled()
        expect(again(world(), first)).toEqual({ failed: [1, 1, 1, 1, 1], taken: 0 })
        expect(await thread.answers()).toHaveLength(5)
      })
    },
    { roles: ['web', 'worker', 'worker'] },
  )
