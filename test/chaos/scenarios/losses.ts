/** All data of the queue is gone, and the threads are what is left. */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { bringUp } from '../mortal-bot.ts'
import { type Play, type SceneName, scenes } from '../plays.ts'
import { judge, noteRecovery, type Scenario, type Stage } from '../stage.ts'

/** Of which nothing is said to a Run that lives: what was told to the queue alone is gone. */
const cast: readonly SceneName[] = ['labelled', 'asked', 'pushed', 'labelled', 'asked']

export const queueLost: Scenario = {
  name: 'the queue loses its data',
  queues: ['redis', 'embedded'],
  async run(stage) {
    const { world, random } = stage
    let bot = await bringUp(world)
    const plays: Play[] = []
    const losses: { play: Play; since: number }[] = []
    for (const [index, scene] of random.shuffled(cast).entries()) {
      const play = await scenes[scene](world, `gone${index}`)
      plays.push(play)
      await hasStatus(stage, play)
      await sleep(random.between(0, 900))
      if (index % 2 === 0) continue
      losses.push({ play, since: Date.now() })
      if (stage.redis) await stage.redis.flush()
      else {
        await bot.stop('SIGKILL')
        await rm(String(world.env.DATA_DIR), { recursive: true })
        bot = await bringUp(world)
      }
    }
    await judge(stage, plays)
    for (const { play, since } of losses) noteRecovery(stage, play, since)
  },
}

const hasStatus = ({ world }: Stage, { number }: Play): Promise<unknown> =>
  world.github.waitFor(
    async () => (await world.github.thread(number)).comments.some(({ body }) => body.startsWith('### ')),
    { timeout: 30_000 },
  )
