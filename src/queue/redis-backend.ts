/** BullMQ on Redis. Adding fails fast, workers wait for the server: hence two kinds of connection. */
import { once } from 'node:events'
import { createRedisBackend, type JobType } from 'bullmq'
import { Redis, type RedisOptions, type Result } from 'ioredis'
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import { type DeliveryClock, liveSet } from '../core/model/ports.ts'
import { backoff, second } from '../core/model/time.ts'
import {
  type Additions,
  type BullMqQueue,
  type Indexed,
  type QueueBackend,
  type QueueIndex,
  Saving,
  sinceNow,
} from './queue-backend.ts'
import { redisBudgets } from './redis-budget.ts'
import { scripts } from './redis-scripts.ts'
import type { QueueLog } from './work-queue.ts'

const SAY_AFTER_MS = 1_000

const LIVE: JobType[] = ['delayed', 'waiting', 'prioritized', 'active']
const PAGE = 200

const PROBE = '{codex}:probe'
/** The size of the largest trigger: a server that is almost full refuses that, and still takes what is small. */
const asTrigger = 'x'.repeat(2 ** 20)

// BullMQ says this past the log, once for each connection. `checkRedisSafety` says it in the log.
const warnOfOthers = console.warn
console.warn = (...words) => {
  if (!/^IMPORTANT! Eviction policy /.test(String(words[0]))) warnOfOthers(...words)
}

const COMMON = {
  connectTimeout: 5_000,
  retryStrategy: attempt => backoff(attempt - 1, { first: 100, most: second }),
  /** After a failover the old primary says READONLY, in a cluster MOVED: reconnect and repeat. */
  reconnectOnError: error => (/^(?:READONLY|MOVED) /.test(error.message) ? 2 : false),
  scripts,
} satisfies RedisOptions

const PRODUCER = {
  ...COMMON,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 2_500,
  socketTimeout: 5_000,
} satisfies RedisOptions

/** A blocking read lasts 10 s at most: longer silence is a dead connection. */
const WORKER = {
  ...COMMON,
  maxRetriesPerRequest: null,
  socketTimeout: 15_000,
} satisfies RedisOptions

/** @throws QueueUnavailable, naming host and port, when the server does not get ready in `waitMs`, or lets us not in. */
export async function openRedis(
  redisUrl: string,
  log: QueueLog,
  report: (error: Error) => void,
  waitMs: number,
): Promise<QueueBackend> {
  const { hostname, port } = new URL(redisUrl)
  const where = `${hostname || 'localhost'}:${port || '6379'}`
  const producer = new Redis(redisUrl, PRODUCER)
  await untilReady(producer, { where, log, waitMs })
  producer.on('error', report)
  for (const warning of await checkRedisSafety(producer)) log.warn({ redis: where }, warning)

  const connected = sinceNow()
  producer.on('ready', connected.again)
  let worker: Redis | undefined
  const forWorkers = () => {
    worker ??= new Redis(redisUrl, WORKER).on('error', report).on('ready', connected.again)
    return worker
  }
  return {
    kind: 'redis',
    connectedAt: connected.at,
    deliveries: deliveryClock(producer),
    answersWithin: 3_000,
    create: additions => (name, options, more) => {
      const connection = more?.withBlockingConnection ? forWorkers() : producer
      const backend = createRedisBackend(name, { ...options, connection }, more)
      return withIndex(backend, connection, additions)
    },
    index: queue => redisIndex(queue, producer, forWorkers),
    budgets: prefix => redisBudgets(producer, prefix),
    probe: () => producer.codexProbed(PROBE, Date.now(), asTrigger),
    workersConnected: () => worker === undefined || worker.status === 'ready',
    close: async () => {
      producer.disconnect()
      worker?.disconnect()
    },
  }
}

const DELIVERED = '{codex}:delivered'

function deliveryClock(redis: Redis): DeliveryClock {
  let writtenAt = Number.NEGATIVE_INFINITY
  return {
    came() {
      if (performance.now() - writtenAt < 1_000) return
      writtenAt = performance.now()
      // It does not matter if it fails: another webhook comes.
      redis.set(DELIVERED, Date.now()).catch(() => {})
    },
    last: async () => Number(await redis.get(DELIVERED)) || undefined,
  }
}

interface Waiting {
  where: string
  log: QueueLog
  waitMs: number
}

async function untilReady(redis: Redis, { where, log, waitMs }: Waiting) {
  const signal = AbortSignal.timeout(waitMs)
  let reason: unknown = 'no answer'
  const say = setTimeout(() => {
    log.warn({ redis: where, error: describe(reason), ms: waitMs }, 'waiting for Redis')
  }, SAY_AFTER_MS)
  while (redis.status !== 'ready')
    await once(redis, 'ready', { signal }).catch(error => {
      if (!signal.aborted) reason = error
      const refusal = refusals.find(([says]) => says.test(error.message))
      if (!signal.aborted && !refusal) return
      redis.disconnect()
      clearTimeout(say)
      throw new QueueUnavailable(
        refusal
          ? `Redis at ${where} ${refusal[1]}`
          : `cannot reach Redis at ${where}: ${describe(reason)}`,
      )
    })
  clearTimeout(say)
}

/** What Redis says to who may not come in. */
const refusals: [says: RegExp, words: string][] = [
  [/^NOAUTH/, 'wants a password: write it in REDIS_URL, as in redis://:PASSWORD@HOST'],
  [
    /^(?:WRONGPASS|ERR invalid password|ERR AUTH)/,
    'does not take the user and password in REDIS_URL',
  ],
]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexQueried(sets: string, queries: string): Result<string[], Context>
    codexAdded(...args: (string | number)[]): Result<string | null, Context>
    codexSaved(...args: (string | number)[]): Result<string, Context>
    codexAmended(...args: (string | number)[]): Result<number, Context>
    codexEnded(...args: (string | number)[]): Result<null, Context>
    codexMended(...args: (string | number)[]): Result<null, Context>
    codexProbed(key: string, now: number, filler: string): Result<void, Context>
  }
}

type RedisBackend = ReturnType<typeof createRedisBackend>
const ENDED: JobType[] = ['completed', 'failed']

const END = 'moveToFinished'
/** Its place in the arguments of that script. */
const KEY_OF_ENDED = 11
const ID_OF_ENDED = 14

function inOneWrite({ stream }: Redis) {
  if (stream.writableCorked > 0) return
  stream.cork()
  setImmediate(() => stream.uncork())
}

const SETS = 'ix:'

/**
 * Writes the index right behind BullMQ's addition of a job, or its move of one that ended, on the same connection.
 * Between the two is no more than a death: then the next save of the record writes it, or the next mending.
 */
function withIndex(backend: RedisBackend, redis: Redis, additions: Additions): RedisBackend {
  const run = backend.execCommand.bind(backend)
  const sets = backend.toKey(SETS)
  backend.addJob = async (job, id) => {
    const addition = additions.get(job.name)
    const client = await backend.client
    inOneWrite(redis)
    const [added, name] = await Promise.all([
      backend.addJobToTransaction(client, job, id),
      redis.codexAdded(backend.toKey(id), sets, id, job.name, addition?.entries ?? '', Date.now()),
    ])
    if (addition) addition.name = name ?? undefined
    return added
  }
  backend.execCommand = (client, command, args) => {
    if (command !== END) return run(client, command, args)
    inOneWrite(redis)
    const moving = run(client, command, args)
    redis.codexEnded(String(args[KEY_OF_ENDED]), sets, String(args[ID_OF_ENDED])).catch(() => {})
    return moving
  }
  return backend
}

function redisIndex(queue: BullMqQueue, producer: Redis, worker: () => Redis): QueueIndex {
  const sets = queue.toKey(SETS)
  const built = queue.toKey('ix')
  return {
    query: async asked => {
      const results = await producer.codexQueried(sets, JSON.stringify(asked))
      return asked.map((_, n) => (results[n] ? Number(results[n]) : undefined))
    },
    members: async (names, { kind, count }) => {
      inOneWrite(producer)
      const most = `${count - 1}`
      const ranges = names.map(name =>
        kind === 'first'
          ? producer.zrange(sets + name, '0', most, 'WITHSCORES')
          : producer.zrange(sets + name, '0', most, 'REV', 'WITHSCORES'),
      )
      return (await Promise.all(ranges)).map(membersIn)
    },
    jobs: ids => readJobs(queue, producer, ids),
    save: async ({ id, token, lockDuration, data, entries, guards }) => {
      const key = queue.toKey(id)
      const keys = [key, `${key}:lock`, queue.toKey('stalled')]
      const ours = [token, lockDuration, data, sets, id, entries, Date.now()]
      return Saving.parse(await worker().codexSaved(...keys, ...ours, JSON.stringify(guards)))
    },
    amend: async ({ id, was, data, entries }) =>
      (await producer.codexAmended(queue.toKey(id), was, data, sets, id, entries, Date.now())) ===
      1,
    isBuilt: async version => (await producer.get(built)) === version,
    saveVersion: async version => void (await producer.set(built, version)),
    pages: standing => scannedPages(queue, producer, standing === 'live' ? LIVE : ENDED),
    mend: async ({ id, seen }, entries) =>
      void (await producer.codexMended(queue.toKey(id), sets, id, entries, seen, Date.now())),
    sweep: () => sweep(queue, producer, sets),
  }
}

async function* scannedPages(
  queue: BullMqQueue,
  redis: Redis,
  types: JobType[],
): AsyncIterable<Indexed[]> {
  const ids: string[] = await queue.getRanges(types, 0, -1)
  for (let from = 0; from < ids.length; from += PAGE) {
    yield await readJobs(queue, redis, ids.slice(from, from + PAGE))
  }
}

async function readJobs(
  queue: BullMqQueue,
  redis: Redis,
  ids: readonly string[],
): Promise<Indexed[]> {
  inOneWrite(redis)
  const read = ids.map(id => redis.hmget(queue.toKey(id), 'data', 'timestamp', 'finishedOn', 'ix'))
  const fields = await Promise.all(read)
  return ids.flatMap((id, n) => {
    const [data, timestamp, finishedOn, ix] = fields[n] ?? []
    if (!data) return []
    const job = { id, data: JSON.parse(data), timestamp: Number(timestamp), seen: ix ?? '' }
    return [finishedOn ? { ...job, finishedOn: Number(finishedOn) } : job]
  })
}

/** Redis lists them as id, score, id, score … */
const membersIn = (flat: readonly string[]) =>
  flat.flatMap((id, n) => (n % 2 === 0 ? [{ id, score: Number(flat[n + 1]) }] : []))

async function sweep(queue: BullMqQueue, redis: Redis, sets: string) {
  // The order matters: else a job that is added meanwhile looks like one that is gone.
  const members = await redis.zrange(sets + liveSet, '0', '-1')
  const live = new Set<string>(await queue.getRanges(LIVE, 0, -1))
  for (const id of members.filter(member => !live.has(member))) {
    if (await redis.exists(queue.toKey(id))) {
      await redis.codexEnded(queue.toKey(id), sets, id)
      continue
    }
    // The entries of a job that somebody deleted by hand are gone with it, so all sets are searched.
    for await (const keys of redis.scanStream({ match: `${sets}*` }))
      for (const key of keys) await redis.zrem(String(key), id)
  }
}

/**
 * Settings of the server under which jobs can vanish, in words for the operator. They are read from INFO, as
 * managed servers often forbid CONFIG; what a server does not tell is not warned about.
 */
export async function checkRedisSafety(connection: Pick<Redis, 'info'>): Promise<string[]> {
  const lines = (await connection.info().catch(() => '')).split(/\r?\n/)
  const factOf = (name: string) =>
    lines
      .findLast(line => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim()
  const warnings: string[] = []
  const policy = factOf('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `Redis may evict jobs when its memory is full: maxmemory-policy is ${policy}, it should be noeviction`,
    )
  }
  if (factOf('aof_enabled') === '0') {
    warnings.push('Redis loses the newest jobs when it crashes: appendonly is off, it should be on')
  }
  return warnings
}
