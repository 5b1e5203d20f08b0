/** What the queues ask of what stores them. Redis and the embedded database each implement it. */
import type { BackendFactory, IQueueBackend, Job, Queue, Worker } from 'bullmq'
import { z } from 'zod'
import type { BudgetStore } from '../core/model/call-budget.ts'
import type { DeliveryClock, Guard, IndexEntry, JobIndex } from '../core/model/ports.ts'

export interface QueueBackend {
  kind: 'redis' | 'embedded'
  /** When this process last connected to it, ms since the epoch: what it has from before may be of any age. */
  connectedAt(): number
  /** When a webhook last came in for any process that shares it, ms since the epoch. */
  deliveries: DeliveryClock
  /** ms for a call; GitHub waits ten seconds for the answer to a webhook. */
  answersWithin: number
  create(additions: Additions): BackendFactory<IQueueBackend, unknown>
  index(queue: BullMqQueue): QueueIndex
  budgets?(prefix: string): (name: string) => BudgetStore
  /** Rejects unless it takes writes. */
  probe(): Promise<void>
  /** Backends whose worker connection can break have it. */
  workersConnected?(): boolean
  /** @throws QueueUnavailable while its disk is almost full */
  assertRoom?(): void
  /** Rejects when it is lost. */
  assertThere?(): Promise<void>
  close(): Promise<void>
}

/** A moment, of which is first asked when our clock is set. */
export function sinceNow() {
  let mark = performance.now()
  let at: number | undefined
  return {
    again() {
      mark = performance.now()
      at = undefined
    },
    at: () => (at ??= Math.round(Date.now() - performance.now() + mark)),
  }
}

export type StoredJob = Pick<Job, 'id' | 'data' | 'timestamp' | 'finishedOn'>

export type BullMqQueue = Queue<
  unknown,
  unknown,
  string,
  unknown,
  unknown,
  string,
  IQueueBackend,
  unknown
>
export type BullMqWorker = Worker<unknown, void, string, IQueueBackend, JobProgress, unknown>

/** What BullMQ keeps with a job for us. */
export interface JobProgress {
  /** Steps in a row, up to now, that threw. */
  failures: number
  /** How often its lock had run out when a step of it last came to its end. */
  stallsAtEnd: number
  /** The same, when it was last made to wait apart from others. */
  stallsAtPause: number
}

/** JSON of [set, score, ms kept after the end]. Empty: there is no index. */
export type Entries = string

export const written = (entries: readonly IndexEntry[]): Entries =>
  JSON.stringify(entries.map(({ set, score, keptMs = 0 }) => [set, score, keptMs]))

/** A job being added: its entries, and afterwards the name of the job with that id. */
export interface Addition {
  entries: Entries
  name?: string
}

export type Additions = Map<string, Addition>

interface Saved {
  id: string
  token: string
  lockDuration: number
  data: string
  entries: Entries
  guards: readonly Guard[]
}

/** Lost: the lock was. Refused: by a guard. */
export const Saving = z.enum(['saved', 'refused', 'lost'])
export type Saving = z.infer<typeof Saving>

interface Amended {
  id: string
  /** JSON of the data that it had. */
  was: string
  data: string
  entries: Entries
}

export interface Indexed extends StoredJob {
  id: string
  seen: Entries
}

export interface QueueIndex extends JobIndex {
  /** The jobs in this order. Jobs that are gone are left out. */
  jobs(ids: readonly string[]): Promise<StoredJob[]>
  save(saved: Saved): Promise<Saving>
  /** Changes an ended job. It returns false if the job is live or gone, or its data is not what it was. */
  amend(amended: Amended): Promise<boolean>
  isBuilt(version: string): Promise<boolean>
  saveVersion(version: string): Promise<void>
  pages(standing: 'live' | 'ended'): AsyncIterable<Indexed[]>
  mend(job: Indexed, entries: Entries): Promise<void>
  /** Takes out of the index what is there no more. */
  sweep(): Promise<void>
}
