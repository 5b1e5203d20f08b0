/** BullMQ on Redis. Adding fails fast, workers wait for the server: hence two kinds of connection. */
import { createRedisBackend, type JobType } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import { QueueUnavailable } from '../core/model/errors.ts'
import { within } from './deadline.ts'
import type { BullMqQueue, QueueBackend, StoredJob } from './queue-backend.ts'
import { describe, type QueueLog } from './queue-log.ts'
import { redisBudget } from './redis-budget.ts'
import { redisCache } from './redis-cache.ts'
import { redisIndex, withIndex, withScripts } from './redis-index.ts'
import { redisLimits } from './redis-limits.ts'
import { checkRedisSafety } from './redis-safety.ts'
import { redisStreams } from './redis-streams.ts'
import { withShortLogs } from './short-logs.ts'

export const START_MS = 20_000
const SAY_AFTER_MS = 1_000

const LIVE: JobType[] = ['delayed', 'waiting', 'prioritized', 'active']
const PAGE = 200

const PROBE = '{codex}:probe'

const COMMON = {
  connectTimeout: 5_000,
  retryStrategy: attempt => Math.min(attempt * 100, 1_000),
  /** After a failover the old primary says READONLY: reconnect and repeat. */
  reconnectOnError: error => (error.message.startsWith('READONLY') ? 2 : false),
} satisfies RedisOptions

const PRODUCER = {
  ...COMMON,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 2_500,
  socketTimeout: 5_000,
} satisfies RedisOptions

/** A blocking read lasts 10 s at most: longer silence is a dead connection. */
const WORKER = { ...COMMON, maxRetriesPerRequest: null, socketTimeout: 15_000 } satisfies RedisOptions

/** @throws QueueUnavailable, naming host and port, when the server does not get ready in `waitMs`, or lets us not in. */
export async function openRedis(
  redisUrl: string,
  log: QueueLog,
  report: (error: Error) => void,
  waitMs = 5_000,
): Promise<QueueBackend> {
  const where = hostAndPort(redisUrl)
  const producer = withScripts(new Redis(redisUrl, PRODUCER))
  await ready(producer, { where, log, waitMs })
  producer.on('error', report)
  for (const warning of await checkRedisSafety(producer)) log.warn({ redis: where }, warning)

  let worker: Redis | undefined
  const forWorkers = () => {
    worker ??= withScripts(new Redis(redisUrl, WORKER)).on('error', report)
    return worker
  }
  return {
    kind: 'redis',
    create: additions => (name, options, more) => {
      const connection = more?.withBlockingConnection ? forWorkers() : producer
      const backend = createRedisBackend(name, { ...options, connection }, more)
      return withIndex(withShortLogs(backend, connection), connection, additions)
    },
    index: queue => redisIndex(queue, { producer, worker: forWorkers }),
    nameOf: async (queue, id) => (await producer.hget(queue.toKey(id), 'name')) ?? undefined,
    live: queue => liveJobs(producer, queue),
    liveCount: queue => queue.getJobCountByTypes(...LIVE),
    limits: prefix => redisLimits(producer, prefix),
    cache: prefix => redisCache(producer, prefix),
    budget: prefix => redisBudget(producer, prefix),
    streams: prefix => redisStreams(producer, prefix),
    probe: async () => {
      // A replica, full memory or failing disk refuses writes, but answers a ping.
      await producer.set(PROBE, Date.now(), 'PX', 60_000)
    },
    workersConnected: () => worker === undefined || worker.status === 'ready',
    close: async () => {
      producer.disconnect()
      worker?.disconnect()
    },
  }
}

async function liveJobs(redis: Redis, queue: BullMqQueue): Promise<StoredJob[]> {
  const ids = await queue.getRanges(LIVE, 0, -1)
  const jobs: StoredJob[] = []
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE)
    const read = page.map(id => redis.hmget(queue.toKey(id), 'data', 'timestamp', 'finishedOn'))
    const fields = await Promise.all(read)
    jobs.push(...page.flatMap((id, n) => liveJob(id, fields[n])))
  }
  return jobs
}

function liveJob(id: string, [data, timestamp, finishedOn]: (string | null)[] = []): StoredJob[] {
  return data && !finishedOn ? [{ id, data: JSON.parse(data), timestamp: Number(timestamp) }] : []
}

interface Waiting {
  where: string
  log: QueueLog
  waitMs: number
}

async function ready(redis: Redis, { where, log, waitMs }: Waiting): Promise<void> {
  let reason: unknown = 'no answer'
  let give: (error: Error) => void = () => {}
  const message = (error: Error) => {
    reason = error
    if (/^(?:WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH)/.test(error.message)) give(refused())
  }
  const refused = () => {
    redis.disconnect()
    return new QueueUnavailable(`cannot reach Redis at ${where}: ${describe(reason)}`)
  }
  const say = setTimeout(() => {
    log.warn({ redis: where, error: describe(reason), ms: waitMs }, 'waiting for Redis')
  }, SAY_AFTER_MS)
  redis.on('error', message)
  const up = new Promise<void>((resolve, reject) => {
    give = reject
    redis.once('ready', () => resolve())
  })
  try {
    await within(waitMs, up, () => {
      throw refused()
    })
  } finally {
    clearTimeout(say)
  }
  redis.off('error', message)
}

/** The parser's error would show the address with its password. */
function hostAndPort(redisUrl: string): string {
  if (!URL.canParse(redisUrl)) throw new QueueUnavailable('the address of Redis is not a URL')
  const { hostname, port, protocol } = new URL(redisUrl)
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw new QueueUnavailable(`the address of Redis must begin with redis:// or rediss://, not ${protocol}`)
  }
  return `${hostname || 'localhost'}:${port || '6379'}`
}
