/** One life after another, each cut short at its own point, while threads of earlier lives are still being recovered. */
import type { World } from '../world/world.ts'
import { type CrashPoint, crashPoints, deathAt } from './crash-points.ts'
import { endTheHours, isComplete } from './judge.ts'
import { bringUp, died } from './mortal-bot.ts'
import { type Play, type SceneName, scenes } from './plays.ts'

const more = 'review: { resolve: true }\nlabels: { state: true }\n'

/** Comments on lines are resolved, and threads say by a label how they stand. */
export const doMore = ({ github }: World) =>
  github.as('olga').pushes('main', { '.github/codex.yml': more })

/** Only there an agent waits for an answer, too. */
const makeInteractive = ({ github }: World) =>
  github.as('olga').pushes('main', { '.github/codex.yml': `mode: interactive\n${more}` })

/** The latest point of a Run's life first: a thread on the mend has then passed the point where the next life ends. */
export const backwards: readonly CrashPoint[] = crashPoints.toReversed()

export const begin = (world: World, point: CrashPoint, name: string): Promise<Play> =>
  playMore(world, deathAt(point).scene, name)

const unlabelled: ReadonlySet<SceneName> = new Set<SceneName>(['answered', 'stopped'])

/** Where more is done. */
export async function playMore(world: World, scene: SceneName, name: string): Promise<Play> {
  const play = await scenes[scene](world, name)
  play.expected.labels = unlabelled.has(scene) ? [] : ['codex:done']
  return play
}

/** For what never comes; a busy machine is slow. */
const giveUpAfterMs = 180_000

/** A job that loses its process five times in a row is given up, and these have done nothing wrong. */
const deathsInARow = 4

/**
 * For each point: a life that ends there, and a thread that leads to it. The last life does not end.
 * @throws when a point is not reached
 */
export async function crashAtEach(
  world: World,
  points: readonly CrashPoint[],
): Promise<Map<CrashPoint, Play>> {
  const plays = new Map<CrashPoint, Play>()
  await makeInteractive(world)
  for (const [index, point] of points.entries()) {
    if (index > 0 && index % deathsInARow === 0) await recovers(world, [...plays.values()])
    endTheHours(world, [...plays.values()])
    const bot = await bringUp(world, { point })
    plays.set(point, await begin(world, point, `at${index}`))
    if ((await died(bot, giveUpAfterMs)) === undefined)
      throw new Error(`never got to "${point}":\n${bot.output()}`)
  }
  await bringUp(world)
  return plays
}

/** A life in which all comes to its end. */
async function recovers(world: World, plays: readonly Play[]): Promise<void> {
  const bot = await bringUp(world)
  await world.github.waitFor(
    () => {
      endTheHours(world, plays)
      return plays.every(play => isComplete(world, play))
    },
    { timeout: giveUpAfterMs, every: 100 },
  )
  await bot.stop('SIGKILL')
}
