/** How soon a process that begins does its work, beside a `node` that loads the same packages and ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { startRedis } from '../test/support/redis-server.ts'
import { startWorld } from '../test/world/world.ts'
import { inRounds, type Row } from './row.ts'

const rounds = 5
const root = new URL('..', import.meta.url)

/** Waits for a need that a bench has not: Probot to host it, a proxy, a log in colours. */
const late = /^(?:probot|@probot\/pino|undici)$/

const { dependencies } = z
  .object({ dependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')))

async function floor(on: 'redis' | 'embedded'): Promise<number> {
  const names = Object.keys(dependencies).filter(
    name => !late.test(name) && (on === 'embedded' || name !== '@electric-sql/pglite'),
  )
  const loading = `await Promise.all(${JSON.stringify(names)}.map(name => import(name)))`
  const began = performance.now()
  const args = ['--input-type=module', '-e', `${loading}; process.exit(0)`]
  const [code] = await once(
    spawn(process.execPath, args, { cwd: fileURLToPath(root), stdio: 'inherit' }),
    'exit',
  )
  if (code !== 0) throw new Error(`the floor ended with ${code}`)
  return performance.now() - began
}

const readyOn = (on: 'redis' | 'embedded'): Row => ({
  name: `ready-${on}`,
  about: `the process begins → it says that it is ready, ms, ${on}`,
  async measure() {
    const redis = on === 'redis' ? await startRedis() : undefined
    const world = await startWorld({ redisUrl: redis?.url, roles: [] })
    const ours = async (): Promise<number> => {
      const began = performance.now()
      const bot = await world.startBot()
      const took = performance.now() - began
      await bot.stop('SIGKILL')
      return took
    }
    try {
      // The files are in the cache of the disk, and the embedded queue is made, as for most starts.
      await floor(on)
      await ours()
      const { floor: least, ours: took } = await inRounds(rounds, () => floor(on), ours)
      return {
        kind: 'stated',
        each: {
          'node with the same imports': `${Math.round(least)} ms`,
          ready: `${Math.round(took)} ms`,
          ratio: `${(took / least).toFixed(1)} ×`,
        },
      }
    } finally {
      await world.close()
      await redis?.stop()
    }
  },
})

export const readyRedis = readyOn('redis')
export const readyEmbedded = readyOn('embedded')
