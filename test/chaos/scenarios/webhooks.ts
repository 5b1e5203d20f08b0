/** Webhooks come twice, late, in another order, and again days after all was done. */
import { randomUUID } from 'node:crypto'
import { wipeQueue } from '../../world/wipe-queue.ts'
import { nowhere, type World } from '../../world/world.ts'
import { crashPoints } from '../crash-points.ts'
import { doMore, playMore } from '../crashes.ts'
import { bringUp, died } from '../mortal-bot.ts'
import type { Play, SceneName } from '../plays.ts'
import { judge, type Scenario, type Stage } from '../stage.ts'

const names: readonly SceneName[] = [
  'labelled',
  'asked',
  'steered',
  'stopped',
  'answered',
  'reviewed',
  'rejoined',
  'explained',
  'merged',
  'resolved',
]

export const unrulyWebhooks: Scenario = {
  name: 'webhooks twice, late, again',
  async run(stage) {
    const { world, random } = stage
    const { webhooks } = world.github
    await doMore(world)
    await bringUp(world)
    const plays: Play[] = []
    for (const name of random.shuffled(names)) {
      webhooks.mode = random.one([
        { kind: 'duplicate', times: random.between(2, 8) },
        { kind: 'duplicate', times: random.between(2, 4), guid: 'new' },
        { kind: 'shuffle', withinMs: 400 },
        { kind: 'late', ms: random.between(50, 800) },
      ] as const)
      plays.push(await playMore(world, name, `w-${name}`))
      await world.github.settled()
    }
    await judge(stage, plays, 150_000)
    await againLater(stage)
    await judge({ ...stage, notes: { ...stage.notes, threads: 0 } }, plays, 5_000)
  },
}

/** Everything once more, under the old id and under a new one, now that all jobs have ended. */
async function againLater({ world, random }: Stage): Promise<void> {
  const { webhooks } = world.github
  webhooks.mode = { kind: 'normal' }
  for (const { id, event, bytes } of random.shuffled([...webhooks.deliveries])) {
    webhooks.redeliver(id)
    await world.github.webhooks.direct(event, {}, { guid: randomUUID(), raw: bytes.toString() })
  }
  await world.github.settled()
}

/** GitHub reaches nobody, so the bot reads its log of deliveries, dies over it, and loses what it knew of it. */
export const polled: Scenario = {
  name: 'webhooks are read from the log',
  async run(stage) {
    const { world, random } = stage
    Object.assign(world.env, { WEBHOOKS: 'poll' })
    world.github.webhooks.target = nowhere
    await doMore(world)
    let bot = await bringUp(world)
    const plays: Play[] = []
    for (const [index, name] of random.shuffled(names).entries()) {
      plays.push(await playMore(world, name, `p-${name}`))
      const death = await died(bot, random.between(6_000, 10_000))
      // Each other life gets all through: who is killed alone with a job, twice, is said to kill.
      if (death === undefined) await bot.stop('SIGKILL')
      bot = await bringUp(world, index % 2 === 0 ? { point: random.one(crashPoints) } : undefined)
    }
    await bot.stop('SIGKILL')
    await bringUp(world)
    await judge(stage, plays, 150_000)
    const { length: before } = entriesRead(world)
    const known = new Set(entriesRead(world))
    await wipeQueue(world)
    const isReadAgain = () => new Set(entriesRead(world).slice(before)).size >= known.size
    await world.github.waitFor(isReadAgain, { timeout: 120_000 })
    await judge({ ...stage, notes: { ...stage.notes, threads: 0 } }, plays, 20_000)
  },
}

/** Ids of deliveries, each as often as it was read. */
const entriesRead = ({ github }: World): string[] =>
  github.calls.flatMap(({ path }) => /\/app\/hook\/deliveries\/(\d+)$/.exec(path)?.[1] ?? [])
