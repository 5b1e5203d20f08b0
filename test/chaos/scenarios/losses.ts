/** All data of the queue is gone, or its newest, and the threads are what is left; or another process thinks so. */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { newDataDir } from '../../support/data-dir.ts'
import { keepQueue } from '../../world/kept-queue.ts'
import { bringUp, spawnMortal } from '../mortal-bot.ts'
import { isSaid, type Play, type SceneName, scenes } from '../plays.ts'
import { judge, noteRecovery, type Scenario } from '../stage.ts'

/** Of which nothing is said to a Run that lives: what was told to the queue alone is gone. */
const cast: readonly SceneName[] = ['labelled', 'asked', 'pushed', 'explained', 'asked']

export const queueLost: Scenario = {
  name: 'the queue loses its data',
  async run(stage) {
    const { world, random } = stage
    let bot = await bringUp(world)
    const plays: Play[] = []
    const losses: { play: Play; since: number }[] = []
    for (const [index, scene] of random.shuffled(cast).entries()) {
      const play = await scenes[scene](world, `gone${index}`)
      plays.push(play)
      await isSaid(world, play.number, /^### /)
      await sleep(random.between(0, 900))
      if (index % 2 === 0) continue
      losses.push({ play, since: Date.now() })
      // Its status may not have named it yet.
      play.expected.branches = undefined
      if (stage.redis) await stage.redis.flush()
      else {
        await bot.stop('SIGKILL')
        await rm(String(world.env.DATA_DIR), { recursive: true })
        bot = await bringUp(world)
      }
    }
    await judge(stage, plays, 150_000)
    for (const { play, since } of losses) noteRecovery(stage, play, since)
  },
}

export const queueRestored: Scenario = {
  name: 'the queue is put back to an older state',
  async run(stage) {
    const { world, random, redis } = stage
    await bringUp(world)
    const plays: Play[] = []
    const begins = async (name: string) => {
      const play = await scenes[random.one(cast)](world, name)
      plays.push(play)
      await isSaid(world, play.number, /^### /)
    }
    for (let round = 0; round < 3; round++) {
      await begins(`kept${round}`)
      await sleep(random.between(0, 900))
      const how = random.one(['the bot runs', 'the bot is stopped'] as const)
      const putBack = await keepQueue(world, redis, how, () => bringUp(world))
      await begins(`forgotten${round}`)
      await sleep(random.between(0, 3_000))
      const since = Date.now()
      await putBack()
      for (const play of plays) noteRecovery(stage, play, since)
    }
    await judge(stage, plays, 120_000)
  },
}

export const twin: Scenario = {
  name: 'a second process with a queue of its own',
  async run(stage) {
    const { world, random } = stage
    await bringUp(world)
    const plays: Play[] = []
    for (const [index, scene] of random.shuffled(cast).entries()) {
      const play = await scenes[scene](world, `twin${index}`)
      plays.push(play)
      await isSaid(world, play.number, /^### /)
      if (index % 2 === 0) continue
      // Of nobody it knows, and nothing is sent to it.
      const other = await spawnMortal(world, {
        env: { REDIS_URL: '', DATA_DIR: await newDataDir() },
      })
      await other.ready()
      await sleep(random.between(0, 9_000))
      if (random.next() < 0.5) await other.stop('SIGKILL')
    }
    await judge(stage, plays, 150_000)
    const took = world.bots.filter(bot => bot.output().includes('continued a run'))
    if (took.length > 0)
      stage.notes.violations.push(`${took.length} took up a run that was not lost`)
  },
}
