/** The machine of the embedded queue has no room left on its disk, or hardly any CPU. */
import { setTimeout as sleep } from 'node:timers/promises'
import { smallDisk } from '../../support/small-disk.ts'
import { bringUp, redeliverFailed } from '../mortal-bot.ts'
import { type Play, scenes } from '../plays.ts'
import { judge, noteRecovery, type Scenario } from '../stage.ts'

export const diskFull: Scenario = {
  name: 'the disk is full',
  queues: ['embedded'],
  async run(stage) {
    const { world, random, notes } = stage
    const disk = smallDisk(160)
    if (!disk) return
    world.env.DATA_DIR = `${disk.path}/data`
    try {
      let bot = await bringUp(world)
      for (let round = 0; round < 3; round++) {
        const plays = [
          await scenes.asked(world, `f${round}a`),
          await scenes.pushed(world, `f${round}b`),
        ]
        await sleep(random.between(0, 1_500))
        await disk.fill()
        plays.push(await scenes.labelled(world, `f${round}c`))
        await sleep(random.between(300, 4_000))
        const signal = AbortSignal.timeout(2_000)
        const answers = await Promise.all(
          ['healthz', 'readyz'].map(page =>
            fetch(`${bot.url}/${page}`, { signal }).then(({ status }) => status, String),
          ),
        )
        if (answers.join() !== '200,503')
          notes.violations.push(`on a full disk it answers ${answers}`)
        const ends = random.next() < 0.5
        if (ends) await bot.stop(random.one(['SIGTERM', 'SIGKILL'] as const))
        await disk.empty()
        const since = Date.now()
        if (ends) bot = await bringUp(world)
        await world.github.settled()
        redeliverFailed(world)
        await judge(stage, plays)
        for (const play of plays) noteRecovery(stage, play, since)
      }
      await bot.stop('SIGKILL')
    } finally {
      disk.remove()
    }
  },
}

export const starved: Scenario = {
  name: 'the CPU is short',
  queues: ['embedded'],
  async run(stage) {
    const { world, random } = stage
    const bot = await bringUp(world)
    const plays: Play[] = []
    for (const [index, scene] of (
      ['labelled', 'asked', 'pushed', 'labelled', 'asked'] as const
    ).entries())
      plays.push(await scenes[scene](world, `slow${index}`))
    for (let round = 0; round < 20; round++) {
      bot.signal('SIGSTOP')
      await sleep(random.between(500, 3_000))
      bot.signal('SIGCONT')
      await sleep(random.between(20, 200))
    }
    const since = Date.now()
    redeliverFailed(world)
    await judge(stage, plays)
    for (const play of plays) noteRecovery(stage, play, since)
  },
}
