import { minute } from '../core/model/time.ts'

const keptMs = 10 * minute
const most = 1_000

interface Kept<T> {
  get(name: string): Promise<T>
  clear(): void
}

/** Answers that change seldom, kept for ten minutes; a failure is none, and is asked again the next time. */
export function kept<T>(now: () => number, read: (name: string) => Promise<T>): Kept<T> {
  const known = new Map<string, { answer: T; at: number }>()
  return {
    async get(name) {
      const before = known.get(name)
      if (before && now() - before.at < keptMs) return before.answer
      const answer = await read(name)
      if (known.size >= most) known.clear()
      known.set(name, { answer, at: now() })
      return answer
    },
    clear: () => known.clear(),
  }
}
