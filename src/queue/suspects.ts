/**
 * A job that was at work when its process died may have killed it. The next process works such suspects one after the
 * other, of all its queues. Jobs that are no suspects go on beside them.
 */
import pLimit from 'p-limit'
import { within } from './job-lock.ts'

/** ms; the next suspect waits no longer. */
const TURN_MS = 10_000

export type InTurn = ReturnType<typeof suspectsInTurn>

export function suspectsInTurn() {
  const oneByOne = pLimit(1)
  /** @param lasted called when the next suspect is let in beside it */
  return <T>(work: () => Promise<T>, lasted: () => void): Promise<T> =>
    new Promise((resolve, reject) => {
      void oneByOne(async () => {
        const working = work()
        working.then(resolve, reject)
        await within<unknown>(TURN_MS, working, lasted).catch(() => {})
      })
    })
}
