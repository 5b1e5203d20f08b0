import type { IndexEntry, JobIndex } from '../core/model/job-index.ts'
import type { StoredJob } from './queue-backend.ts'

/** JSON of [set, score, ms kept after the end]. Empty: there is no index. */
export type Entries = string

export const written = (entries: readonly IndexEntry[]): Entries =>
  JSON.stringify(entries.map(({ set, score, keptMs = 0 }) => [set, score, keptMs]))

/** A job being added: its entries, and afterwards the name of the job with that id. */
export interface Addition {
  entries: Entries
  name?: string | undefined
}

export type Additions = Map<string, Addition>

export interface Saved {
  id: string
  token: string
  lockDuration: number
  data: string
  entries: Entries
}

export interface Indexed extends StoredJob {
  id: string
  seen: Entries
}

export interface QueueIndex extends JobIndex {
  save(saved: Saved): Promise<boolean>
  isBuilt(version: string): Promise<boolean>
  saveVersion(version: string): Promise<void>
  pages(standing: 'live' | 'ended'): AsyncIterable<Indexed[]>
  mend(job: Indexed, entries: Entries): Promise<void>
  sweep(set: string): Promise<void>
}
