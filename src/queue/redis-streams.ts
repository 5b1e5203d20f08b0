import { randomUUID } from 'node:crypto'
import type { Redis, Result } from 'ioredis'
import type { StreamLeases } from '../core/model/ports.ts'
import { serverClock } from './redis-budget.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    codexLeaseTaken(...args: (string | number)[]): Result<number, Context>
    codexLeaseHeld(...args: string[]): Result<number, Context>
    codexLeasesRenewed(...args: (string | number)[]): Result<string[], Context>
    codexLeasesHandedOver(...args: (string | number)[]): Result<null, Context>
    codexLeasesLapsed(...args: (string | number)[]): Result<string[], Context>
    codexLeaseBuried(...args: string[]): Result<null, Context>
  }
}

const clock = `${serverClock}
local function after(ms) return string.format('%.0f', now + ms) end
`

/** `KEYS[1]`: until when, `KEYS[2]`: whose; without the latter it is nobody's. */
const taken = `${clock}
local me, name, ms = unpack(ARGV)
local held, owner = redis.call('ZSCORE', KEYS[1], name), redis.call('HGET', KEYS[2], name)
if held and tonumber(held) > now and owner and owner ~= me then return 0 end
redis.call('ZADD', KEYS[1], after(ms), name)
redis.call('HSET', KEYS[2], name, me)
return 1`

const renewed = `${clock}
local me, lapses = ARGV[1], after(ARGV[2])
local lost = {}
for n = 3, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[n]) == me then redis.call('ZADD', KEYS[1], lapses, ARGV[n])
  else lost[#lost + 1] = ARGV[n] end
end
return lost`

const handedOver = `
for n = 2, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[n]) == ARGV[1] then
    redis.call('ZADD', KEYS[1], 0, ARGV[n])
    redis.call('HDEL', KEYS[2], ARGV[n])
  end
end`

const held = `${clock}
local lapses = redis.call('ZSCORE', KEYS[1], ARGV[1])
return lapses and tonumber(lapses) > now and redis.call('HEXISTS', KEYS[2], ARGV[1]) or 0`

const lapsed = `${clock}
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', after(0), 'LIMIT', 0, ARGV[1])
for _, name in ipairs(names) do
  redis.call('ZADD', KEYS[1], after(ARGV[2]), name)
  redis.call('HDEL', KEYS[2], name)
end
return names`

const buried = `
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end`

/** As long as the job of a process that died is locked; until then nobody looks at the runs that it followed. */
const LEASE_MS = 15_000
const AT_ONCE = 500

export function redisStreams(redis: Redis, prefix: string, leaseMs = LEASE_MS): StreamLeases {
  redis.defineCommand('codexLeaseTaken', { numberOfKeys: 2, lua: taken })
  redis.defineCommand('codexLeaseHeld', { numberOfKeys: 2, lua: held })
  redis.defineCommand('codexLeasesRenewed', { numberOfKeys: 2, lua: renewed })
  redis.defineCommand('codexLeasesHandedOver', { numberOfKeys: 2, lua: handedOver })
  redis.defineCommand('codexLeasesLapsed', { numberOfKeys: 2, lua: lapsed })
  redis.defineCommand('codexLeaseBuried', { numberOfKeys: 2, lua: buried })
  const me = randomUUID()
  const byWhen = `${prefix}:streams`
  const whose = `${prefix}:streams:of`
  const keys = [byWhen, whose] as const
  return {
    take: async name => (await redis.codexLeaseTaken(...keys, me, name, leaseMs)) === 1,
    renew: async names => {
      const lost: string[] = []
      for (const some of inPages(names))
        lost.push(...(await redis.codexLeasesRenewed(...keys, me, leaseMs, ...some)))
      return lost
    },
    isHeld: async name => (await redis.codexLeaseHeld(...keys, name)) === 1,
    drop: async names => {
      for (const some of inPages(names))
        await Promise.all([redis.zrem(byWhen, ...some), redis.hdel(whose, ...some)])
    },
    handOver: async names => {
      for (const some of inPages(names)) await redis.codexLeasesHandedOver(...keys, me, ...some)
    },
    orphans: () => redis.codexLeasesLapsed(...keys, AT_ONCE, leaseMs),
    bury: async name => void (await redis.codexLeaseBuried(...keys, name)),
    onBack: ring => void redis.on('ready', ring),
  }
}

function* inPages(names: readonly string[]): Iterable<readonly string[]> {
  for (let from = 0; from < names.length; from += AT_ONCE) yield names.slice(from, from + AT_ONCE)
}
