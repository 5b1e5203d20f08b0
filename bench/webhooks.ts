/** How many webhooks one web process takes, durable before the answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type RedisServer, startRedis } from '../test/support/redis-server.ts'
import { startWorld } from '../test/world/world.ts'
import { inRounds, type Row } from './row.ts'
import { latencies, type Target, throughput, webhookRequest } from './webhook-load.ts'

const perRound = 2_000
/** Until V8 has compiled what is hot. */
const warmUp = 8_000
const rounds = 7

const row = (name: string, about: string, withCommand: boolean, reach: number): Row => ({
  name,
  about,
  measure: () =>
    beside(withCommand, async (floor, ours) => {
      const round = (target: Target, count = perRound) =>
        throughput(
          target,
          Array.from({ length: count }, () => webhookRequest(target, withCommand)),
        )
      for (const target of [floor, ours]) await round(target, warmUp)
      return {
        kind: 'rate',
        reach,
        ...(await inRounds(
          rounds,
          () => round(floor),
          () => round(ours),
        )),
      }
    }),
})

export const webhooks = row(
  'webhooks',
  'webhooks/s that carry a command, 8 KB, Redis, AOF everysec',
  true,
  0.6,
)
export const ignoredWebhooks = row('ignored', 'webhooks/s of comments without a command', false, 0.8)

const perSecond = 100
const seconds = 5

/** The answer that all but one in a hundred get within this time, at a steady rate that both can take. */
export const acks: Row = {
  name: 'acks',
  about: `p99 of the answer to a webhook with a command, ms, ${perSecond} a second`,
  measure: () =>
    beside(true, async (floor, ours) => {
      const p99 = async (target: Target): Promise<number> => {
        const requests = Array.from({ length: perSecond * seconds }, () => webhookRequest(target, true))
        const sorted = (await latencies(target, requests, perSecond)).toSorted((a, b) => a - b)
        return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
      }
      for (const target of [floor, ours]) await throughput(target, warm(target))
      return {
        kind: 'time',
        reach: 1.5,
        ...(await inRounds(
          3,
          () => p99(floor),
          () => p99(ours),
        )),
      }
    }),
}

const warm = (target: Target): Buffer[] => Array.from({ length: warmUp }, () => webhookRequest(target, true))

async function beside<T>(adds: boolean, measure: (floor: Target, ours: Target) => Promise<T>): Promise<T> {
  const redis = await startRedis('--appendfsync', 'everysec')
  const world = await startWorld({ redisUrl: redis.url, roles: ['web'] })
  const secret = String(world.env.WEBHOOK_SECRET)
  const floor = await startFloor(secret, adds ? redis : undefined)
  try {
    const ours = { port: world.bot.port, path: '/api/github/webhooks', secret }
    return await measure({ port: floor.port, path: '/', secret }, ours)
  } finally {
    floor.stop()
    await world.close()
    await redis.stop()
  }
}

async function startFloor(secret: string, redis: RedisServer | undefined) {
  const script = fileURLToPath(new URL('floor-server.ts', import.meta.url))
  const args = ['--import', 'tsx', script, secret, ...(redis ? [redis.url] : [])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  return { port: Number(String(port)), stop: () => child.kill('SIGKILL') }
}
