/**
 * What the rest of the bot sees of the queue. Both backends (BullMQ on Redis, BullMQ on the embedded
 * PostgreSQL) give exactly this; nothing above this folder knows which one it runs on.
 */
import type { JobIndex } from '../core/model/job-index.ts'
import type { LimitStore } from '../core/model/limit-gate.ts'
import type { StreamLeases } from '../core/model/stream-leases.ts'

/** Where a job stands: it will be worked on again (`live`), or its record is only kept (`ended`). */
type JobStanding = 'live' | 'ended'

export interface JobRecord<Data> {
  id: string
  data: Data
  standing: JobStanding
  /** When the job was added, ms since the epoch. */
  addedAt: number
}

/** How adding went. `id` names the job that answers for the claim: the new one, or the one that was there. */
export interface Added {
  outcome: 'added' | 'known' | 'held'
  id: string
}

/** What a processor decides at the end of one step. Parked for 0 ms: again at once, after those that wait already. */
export type StepResult = { kind: 'park'; ms: number } | { kind: 'end' }

/** A job in the hands of one worker. All writes check first that the lock is still ours. */
export interface LockedJob<Data> {
  id: string
  data: Data
  /** ms since the epoch. */
  addedAt: number
  /** How often a worker died or froze with this job in hand, over the job's whole life. */
  stalls: number
  /** How many steps in a row, up to now, ended in an error of the processor. */
  failures: number
  /** Aborted, with a `LockLost` or a `ShuttingDown` as the reason, when the step should stop where it is. */
  signal: AbortSignal
  /** Throws `LockLost` unless the lock is still ours; prolongs it. Call it before every effect. */
  assertLocked(): Promise<void>
  /** Asserts the lock, then replaces the record. */
  save(data: Data): Promise<void>
  /** Everything ever told to this job, oldest first. Opens a closed inbox. */
  inbox(): Promise<string[]>
  /** The same, for the last time: nothing more is taken, so that the job can end with nothing unread. */
  closeInbox(): Promise<string[]>
}

/**
 * Works one step. When it throws, the job is parked for a while (1 s, doubling up to 60 s) and never dropped: how often
 * to try is the processor's business, see `failures`.
 */
export type Processor<Data> = (job: LockedJob<Data>) => Promise<StepResult>

export interface WorkQueue<Data> extends JobIndex {
  /**
   * Claims `id` (no colon, not only digits) and enqueues in one atomic step. `known`: a job with that id exists, live or kept.
   * `held`: another live job holds `slot`; nothing was added and `id` names the holder.
   * @throws QueueUnavailable within about a second (3 s when the server is frozen)
   */
  add(id: string, data: Data, slot?: string): Promise<Added>
  /** @throws UnreadableRecord */
  get(id: string): Promise<JobRecord<Data> | undefined>
  /** The id of the live job that holds `slot`. */
  holder(slot: string): Promise<string | undefined>
  /** All live jobs, oldest first (those added in one ms by id). An unreadable one is logged and left out. */
  live(): Promise<JobRecord<Data>[]>
  /** Ended jobs that were added since then (ms since the epoch) and are wanted, as far as they are kept. */
  recentlyEnded(since: number, wanted?: (data: Data) => boolean): Promise<JobRecord<Data>[]>
  liveCount(): Promise<number>
  /** The jobs of these sets of the index that are still there, each once. An unreadable one is logged and left out. */
  listed(sets: readonly string[]): Promise<JobRecord<Data>[]>
  /**
   * Makes a parked job due now. If it is being worked on, its next parking is skipped, so no wake is lost, unless the
   * worker dies at that very moment: so park for a bounded time. Nothing happens if there is no live job of that id.
   */
  wake(id: string): Promise<void>
  /**
   * Appends `message` to the job's inbox and wakes it; from any process. False if nobody will read it there: the job
   * has ended or is about to. A processor that closes the inbox before the end has read whatever was taken, so saying
   * it again after a crash is true again, once it was.
   */
  send(id: string, message: string): Promise<boolean>
  /** What was taken from those who told the job something, oldest first; nothing if there is no such job. */
  inbox(id: string): Promise<string[]>
  /** Replaces the record of an ended job (a live one is its worker's alone): false if it is live or gone. */
  amendEnded(id: string, data: Data): Promise<boolean>
  /** Starts working, once per process. At most `concurrency` jobs are in hand at once in this process. */
  work(process: Processor<Data>, options: { concurrency: number }): Promise<void>
}

/** One turn of a chore, in the hands of one process. */
export interface ChoreTurn {
  /** What was remembered last, as JSON keeps it; `undefined` the first time, and when the queue lost its data. */
  memory: unknown
  /** Aborted when the turn should stop where it is. */
  signal: AbortSignal
  /** Asserts that the turn is still ours, then stores `memory`. Call it before every effect. */
  remember(memory: unknown): Promise<void>
}

/**
 * @returns ms until the next turn, or nothing for the usual time. When it throws, it comes back soon (1 s, doubling up
 * to 60 s).
 */
export type Chore = (turn: ChoreTurn) => Promise<number | undefined>

/** One look at what an errand is about. */
interface ErrandTurn {
  /** As it was sent or remembered last, as JSON keeps it. */
  what: unknown
  /** Aborted when the turn should stop where it is. */
  signal: AbortSignal
  /** Asserts that the turn is still ours, then stores `what`. Call it before every effect. */
  remember(what: unknown): Promise<void>
}

/** @returns ms until the next turn, or that all is done. When it throws, it comes back as a chore does. */
export type Errand = (turn: ErrandTurn) => Promise<number | 'done'>

/** What is to be done once. `subject`: of several about one, the newest replaces those before. */
export interface Sent {
  kind: string
  /** As for a job; sent again under the same id, it is not done again. */
  id: string
  subject: string
  what: unknown
}

export interface Chores {
  /** Who does the errands of a kind, from now on. */
  runErrands(kind: string, errand: Errand): void
  send(errand: Sent): Promise<void>
  /**
   * Has `chore` done now, and then again `ms` after each turn: by one process at a time, however many say the same.
   * @param id as for a job
   */
  every(id: string, ms: number, chore: Chore): Promise<void>
}

export interface Queues<TriggerData, RunData> {
  kind: 'redis' | 'embedded'
  triggers: WorkQueue<TriggerData>
  runs: WorkQueue<RunData>
  /** What is written down once and read again: nobody works on it. */
  writtenOnce: Pick<WorkQueue<unknown>, 'add' | 'get'>
  chores: Chores
  /** What all processes know of the limits of services; not there where one process is all there can be. */
  limits: LimitStore | undefined
  streams: StreamLeases
  /** Makes the indexes of live jobs again, where other processes, or people, moved jobs without them. */
  mendIndexes(): Promise<void>
  /** @throws QueueUnavailable unless the backend takes writes within `ms`, and whatever works here takes jobs. */
  ready(ms: number): Promise<void>
  /**
   * Stops taking jobs and waits for those in hand; their signals are aborted when 60 % of `graceMs` have passed. A job
   * that throws then, as it should, is put back. After `graceMs` (500 ms more at the most) everything is cut.
   */
  close(graceMs: number): Promise<void>
}

export class QueueUnavailable extends Error {
  override name = 'QueueUnavailable'
}

/** The stored data of a job is not, or no longer, what this version can read. */
export class UnreadableRecord extends Error {
  override name = 'UnreadableRecord'
}

export class ShuttingDown extends Error {
  override name = 'ShuttingDown'
}

export class LockLost extends Error {
  override name = 'LockLost'
}
