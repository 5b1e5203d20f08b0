/** How many webhooks one web process takes, durable before the answer. */
import { spawn } from 'node:child_process'
import { freePort } from '../test/support/free-port.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { startWorld, type World } from '../test/world/world.ts'
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
  floor: 'least' | 'probot'
}

const row = ({ name, about, withCommand, reach, floor }: Measure): Row => ({
  name,
  about,
  measure: () =>
    beside(floor, withCommand, async (floor, ours) => {
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

export const webhooks = row({
  name: 'webhooks',
  about: 'webhooks/s that carry a command, 8 KB, Redis, AOF everysec',
  withCommand: true,
  reach: 0.6,
  floor: 'least',
})
export const ignoredWebhooks = row({
  name: 'ignored',
  about: 'webhooks/s of comments without a command',
  withCommand: false,
  reach: 0.8,
  floor: 'least',
})
/** What the endpoint of our own is worth: the same bot behind Probot's server is the floor. */
export const probot = row({
  name: 'probot',
  about: 'webhooks/s that carry a command, beside the bot under `probot run`',
  withCommand: true,
  reach: 1,
  floor: 'probot',
})
export const probotIgnored = row({
  name: 'probot-ignored',
  about: 'webhooks/s without a command, beside the bot under `probot run`',
  withCommand: false,
  reach: 1.5,
  floor: 'probot',
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
    const deployment = await startDeployment({ owners: runs / perOwner })
    try {
      const { port } = await deployment.start('web')
      const secret = String(deployment.world.env.WEBHOOK_SECRET)
      const target = { port, path: '/api/github/webhooks', secret }
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

async function beside<T>(
  kind: Measure['floor'],
  adds: boolean,
  measure: (floor: Target, ours: Target) => Promise<T>,
): Promise<T> {
  const redis = await startRedis('--appendfsync', 'everysec')
  const world = await startWorld({ redisUrl: redis.url, roles: ['web'] })
  const secret = String(world.env.WEBHOOK_SECRET)
  const path = '/api/github/webhooks'
  const floor =
    kind === 'probot'
      ? await underProbot(world)
      : await startServer('floor-server.ts', secret, ...(adds ? [redis.url] : []))
  try {
    return await measure(
      { port: floor.port, path: kind === 'probot' ? path : '/', secret },
      { port: world.bot.port, path, secret },
    )
  } finally {
    floor.stop()
    await world.close()
    await redis.stop()
  }
}

async function underProbot({ env }: World): Promise<{ port: number; stop(): void }> {
  const port = await freePort()
  const hosted = spawn(
    process.execPath,
    ['node_modules/probot/bin/probot.js', 'run', './dist/app.js'],
    {
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'production',
        ...env,
        ROLE: 'web',
        LOG_LEVEL: 'warn',
        HOST: '127.0.0.1',
        PORT: String(port),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  for (let isUp = false; !isUp; ) {
    if (hosted.exitCode !== null) throw new Error('`probot run` ended')
    isUp = await fetch(`http://127.0.0.1:${port}/ping`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  return { port, stop: () => hosted.kill('SIGKILL') }
}
