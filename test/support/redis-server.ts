/** A real redis-server of the test's own, on a free port and with a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'

export interface RedisServer {
  url: string
  port: number
  /** Stops answering, but keeps its connections. */
  freeze(): void
  thaw(): void
  /** kill -9 */
  kill(): Promise<void>
  /** All its data is gone, and it goes on. */
  flush(): Promise<unknown>
  /** The keys of the jobs whose worker was lost at least once. */
  stalledJobs(): Promise<string[]>
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>
  /** Stops it for good and removes its data. */
  stop(): Promise<void>
}

/** Whether there is a redis-server to start; without one says so, or throws when REQUIRE_REDIS=1. */
export function redisAvailable(): boolean {
  const found = spawnSync('redis-server', ['--version']).status === 0
  if (!found && process.env.REQUIRE_REDIS === '1')
    throw new Error('REQUIRE_REDIS=1, but redis-server was not found')
  if (!found) console.log('skipped: redis-server not found')
  return found
}

export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'redis-'))
  const launch = () => launchRedis(port, directory, settings)
  let child = await launch()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    kill,
    flush: () => asking(port, redis => redis.flushall()),
    stalledJobs: () => asking(port, stalledJobs),
    restart: async () => {
      await kill()
      child = await launch()
    },
    stop: async () => {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function asking<T>(port: number, request: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(port, '127.0.0.1')
  try {
    return await request(redis)
  } finally {
    redis.disconnect()
  }
}

/** BullMQ counts in `stc` how often a job's worker was lost. */
async function stalledJobs(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('*')
  const counts = await Promise.all(keys.map(key => redis.hget(key, 'stc').catch(() => null)))
  return keys.filter((_, index) => Number(counts[index] ?? 0) > 0)
}

async function launchRedis(port: number, directory: string, settings: string[]): Promise<ChildProcess> {
  const basics = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '']
  const child = spawn('redis-server', [...basics, '--appendonly', 'yes', ...settings], { stdio: 'ignore' })
  const end = (): unknown => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.removeListener('exit', end))
  await answering(port)
  return child
}

async function answering(port: number): Promise<void> {
  const probe = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  probe.on('error', () => {})
  await Promise.race([probe.ping(), sleep(10_000, undefined, { ref: false })])
  probe.disconnect()
}
