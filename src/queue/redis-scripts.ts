/** Lua scripts for what must be one step. A job's entries are in its hash, as `ix`; sets are keys prefixed `sets`. */

const place = `
local function place(job, sets, id, entries, now)
  local before = redis.call('HGET', job, 'ix')
  if before == entries then return end
  local left = {}
  for _, entry in ipairs(cjson.decode(before or '[]')) do left[entry[1]] = entry end
  for _, entry in ipairs(cjson.decode(entries)) do
    local name, score, kept = unpack(entry)
    local set, was = sets .. name, left[name]
    left[name] = nil
    -- One that stays as it was is there already.
    if not was or was[2] ~= score or was[3] ~= kept then
      redis.call('ZADD', set, score, id)
      if kept > 0 then
        redis.call('ZREMRANGEBYSCORE', set, '-inf', now - kept)
        redis.call('PEXPIRE', set, kept)
      end
    end
  end
  for name in pairs(left) do redis.call('ZREM', sets .. name, id) end
  redis.call('HSET', job, 'ix', entries)
end
`

const leave = `
local function leave(job, sets, id)
  local finishedOn, before = unpack(redis.call('HMGET', job, 'finishedOn', 'ix'))
  if not finishedOn or not before then return end
  for _, entry in ipairs(cjson.decode(before)) do
    if entry[3] == 0 then redis.call('ZREM', sets .. entry[1], id) end
  end
  redis.call('HDEL', job, 'ix')
end
`

/**
 * Gives the name of the job with that id, which gets its entries if it is that job. It is sent right behind BullMQ's
 * addition.
 */
const added = `${place}${leave}
local sets, id, ours, entries, now = unpack(ARGV)
local name, before = unpack(redis.call('HMGET', KEYS[1], 'name', 'ix'))
-- A worker that was faster has written newer ones.
if name == ours and entries ~= '' and not before then
  place(KEYS[1], sets, id, entries, tonumber(now))
  leave(KEYS[1], sets, id)
end
return name`

/** Saves record and entries if the token holds the lock, which it extends as BullMQ does, and no guard refuses. */
const saved = `${place}
local token, duration, data, sets, id, entries, now, guards = unpack(ARGV)
if redis.call('GET', KEYS[2]) ~= token then return 'lost' end
redis.call('SET', KEYS[2], token, 'PX', duration)
redis.call('SREM', KEYS[3], id)
for _, guard in ipairs(cjson.decode(guards)) do
  local set, above = sets .. guard.set, guard.above or -math.huge
  local others = redis.call('ZCOUNT', set, string.format('(%.17g', above), '+inf')
  if tonumber(redis.call('ZSCORE', set, id) or -math.huge) > above then others = others - 1 end
  if others >= guard.most then return 'refused' end
end
redis.call('HSET', KEYS[1], 'data', data)
if entries ~= '' then place(KEYS[1], sets, id, entries, tonumber(now)) end
return 'saved'`

const amended = `${place}${leave}
local was, data, sets, id, entries, now = unpack(ARGV)
local stored, finishedOn = unpack(redis.call('HMGET', KEYS[1], 'data', 'finishedOn'))
if not finishedOn or stored ~= was then return 0 end
redis.call('HSET', KEYS[1], 'data', data)
if entries ~= '' then
  place(KEYS[1], sets, id, entries, tonumber(now))
  leave(KEYS[1], sets, id)
end
return 1`

const ended = `${leave}
leave(KEYS[1], unpack(ARGV))`

const mended = `${place}
local sets, id, entries, seen, now = unpack(ARGV)
local name, finishedOn, before = unpack(redis.call('HMGET', KEYS[1], 'name', 'finishedOn', 'ix'))
if not name or (before or '') ~= seen then return end
place(KEYS[1], sets, id, entries, tonumber(now))
if finishedOn then redis.call('HDEL', KEYS[1], 'ix') end`

/** A replica, full memory or a failing disk refuses writes, but answers a ping. Its last argument only takes room. */
const probed = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)"

/** Strings, since Redis truncates numbers; empty for none. */
const queried = `
local sets, asked = ARGV[1], cjson.decode(ARGV[2])
local answers = {}
for n, ask in ipairs(asked) do
  local set = sets .. ask.set
  if ask.kind == 'from-end' then
    answers[n] = redis.call('ZRANGE', set, -ask.nth, -ask.nth, 'WITHSCORES')[2] or ''
  elseif ask.before then
    local score = string.format('%.17g', ask.before.score)
    local before = redis.call('ZCOUNT', set, '-inf', '(' .. score)
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', set, score, score)) do
      if id < ask.before.id then before = before + 1 end
    end
    answers[n] = tostring(before)
  else
    local above = ask.above and '(' .. string.format('%.17g', ask.above) or '-inf'
    answers[n] = tostring(redis.call('ZCOUNT', set, above, '+inf'))
  end
end
return answers`

export const scripts = {
  codexQueried: { numberOfKeys: 0, lua: queried },
  codexAdded: { numberOfKeys: 1, lua: added },
  codexSaved: { numberOfKeys: 3, lua: saved },
  codexAmended: { numberOfKeys: 1, lua: amended },
  codexEnded: { numberOfKeys: 1, lua: ended },
  codexMended: { numberOfKeys: 1, lua: mended },
  codexProbed: { numberOfKeys: 1, lua: probed },
}
