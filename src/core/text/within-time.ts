/** Ends work on text of others after a time limit, wherever it is: the engine itself interrupts it. */
import { createContext, Script } from 'node:vm'

/** ms that one text may block the event loop. */
const limit = 30

/** Shorter texts take a few ms whatever they hold (measured). No limit, which a busy machine might reach. */
const short = 300

export const timeFor = ({ length }: string): number => (length <= short ? Number.POSITIVE_INFINITY : limit)

/** A busy machine gets further tries with longer limits. */
const longer = [1, 2, 4, 8, 16]

const place: { work: (() => unknown) | undefined } = { work: undefined }
const context = createContext({ work: () => place.work?.() })
const script = new Script('work()')

/** @returns `undefined` after too much time or stack. Other errors pass. A nested call keeps the outer limit. */
export function withinTime<T extends object>(work: () => T, milliseconds = limit): T | undefined {
  if (milliseconds === Number.POSITIVE_INFINITY) return attempted(work, milliseconds)
  for (const factor of longer) {
    const before = process.cpuUsage()
    const done = attempted(work, factor * milliseconds)
    if (done) return done
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1_000 > 0.8 * milliseconds) return undefined
  }
  return undefined
}

function attempted<T extends object>(work: () => T, timeout: number): T | undefined {
  try {
    return place.work || timeout === Number.POSITIVE_INFINITY ? work() : cutOff(work, timeout)
  } catch (error) {
    if (isTooMuch(error)) return undefined
    throw error
  }
}

function cutOff<T extends object>(work: () => T, timeout: number): T | undefined {
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
}

/** The error may come from another realm. */
const isTooMuch = (error: unknown): boolean =>
  error instanceof RangeError ||
  (typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
