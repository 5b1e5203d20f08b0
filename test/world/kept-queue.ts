/** The queue is put back to what it was: a Redis from a copy of its data, an embedded one from a copy of `DATA_DIR`. */
import { cp, rm } from 'node:fs/promises'
import type { RedisServer } from '../support/redis-server.ts'
import type { World } from './world.ts'

/** While it is put back, does the bot live on? An embedded queue lives in it. */
export type While = 'the bot runs' | 'the bot is stopped'

/** @returns puts it back */
export async function keepQueue(
  world: World,
  redis: RedisServer | undefined,
  how: While,
  start: () => Promise<unknown> = () => world.startBot(),
): Promise<() => Promise<void>> {
  if (!redis) return keepDirectory(world, start)
  const kept = await redis.keep()
  return async () => {
    if (how === 'the bot is stopped') await world.bot.stop('SIGKILL')
    await redis.restart(kept)
    if (how === 'the bot is stopped') await start()
    const { github, bot } = world
    await github.waitFor(async () => (await fetch(`${bot.url}/readyz`)).ok, { timeout: 60_000 })
  }
}

/** Nobody can copy it while it is written to. */
async function keepDirectory(
  world: World,
  start: () => Promise<unknown>,
): Promise<() => Promise<void>> {
  const directory = String(world.env.DATA_DIR)
  const kept = `${directory}-kept`
  const copied = async (from: string, to: string) => {
    await world.bot.stop('SIGKILL')
    await rm(to, { recursive: true, force: true })
    await cp(from, to, { recursive: true, filter: path => !path.endsWith('.lock') })
  }
  await copied(directory, kept)
  await start()
  return async () => {
    await copied(kept, directory)
    await rm(kept, { recursive: true })
    await start()
  }
}

/** Until no run is left that has something to do. */
export const noRunIsLive = ({ github, bot }: World): Promise<unknown> =>
  github.waitFor(
    async () =>
      /queue_jobs\{queue="runs"\} 0$/m.test(await (await fetch(`${bot.url}/metrics`)).text()),
    {
      timeout: 60_000,
    },
  )
