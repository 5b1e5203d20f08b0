/** A queue on BullMQ: record = job data, inbox = job log, slot = deduplication id. */
import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import type { Added, IndexQuery, JobQueue, JobRecord, Member, Range } from '../core/model/ports.ts'
import { NewestMap } from '../core/text/newest-map.ts'
import { leave, messages, promote, wasTaken } from './inbox.ts'
import { within } from './job-lock.ts'
import {
  entriesIn,
  entriesOf,
  isEnded,
  type Placed,
  readJob,
  storable,
  withUnread,
} from './job-record.ts'
import { type BullQueueOptions, JobWorker } from './job-worker.ts'
import {
  type Addition,
  type Additions,
  type BullMqQueue,
  type Indexed,
  type QueueIndex,
  type StoredJob,
  written,
} from './queue-backend.ts'
import { type Processor, UnreadableRecord, type Working } from './work-queue.ts'

const LISTING_MS = 30_000
const BUILDING_MS = 600_000
const CLAIM_ATTEMPTS = 3
const AMEND_ATTEMPTS = 20

const allListed: Range = { kind: 'first', count: 10_000 }

type Claimed<Data> = Placed<Data> & { rank: number }

export class BullQueue<Data> implements JobQueue<Data> {
  readonly #options: BullQueueOptions<Data>
  readonly #queue: BullMqQueue
  readonly #index: QueueIndex
  readonly #additions: Additions = new Map()
  readonly #reported = new NewestMap<string, true>(1_000)
  #worker: JobWorker<Data> | undefined
  #closed = false

  constructor(options: BullQueueOptions<Data>) {
    this.#options = options
    const { name, backend, prefix, report } = options
    const streams = { events: { maxLen: 100 } }
    this.#queue = new Queue(
      name,
      { connection: {}, prefix, streams },
      backend.create(this.#additions),
    )
    this.#queue.on('error', report)
    this.#index = backend.index(this.#queue)
  }

  async ready() {
    // Nobody waits for an answer yet, and a machine that starts many things at once is slow.
    await this.#reach(() => this.#queue.waitUntilReady(), LISTING_MS)
    await this.#reach(() => this.#buildIndex(), BUILDING_MS)
  }

  mendIndex() {
    return this.#reach(() => this.#mendLive(), BUILDING_MS)
  }

  async add(id: string, data: Data, slot?: string, addedAt = Date.now(), rank = 0): Promise<Added> {
    if (id.includes(':') || /^\d*$/.test(id)) throw new TypeError(`not an id for a job: ${id}`)
    return this.#reach(async () => {
      await this.#options.backend.assertThere?.()
      for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
        const added = await this.#claim({ id, data, addedAt, rank }, slot)
        if (added) return added
      }
      throw new Error(`slot ${slot} changes hands too fast`)
    })
  }

  get(id: string): Promise<JobRecord<Data> | undefined> {
    return this.#reach(() => this.#queue.getJob(id)).then(job => job && this.#read(job))
  }

  holder(slot: string) {
    return this.#reach(() => this.#liveHolder(slot))
  }

  query(queries: readonly IndexQuery[]): Promise<(number | undefined)[]> {
    return this.#reach(() => this.#index.query(queries))
  }

  members(sets: readonly string[], range: Range): Promise<Member[][]> {
    return this.#reach(() => this.#index.members(sets, range))
  }

  async listed(sets: readonly string[], range: Range = allListed): Promise<JobRecord<Data>[]> {
    const members = (await this.members(sets, range)).flat()
    return this.getMany([...new Set(members.map(({ id }) => id))])
  }

  async getMany(ids: readonly string[]): Promise<JobRecord<Data>[]> {
    const jobs = await this.#reach(
      async () => (ids.length === 0 ? [] : this.#index.jobs(ids)),
      LISTING_MS,
    )
    return jobs.flatMap(job => this.#readOrReport(job))
  }

  wake(id: string) {
    return this.#reach(async () => {
      const backend = this.#queue.getBackend()
      if (await promote(backend, id)) return
      if (await this.#isLive(id)) await leave(backend, id)
    })
  }

  send(id: string, message: string) {
    return this.#reach(async () => {
      const backend = this.#queue.getBackend()
      const isLive = () => this.#isLive(id)
      if (await isLive()) await leave(backend, id, message)
      return wasTaken(backend, id, { message, isLive })
    })
  }

  inbox(id: string) {
    return this.#reach(() => messages(this.#queue.getBackend(), id))
  }

  amendEnded(id: string, change: (data: Data) => Data): Promise<JobRecord<Data> | undefined> {
    return this.#reach(async () => {
      for (let attempt = 0; attempt < AMEND_ATTEMPTS; attempt++) {
        const job = await this.#queue.getJob(id)
        if (!job || !isEnded(job)) return undefined
        const record = this.#read(job)
        const data = change(record.data)
        if (data === record.data) return record
        const after = { ...record, data }
        const isAmended = await this.#index.amend({
          id,
          was: JSON.stringify(job.data),
          data: JSON.stringify(storable(withUnread(job.data, record.data, data))),
          entries: entriesOf(this.#options, after),
        })
        if (isAmended) return after
      }
      throw new Error(`the record of ${id} changes too fast`)
    })
  }

  /** Starts working, once per process. */
  async work(process: Processor<Data>, working: Working<Data>) {
    if (this.#worker) throw new Error(`${this.#options.name} is being worked on already`)
    this.#worker = new JobWorker({ ...this.#options, queueIndex: this.#index, process, ...working })
  }

  takesJobs() {
    return !this.#closed && (this.#worker?.takesJobs() ?? true)
  }

  async drain() {
    await this.#worker?.drain()
  }

  interrupt() {
    this.#worker?.interrupt()
  }

  async close() {
    this.#closed = true
    this.#worker?.cut()
    await this.#queue.close()
  }

  /** Rebuilds the index if lost or outdated, and now and then its live part, which older processes and people bypass. */
  async #buildIndex() {
    const version = this.#options.index?.version
    if (version === undefined || (await this.#index.isBuilt(version))) return
    await this.#mendLive()
    await this.#mendAll('ended')
    await this.#index.saveVersion(version)
  }

  async #mendLive() {
    if (!this.#options.index) return
    await this.#mendAll('live')
    await this.#index.sweep()
  }

  async #mendAll(standing: 'live' | 'ended') {
    for await (const page of this.#index.pages(standing))
      await Promise.all(page.map(job => this.#mend(job)))
  }

  async #mend(job: Indexed) {
    try {
      const { id, data, addedAt, standing } = this.#read(job)
      const all = entriesIn(this.#options, { id, data, addedAt })
      const entries = written(
        standing === 'live' ? all : all.filter(({ keptMs }) => keptMs !== undefined),
      )
      if (entries !== job.seen) await this.#index.mend(job, entries)
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error
    }
  }

  /**
   * Adds a job by id and slot, and finds out whose job it became.
   * @returns nothing if the slot became free meanwhile: try again
   */
  async #claim(job: Claimed<Data>, slot: string | undefined): Promise<Added | undefined> {
    const { id } = job
    if (slot === undefined)
      return { outcome: (await this.#enqueue(job)).isOurs ? 'added' : 'known', id }
    if (await this.#queue.getJob(id)) return { outcome: 'known', id }
    const { heldBy, isOurs, isThere } = await this.#enqueue(job, slot)
    if (isOurs) return { outcome: 'added', id }
    const holder = await this.#liveHolder(slot)
    if (isThere) return { outcome: 'known', id }
    return heldBy !== undefined && holder === heldBy ? { outcome: 'held', id: holder } : undefined
  }

  /** BullMQ returns the same to all who add an id; the job's name tells whose it became. */
  async #enqueue({ id, data, addedAt, rank }: Claimed<Data>, slot?: string) {
    const claim = `claim-${randomUUID()}`
    const deduplication = slot === undefined ? {} : { deduplication: { id: slot } }
    const addition: Addition = { entries: entriesOf(this.#options, { id, data, addedAt }) }
    this.#additions.set(claim, addition)
    try {
      const options = { jobId: id, timestamp: addedAt, priority: rank, ...deduplication }
      const { id: heldBy } = await this.#queue.add(claim, storable(data), options)
      return { heldBy, isOurs: addition.name === claim, isThere: addition.name !== undefined }
    } finally {
      this.#additions.delete(claim)
    }
  }

  /** On PostgreSQL, a late addition of an ended job can take a slot for ever. */
  async #liveHolder(slot: string) {
    const id = await this.#queue.getDeduplicationJobId(slot)
    if (id === null || (await this.#isLive(id))) return id ?? undefined
    await this.#queue.getBackend().removeDeduplicationKey(slot, id)
    return undefined
  }

  async #isLive(id: string) {
    const job = await this.#queue.getJob(id)
    return job !== undefined && !isEnded(job)
  }

  #read(job: StoredJob): JobRecord<Data> {
    return readJob(this.#options.name, job, this.#options)
  }

  #readOrReport(job: StoredJob): JobRecord<Data>[] {
    try {
      return [this.#read(job)]
    } catch (err) {
      if (this.#reported.get(job.id ?? '')) return []
      this.#reported.set(job.id ?? '', true)
      this.#options.log.warn(
        { job: job.id, err },
        'left a job out of a list, which this version cannot read',
      )
      return []
    }
  }

  /** BullMQ's calls may never return once the backend is frozen or closed. */
  async #reach<T>(call: () => Promise<T>, ms = this.#options.backend.answersWithin): Promise<T> {
    const { name } = this.#options
    if (this.#closed) throw new QueueUnavailable(`${name} is closed`)
    const late = () => {
      throw new QueueUnavailable(`${name} did not answer in ${ms} ms`)
    }
    try {
      this.#options.backend.assertRoom?.()
      return await within(ms, call(), late)
    } catch (cause) {
      if (cause instanceof QueueUnavailable || cause instanceof UnreadableRecord) throw cause
      throw new QueueUnavailable(`${name} cannot be reached: ${describe(cause)}`, { cause })
    }
  }
}
