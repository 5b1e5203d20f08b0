import type { Redis, Result } from 'ioredis'
import { z } from 'zod'
import type { LimitStore } from '../core/model/limit-gate.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexLimited(key: string, until: number, limit: string): Result<null, Context>
  }
}

const limited = `
local known = redis.call('HGET', KEYS[1], 'until')
if known and tonumber(known) >= tonumber(ARGV[1]) then return end
redis.call('HSET', KEYS[1], 'until', ARGV[1], 'limit', ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[1])`

const Limit = z.object({
  service: z.enum(['github', 'posthog']),
  until: z.number(),
  why: z.enum(['rate-limit', 'usage-limit', 'unavailable']),
  message: z.string(),
})

export function redisLimits(redis: Redis, prefix: string): LimitStore {
  redis.defineCommand('codexLimited', { numberOfKeys: 1, lua: limited })
  const keyOf = (name: string) => `${prefix}:limit:${name}`
  return {
    async read(name) {
      const text = await redis.hget(keyOf(name), 'limit')
      return text === null ? undefined : Limit.safeParse(JSON.parse(text)).data
    },
    async write(name, { service, until, why, message }) {
      const limit = JSON.stringify({ service, until, why, message })
      await redis.codexLimited(keyOf(name), Math.ceil(until), limit)
    },
  }
}
