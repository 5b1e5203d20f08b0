/**
 * A world costs a second of a processor before its first word. Stories of several files that want nothing of their own
 * share one: a worker reads its modules once, and so keeps it from file to file.
 */
import { noteLeftRunning } from '../support/left-running.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type QueueKind, startWorld, type World, type WorldOptions } from './world.ts'

export interface Stage {
  world: World
  redis: RedisServer | undefined
  /** Whoever has it says when they are done with it. */
  leave(): Promise<unknown>
}

/** Files. What a bot may ask of PostHog in a minute is enough for the stories of so many at once. */
const mostUses = 1

interface Shared {
  stage: Promise<Stage>
  uses: number
}

const shared: Partial<Record<QueueKind, Shared>> = {}

export async function ownStage(queue: QueueKind, options: Omit<WorldOptions, 'redisUrl'>): Promise<Stage> {
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
  const use = shared[queue] ?? { stage: begin(queue), uses: 0 }
  shared[queue] = use
  use.uses += 1
  const stage = await use.stage
  stage.world.posthog.clearScripts()
  const leave = async () => {
    if (use.uses < mostUses) return
    if (shared[queue] === use) delete shared[queue]
    await stage.leave()
  }
  return { ...stage, leave }
}

async function begin(queue: QueueKind): Promise<Stage> {
  const stage = await ownStage(queue, {})
  noteLeftRunning([stage.world.bot.pid, ...(stage.redis ? [stage.redis.pid] : [])])
  return stage
}
