/** Runs stories on the embedded queue, on Redis, or on both. */
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { redisAvailable } from '../support/redis-server.ts'
import { exhaustive } from '../support/tries.ts'
import { leaveShared, ownStage, type Stage, sharedStage } from './shared-worlds.ts'
import type { QueueKind, World, WorldOptions } from './world.ts'

type Options = Omit<WorldOptions, 'redisUrl'> & {
  /** For stories that end processes, say: they can't share a world with others at the same time. */
  oneByOne?: boolean
  /** A world that no other group shares. */
  own?: true
}

type Tell = (world: () => World) => void

/**
 * At the same time, and in the world of the other groups of the file, unless `options` ask for one of their own.
 * `npm test` tells them on one queue, Redis where it is there.
 * @param tell gets the world when a story runs, not when it is declared
 */
export function onBothQueues(title: string, tell: Tell, options: Options = {}): void {
  const redis = redisAvailable()
  tellOn(title, tell, options, { embedded: !redis || exhaustive, redis })
}

/**
 * What the queue has no say in, since its contract holds both backends to the same: on Redis where it is there, else on
 * the embedded queue; on both if BOTH_QUEUES is set.
 */
export function onEitherQueue(title: string, tell: Tell, options: Options = {}): void {
  const redis = redisAvailable()
  tellOn(title, tell, options, { embedded: !redis || Boolean(process.env.BOTH_QUEUES), redis })
}

export function onRedis(title: string, tell: Tell, options: Options = {}): void {
  describe.skipIf(!redisAvailable())(`${title} (Redis)`, () =>
    tell(worldFor(() => ownStage('redis', options))),
  )
}

function tellOn(title: string, tell: Tell, options: Options, on: Record<QueueKind, boolean>): void {
  const stories = (queue: QueueKind) => () => {
    const begin = () =>
      tell(worldFor(() => (isPlain(options) ? sharedStage(queue) : ownStage(queue, options))))
    if (options.oneByOne) describe('one by one', { concurrent: false }, begin)
    else begin()
  }
  const how = { concurrent: true }
  if (isPlain(options)) afterAll(leaveShared)
  describe(title, () => {
    if (on.embedded) describe('(embedded queue)', how, stories('embedded'))
    describe.skipIf(!on.redis)('(Redis)', how, stories('redis'))
  })
}

const isPlain = (options: Options): boolean => Object.keys(options).length === 0

function worldFor(begin: () => Promise<Stage>): () => World {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await begin()
  })
  afterAll(() => stage?.leave())
  return () => {
    expect(stage, 'the world did not start').toBeDefined()
    return (stage as Stage).world
  }
}
