/**
 * The time of this process. It runs by the monotonic clock, which nobody sets, from a moment that GitHub's answers
 * correct: lengths of time stay true while the machine's clock is put forward or back, and moments agree with GitHub's.
 */
import { second } from '../core/model/time.ts'

export interface Clock {
  /** ms since the epoch */
  now(): number
  /**
   * @param date the `Date` of a response, in whole seconds
   * @param askedAt when it was asked for, by `now`: it was sent between then and now, however late it is read
   */
  setBy(date: unknown, askedAt: number): void
}

/** ms. Less is the way of a response, or a clock of GitHub's that is no better. */
const tolerated = 2 * second

export function openClock(wall = Date.now, elapsed = () => performance.now()): Clock {
  let start = wall() - elapsed()
  const now = (): number => Math.floor(start + elapsed())
  return {
    now,
    setBy(date, askedAt) {
      const from = / GMT$/.test(String(date)) ? Date.parse(String(date)) : Number.NaN
      const [ahead, behind] = [askedAt - (from + second), from - now()]
      if (ahead > tolerated) start -= ahead
      else if (behind > tolerated) start += behind
    },
  }
}
