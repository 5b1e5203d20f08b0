/** The index in Redis: sorted sets beside BullMQ's keys. */
import type { createRedisBackend, JobType } from 'bullmq'
import type { ChainableCommander, Redis, Result } from 'ioredis'
import type { Member } from '../core/model/job-index.ts'
import type { BullMqQueue } from './queue-backend.ts'
import type { Additions, Indexed, QueueIndex, Saved } from './queue-index.ts'
import { added, ended, lookedUp, mended, saved } from './redis-scripts.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexLookedUp(sets: string, asked: string): Result<string[], Context>
    codexSaved(...args: (string | number)[]): Result<number, Context>
    codexEnded(...args: (string | number)[]): Result<null, Context>
    codexMended(...args: (string | number)[]): Result<null, Context>
  }
}

type RedisBackend = ReturnType<typeof createRedisBackend>

const LIVE: JobType[] = ['delayed', 'waiting', 'prioritized', 'active']
const ENDED: JobType[] = ['completed', 'failed']
const PAGE = 200

/** So that they are said by their hash. */
export function withScripts(redis: Redis): Redis {
  redis.defineCommand('codexLookedUp', { numberOfKeys: 0, lua: lookedUp })
  redis.defineCommand('codexAdded', { numberOfKeys: 1, lua: added })
  redis.defineCommand('codexSaved', { numberOfKeys: 3, lua: saved })
  redis.defineCommand('codexEnded', { numberOfKeys: 1, lua: ended })
  redis.defineCommand('codexMended', { numberOfKeys: 1, lua: mended })
  return redis
}

const SETS = 'ix:'

/** BullMQ's addition and its move of what has ended, each in one transaction with what it means for the index. */
export function withIndex(backend: RedisBackend, additions: Additions): RedisBackend {
  const run = backend.execCommand.bind(backend)
  const sets = backend.toKey(SETS)
  backend.addJob = async (job, id) => {
    const addition = additions.get(job.name)
    const multi = (await backend.client).multi()
    await backend.addJobToTransaction(multi, job, id)
    const args = [sets, id, job.name, addition?.entries ?? '', Date.now()]
    multi.runCommand('codexAdded', [backend.toKey(id), ...args])
    const [answer, name] = answersOf(await multi.exec())
    if (addition) addition.name = typeof name === 'string' ? name : undefined
    if (typeof answer === 'string') return answer
    throw backend.finishedErrors({ code: Number(answer), jobId: id, command: 'addJob' })
  }
  backend.execCommand = (client, command, args) => {
    if (command !== 'moveToFinished' || !('multi' in client)) return run(client, command, args)
    const multi = client.multi()
    run(multi, command, args)
    multi.runCommand('codexEnded', [...jobOf(args, sets)])
    return multi.exec().then(answers => answersOf(answers)[0])
  }
  return backend
}

/** Of BullMQ's script for it: the twelfth of its fourteen keys, and the first of its arguments. */
const jobOf = (args: unknown[], sets: string): unknown[] => [args[11], sets, args[14]]

function answersOf(answers: [Error | null, unknown][] | null): unknown[] {
  return (answers ?? [[new Error('the transaction was dropped'), null]]).map(([error, answer]) => {
    if (error) throw error
    return answer
  })
}

interface Connections {
  /** Answers soon, or fails. */
  producer: Redis
  /** Waits for the server. */
  worker(): Redis
}

export function redisIndex(queue: BullMqQueue, { producer, worker }: Connections): QueueIndex {
  const sets = queue.toKey(SETS)
  const built = queue.toKey('ix')
  return {
    lookUp: async asked => {
      const answers = await producer.codexLookedUp(sets, JSON.stringify(asked))
      return asked.map((_, n) => (answers[n] ? Number(answers[n]) : undefined))
    },
    members: async (names, which) => {
      const pipeline = producer.pipeline()
      for (const name of names) rangeOf(pipeline, sets + name, which)
      return answersOf(await pipeline.exec()).map(placesOf)
    },
    save: saved => save(queue, sets, worker(), saved),
    isBuilt: async version => (await producer.get(built)) === version,
    noteBuilt: async version => void (await producer.set(built, version)),
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

function rangeOf(pipeline: ChainableCommander, set: string, which: { first: number } | { last: number }) {
  return 'first' in which
    ? pipeline.zrange(set, '0', `${which.first - 1}`, 'WITHSCORES')
    : pipeline.zrange(set, '0', `${which.last - 1}`, 'REV', 'WITHSCORES')
}

/** Ids and scores in turn. */
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
  // Read in this order, so that what has just been added is not taken for what is gone.
  const members = await redis.zrange(sets + set, '0', '-1')
  const live = new Set<string>(await queue.getRanges(LIVE, 0, -1))
  for (const id of members.filter(member => !live.has(member))) {
    if (await redis.exists(queue.toKey(id))) await redis.codexEnded(queue.toKey(id), sets, id)
    else await forget(redis, sets, id)
  }
}

/** A job that somebody deleted by hand has taken with it where it stood. */
async function forget(redis: Redis, sets: string, id: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${sets}*` }))
    for (const key of keys) await redis.zrem(String(key), id)
}
