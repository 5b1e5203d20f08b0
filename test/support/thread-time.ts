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

/** ms of the processor for this work, whatever else holds it. */
export function spentOn(work: () => unknown): number {
  const began = threadTime()
  work()
  return threadTime() - began
}
