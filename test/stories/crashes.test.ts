/** kill -9 at every point where something may be half done. The embedded queue has its turn in `npm run chaos`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CrashPoint, crashPoints } from '../../src/core/model/crash-points.ts'
import { backwards, crashAtEach } from '../chaos/crashes.ts'
import { verdict } from '../chaos/judge.ts'
import type { Play } from '../chaos/plays.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { startWorld, type World } from '../world/world.ts'

describe.skipIf(!redisAvailable())('The process dies at', () => {
  let redis: RedisServer
  let worlds: World[] = []
  const plays = new Map<CrashPoint, { world: World; play: Play }>()

  beforeAll(async () => {
    redis = await startRedis()
    const lanes = [0, 1].map(async lane => {
      const world = await startWorld({
        redisUrl: `${redis.url}/${lane}`,
        roles: [],
        posthog: { rate: 'off' },
      })
      worlds = [...worlds, world]
      const points = backwards.filter((_, index) => index % 2 === lane)
      for (const [point, play] of await crashAtEach(world, points)) plays.set(point, { world, play })
    })
    await Promise.all(lanes)
  })

  afterAll(async () => {
    await Promise.all(worlds.map(world => world.close()))
    await redis.stop()
  })

  it.each(crashPoints)('%s: in the end all is there once', async point => {
    const { world, play } = plays.get(point) ?? {}
    if (!world || !play) throw new Error('no play')
    await play.goesOn
    expect(await verdict(world, play, 300_000)).toEqual([])
  })
})
