/** Chance that can be had again: the same seed and name give the same choices. */
import { createHash } from 'node:crypto'

export interface Random {
  /** 0 ≤ x < 1 */
  next(): number
  /** Whole, `least` and `most` included. */
  between(least: number, most: number): number
  one<T>(of: readonly T[]): T
  shuffled<T>(of: readonly T[]): T[]
}

export function randomOf(seed: number, name: string): Random {
  let state = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE(0)
  /** mulberry32 */
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number): number =>
    least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    one: of => of[between(0, of.length - 1)] as (typeof of)[number],
    shuffled: of =>
      of
        .map(item => ({ item, key: next() }))
        .sort((a, b) => a.key - b.key)
        .map(({ item }) => item),
  }
}
