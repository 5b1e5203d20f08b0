import type { Redis, Result } from 'ioredis'
import { z } from 'zod'
import { BudgetState, type BudgetStore, type LimitStore } from '../core/model/call-budget.ts'
import { hour } from '../core/model/time.ts'

/** Lua: `now`, ms since the epoch by the server's clock, the same for all processes. */
const serverClock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

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

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexBudget(key: string): Result<[version: string, state: string, now: string], Context>
    codexBudgetKept(key: string, version: string, state: string): Result<number, Context>
  }
}

const read = `${serverClock}
local held = redis.call('HMGET', KEYS[1], 'version', 'state')
return { held[1] or '0', held[2] or '', string.format('%.0f', now) }`

const written = `
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1] + 1, 'state', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ${hour})
return 1`

interface Change {
  act(state: BudgetState | undefined, now: number): { state: BudgetState; answer(): void }
  failed(error: unknown): void
}

/** Read, changed, and written unless another process wrote meanwhile. What is asked beside that goes together next. */
export function redisBudgets(redis: Redis, prefix: string): (name: string) => BudgetStore {
  redis.defineCommand('codexBudget', { numberOfKeys: 1, lua: read })
  redis.defineCommand('codexBudgetKept', { numberOfKeys: 1, lua: written })
  async function write(key: string, changes: readonly Change[]): Promise<void> {
    for (;;) {
      const [version, text, now] = await redis.codexBudget(key)
      let state = text === '' ? undefined : BudgetState.safeParse(JSON.parse(text)).data
      const answers = changes.map(({ act }) => {
        const changed = act(state, Number(now))
        state = changed.state
        return changed
      })
      if ((await redis.codexBudgetKept(key, version, JSON.stringify(state))) === 0) continue
      for (const { answer } of answers) answer()
      return
    }
  }
  return name => {
    const waiting: Change[] = []
    let isWriting = false
    const writeAll = async (): Promise<void> => {
      isWriting = true
      for (let now = waiting.splice(0); now.length > 0; now = waiting.splice(0))
        await write(`${prefix}:budget:${name}`, now).catch(error => {
          for (const { failed } of now) failed(error)
        })
      isWriting = false
    }
    return change =>
      new Promise((resolve, failed) => {
        const act: Change['act'] = (kept, now) => {
          const [state, answer] = change(kept, now)
          return { state, answer: () => resolve(answer) }
        }
        waiting.push({ act, failed })
        if (!isWriting) void writeAll()
      })
  }
}
