/** At the head of a script: `now`, ms since the epoch by the server's clock, which is one for all processes. */
export const serverClock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`
