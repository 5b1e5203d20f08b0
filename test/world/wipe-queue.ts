/** The queue loses all that it holds: a Redis while the bot runs, an embedded one between two lives of it. */
import { rm } from 'node:fs/promises'
import { Redis } from 'ioredis'
import type { World } from './world.ts'

/** @param env of the bot that is started again, beside the world's own */
export async function wipeQueue(world: World, env: Record<string, string> = {}): Promise<void> {
  if (world.env.REDIS_URL) return wipeData(world)
  await world.bot.stop('SIGKILL')
  await wipeData(world)
  await world.startBot('all', env)
}

export async function wipeData({ env }: World): Promise<void> {
  if (!env.REDIS_URL) return rm(String(env.DATA_DIR), { recursive: true })
  const redis = new Redis(env.REDIS_URL)
  await redis.flushall()
  redis.disconnect()
}
