/** kill -9 at every point where something may be half done. The embedded queue has its turn in `npm run chaos`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CrashPoint, crashPoints } from '../chaos/crash-points.ts'
import { backwards, crashAtEach } from '../chaos/crashes.ts'
import { verdict } from '../chaos/judge.ts'
import type { Play } from '../chaos/plays.ts'
import { type RedisServer, redisAvailable, startRedis } from '../support/redis-server.ts'
import { exhaustive } from '../support/tries.ts'
import { startWorld, type World } from '../world/world.ts'

/** Each is a life of its own: where what is lost or done twice hurts most, or all. */
const often: readonly CrashPoint[] = [
  ...(['before a run is queued', 'after a run is started', 'after a message is said'] as const),
]
const points = exhaustive ? crashPoints : often
/** So many worlds at once. */
const many = exhaustive ? 2 : 1

describe.skipIf(!redisAvailable())('The process dies at', () => {
  let redis: RedisServer
  let worlds: World[] = []
  const plays = new Map<CrashPoint, { world: World; play: Play }>()

  beforeAll(async () => {
    redis = await startRedis()
    const lanes = Array.from({ length: many }, async (_, lane) => {
      const world = await startWorld({
        redisUrl: `${redis.url}/${lane}`,
        roles: [],
        posthog: { rate: 'off' },
      })
      worlds = [...worlds, world]
      const ofLane = backwards
        .filter(point => points.includes(point))
        .filter((_, at) => at % many === lane)
      for (const [point, play] of await crashAtEach(world, ofLane))
        plays.set(point, { world, play })
    })
    await Promise.all(lanes)
  })

  afterAll(async () => {
    await Promise.all(worlds.map(world => world.close()))
    await redis.stop()
  })

  it.each(points)('%s: in the end all is there once', async point => {
    const { world, play } = plays.get(point) ?? {}
    if (!world || !play) throw new Error('no play')
    await play.goesOn
    expect(await verdict(world, play, 300_000)).toEqual([])
  })
})
