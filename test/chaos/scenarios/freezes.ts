/** SIGSTOP past the lock while another process takes over, then SIGCONT: the sleeper has nothing more to say. */
import { setTimeout as sleep } from 'node:timers/promises'
import { bringUp, spawnMortal, timing } from '../mortal-bot.ts'
import { scenes } from '../plays.ts'
import { callsAt, judge, noteRecovery, type Scenario } from '../stage.ts'

export const frozenWorker: Scenario = {
  name: 'a worker is frozen and thaws',
  queues: ['redis'],
  async run(stage) {
    const { world, random, notes } = stage
    const bots = [
      await bringUp(world),
      await (await spawnMortal(world, { env: { ROLE: 'worker' } })).ready(),
    ]
    for (let round = 0; round < 3; round++) {
      const play = await scenes[random.one(['labelled', 'asked', 'pushed'] as const)](
        world,
        `nap${round}`,
      )
      await sleep(random.between(0, 1_500))
      const sleeper = random.one(bots)
      sleeper.signal('SIGSTOP')
      const since = Date.now()
      // What it had sent before it fell asleep still arrives.
      await sleep(timing.lockMs + timing.stalledMs + 4_000)
      noteRecovery(stage, play, since + 50)
      await judge({ ...stage, notes: { ...notes, threads: 0 } }, [play])
      const before = callsAt(world, play).length
      sleeper.signal('SIGCONT')
      await sleep(2_000)
      await judge(stage, [play], 15_000)
      const after = callsAt(world, play).slice(before)
      const writes = after.filter(({ method }) => method !== 'GET')
      for (const { method, path } of writes)
        notes.violations.push(`#${play.number}: the sleeper woke and did ${method} ${path}`)
    }
  },
}
