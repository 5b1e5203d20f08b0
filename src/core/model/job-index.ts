/**
 * Named sets of jobs, which answer questions about many without reading them. Written with the job in one step, and can
 * be made again from the jobs.
 */

/** All jobs of a queue that have not ended, by when they were added (ms since the epoch). */
export const liveSet = 'live'

export interface IndexEntry {
  set: string
  score: number
  /** ms after `score` for which it stays, whether or not its job has ended. Without it, it goes when that ends. */
  keptMs?: number
}

export interface Member {
  id: string
  score: number
}

export type IndexQuery =
  | { kind: 'count'; set: string; above?: number; before?: Member }
  | { kind: 'from-end'; set: string; nth: number }

/** As many as `count` of each set, counted from its lowest score or from its highest. */
export interface Range {
  kind: 'first' | 'last'
  count: number
}

export interface JobIndex {
  query(queries: readonly IndexQuery[]): Promise<(number | undefined)[]>
  members(sets: readonly string[], range: Range): Promise<Member[][]>
}
