/**
 * How the queue logs its errors: each message only now and then, and without what could be secret.
 * `withShortLogs` has to do with inboxes instead: BullMQ keeps them as logs of jobs.
 */
import type { createRedisBackend } from 'bullmq'
import type { Redis } from 'ioredis'
import { describe } from '../core/model/errors.ts'
import type { Log } from '../core/model/ports.ts'

export type QueueLog = Pick<Log, 'warn' | 'error'>

export const SILENT: QueueLog = { warn: () => {}, error: () => {} }

const MOST_MESSAGES = 100

/**
 * Logs each connection error once per `everyMs`, by message only: Redis errors carry command arguments, AUTH's too.
 */
export function errorReporter(log: QueueLog, everyMs = 10_000): (error: Error) => void {
  const lastSaid = new Map<string, number>()
  return error => {
    const message = describe(error)
    const now = Date.now()
    if (now - (lastSaid.get(message) ?? 0) < everyMs) return
    if (lastSaid.size >= MOST_MESSAGES) lastSaid.clear()
    lastSaid.set(message, now)
    log.warn({ error: message }, 'trouble with the queue')
  }
}

type RedisBackend = ReturnType<typeof createRedisBackend>

/** BullMQ reads rows and count in a transaction; an inbox needs one of them. */
export function withShortLogs(backend: RedisBackend, redis: Redis): RedisBackend {
  const read = backend.getJobLogs.bind(backend)
  backend.getJobLogs = async (id, start, end, asc) => {
    const key = backend.toKey(`${id}:logs`)
    if (end >= 0 && start > end) return { logs: [], count: await redis.llen(key) }
    if (start !== 0 || end !== -1 || !asc) return read(id, start, end, asc)
    const logs = await redis.lrange(key, 0, -1)
    return { logs, count: logs.length }
  }
  return backend
}
