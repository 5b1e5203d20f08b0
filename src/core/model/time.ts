/** Lengths of time, the growing pause between attempts, and a memory of what was done lately. */
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
  }: { first?: number; most?: number | undefined; jitter?: number } = {},
): number => Math.round(Math.min(most, first * 2 ** failures) * (1 - jitter / 2))

/** How long GitHub delivers an event again: three days, less a margin for clocks. */
export const redelivered = 71 * hour

export interface Recent {
  has(name: string, since: number): boolean
  remember(name: string, at: number): void
  forget(name: string): void
}

export function recent(most = 10_000): Recent {
  const times = new NewestMap<string, number>(most)
  return {
    has: (name, since) => (times.get(name) ?? Number.NEGATIVE_INFINITY) > since,
    remember: (name, at) => void times.set(name, at),
    forget: name => void times.delete(name),
  }
}
