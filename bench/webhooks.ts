/** How many webhooks one web process takes, durable before the answer. */
import { startRedis } from '../test/support/redis-server.ts'
import { startWorld } from '../test/world/world.ts'
import { startServer } from './child.ts'
import { followedRuns, perOwner, settled, startDeployment } from './deployment.ts'
import { inRounds, median, type Row } from './row.ts'
import { latencies, type Target, throughput, webhookRequest } from './webhook-load.ts'

const perRound = 2_000
/** Until V8 has compiled what is hot. */
const warmUp = 8_000
const rounds = 7

interface Measure {
  name: string
  about: string
  withCommand: boolean
  reach: number
}

const path = '/api/github/webhooks'

const row = ({ name, about, withCommand, reach }: Measure): Row => ({
  name,
  about,
  async measure() {
    const redis = await startRedis('--appendfsync', 'everysec')
    const world = await startWorld({ redisUrl: redis.url, roles: ['web'] })
    const secret = String(world.env.WEBHOOK_SECRET)
    const least = await startServer('floor-server.ts', secret, ...(withCommand ? [redis.url] : []))
    const floor = { port: least.port, path: '/', secret }
    const ours = { port: world.bot.port, path, secret }
    const round = (target: Target, count = perRound) =>
      throughput(
        target,
        Array.from({ length: count }, () => webhookRequest(target, withCommand)),
      )
    try {
      for (const target of [floor, ours]) await round(target, warmUp)
      const measured = await inRounds(
        rounds,
        () => round(floor),
        () => round(ours),
      )
      return { kind: 'rate', reach, ...measured }
    } finally {
      least.stop()
      await world.close()
      await redis.stop()
    }
  },
})

export const webhooks = row({
  name: 'webhooks',
  about: 'webhooks/s that carry a command, 8 KB, Redis, AOF everysec',
  withCommand: true,
  reach: 0.6,
})
export const ignoredWebhooks = row({
  name: 'ignored',
  about: 'webhooks/s of comments without a command',
  withCommand: false,
  reach: 0.8,
})
const perSecond = 100
const seconds = 5
const runs = 1_000

/** The answer that all but one in a hundred get within this time, at a steady rate. */
async function p99(target: Target): Promise<number> {
  const requests = Array.from({ length: perSecond * seconds }, () => webhookRequest(target, true))
  const sorted = (await latencies(target, requests, perSecond)).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
}

async function median99(target: Target): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < 5; round += 1) rounds.push(await p99(target))
  return median(rounds)
}

/** A web process and a worker, first with nothing to follow; the commands are nobody's who may give them. */
export const acks: Row = {
  name: 'acks',
  about: `p99 of the answer to a webhook with a command, ms, ${perSecond} a second; ${runs} Runs followed, beside none`,
  async measure() {
    const deployment = await startDeployment(runs / perOwner)
    try {
      const { port } = await deployment.start('web')
      const secret = String(deployment.world.env.WEBHOOK_SECRET)
      const target = { port, path, secret }
      await throughput(target, warm(target))
      await deployment.redis.flush()
      const worker = await deployment.start('worker')
      const floor = await median99(target)
      await deployment.fill(followedRuns(runs))
      await settled(worker, runs)
      return { kind: 'time', reach: 1.5, floor, ours: await median99(target) }
    } finally {
      await deployment.close()
    }
  },
}

const warm = (target: Target): Buffer[] =>
  Array.from({ length: warmUp }, () => webhookRequest(target, true))
