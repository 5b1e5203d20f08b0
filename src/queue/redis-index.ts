import type { createRedisBackend, JobType } from 'bullmq'
import type { ChainableCommander, Redis, Result } from 'ioredis'
import { z } from 'zod'
import type { Member, Range } from '../core/model/job-index.ts'
import type { BullMqQueue } from './queue-backend.ts'
import type { Additions, Indexed, QueueIndex, Saved } from './queue-index.ts'
import { added, behind, ended, finished, mended, queried, saved } from './redis-scripts.ts'
import { storableJson } from './storable.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexQueried(sets: string, queries: string): Result<string[], Context>
    codexAdded(...args: (string | number | Buffer)[]): Result<[string | number, string | null], Context>
    codexFinished(...args: (string | number | Buffer)[]): Result<unknown, Context>
    codexSaved(...args: (string | number)[]): Result<number, Context>
    codexEnded(...args: (string | number)[]): Result<null, Context>
    codexMended(...args: (string | number)[]): Result<null, Context>
  }
}

type RedisBackend = ReturnType<typeof createRedisBackend>

const LIVE: JobType[] = ['delayed', 'waiting', 'prioritized', 'active']
const ENDED: JobType[] = ['completed', 'failed']
const PAGE = 200

export function withScripts(redis: Redis): Redis {
  redis.defineCommand('codexQueried', { numberOfKeys: 0, lua: queried })
  redis.defineCommand('codexSaved', { numberOfKeys: 3, lua: saved })
  redis.defineCommand('codexEnded', { numberOfKeys: 1, lua: ended })
  redis.defineCommand('codexMended', { numberOfKeys: 1, lua: mended })
  return redis
}

const ADDITION = 'addStandardJob'
const END = 'moveToFinished'

const Scripts = z.record(z.string(), z.object({ lua: z.string() }))

function withScriptsOfBullMq(redis: Redis): void {
  if (Object.hasOwn(redis, 'codexAdded')) return
  const scripts = Object.entries(Scripts.parse(redis.scriptsSet))
  const luaOf = (command: string): string => {
    const [, script] = scripts.find(([name]) => name.startsWith(`${command}:`)) ?? []
    if (!script) throw new Error(`this version of BullMQ has no script ${command}`)
    return script.lua
  }
  redis.defineCommand('codexAdded', { numberOfKeys: 10, lua: behind(luaOf(ADDITION), added) })
  redis.defineCommand('codexFinished', { numberOfKeys: 14, lua: behind(luaOf(END), finished) })
}

function inOneWrite({ stream }: Redis): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  setImmediate(() => stream.uncork())
}

const SETS = 'ix:'

/** Adds to the index in the same step as BullMQ adds a job, or moves one that ended. */
export function withIndex(backend: RedisBackend, redis: Redis, additions: Additions): RedisBackend {
  const run = backend.execCommand.bind(backend)
  const sets = backend.toKey(SETS)
  backend.addJob = async (job, id) => {
    const client = await backend.client
    withScriptsOfBullMq(redis)
    const addition = additions.get(job.name)
    const index = [sets, id, job.name, addition?.entries ?? '', Date.now()]
    const adding: typeof client = Object.create(client, {
      runCommand: {
        value: async (command: string, args: (string | Buffer)[]) => {
          if (!command.startsWith(ADDITION)) return client.runCommand(command, args)
          inOneWrite(redis)
          const keys = [...args.slice(0, 9), backend.toKey(id)]
          const [added, name] = await redis.codexAdded(...keys, ...args.slice(9), ...index)
          if (addition) addition.name = name ?? undefined
          return added
        },
      },
    })
    return backend.addJobToTransaction(adding, { ...job, data: storableJson(job.data) }, id)
  }
  backend.execCommand = (client, command, args) => {
    if (command !== END || !('multi' in client)) return run(client, command, args)
    withScriptsOfBullMq(redis)
    return redis.codexFinished(...args, sets)
  }
  return backend
}

function resultsOf(results: [Error | null, unknown][] | null): unknown[] {
  return (results ?? [[new Error('the transaction was dropped'), null]]).map(([error, result]) => {
    if (error) throw error
    return result
  })
}

interface Connections {
  producer: Redis
  worker(): Redis
}

export function redisIndex(queue: BullMqQueue, { producer, worker }: Connections): QueueIndex {
  const sets = queue.toKey(SETS)
  const built = queue.toKey('ix')
  return {
    query: async asked => {
      const results = await producer.codexQueried(sets, JSON.stringify(asked))
      return asked.map((_, n) => (results[n] ? Number(results[n]) : undefined))
    },
    members: async (names, range) => {
      const pipeline = producer.pipeline()
      for (const name of names) rangeOf(pipeline, sets + name, range)
      return resultsOf(await pipeline.exec()).map(placesOf)
    },
    save: saved => save(queue, sets, worker(), saved),
    isBuilt: async version => (await producer.get(built)) === version,
    saveVersion: async version => void (await producer.set(built, version)),
    pages: standing => pages(queue, producer, standing === 'live' ? LIVE : ENDED),
    mend: async ({ id, seen }, entries) =>
      void (await producer.codexMended(queue.toKey(id), sets, id, entries, seen, Date.now())),
    sweep: set => sweep(queue, producer, { sets, set }),
  }
}

async function save(queue: BullMqQueue, sets: string, redis: Redis, saved: Saved): Promise<boolean> {
  const { id, token, lockDuration, data, entries } = saved
  const key = queue.toKey(id)
  const keys = [key, `${key}:lock`, queue.toKey('stalled')]
  return (await redis.codexSaved(...keys, token, lockDuration, data, sets, id, entries, Date.now())) === 1
}

function rangeOf(pipeline: ChainableCommander, set: string, { kind, count }: Range) {
  return kind === 'first'
    ? pipeline.zrange(set, '0', `${count - 1}`, 'WITHSCORES')
    : pipeline.zrange(set, '0', `${count - 1}`, 'REV', 'WITHSCORES')
}

function placesOf(range: unknown): Member[] {
  const flat = Array.isArray(range) ? range.map(String) : []
  return flat.flatMap((id, n) => (n % 2 === 0 ? [{ id, score: Number(flat[n + 1]) }] : []))
}

async function* pages(queue: BullMqQueue, redis: Redis, types: JobType[]): AsyncIterable<Indexed[]> {
  const ids: string[] = await queue.getRanges(types, 0, -1)
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE)
    const read = page.map(id => redis.hmget(queue.toKey(id), 'data', 'timestamp', 'finishedOn', 'ix'))
    const fields = await Promise.all(read)
    yield page.flatMap((id, n) => indexed(id, fields[n]))
  }
}

function indexed(id: string, [data, timestamp, finishedOn, ix]: (string | null)[] = []): Indexed[] {
  if (!data) return []
  const job = { id, data: JSON.parse(data), timestamp: Number(timestamp), seen: ix ?? '' }
  return [finishedOn ? { ...job, finishedOn: Number(finishedOn) } : job]
}

async function sweep(
  queue: BullMqQueue,
  redis: Redis,
  { sets, set }: { sets: string; set: string },
): Promise<void> {
  // In this order, so that a job added meanwhile is not taken for one that is gone.
  const members = await redis.zrange(sets + set, '0', '-1')
  const live = new Set<string>(await queue.getRanges(LIVE, 0, -1))
  for (const id of members.filter(member => !live.has(member))) {
    if (await redis.exists(queue.toKey(id))) await redis.codexEnded(queue.toKey(id), sets, id)
    else await forget(redis, sets, id)
  }
}

/** The entries of a job that somebody deleted by hand are gone with it, so all sets are searched. */
async function forget(redis: Redis, sets: string, id: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${sets}*` }))
    for (const key of keys) await redis.zrem(String(key), id)
}
