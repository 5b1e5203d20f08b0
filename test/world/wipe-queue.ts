/** The queue loses all that it holds: a Redis while the bot runs, an embedded one between two lives of it. */
import { rm } from 'node:fs/promises'
import { Redis } from 'ioredis'
import type { World } from './world.ts'

/** @param env of the bot that is started again, beside the world's own */
export async function wipeQueue(world: World, env: Record<string, string> = {}): Promise<void> {
  if (world.env.REDIS_URL) {
    const redis = new Redis(world.env.REDIS_URL)
    await redis.flushall()
    redis.disconnect()
    return
  }
  await world.bot.stop('SIGKILL')
  await rm(String(world.env.DATA_DIR), { recursive: true })
  await world.startBot('all', env)
}
