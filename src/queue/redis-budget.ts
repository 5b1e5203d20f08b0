import type { Redis, Result } from 'ioredis'
import {
  type Allowance,
  type CallBudget,
  keptShare,
  ownShare,
  promiseKept,
  sharesFor,
  sparedShare,
} from '../core/model/call-budget.ts'
import { hour } from '../core/model/time.ts'
import { serverClock } from './redis-clock.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexReserves(...args: (string | number)[]): Result<string, Context>
    codexSpends(...args: (string | number)[]): Result<null, Context>
  }
}

/**
 * The same as `callBudget` in core, for all processes at once.
 * `KEYS`: level; last call of each owner; paid until; promised times; recent calls of each.
 */
const level = `${serverClock}
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2]) / ${hour}
local held = redis.call('HMGET', KEYS[1], 'level', 'at', 'turn')
local level = math.min(burst, (tonumber(held[1]) or burst) + math.max(0, now - (tonumber(held[2]) or now)) * rate)
local turn = tonumber(held[3]) or 0
local function exactly(number) return string.format('%.6f', number) end
local function keep()
  redis.call('HSET', KEYS[1], 'level', exactly(level), 'at', exactly(now), 'turn', exactly(turn))
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ${hour}) end
end
`

const spends = `${level}
level = math.max(-burst, level - tonumber(ARGV[3]))
keep()`

const reserves = `${level}
local owner, id, calls = ARGV[3], ARGV[4], tonumber(ARGV[5])
local unspared = burst * ${sparedShare} + calls - level
if ARGV[6] == '1' and unspared > 0 then return exactly(now + unspared / rate) end
local askedAt = tonumber(redis.call('ZSCORE', KEYS[2], owner)) or now
redis.call('ZADD', KEYS[2], exactly(now), owner)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', exactly(now - ${sharesFor}))) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[3], gone)
  redis.call('HDEL', KEYS[5], gone)
end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', exactly(now - ${promiseKept}))
local promised = redis.call('ZSCORE', KEYS[4], id)
local lately = (tonumber(redis.call('HGET', KEYS[5], owner)) or 0) * math.exp((askedAt - now) / ${sharesFor})
redis.call('HSET', KEYS[5], owner, exactly(lately + (promised and 0 or calls)))
local owners = redis.call('ZRANGE', KEYS[2], 0, -1)
local paid = redis.call('HMGET', KEYS[3], unpack(owners))
local recent = redis.call('HMGET', KEYS[5], unpack(owners))
local waiting, left = 0, rate
for i, name in ipairs(owners) do
  if name == owner or (tonumber(paid[i]) or 0) > now then
    waiting = waiting + 1
  else
    left = left - math.min(rate / #owners, (tonumber(recent[i]) or 0) / ${sharesFor})
  end
end
local each = waiting / left
local function promise(at)
  redis.call('ZADD', KEYS[4], exactly(at), id)
  keep()
  return exactly(at)
end
if promised and tonumber(promised) > now then return promised end
if not promised then
  local before = tonumber(redis.call('HGET', KEYS[3], owner)) or 0
  local paid = math.max(before, now - burst * ${ownShare} * each) + calls * each
  if paid <= now or unspared > 0 then redis.call('HSET', KEYS[3], owner, exactly(paid)) end
  if paid > now and unspared > 0 then return promise(paid) end
end
local lacking = burst * ${keptShare} + calls - level
if lacking > 0 then
  turn = math.max(now + lacking / rate, turn + calls / rate)
  local before = tonumber(redis.call('HGET', KEYS[3], owner)) or 0
  redis.call('HSET', KEYS[3], owner, exactly(math.max(before, turn)))
  return promise(turn)
end
redis.call('ZREM', KEYS[4], id)
level = level - calls
keep()
return ''`

export function redisBudget(
  redis: Redis,
  prefix: string,
): (name: string, allowance: Allowance) => CallBudget {
  redis.defineCommand('codexReserves', { numberOfKeys: 5, lua: reserves })
  redis.defineCommand('codexSpends', { numberOfKeys: 5, lua: spends })
  return (name, { burst, perHour }) => {
    const key = `${prefix}:budget:${name}`
    const keys = [key, `${key}:owners`, `${key}:paid`, `${key}:promised`, `${key}:lately`]
    return {
      async reserve({ owner, id, calls, optional = false }) {
        const args = [burst, perHour, owner, id, calls, optional ? 1 : 0]
        const until = await redis.codexReserves(...keys, ...args)
        return until === '' ? undefined : Math.ceil(Number(until))
      },
      async spend(calls) {
        await redis.codexSpends(...keys, burst, perHour, calls)
      },
    }
  }
}
