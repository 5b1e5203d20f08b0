/**
 * A world costs a second of a processor before its first word. Groups of a file that want nothing of their own share one,
 * which ends with the last of them.
 */
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type QueueKind, startWorld, type World, type WorldOptions } from './world.ts'

export interface Stage {
  world: World
  redis: RedisServer | undefined
  leave(): Promise<unknown>
}

const shared = new Map<QueueKind, Promise<Stage>>()

export async function ownStage(
  queue: QueueKind,
  options: Omit<WorldOptions, 'redisUrl'>,
): Promise<Stage> {
  const redis = queue === 'redis' ? await startRedis() : undefined
  const world = await startWorld({ ...options, redisUrl: redis?.url })
  const leave = async () => {
    await world.close()
    await redis?.stop()
  }
  return { world, redis, leave }
}

/** One whose bot still runs, without what others had scripted. */
export async function sharedStage(queue: QueueKind): Promise<Stage> {
  const begun = shared.get(queue) ?? ownStage(queue, {})
  shared.set(queue, begun)
  const stage = await begun
  stage.world.posthog.clearScripts()
  return { ...stage, leave: async () => {} }
}

/** After the last group of a file. */
export async function leaveShared(): Promise<void> {
  const stages = [...shared.values()]
  shared.clear()
  for (const stage of await Promise.all(stages)) await stage.leave()
}
