/**
 * Named sets of jobs, to count them without reading them. Written in the same step as the job, and can be rebuilt from
 * the jobs.
 */

/** All live jobs, scored by when they were added (ms since the epoch). */
export const liveSet = 'live'

export interface IndexEntry {
  set: string
  score: number
  /**
   * ms after `score` that the entry stays, even if its job has ended. Without it, the entry goes when the job ends.
   */
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
