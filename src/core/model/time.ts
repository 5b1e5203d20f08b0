import { NewestMap } from '../text/newest-map.ts'

/** Lengths of time, in ms. */
export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

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
