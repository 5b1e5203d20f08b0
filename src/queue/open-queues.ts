/**
 * Opens the queues of a process, on Redis or embedded in a folder, and closes them within a given time.
 * With them come the chores, each done by one process at a time. `checkQueue` tests whether they could be opened.
 */
import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { type Allowance, callBudget, inMemory } from '../core/model/call-budget.ts'
import { type Check, failedCheck, passedCheck } from '../core/model/check.ts'
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import { BullQueue } from './bull-queue.ts'
import { claimDirectory, sharedByHosts } from './data-folder.ts'
import { within } from './job-lock.ts'
import type { Format } from './job-record.ts'
import type { QueueBackend } from './queue-backend.ts'
import {
  type Chore,
  type Errand,
  errorReporter,
  type QueueLog,
  type Sent,
  SILENT,
} from './work-queue.ts'

const DAY_SECONDS = 86_400
const INTERRUPT_AFTER = 0.6
const CUT_MS = 400

interface QueueOptions<TriggerData, RunData> {
  redisUrl?: string
  dataDir: string
  triggers: Format<TriggerData>
  runs: Format<RunData>
  log?: QueueLog
  /** The braces keep all keys on one node of a cluster. */
  prefix?: string
  /** ms, on Redis; with `stalledInterval`, the longest time until the job of a dead worker is free again. */
  lockDuration?: number
  stalledInterval?: number
}

export type Queues<TriggerData, RunData> = Awaited<
  ReturnType<typeof openQueues<TriggerData, RunData>>
>

/** @throws QueueUnavailable when Redis is not there, or another process uses `dataDir`. */
export async function openQueues<TriggerData, RunData>(
  options: QueueOptions<TriggerData, RunData>,
) {
  const { redisUrl, dataDir, log = SILENT, prefix = '{codex}', stalledInterval = 5_000 } = options
  const report = errorReporter(log)
  const backend = redisUrl
    ? await import('./redis-backend.ts').then(({ openRedis }) =>
        openRedis(redisUrl, log, report, 20_000),
      )
    : await import('./embedded-backend.ts').then(({ openEmbedded }) => openEmbedded(dataDir, log))
  // Only one process has the embedded queue, and it puts back at its start what the one before had in hand.
  const lockDuration =
    backend.kind === 'embedded' ? Number.POSITIVE_INFINITY : (options.lockDuration ?? 10_000)
  const shared = { backend, prefix, log, report, lockDuration, stalledInterval }
  const triggers = new BullQueue({
    ...shared,
    name: 'triggers',
    ...options.triggers,
    keepSeconds: 7 * DAY_SECONDS,
  })
  const runs = new BullQueue({
    ...shared,
    name: 'runs',
    ...options.runs,
    keepSeconds: 30 * DAY_SECONDS,
  })
  const chores = new BullQueue({
    ...shared,
    name: 'chores',
    parse: readChore,
    keepSeconds: DAY_SECONDS,
  })
  const writtenOnce = new BullQueue({
    ...shared,
    name: 'notes',
    parse: data => data,
    keepSeconds: DAY_SECONDS,
  })
  const board = new ChoreBoard(chores)
  const all = [triggers, runs, chores, writtenOnce]
  await Promise.all(all.map(queue => queue.ready())).catch(async error => {
    await backend.close()
    throw error
  })
  const budgets = backend.budgets?.(prefix)
  let closing: Promise<void> | undefined
  return {
    kind: backend.kind,
    triggers,
    runs,
    writtenOnce,
    chores: board,
    /** When this process last connected to the queue, ms since the epoch. */
    connectedAt: backend.connectedAt,
    deliveries: backend.deliveries,
    budget: (name: string, allowance: Allowance) =>
      callBudget(allowance, budgets?.(name) ?? inMemory(Date.now)),
    /** @throws QueueUnavailable unless the backend takes writes within `ms`, and whatever works here takes jobs. */
    ready: (ms: number) => ready(backend, all, ms),
    /** Makes the indexes of live jobs again, where other processes, or people, moved jobs without them. */
    async mendIndexes() {
      for (const queue of all) await queue.mendIndex()
    },
    /** Takes no more jobs in this process, and waits for those in hand. */
    async drain() {
      board.stop()
      await Promise.all(all.map(queue => queue.drain()))
    },
    /**
     * Stops taking jobs and waits for those in hand; their signals are aborted when 60 % of `graceMs` have passed. A job
     * that throws then, as it should, is put back. After `graceMs` (500 ms more at the most) everything is cut.
     */
    close(graceMs: number) {
      board.stop()
      closing ??= close(backend, all, graceMs)
      return closing
    },
  }
}

async function ready(
  backend: QueueBackend,
  queues: Pick<BullQueue<unknown>, 'takesJobs'>[],
  ms: number,
) {
  const late = () => {
    throw new QueueUnavailable(`the queue did not answer in ${ms} ms`)
  }
  await within<unknown>(ms, backend.probe(), late).catch(cause => {
    throw cause instanceof QueueUnavailable
      ? cause
      : new QueueUnavailable(`the queue takes no writes: ${describe(cause)}`, { cause })
  })
  if (backend.workersConnected?.() === false)
    throw new QueueUnavailable('the workers are not connected')
  if (!queues.every(queue => queue.takesJobs()))
    throw new QueueUnavailable('no more jobs are taken')
}

type Closable = Pick<BullQueue<unknown>, 'drain' | 'interrupt' | 'close'>

async function close(backend: QueueBackend, queues: Closable[], graceMs: number) {
  const interrupt = () => {
    for (const queue of queues) queue.interrupt()
  }
  const timer = setTimeout(interrupt, graceMs * INTERRUPT_AFTER)
  const drained = Promise.allSettled(queues.map(queue => queue.drain()))
  await within<unknown>(graceMs, drained, () => {})
  clearTimeout(timer)
  interrupt()
  const cut = Promise.allSettled([...queues.map(queue => queue.close()), backend.close()])
  await within<unknown>(CUT_MS, cut, () => {})
}

export const checkQueue = (at: {
  redisUrl: string | undefined
  dataDir: string
}): Promise<Check> =>
  at.redisUrl === undefined ? checkDirectory(at.dataDir) : checkRedis(at.redisUrl)

async function checkRedis(redisUrl: string): Promise<Check> {
  const warnings: string[] = []
  const log = { warn: (_: object, message: string) => void warnings.push(message), error: () => {} }
  try {
    const { openRedis } = await import('./redis-backend.ts')
    const backend = await openRedis(redisUrl, log, () => {}, 10_000)
    await backend.close()
  } catch (error) {
    const fix = 'Start Redis, or correct REDIS_URL. Without REDIS_URL, the queue is in DATA_DIR.'
    return failedCheck('queue', describe(error), fix)
  }
  return warnings.length > 0
    ? failedCheck(
        'queue',
        warnings.join('; '),
        'Change it in redis.conf, or with CONFIG SET and CONFIG REWRITE.',
      )
    : passedCheck('queue', 'Redis answers, and its settings keep all jobs')
}

const wantedMb = 200

async function checkDirectory(dataDir: string): Promise<Check> {
  try {
    // Absolute: Node looks for ever for a parent to make if the working directory was removed.
    await mkdir(resolve(dataDir), { recursive: true })
    await access(dataDir, constants.W_OK)
    const shared = sharedByHosts(dataDir)
    if (shared)
      return failedCheck(
        'queue',
        shared,
        'Set DATA_DIR to a folder on a local disk, or set REDIS_URL.',
      )
    const { bavail, bsize } = await statfs(dataDir)
    const left = Math.round((bavail * bsize) / 1024 / 1024)
    const full = `the disk of ${dataDir} has only ${left} MB left`
    if (left < wantedMb)
      return failedCheck('queue', full, 'Free some space, or set DATA_DIR to another disk.')
    const release = await claimDirectory(dataDir)
    await release()
    return passedCheck('queue', `embedded, in ${dataDir}`)
  } catch (error) {
    if (error instanceof QueueUnavailable)
      return passedCheck('queue', `embedded, in ${dataDir}, in use by a bot`)
    const fix = 'Set DATA_DIR to a folder that the user of this process may write to.'
    return failedCheck('queue', `can't write to ${dataDir}: ${describe(error)}`, fix)
  }
}

/** It never fails, as a failed job would be gone: unreadable memory starts afresh. */
const ChoreRecord = z
  .object({
    memory: z.unknown().optional(),
    errand: z.string().optional().catch(undefined),
    read: z.number().optional().catch(undefined),
  })
  .catch({})
type ChoreRecord = z.infer<typeof ChoreRecord>

export const readChore = (data: unknown): ChoreRecord => ChoreRecord.parse(data)

const CONCURRENCY = 10
const SEND_ATTEMPTS = 3
/** ms: another process of a rolling restart may know this chore. */
const UNKNOWN_MS = 5_000
/** A chore that lost its process so often without an end is left for a while. */
const MOST_STALLS = 5
const SET_ASIDE_MS = 3_600_000

type Enlisted = Pick<BullQueue<ChoreRecord>, 'add' | 'send' | 'wake' | 'work'>

/**
 * Recurring work. A chore is one job that never ends and remembers (BullMQ's schedulers would overlap a slow one). An
 * errand ends when it is done.
 */
export class ChoreBoard {
  readonly #queue: Enlisted
  readonly #known = new Map<string, { ms: number; chore: Chore }>()
  readonly #errands = new Map<string, Errand>()
  readonly #timers: NodeJS.Timeout[] = []
  #working: Promise<void> | undefined

  constructor(queue: Enlisted) {
    this.#queue = queue
  }

  /**
   * Has `chore` done now, and then again `ms` after each time: by one process at a time, however many say the same.
   * @param id as for a job
   */
  async every(id: string, ms: number, chore: Chore) {
    this.#known.set(id, { ms, chore })
    this.#working ??= this.#queue.work(job => this.#runChore(job), { concurrency: CONCURRENCY })
    await this.#working
    const { outcome } = await this.#enlist(id)
    if (outcome === 'known') await this.#queue.wake(id)
    this.#timers.push(setInterval(() => this.#enlist(id).catch(() => {}), ms).unref())
  }

  runErrands(kind: string, errand: Errand) {
    this.#errands.set(kind, errand)
  }

  async send({ kind, id, subject, what }: Sent) {
    for (let attempt = 0; attempt < SEND_ATTEMPTS; attempt++) {
      const added = await this.#queue.add(
        `${kind}-${id}`,
        { errand: kind, memory: what },
        `${kind} ${subject}`,
      )
      if (added.outcome !== 'held' || (await this.#queue.send(added.id, JSON.stringify(what))))
        return
    }
    throw new Error(`${subject} changes hands too fast`)
  }

  stop() {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  #enlist(id: string) {
    return this.#queue.add(id, {})
  }

  async #runChore(job: LockedJob<ChoreRecord>): Promise<StepResult> {
    if (job.stalls >= MOST_STALLS) return { kind: 'park', ms: SET_ASIDE_MS }
    const errand = this.#errands.get(job.data.errand ?? '')
    if (errand) return this.#runErrand(job, errand)
    const known = this.#known.get(job.id)
    if (!known) return { kind: 'park', ms: UNKNOWN_MS }
    const { signal } = job
    const remember = (memory: unknown) => job.save({ memory })
    const ms = await known.chore({ memory: job.data.memory, signal, remember })
    return { kind: 'park', ms: ms ?? known.ms }
  }

  async #runErrand(job: LockedJob<ChoreRecord>, errand: Errand): Promise<StepResult> {
    const inbox = await job.inbox()
    const { memory, read = 0 } = job.data
    const [newest] = inbox.slice(read).slice(-1)
    const said: unknown = newest === undefined ? memory : JSON.parse(newest)
    const remember = (next: unknown) => job.save({ ...job.data, memory: next, read: inbox.length })
    const ms = await errand({ memory: said, signal: job.signal, remember })
    if (ms !== 'done') return { kind: 'park', ms }
    return (await job.inbox()).length > inbox.length ? { kind: 'park', ms: 0 } : { kind: 'end' }
  }
}
