/** Runs the same stories on the embedded queue and on Redis. */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { redisAvailable } from '../support/redis-server.ts'
import { ownStage, type Stage, sharedStage } from './shared-worlds.ts'
import type { World, WorldOptions } from './world.ts'

type Options = Omit<WorldOptions, 'redisUrl'> & {
  /** For stories that end processes, say: they can't share a world with others at the same time. */
  oneByOne?: boolean
  /** A world that no other file shares. */
  own?: true
}

/**
 * At the same time, and in worlds that stories of other files were told in, unless `options` ask for one of their own.
 * @param tell gets the world when a story runs, not when it is declared
 */
export function onBothQueues(title: string, tell: (world: () => World) => void, options: Options = {}): void {
  const stories = (onRedis: boolean) => () => {
    const begin = () => tell(worldFor(() => stageFor(options, onRedis)))
    if (options.oneByOne) describe('one by one', { concurrent: false }, begin)
    else begin()
  }
  const how = { concurrent: true }
  describe(title, () => {
    describe('(embedded queue)', how, stories(false))
    describe.skipIf(!redisAvailable())('(Redis)', how, stories(true))
  })
}

export function onRedis(title: string, tell: (world: () => World) => void, options: Options = {}): void {
  describe.skipIf(!redisAvailable())(`${title} (Redis)`, () =>
    tell(worldFor(() => ownStage('redis', options))),
  )
}

function stageFor(options: Options, onRedis: boolean): Promise<Stage> {
  const queue = onRedis ? 'redis' : 'embedded'
  return Object.keys(options).length > 0 ? ownStage(queue, options) : sharedStage(queue)
}

function worldFor(begin: () => Promise<Stage>): () => World {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await begin()
  })
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return
    const crashed = stage?.world.bots.flatMap(bot => bot.output().match(/"level":(?:60|50).*/g) ?? []) ?? []
    console.error(crashed.join('\n'))
  })
  afterAll(() => stage?.leave())
  return () => {
    expect(stage, 'the world did not start').toBeDefined()
    return (stage as Stage).world
  }
}
