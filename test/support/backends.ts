/** Both queues, each in a place of its own for the tests of a block. */
import { afterAll, beforeAll } from 'vitest'
import { cleanUp, ownDataDir, type Place } from './queue-world.ts'
import { type RedisServer, redisAvailable, startRedis } from './redis-server.ts'

export const backends = [
  { name: 'the embedded database', redis: false },
  ...(redisAvailable() ? [{ name: 'Redis', redis: true }] : []),
]

/** To be said before what opens queues there, and gone after it. */
export function usePlace(redis: boolean) {
  let server: RedisServer | undefined
  let place: Place
  beforeAll(async () => {
    if (redis) server = await startRedis()
    place = server ? { redisUrl: server.url, dataDir: '/nowhere' } : { dataDir: await ownDataDir() }
  })
  afterAll(async () => {
    await cleanUp()
    await server?.stop()
  })
  return { server: () => server, place: () => place }
}
