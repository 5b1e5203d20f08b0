import type { createRedisBackend } from 'bullmq'
import type { Redis } from 'ioredis'

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
