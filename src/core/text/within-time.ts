/**
 * Work on somebody else's text, cut off when it takes too long: parsers have inputs of a few kilobytes that
 * take them minutes, or more stack than there is. The engine itself ends the work, wherever in it it is, so the
 * bound holds for any input.
 */
import { createContext, Script } from 'node:vm'

/** So long may the event loop be held by one text, in milliseconds; the rest of 50 is for what stands around. */
const limit = 30

/**
 * Texts this short take our parsers a few milliseconds, whatever is in them (measured: all repetitions of two of their
 * signs). They are read without a limit, which a busy machine would reach before them.
 */
const short = 300

export const timeFor = ({ length }: string): number => (length <= short ? Number.POSITIVE_INFINITY : limit)

/** A machine that is busy with others gives us less of the processor than that: then it is tried again, for longer. */
const longer = [1, 2, 4, 8, 16]

const place: { work: (() => unknown) | undefined } = { work: undefined }
const context = createContext({ work: () => place.work?.() })
const script = new Script('work()')

/**
 * What the work gives; `undefined` when it took too long or too much stack. Other errors pass. Inside other such
 * work the limit of that one holds.
 */
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

/** The engine's own error need not be one of this realm. */
const isTooMuch = (error: unknown): boolean =>
  error instanceof RangeError ||
  (typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
