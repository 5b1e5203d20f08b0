/** Budgets of calls for all processes on one Redis. */
import type { Redis, Result } from 'ioredis'
import pLimit from 'p-limit'
import { BudgetState, type BudgetStore } from '../core/model/call-budget.ts'
import { hour } from '../core/model/time.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexBudget(key: string): Result<[version: string, state: string, now: string], Context>
    codexBudgetKept(key: string, version: string, state: string): Result<number, Context>
  }
}

/** `now` is by the server's clock, the same for all processes: ms since the epoch. */
const read = `
local time = redis.call('TIME')
local held = redis.call('HMGET', KEYS[1], 'version', 'state')
return { held[1] or '0', held[2] or '', string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) }`

const budgetScript = `
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1] + 1, 'state', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ${hour})
return 1`

/** Read, changed, and written unless another process wrote meanwhile. */
export function redisBudgets(redis: Redis, prefix: string): (name: string) => BudgetStore {
  redis.defineCommand('codexBudget', { numberOfKeys: 1, lua: read })
  redis.defineCommand('codexBudgetKept', { numberOfKeys: 1, lua: budgetScript })
  return name => {
    const key = `${prefix}:budget:${name}`
    const oneByOne = pLimit(1)
    return change =>
      oneByOne(async () => {
        for (;;) {
          const [version, text, now] = await redis.codexBudget(key)
          const kept = text === '' ? undefined : BudgetState.safeParse(JSON.parse(text)).data
          const [state, answer] = change(kept, Number(now))
          if ((await redis.codexBudgetKept(key, version, JSON.stringify(state))) === 1)
            return answer
        }
      })
  }
}
