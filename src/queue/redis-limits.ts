import type { Redis, Result } from 'ioredis'
import { z } from 'zod'
import type { LimitStore } from '../core/model/limit-gate.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexLimited(key: string, ms: number, limit: string): Result<null, Context>
    codexLimit(key: string): Result<[string, number] | null, Context>
  }
}

/** The key lives as long as the limit: moments of one machine mean nothing to another. */
const limited = `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1]) end`

const limit = `
local limit = redis.call('GET', KEYS[1])
return limit and { limit, redis.call('PTTL', KEYS[1]) }`

const Limit = z.object({
  service: z.enum(['github', 'posthog']),
  why: z.enum(['rate-limit', 'usage-limit', 'unavailable']),
  message: z.string(),
})

export function redisLimits(redis: Redis, prefix: string): LimitStore {
  redis.defineCommand('codexLimited', { numberOfKeys: 1, lua: limited })
  redis.defineCommand('codexLimit', { numberOfKeys: 1, lua: limit })
  const keyOf = (name: string) => `${prefix}:limit:${name}`
  return {
    async read(name) {
      const [text, lasts] = (await redis.codexLimit(keyOf(name))) ?? []
      const limit = text === undefined ? undefined : Limit.safeParse(JSON.parse(text)).data
      return limit && lasts !== undefined ? { ...limit, lasts } : undefined
    },
    async write(name, { service, why, message, lasts }) {
      if (lasts > 0)
        await redis.codexLimited(keyOf(name), Math.ceil(lasts), JSON.stringify({ service, why, message }))
    },
  }
}
