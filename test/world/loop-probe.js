/**
 * Loaded into a bot before its own code: told by SIGUSR2, it says how long one turn of the event loop took at most. Time
 * in which the machine did other work does not count: the shorter of the clock's time and the processor's is taken.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const every = 5
const delays = monitorEventLoopDelay({ resolution: every })
delays.enable()
let longest = 0
let used = process.cpuUsage()
let at = performance.now()
setInterval(() => {
  const { user, system } = process.cpuUsage(used)
  longest = Math.max(longest, Math.min(performance.now() - at, (user + system) / 1_000))
  used = process.cpuUsage()
  at = performance.now()
}, every).unref()

process.on('SIGUSR2', () => {
  const turn = Math.min(longest, delays.max / 1e6)
  process.stdout.write(`longest turn: ${Math.round(turn)} ms\n`)
  longest = 0
  delays.reset()
})
