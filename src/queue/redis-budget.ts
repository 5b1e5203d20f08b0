import type { Redis, Result } from 'ioredis'
import { z } from 'zod'
import {
  type Allowance,
  type CallBudget,
  callClasses,
  type LimitStore,
  leaves,
  ownShare,
  promiseKept,
  sharesFor,
} from '../core/model/call-budget.ts'
import { hour, minute } from '../core/model/time.ts'

/** Lua: `now`, ms since the epoch by the server's clock, the same for all processes. */
export const serverClock = `
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
    codexReserves(...args: (string | number)[]): Result<string, Context>
    codexSpends(...args: (string | number)[]): Result<null, Context>
    codexExpects(...args: (string | number)[]): Result<null, Context>
  }
}

/**
 * The same as `callBudget` in core, for all processes at once. Lengths of time go in and out, no moments: the server's
 * clock is not ours. If it was put back, what was promised by it is forgotten.
 * `KEYS`: levels; last call of each owner; paid until; promised times, and what is expected; recent calls of each.
 */
const levels = `${serverClock}
local hours = { burst = tonumber(ARGV[1]), rate = tonumber(ARGV[2]) / ${hour} }
local minutes = { burst = tonumber(ARGV[3]), rate = tonumber(ARGV[4]) / ${minute} }
local buckets = { hours, minutes }
local held = redis.call('HMGET', KEYS[1], 'at', 'level', 'minute', 'poll', 'act')
local at = tonumber(held[1]) or now
local nextFree = { poll = tonumber(held[4]) or 0, act = tonumber(held[5]) or 0 }
if at > now then
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
  nextFree = { poll = 0, act = 0 }
end
for n, bucket in ipairs(buckets) do
  bucket.level = math.min(bucket.burst, (tonumber(held[n + 1]) or bucket.burst) + math.max(0, now - at) * bucket.rate)
end
local function exactly(number) return string.format('%.6f', number) end
local function keep()
  redis.call('HSET', KEYS[1], 'at', exactly(now), 'level', exactly(hours.level), 'minute', exactly(minutes.level),
    'poll', exactly(nextFree.poll), 'act', exactly(nextFree.act))
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ${hour}) end
end
local function take(calls)
  for _, bucket in ipairs(buckets) do bucket.level = math.max(-bucket.burst, bucket.level - calls) end
end
`

const spends = `${levels}
take(tonumber(ARGV[5]))
keep()`

const expects = `${levels}
local id, kind = ARGV[5], ARGV[6]
redis.call('ZADD', KEYS[4], exactly(now), 'expected ' .. kind .. ' ' .. id)
keep()`

const reserves = `${levels}
local owner, id, calls, kind = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local shares = cjson.decode(ARGV[9])
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', exactly(now - ${promiseKept}))
if redis.call('ZSCORE', KEYS[4], 'expected end ' .. id) then kind = 'end'
elseif kind == 'poll' and redis.call('ZSCORE', KEYS[4], 'expected act ' .. id) then kind = 'act' end
local function lacking(bucket, share) return math.max(0, bucket.burst * share + calls - bucket.level) end
local function wait(share)
  local longest = 0
  for _, bucket in ipairs(buckets) do longest = math.max(longest, lacking(bucket, share) / bucket.rate) end
  return longest
end
local function taken()
  for _, each in ipairs({ ${callClasses.map(each => `'${each} '`).join(', ')}, 'expected end ', 'expected act ' }) do
    redis.call('ZREM', KEYS[4], each .. id)
  end
  take(calls)
  keep()
  return ''
end
if kind == 'end' or kind == 'spare' then
  local later = wait(kind == 'end' and 0 or shares.spare.kept)
  if later > 0 then
    keep()
    return exactly(later)
  end
  return taken()
end

local key, kept, spared = kind .. ' ' .. id, shares[kind].kept, shares[kind].spared
local unspared = lacking(hours, spared)
local askedAt = tonumber(redis.call('ZSCORE', KEYS[2], owner)) or now
redis.call('ZADD', KEYS[2], exactly(now), owner)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', exactly(now - ${sharesFor}))) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[3], gone)
  redis.call('HDEL', KEYS[5], gone)
end
local promised = tonumber(redis.call('ZSCORE', KEYS[4], key) or nil)
local lately = (tonumber(redis.call('HGET', KEYS[5], owner)) or 0) * math.exp((askedAt - now) / ${sharesFor})
redis.call('HSET', KEYS[5], owner, exactly(lately + (promised and 0 or calls)))
local owners = redis.call('ZRANGE', KEYS[2], 0, -1)
local paid = redis.call('HMGET', KEYS[3], unpack(owners))
local recent = redis.call('HMGET', KEYS[5], unpack(owners))
local waiting, left = 0, hours.rate
for i, name in ipairs(owners) do
  if name == owner or (tonumber(paid[i]) or 0) > now then
    waiting = waiting + 1
  else
    left = left - math.min(hours.rate / #owners, (tonumber(recent[i]) or 0) / ${sharesFor})
  end
end
local each = waiting / left
local function promise(at)
  redis.call('ZADD', KEYS[4], exactly(at), key)
  keep()
  return exactly(at - now)
end
if promised and promised > now then return promise(promised) end
local before = tonumber(redis.call('HGET', KEYS[3], owner)) or 0
if not promised then
  local paid = math.max(before, now - hours.burst * ${ownShare} * each) + calls * each
  if paid <= now or unspared > 0 then
    before = paid
    redis.call('HSET', KEYS[3], owner, exactly(paid))
  end
  if paid > now and unspared > 0 then return promise(paid) end
end
local free = wait(kept)
if free > 0 then
  local slowest = 0
  for _, bucket in ipairs(buckets) do
    if lacking(bucket, kept) > 0 then slowest = math.max(slowest, calls / bucket.rate) end
  end
  nextFree[kind] = math.max(now + free, nextFree[kind] + slowest)
  if lacking(hours, kept) > 0 then
    redis.call('HSET', KEYS[3], owner, exactly(math.max(before, nextFree[kind])))
  end
  return promise(nextFree[kind])
end
return taken()`

export function redisBudget(
  redis: Redis,
  prefix: string,
): (name: string, allowance: Allowance) => CallBudget {
  redis.defineCommand('codexReserves', { numberOfKeys: 5, lua: reserves })
  redis.defineCommand('codexSpends', { numberOfKeys: 5, lua: spends })
  redis.defineCommand('codexExpects', { numberOfKeys: 5, lua: expects })
  return (name, { burst, perHour, minute: { burst: minutes, perMinute } }) => {
    const key = `${prefix}:budget:${name}`
    const keys = [key, `${key}:owners`, `${key}:paid`, `${key}:promised`, `${key}:lately`]
    const allowance = [burst, perHour, minutes, perMinute]
    const shares = JSON.stringify(leaves)
    return {
      async reserve({ owner, id, calls, kind }) {
        const later = await redis.codexReserves(...keys, ...allowance, owner, id, calls, kind, shares)
        return later === '' ? undefined : Math.ceil(Number(later))
      },
      async spend(calls) {
        await redis.codexSpends(...keys, ...allowance, calls)
      },
      async expect(id, kind) {
        await redis.codexExpects(...keys, ...allowance, id, kind)
      },
    }
  }
}
