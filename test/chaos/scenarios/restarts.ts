/** A new version is rolled out, process by process, while people go on asking. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bot } from '../../world/bot.ts'
import { redeliverFailed, spawnMortal } from '../mortal-bot.ts'
import { type Play, type SceneName, scenes } from '../plays.ts'
import { callsAt, judge, type Scenario, type Stage } from '../stage.ts'

const cast: readonly SceneName[] = [
  ...(['labelled', 'asked', 'pushed', 'answered'] as const),
  ...(['steered', 'stopped', 'freed'] as const),
  ...(['explained', 'merged'] as const),
]
const longest = 10_000

export const rollingRestarts: Scenario = {
  name: 'rolling restarts under load',
  queues: ['redis'],
  async run(stage) {
    const { world, random, notes } = stage
    let webs = [await start(stage, 'web'), await start(stage, 'web')]
    let workers = [await start(stage, 'worker'), await start(stage, 'worker')]
    sendTo(stage, webs[0])
    const plays: Play[] = []
    const load = async () => {
      for (const [index, scene] of random.shuffled([...cast, ...cast]).entries()) {
        plays.push(await scenes[scene](world, `roll${index}`))
        await sleep(random.between(100, 700))
      }
    }
    const loaded = load()
    webs = await roll(stage, webs, 'web')
    workers = await roll(stage, workers, 'worker')
    await roll(stage, webs, 'web')
    await roll(stage, workers, 'worker')
    await loaded
    await judge(stage, plays, 150_000)
    for (const { event, status, redelivery } of world.github.webhooks.deliveries)
      if (status !== 'OK' || redelivery)
        notes.violations.push(`a delivery of ${event} was answered ${status}`)
    for (const job of (await stage.redis?.stalledJobs()) ?? [])
      notes.violations.push(`stalled: ${job}`)
  },
}

const ADMIN_TOKEN = 'a token of the admin pages of chaos'

/** An admin drains a process while all kinds of things go on, and kills it; another one has them all. */
export const drained: Scenario = {
  name: 'a process is drained and killed',
  queues: ['redis', 'embedded'],
  async run(stage) {
    const { world, random, redis, notes } = stage
    const begin = async () => await (await spawnMortal(world, { env: { ADMIN_TOKEN } })).ready()
    let bot = await begin()
    sendTo(stage, bot)
    const plays: Play[] = []
    for (let round = 0; round < 3; round++) {
      for (const [index, scene] of random.shuffled(cast).entries())
        plays.push(await scenes[scene](world, `dry${round}${index}`))
      await sleep(random.between(0, 3_000))
      // On Redis there may be another one already.
      const heir = redis && random.next() < 0.5 ? await begin() : undefined
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
      await fetch(`${bot.url}/admin/drain`, { method: 'POST', headers })
      // It still takes webhooks.
      const wet = await scenes.asked(world, `wet${round}`)
      plays.push(wet)
      await sleep(random.between(1_000, 4_000))
      if (!heir && callsAt(world, wet).length > 0)
        notes.violations.push(`#${wet.number}: taken up by a process that was drained`)
      await bot.stop(random.one(['SIGKILL', 'SIGTERM'] as const))
      bot = heir ?? (await begin())
      sendTo(stage, bot)
      redeliverFailed(world)
    }
    await judge(stage, plays, 120_000)
  },
}

async function start({ world }: Stage, role: 'web' | 'worker'): Promise<Bot> {
  // A lock as users have it: one of a second lapses on a busy machine, and then a stall says nothing of the restart.
  const bot = await spawnMortal(world, {
    env: { ROLE: role, LOCK_MS: '10000', STALLED_MS: '5000' },
  })
  await bot.ready()
  return bot
}

/** As a load balancer does: the process is out of rotation before it is told to end. */
const sendTo = ({ world }: Stage, bot: Bot | undefined): void => {
  if (bot) world.github.webhooks.target = `${bot.url}/api/github/webhooks`
}

async function roll(stage: Stage, old: readonly Bot[], role: 'web' | 'worker'): Promise<Bot[]> {
  const fresh: Bot[] = []
  for (const bot of old) {
    const next = await start(stage, role)
    fresh.push(next)
    if (role === 'web') sendTo(stage, next)
    await sleep(stage.random.between(0, 300))
    const began = Date.now()
    const code = await bot.stop('SIGTERM')
    const took = Date.now() - began
    if (code !== 0 || took > longest)
      stage.notes.violations.push(`a ${role} process ended with ${code} after ${took} ms`)
  }
  return fresh
}
