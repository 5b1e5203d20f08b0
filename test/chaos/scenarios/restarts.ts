/** A new version is rolled out, process by process, while people go on asking. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bot } from '../../world/bot.ts'
import { spawnMortal } from '../mortal-bot.ts'
import { type Play, type SceneName, scenes } from '../plays.ts'
import { judge, type Scenario, type Stage } from '../stage.ts'

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
