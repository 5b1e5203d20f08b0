/**
 * Loaded into a bot before its own code: told by SIGUSR2, it says how long one turn of the event loop took at most. Time
 * in which the machine did other work does not count: what the thread itself used of the processor does.
 */
import { readFileSync } from 'node:fs'

const every = 5
const file = '/proc/thread-self/schedstat'

/** ms of the processor; of the whole process where the system does not tell threads apart. */
function used() {
  try {
    return Number(readFileSync(file, 'utf8').split(' ')[0]) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
}

let longest = 0
let before = used()
setInterval(() => {
  const now = used()
  longest = Math.max(longest, now - before)
  before = now
}, every).unref()

process.on('SIGUSR2', () => {
  process.stdout.write(`longest turn: ${Math.round(longest)} ms\n`)
  longest = 0
})
