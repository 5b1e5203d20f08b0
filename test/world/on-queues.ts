/** Runs the same stories on the embedded queue and on Redis, each with a world of its own. */
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

type Options = Omit<WorldOptions, 'redisUrl'> & {
  /** For stories that end processes, say: they can't share a world with others at the same time. */
  oneByOne?: boolean
}

/** At the same time. @param tell gets the world when a story runs, not when it is declared */
export function onBothQueues(title: string, tell: (world: () => World) => void, options: Options = {}): void {
  const stories = (onRedis: boolean) => () => {
    const begin = () => tell(worldFor(options, onRedis))
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
  describe.skipIf(!redisAvailable())(`${title} (Redis)`, () => tell(worldFor(options, true)))
}

function worldFor(options: Options, onRedis = false): () => World {
  let world: World | undefined
  let redis: RedisServer | undefined
  beforeAll(async () => {
    redis = onRedis ? await startRedis() : undefined
    world = await startWorld({ ...options, redisUrl: redis?.url })
  })
  afterEach(context => {
    const crashed = world?.bots.flatMap(bot => bot.output().match(/"level":(?:60|50).*/g) ?? []) ?? []
    if (context.task.result?.state === 'fail') console.error(crashed.join('\n'))
  })
  afterAll(async () => {
    await world?.close()
    await redis?.stop()
  })
  return () => {
    expect(world, 'the world did not start').toBeDefined()
    return world as World
  }
}
