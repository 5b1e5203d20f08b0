/** kill -9, where it hurts most. */
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { ledgerOf } from '../../world/calls.ts'
import { type CrashPoint, crashPoints, deathAt } from '../crash-points.ts'
import { begin, crashAtEach, doMore } from '../crashes.ts'
import { bringUp, died, spawnMortal, timing } from '../mortal-bot.ts'
import { type Play, scenes } from '../plays.ts'
import type { Random } from '../random.ts'
import { judge, noteRecovery, type Scenario, type Stage } from '../stage.ts'

/** Each life ends at a point of its own, in an order of its own, and sometimes only the second time it gets there. */
export const everyPoint: Scenario = {
  name: 'crash at every point',
  async run(stage) {
    const { world, random } = stage
    // Where runs end with their turn, no branch is left for later, so two of the points would never come.
    world.posthog.set({ afterTurn: 'idles' })
    const plays = await crashAtEach(world, spread(random))
    await judge(stage, [...plays.values()])
  },
}

/** At random, but with lives that end at one call apart: a Run that dies there each time would be given up. */
function spread(random: Random): CrashPoint[] {
  const all = random
    .shuffled(crashPoints)
    .map(point => ({ point, call: inspect(deathAt(point).call) }))
  const placed = all.map(({ point, call }, at) => {
    const sharing = all.filter(each => each.call === call)
    const before = all.slice(0, at).filter(each => each.call === call)
    return { point, place: (before.length + random.next()) / sharing.length }
  })
  return placed.sort((a, b) => a.place - b.place).map(({ point }) => point)
}

/** Another process is there to take over: within the lock's time and the pause between two looks for lost jobs. */
export const heirAtHand: Scenario = {
  name: 'another process takes over',
  queues: ['redis'],
  async run(stage) {
    const { world, random, notes: messages } = stage
    const bound = timing.lockMs + timing.stalledMs + slack
    let taken = 0
    await doMore(world)
    for (let round = 0; round < 6; round++) {
      const point = random.one(midway)
      const bot = await bringUp(world, { point })
      const play = await begin(world, point, `h${round}`)
      // Started only now, so that it is not the heir that gets the job in the first place.
      const heir = await spawnMortal(world, { env: { ROLE: 'worker' } })
      const isDead = (await died(bot, 20_000)) !== undefined
      await heir.ready()
      const since = Date.now()
      await judge(stage, [play])
      // The call that kills may be the heir's own, which then has no answer.
      const isHeirs = /no usable answer/.test(heir.output())
      if (!isDead || isHeirs) {
        // The heir got there first, which no point but the first can rule out: there was nothing to take over.
        await Promise.all([bot.stop('SIGKILL'), heir.stop()])
        continue
      }
      taken += 1
      noteRecovery(stage, play, since)
      const took = messages.recoveries.at(-1) ?? 0
      if (took > bound)
        messages.violations.push(
          `#${play.number}: taken up only ${took} ms after the death at "${point}"`,
        )
      await heir.stop()
    }
    if (taken < 3) messages.violations.push(`only ${taken} of six lives ended where they were to`)
  },
}

/** For a machine that has other things to do. */
const slack = 2_500

/** Where the heir's first act is a call that can be seen, and before it could have had the job itself. */
const midway: readonly CrashPoint[] = [
  'after a status is posted',
  'after a task is created',
  'after a run is started',
  'after a pull request is seen',
  'after a last word is posted',
]

/** Twenty deaths in the life of one Run. */
export const twentyDeaths: Scenario = {
  name: 'twenty crashes in one life',
  async run(stage) {
    const { world, random } = stage
    let bot = await bringUp(world, pointBy(random))
    const play = await scenes.steered(world, 'cat')
    for (let deaths = 0; deaths < 20; deaths++) {
      // Whoever does not get to the point dies wherever that may be.
      if ((await died(bot, random.between(200, 2_500))) === undefined) await bot.stop('SIGKILL')
      bot = await bringUp(world, deaths < 19 ? pointBy(random) : undefined)
    }
    await judge(stage, [play], 150_000)
  },
}

const pointBy = (random: Stage['random']): { point: CrashPoint; nth: number } => ({
  point: random.one(crashPoints),
  nth: random.between(1, 2),
})

/** The same step kills every process that tries it: when it has killed five, the thread is told. */
export const alwaysCrashes: Scenario = {
  name: 'a step that always crashes',
  async run(stage) {
    const play = await doomed(stage, 'after a pull request is seen', {
      answers: [/Codex failed: this bot had an error, again and again/],
      // What the agent opened stays as it is: nobody could look at it, nor always at whether its turn was over.
      pulls: undefined,
      branches: 1,
      cancels: undefined,
    })
    const cancels = ledgerOf(stage.world, play.number).cancels.length
    if (cancels > 1) stage.notes.violations.push(`its agent was let go ${cancels} times`)
  },
}

/** Before it has begun anything: the thread is told, too. */
export const commandCrashes: Scenario = {
  name: 'a command that always crashes',
  async run(stage) {
    await doomed(stage, 'before a run is queued', {
      tasks: 0,
      runs: 0,
      statuses: 0,
      pulls: 0,
      answers: [/this did not work: this bot had an error/],
    })
  },
}

/** Asked for, and every process that gets to that point dies. */
async function doomed(
  stage: Stage,
  point: CrashPoint,
  expected: Partial<Play['expected']>,
): Promise<Play> {
  const { world } = stage
  let bot = await bringUp(world, { point })
  const play = await scenes.asked(world, 'doom')
  const [command = ''] = Object.keys(play.expected.reactions)
  Object.assign(play.expected, expected, { reactions: { [command]: 'confused' } })
  for (let deaths = 0; deaths < 10; deaths++) {
    // From the third death on it comes back later, by a pause of up to 20 s.
    if ((await died(bot, 40_000)) === undefined) break
    bot = await bringUp(world, { point })
  }
  await sleep(500)
  await judge(stage, [play])
  return play
}
