import type { BackendFactory, IQueueBackend, Job, Queue, Worker } from 'bullmq'
import type { Allowance, CallBudget } from '../core/model/call-budget.ts'
import type { LimitStore } from '../core/model/limit-gate.ts'
import type { SharedCache } from '../core/model/shared-cache.ts'
import type { StreamLeases } from '../core/model/stream-leases.ts'
import type { Additions, QueueIndex } from './queue-index.ts'

export interface QueueBackend {
  kind: 'redis' | 'embedded'
  create(additions: Additions): BackendFactory<IQueueBackend, unknown>
  index(queue: BullMqQueue): QueueIndex
  nameOf(queue: BullMqQueue, id: string): Promise<string | undefined>
  live(queue: BullMqQueue): Promise<StoredJob[]>
  liveCount(queue: BullMqQueue): Promise<number>
  limits?(prefix: string): LimitStore
  cache?(prefix: string): SharedCache
  budget?(prefix: string): (name: string, allowance: Allowance) => CallBudget
  streams?(prefix: string): StreamLeases
  /** Rejects unless it takes writes. */
  probe(): Promise<void>
  /** Only for backends whose worker connection can break. */
  workersConnected?(): boolean
  /** Rejects when its disk is almost full. */
  admits?(): Promise<void>
  close(): Promise<void>
}

export type StoredJob = Pick<Job, 'id' | 'data' | 'timestamp' | 'finishedOn'>

export type BullMqQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend, unknown>
export type BullMqWorker = Worker<unknown, void, string, IQueueBackend, JobProgress, unknown>

export interface JobProgress {
  failures: number
}
