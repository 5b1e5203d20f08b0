/** Ends work on text of others after a time limit, wherever it is: the engine itself interrupts it. */
import { createContext, Script } from 'node:vm'

/** Each caller waits, in order, for a pass of the event loop: long work on many texts leaves room for timers and requests. */
let last: Promise<void> = Promise.resolve()

export function yieldToEventLoop(): Promise<void> {
  last = last.then(() => new Promise(resolve => setImmediate(resolve)))
  return last
}

export async function readOneByOne(reads: readonly (() => unknown)[]): Promise<void> {
  for (const read of reads) {
    await yieldToEventLoop()
    read()
  }
  await yieldToEventLoop()
}

/** ms that one text may block the event loop. */
const limit = 30

/** Shorter texts take a few ms whatever they hold (measured). No limit, which a busy machine might reach. */
const short = 300

export const timeFor = ({ length }: string): number =>
  length <= short ? Number.POSITIVE_INFINITY : limit

/** A busy machine gets further tries with longer limits. */
const longer = [1, 2, 4, 8, 16]

const place: { work: (() => unknown) | undefined } = { work: undefined }
const context = createContext({ work: () => place.work?.() })
const script = new Script('work()')

/** @returns `undefined` after too much time or stack. Other errors pass. A nested call keeps the outer limit. */
export function withinTime<T extends object>(work: () => T, milliseconds = limit): T | undefined {
  if (milliseconds === Number.POSITIVE_INFINITY) return attempted(work, milliseconds)
  const before = process.cpuUsage()
  for (const [tries, factor] of longer.entries()) {
    const done = attempted(work, factor * milliseconds)
    if (done) return done
    const { user, system } = process.cpuUsage(before)
    // Never after one try, since a garbage collection counts as this process's time, too.
    if (tries > 0 && (user + system) / 1_000 > 1.6 * milliseconds) return undefined
  }
  return undefined
}

function attempted<T extends object>(work: () => T, timeout: number): T | undefined {
  try {
    if (place.work || timeout === Number.POSITIVE_INFINITY) return work()
    let done: T | undefined
    place.work = () => {
      done = work()
    }
    try {
      script.runInContext(context, { timeout })
      return done
    } finally {
      place.work = undefined
    }
  } catch (error) {
    // It may come from another realm.
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
    if (error instanceof RangeError || code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined
    throw error
  }
}
