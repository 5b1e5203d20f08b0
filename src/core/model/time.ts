/** Lengths of time, the growing pause between attempts, and what was counted or read lately. */
import { NewestMap } from '../text/newest-map.ts'

/** Lengths of time, in ms. */
export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/**
 * @param failures in a row, before the one that is waited out now
 * @param times in ms; `jitter`, between 0 and 1, takes away up to half, so that not all who wait come back at once
 * @returns ms, doubled with each failure
 */
export const backoff = (
  failures: number,
  {
    first = second,
    most = minute,
    jitter = 0,
  }: { first?: number; most?: number; jitter?: number } = {},
): number => Math.round(Math.min(most, first * 2 ** failures) * (1 - jitter / 2))

/** How long GitHub delivers an event again: three days, less a margin for clocks. */
export const redelivered = 71 * hour

/** @returns what was counted under a name before, the less the longer ago it was; half an hour counts 61 % of an hour ago. */
export function latelyCounted(
  ms: number,
  now: () => number,
): (name: string | number, more: number) => number {
  const counts = new NewestMap<string | number, { at: number; sum: number }>(10_000)
  return (name, more) => {
    const { at, sum } = counts.get(name) ?? { at: now(), sum: 0 }
    const before = sum * Math.exp((at - now()) / ms)
    counts.set(name, { at: now(), sum: before + more })
    return before
  }
}

/**
 * Reads a thing by its name, and keeps it for `ms`: whoever asks meanwhile gets the same. A failure is asked again the next
 * time.
 */
export function cachedFor<T, With extends readonly unknown[]>(
  ms: number,
  now: () => number,
  read: (name: string, ...using: With) => Promise<T>,
) {
  const known = new NewestMap<string, { at: number; answer: Promise<T> }>(10_000)
  return {
    get(name: string, ...using: With): Promise<T> {
      const before = known.get(name)
      if (before && now() - before.at < ms) return before.answer
      const answer = read(name, ...using)
      known.set(name, { at: now(), answer })
      answer.catch(() => known.delete(name))
      return answer
    },
    clear: (): void => known.clear(),
  }
}

/** Writes each line that anybody can cause, by its name, once a minute. */
export function onceAMinute(now: () => number): (name: string, write: () => void) => void {
  const lines = cachedFor(minute, now, async (_, write: () => void) => write())
  return (name, write) => void lines.get(name, write)
}
