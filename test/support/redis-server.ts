/** A real redis-server or valkey-server of the test's own, on a free port and with a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'

export interface RedisServer {
  url: string
  port: number
  readonly pid: number
  /** Stops answering, but keeps its connections. */
  freeze(): void
  thaw(): void
  /** kill -9 */
  kill(): Promise<void>
  /** All its data is gone, and it goes on. */
  flush(): Promise<unknown>
  /** The keys of the jobs whose worker was lost at least once. */
  stalledJobs(): Promise<string[]>
  /** Starts it again, on the same port and data, or on what it had when that was kept. */
  restart(kept?: string): Promise<void>
  /** A copy of what it has now; gone with it. */
  keep(): Promise<string>
  /** Stops it for good and removes its data. */
  stop(): Promise<void>
}

/** Whether there is a redis-server to start; without one says so, or throws when REQUIRE_REDIS=1. */
export const redisAvailable = (): boolean => available('redis-server', 'REQUIRE_REDIS')

/** Whether there is a valkey-server to start; without one says so, or throws when REQUIRE_VALKEY=1. */
export const valkeyAvailable = (): boolean => available('valkey-server', 'REQUIRE_VALKEY')

function available(program: Program, required: string): boolean {
  const found = spawnSync(program, ['--version']).status === 0
  if (!found && process.env[required] === '1')
    throw new Error(`${required}=1, but ${program} was not found`)
  if (!found) console.log(`skipped: ${program} not found`)
  return found
}

/** Where the certificate is that this process trusts; without one says so, or throws when REQUIRE_REDIS=1. */
export function tlsAvailable(): boolean {
  const found =
    process.env.NODE_EXTRA_CA_CERTS?.startsWith(process.env.TEST_CERTIFICATE ?? '-') === true
  if (!found && process.env.REQUIRE_REDIS === '1')
    throw new Error('REQUIRE_REDIS=1, but openssl was not found to make a certificate')
  if (!found) console.log('skipped: no openssl to make a certificate')
  return found
}

type Program = 'redis-server' | 'valkey-server'

/** As a server is reached over a network that others share. */
export function startSecured(program: Program): Promise<RedisServer> {
  const password = randomBytes(12).toString('base64url')
  const certificate = process.env.TEST_CERTIFICATE ?? ''
  return start({
    program,
    address: port => `rediss://:${password}@localhost:${port}`,
    settings: port => [
      ...[
        '--port',
        '0',
        '--tls-port',
        `${port}`,
        '--requirepass',
        password,
        '--tls-auth-clients',
        'no',
      ],
      ...[
        '--tls-cert-file',
        join(certificate, 'cert.pem'),
        '--tls-key-file',
        join(certificate, 'key.pem'),
      ],
    ],
  })
}

export const startRedis = (...settings: string[]): Promise<RedisServer> =>
  start({
    program: 'redis-server',
    address: port => `redis://127.0.0.1:${port}`,
    settings: port => ['--port', `${port}`, ...settings],
  })

interface Launched {
  program: Program
  address(port: number): string
  settings(port: number): string[]
}

async function start({ program, address, settings }: Launched): Promise<RedisServer> {
  const port = await freePort()
  const url = address(port)
  const directory = await mkdtemp(join(tmpdir(), 'redis-'))
  const launch = () => launchServer(program, url, ['--dir', directory, ...settings(port)])
  let child = await launch()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  return {
    url,
    port,
    get pid() {
      return child.pid ?? -1
    },
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    kill,
    flush: () => asking(url, redis => redis.flushall()),
    stalledJobs: () => asking(url, stalledJobs),
    restart: async kept => {
      await kill()
      if (kept) await replace(directory, kept)
      child = await launch()
    },
    keep: async () => {
      const kept = `${directory}-kept`
      await replace(kept, directory)
      return kept
    },
    stop: async () => {
      await kill()
      for (const each of [directory, `${directory}-kept`])
        await rm(each, { recursive: true, force: true })
    },
  }
}

async function replace(directory: string, by: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await cp(by, directory, { recursive: true })
}

async function asking<T>(url: string, request: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
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

async function launchServer(
  program: Program,
  url: string,
  settings: string[],
): Promise<ChildProcess> {
  // With `everysec`, where the disk is busy, Redis answers up to two seconds before it writes, and a kill loses that.
  const basics = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--appendfsync', 'no']
  const child = spawn(program, [...basics, ...settings], { stdio: 'ignore' })
  const end = (): unknown => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.removeListener('exit', end))
  await answering(url)
  return child
}

async function answering(url: string): Promise<void> {
  const probe = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  probe.on('error', () => {})
  await Promise.race([probe.ping(), sleep(10_000, undefined, { ref: false })])
  probe.disconnect()
}
