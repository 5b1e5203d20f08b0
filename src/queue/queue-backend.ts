import type { BackendFactory, IQueueBackend, Queue, Worker } from 'bullmq'

/** What differs between BullMQ on Redis and BullMQ on the embedded database; all else goes through BullMQ. */
export interface QueueBackend {
  kind: 'redis' | 'embedded'
  /** Connects one BullMQ Queue or Worker; it supplies the connection itself. */
  create: BackendFactory<IQueueBackend, unknown>
  /**
   * The ids of the jobs of a queue that have not ended, at one moment. Where it is missing, BullMQ's own list is of one
   * moment; its PostgreSQL side reads state by state, and misses jobs that change it meanwhile.
   */
  liveIds?(queue: string): Promise<string[]>
  /** Rejects unless it takes writes. */
  probe(): Promise<void>
  /** Whether the connection that workers take jobs by stands; only where there is one that can break. */
  workersConnected?(): boolean
  /** Rejects while it should be given nothing new: its disk is all but full. */
  admits?(): Promise<void>
  /** Cuts all connections, whatever is still under way. */
  close(): Promise<void>
}

export type BullMqQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend, unknown>
export type BullMqWorker = Worker<unknown, void, string, IQueueBackend, JobNotes, unknown>

/** Kept in a job's `progress`, which is stored with the job but apart from its data. */
export interface JobNotes {
  failures: number
}
