/** What this thread has used of the processor, in ms; where the system does not say, what the whole process has. */
import { readFileSync } from 'node:fs'

export function threadTime(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
}

/** ms of the processor for this work, the least of three times: a neighbour on the core, and code that is new, only add. */
export const spentOn = (work: () => unknown): number =>
  Math.min(
    ...[1, 2, 3].map(() => {
      const began = threadTime()
      work()
      return threadTime() - began
    }),
  )
