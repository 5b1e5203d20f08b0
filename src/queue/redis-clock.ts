/** Lua: `now`, ms since the epoch by the server's clock, the same for all processes. */
export const serverClock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`
