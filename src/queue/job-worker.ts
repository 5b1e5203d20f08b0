/**
 * Works one step of a job at a time. After any failure the job is parked, or left to BullMQ's stalled check, if its lock
 * can lapse; only its processor ends it.
 */
import { DelayedError, type IQueueBackend, type Job, Worker } from 'bullmq'
import { z } from 'zod'
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import { backoff } from '../core/model/time.ts'
import * as inbox from './inbox.ts'
import { JobLock, within } from './job-lock.ts'
import { entriesOf, type Format, readData, storable, withUnread } from './job-record.ts'
import type { BullMqWorker, JobProgress, QueueBackend, QueueIndex } from './queue-backend.ts'
import {
  LockLost,
  type Processor,
  type QueueLog,
  ShuttingDown,
  type Working,
} from './work-queue.ts'

/** BullMQ would fail a job at its second lost lock; here the processor decides by `stalls`. */
const UNLIMITED = 1_000_000
const MAX_KEPT = 100_000
/** ms until a job comes back if we die between parking and promoting it. */
const AT_ONCE_MS = 1_000
/** Waits as after this many failures, however often. */
const QUEUE_TROUBLE = 3
const LAST_WRITES_MS = 1_000
const APART_MS = 5_000

const pauseAfter = (failures: number) => backoff(failures - 1, { jitter: Math.random() })

interface JobWorkerOptions<Data> extends BullQueueOptions<Data>, Working<Data> {
  queueIndex: QueueIndex
  process: Processor<Data>
}

type BullMqJob = Job<unknown, unknown, string, JobProgress>
type StepOutcome = StepResult | { kind: 'leave' }

const parkedAtOnce: StepResult = { kind: 'park', ms: 0 }

export class JobWorker<Data> {
  readonly #options: JobWorkerOptions<Data>
  readonly #worker: BullMqWorker
  readonly #takes = new Set<Promise<void>>()
  readonly #locks = new Set<JobLock>()
  readonly #unread = new Map<string, number>()
  #draining: Promise<void> | undefined
  #interrupted = false

  constructor(options: JobWorkerOptions<Data>) {
    this.#options = options
    const {
      name,
      backend,
      prefix,
      concurrency,
      lockDuration,
      stalledInterval,
      keepSeconds,
      report,
    } = options
    // The embedded backend would count all ended jobs each time; hourly tidying bounds them.
    const keep = { age: keepSeconds, count: backend.kind === 'redis' ? MAX_KEPT : undefined }
    const mayLapse = lockDuration < Number.POSITIVE_INFINITY
    this.#worker = new Worker(
      name,
      (job: BullMqJob, token?: string) => {
        const take = this.#take(job, token ?? '').finally(() => this.#takes.delete(take))
        this.#takes.add(take)
        return take
      },
      {
        connection: {},
        prefix,
        concurrency,
        lockDuration: mayLapse ? lockDuration : Number.MAX_SAFE_INTEGER,
        stalledInterval,
        skipStalledCheck: !mayLapse,
        maxStalledCount: UNLIMITED,
        skipLockRenewal: true,
        runRetryDelay: 500,
        removeOnComplete: keep,
        removeOnFail: keep,
      },
      backend.create(new Map()),
    )
    this.#worker.on('error', report)
    this.#worker.on('completed', job => void this.#ended(job))
  }

  drain() {
    const closeOnce = async () => {
      const closed = this.#worker.close().catch(() => {})
      await Promise.allSettled(this.#takes)
      await within(LAST_WRITES_MS, closed, () => {})
    }
    this.#draining ??= closeOnce()
    return this.#draining
  }

  takesJobs() {
    return !this.#draining && this.#worker.isRunning()
  }

  interrupt() {
    this.#interrupted = true
    for (const lock of this.#locks) lock.interrupt(new ShuttingDown('the process is shutting down'))
  }

  /** Ends a blocking read. */
  cut() {
    this.#backend.disconnectBlocking(false).catch(() => {})
  }

  get #backend(): IQueueBackend {
    return this.#worker.getBackend()
  }

  /** To BullMQ, a return ends the job; DelayedError means that we have parked it. */
  async #take(job: BullMqJob, token: string) {
    if (this.#draining) await this.#park(job, token, 0)
    else if ((await this.#step(job, token)).kind === 'end') return
    throw new DelayedError()
  }

  async #step(job: BullMqJob, token: string): Promise<StepOutcome> {
    // If it is unknown, one step too many is better than none.
    const noticed = await inbox.inboxSize(this.#backend, idOf(job)).catch(() => 0)
    const read = this.#read(job)
    if (typeof read === 'number') {
      await this.#park(job, token, read, noticed)
      return { kind: 'leave' }
    }
    const pause = await this.#pauseApart(job)
    if (pause !== undefined) {
      await this.#park(job, token, pause, noticed)
      return { kind: 'leave' }
    }
    const lock = this.#lock(job, token)
    this.#locks.add(lock)
    const held = this.#hold(job, token, { data: read.data, lock })
    const outcome = this.#interrupted ? parkedAtOnce : await this.#decide(held, job, lock)
    this.#locks.delete(lock)
    lock.release()
    if (outcome.kind === 'park') await this.#park(job, token, outcome.ms, noticed)
    return outcome
  }

  /**
   * A job may kill its process each time. So jobs that lost two of them in a row come back at different times: the
   * others finish a step before the killer comes, or after it.
   */
  async #pauseApart(job: BullMqJob) {
    const progress = progressOf(job)
    const stalls = stallsOf(job)
    if (stalls < 2 || progress.stallsAtPause === job.stalledCounter) return undefined
    await this.#saveProgress(job, { ...progress, stallsAtPause: job.stalledCounter })
    return Math.round(Math.random() * stalls * APART_MS)
  }

  async #ended(job: BullMqJob) {
    try {
      await this.#options.ended?.(readData(this.#options.name, job, this.#options))
    } catch (error) {
      this.#couldNot('tell of the end of', job, error)
    }
  }

  /** @returns ms to wait for another version, which may run beside us and read it */
  #read(job: BullMqJob): { data: Data } | number {
    try {
      const data = readData(this.#options.name, job, this.#options)
      this.#unread.delete(idOf(job))
      return { data }
    } catch (err) {
      const times = (this.#unread.get(idOf(job)) ?? 0) + 1
      this.#unread.set(idOf(job), times)
      const ms = pauseAfter(times)
      const facts = { job: job.id, retryInMs: ms, err }
      this.#options.log.warn(facts, 'parked a job that this version cannot read')
      return ms
    }
  }

  #lock(job: BullMqJob, token: string): JobLock {
    const { lockDuration } = this.#options
    const extend = async () =>
      lockDuration === Number.POSITIVE_INFINITY || (await job.extendLock(token, lockDuration)) === 1
    return new JobLock(idOf(job), lockDuration, extend)
  }

  #hold(
    job: BullMqJob,
    token: string,
    { data, lock }: { data: Data; lock: JobLock },
  ): LockedJob<Data> {
    const { backend, lockDuration, queueIndex } = this.#options
    const connectedAt = backend.connectedAt()
    const [id, addedAt] = [idOf(job), job.timestamp]
    const held: LockedJob<Data> = {
      id,
      data,
      addedAt,
      stalls: stallsOf(job),
      failures: progressOf(job).failures,
      lagsSince: job.timestamp < connectedAt ? connectedAt : undefined,
      signal: lock.signal,
      assertLocked: () => lock.assert(),
      save: async next => void (await held.saveIf([], next)),
      saveIf: async (guards, next) => {
        const stored = storable(withUnread(job.data, held.data, next))
        const entries = entriesOf(this.#options, { id, data: next, addedAt })
        const saving = await lock.during(async () => {
          const written = { id, token, lockDuration, data: JSON.stringify(stored), entries, guards }
          const saving = await queueIndex.save(written)
          return saving !== 'lost' && saving
        })
        if (saving !== 'saved') return false
        job.data = stored
        held.data = next
        return true
      },
      inbox: () => reached(inbox.openedInbox(this.#backend, id, () => lock.assert())),
      closeInbox: async () => {
        await lock.assert()
        return reached(inbox.closedInbox(this.#backend, id))
      },
    }
    return held
  }

  async #decide(held: LockedJob<Data>, job: BullMqJob, lock: JobLock): Promise<StepOutcome> {
    if (lock.isLost) return this.#leave(job)
    try {
      const result = await this.#options.process(held)
      if (lock.isLost) return this.#leave(job)
      await this.#finishStep(job, 0)
      return result
    } catch (error) {
      if (lock.isLost || error instanceof LockLost) return this.#leave(job)
      if (this.#interrupted) return parkedAtOnce
      const failures = error instanceof QueueUnavailable ? undefined : held.failures + 1
      const ms = pauseAfter(failures ?? QUEUE_TROUBLE)
      const facts = { job: job.id, failures, retryInMs: ms, err: error }
      if (failures === undefined) this.#options.log.warn(facts, 'the queue failed a step of a job')
      else {
        this.#options.log.error(facts, 'a step of a job failed')
      }
      await this.#finishStep(job, failures ?? held.failures)
      return { kind: 'park', ms }
    }
  }

  #leave(job: BullMqJob): StepOutcome {
    this.#options.log.warn({ job: job.id }, 'lost the lock of a job, so left it to whoever has it')
    return { kind: 'leave' }
  }

  async #finishStep(job: BullMqJob, failures: number) {
    const progress = progressOf(job)
    if (failures === progress.failures && stallsOf(job) === 0) return
    await this.#saveProgress(job, { ...progress, failures, stallsAtEnd: job.stalledCounter })
  }

  async #saveProgress(job: BullMqJob, progress: JobProgress) {
    await job
      .updateProgress(progress)
      .catch(error => this.#couldNot('note the progress of', job, error))
  }

  async #park(job: BullMqJob, token: string, ms: number, noticed = 0) {
    const again = ms <= 0
    try {
      await job.moveToDelayed(Date.now() + (again ? AT_ONCE_MS : ms), token)
      // The embedded database responds without passing the event loop, which timers and requests need.
      if (again) await new Promise(resolve => setImmediate(resolve))
      const due = again || (await inbox.inboxSize(this.#backend, idOf(job))) > noticed
      if (due) await inbox.promote(this.#backend, idOf(job))
    } catch (error) {
      this.#couldNot('park', job, error)
    }
  }

  #couldNot(what: string, job: BullMqJob, error: unknown) {
    this.#options.log.warn({ job: job.id, error: describe(error) }, `could not ${what} a job`)
  }
}

/** @throws QueueUnavailable for what the backend itself throws */
async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof LockLost) throw cause
    throw new QueueUnavailable(describe(cause), { cause })
  }
}

function idOf(job: BullMqJob) {
  return job.id ?? ''
}

const Progress = z
  .object({
    failures: z.number(),
    stallsAtEnd: z.number().default(0),
    stallsAtPause: z.number().default(0),
  })
  .catch({ failures: 0, stallsAtEnd: 0, stallsAtPause: 0 })

const progressOf = (job: BullMqJob): JobProgress => Progress.parse(job.progress)

/** BullMQ counts over the whole life of the job. */
const stallsOf = (job: BullMqJob) => job.stalledCounter - progressOf(job).stallsAtEnd

export interface BullQueueOptions<Data> extends Format<Data> {
  name: string
  backend: QueueBackend
  prefix: string
  log: QueueLog
  report: (error: Error) => void
  keepSeconds: number
  lockDuration: number
  stalledInterval: number
}
