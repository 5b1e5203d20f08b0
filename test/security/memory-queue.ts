/** A queue that is plain data. Its jobs are kept and read back as JSON, and worked on when somebody says so. */
import type {
  IndexEntry,
  JobQueue,
  JobRecord,
  LockedJob,
  StepResult,
} from '../../src/core/model/ports.ts'
import { memoryIndex, refusals } from '../support/memory-index.ts'
import type { MemoryBot } from './memory-bot.ts'

interface Job<Data> extends JobRecord<Data> {
  slot: string
  inbox: string[]
  isClosed: boolean
  due: number
}

export class MemoryQueue<Data> implements JobQueue<Data> {
  readonly jobs = new Map<string, Job<Data>>()
  readonly #bot: Pick<MemoryBot, 'now' | 'stalls' | 'lagsSince' | 'kept'>
  readonly #parse: (value: unknown) => Data
  readonly #index: ReturnType<typeof memoryIndex>

  constructor(
    bot: MemoryBot,
    parse: (value: unknown) => Data,
    entries: (job: JobRecord<Data>) => IndexEntry[],
  ) {
    this.#bot = bot
    this.#parse = parse
    this.#index = memoryIndex(() =>
      [...this.jobs.values()].map(job => ({
        id: job.id,
        entries: entries(job),
        isLive: isLive(job),
      })),
    )
  }

  query: JobQueue<Data>['query'] = asked => this.#index.query(asked)
  members: JobQueue<Data>['members'] = (sets, range) => this.#index.members(sets, range)
  holder: JobQueue<Data>['holder'] = async slot => this.live().find(job => job.slot === slot)?.id
  get: JobQueue<Data>['get'] = async id => (await this.getMany([id]))[0]
  getMany: JobQueue<Data>['getMany'] = async ids =>
    ids.flatMap(id => this.jobs.get(id) ?? []).map(job => ({ ...job }))
  inbox: JobQueue<Data>['inbox'] = async id => [...(this.jobs.get(id)?.inbox ?? [])]

  listed: JobQueue<Data>['listed'] = async (sets, range = { kind: 'first', count: 1_000 }) => {
    const members = await this.members(sets, range)
    return this.getMany([...new Set(members.flat().map(({ id }) => id))])
  }

  live(): Job<Data>[] {
    return [...this.jobs.values()].filter(isLive)
  }

  add: JobQueue<Data>['add'] = async (id, given, slot = id) => {
    if (this.jobs.has(id)) return { outcome: 'known', id }
    const holder = await this.holder(slot)
    if (holder !== undefined) return { outcome: 'held', id: holder }
    const { now } = this.#bot
    const data = this.#stored(given)
    const job = { id, data, slot, inbox: [], isClosed: false, addedAt: now, due: now }
    this.jobs.set(id, { ...job, standing: 'live' })
    return { outcome: 'added', id }
  }

  wake: JobQueue<Data>['wake'] = async id => {
    const job = this.jobs.get(id)
    if (job) job.due = this.#bot.now
  }

  send: JobQueue<Data>['send'] = async (id, message) => {
    const job = this.jobs.get(id)
    if (job?.inbox.includes(message) && job.isClosed) return true
    if (job?.standing !== 'live' || job.isClosed) return false
    this.#bot.kept.push(message)
    job.inbox.push(message)
    job.due = this.#bot.now
    return true
  }

  amendEnded: JobQueue<Data>['amendEnded'] = async (id, change) => {
    const job = this.jobs.get(id)
    if (job?.standing !== 'ended') return undefined
    job.data = this.#stored(change(job.data))
    return { ...job }
  }

  async work(job: Job<Data>, step: (job: LockedJob<Data>) => Promise<StepResult>): Promise<void> {
    const { id, data, addedAt, inbox } = job
    const { stalls, lagsSince } = this.#bot
    const heard = inbox.length
    const reads = (isClosed: boolean) => async () => {
      job.isClosed = isClosed
      return [...inbox]
    }
    const save = async (data: Data) => {
      job.data = this.#stored(data)
    }
    const result = await step({
      id,
      data,
      addedAt,
      lagsSince,
      stalls,
      failures: 0,
      save,
      signal: new AbortController().signal,
      assertLocked: async () => {},
      inbox: reads(false),
      closeInbox: reads(true),
      saveIf: async (guards, data) => {
        const isSaved = (await refusals(this, id, guards)) === 0
        if (isSaved) await save(data)
        return isSaved
      },
    })
    if (result.kind === 'end') job.standing = 'ended'
    else job.due = this.#bot.now + (inbox.length > heard ? 0 : result.ms)
  }

  #stored(data: Data): Data {
    const text = JSON.stringify(data)
    this.#bot.kept.push(text)
    return this.#parse(JSON.parse(text))
  }
}

const isLive = ({ standing }: { standing: string }) => standing === 'live'
