import type { Redis } from 'ioredis'
import type { SharedCache } from '../core/model/shared-cache.ts'

export function redisCache(redis: Redis, prefix: string): SharedCache {
  const keyOf = (name: string) => `${prefix}:cache:${name}`
  return {
    async put(name, value, ms) {
      await redis.set(keyOf(name), JSON.stringify(value), 'PX', ms)
    },
    async take(name) {
      const text = await redis.getdel(keyOf(name))
      return text === null ? undefined : JSON.parse(text)
    },
  }
}
