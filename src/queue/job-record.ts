import { type IndexEntry, liveSet } from '../core/model/job-index.ts'
import type { JobRecord } from '../core/model/ports.ts'
import type { StoredJob } from './queue-backend.ts'
import { type Entries, written } from './queue-index.ts'
import { describe } from './queue-log.ts'
import { UnreadableRecord } from './work-queue.ts'

export interface Format<Data> {
  renew?(stored: unknown): unknown
  parse(data: unknown): Data
  index?: Indexing<Data> | undefined
}

interface Indexing<Data> {
  /** A new version has the index rebuilt. */
  version: string
  entries(job: Placed<Data>): IndexEntry[]
}

interface Placed<Data> {
  id: string
  data: Data
  addedAt: number
}

export const entriesIn = <Data>({ index }: Pick<Format<Data>, 'index'>, job: Placed<Data>): IndexEntry[] =>
  index ? [{ set: liveSet, score: job.addedAt }, ...index.entries(job)] : []

export const entriesOf = <Data>(format: Pick<Format<Data>, 'index'>, job: Placed<Data>): Entries =>
  format.index ? written(entriesIn(format, job)) : ''

export const renewed = (job: StoredJob, { renew }: Pick<Format<unknown>, 'renew'>): unknown =>
  renew ? renew(job.data) : job.data

export function isEnded(job: StoredJob): boolean {
  return Boolean(job.finishedOn)
}

export function readData<Data>(queue: string, job: StoredJob, format: Format<Data>): Data {
  try {
    return format.parse(renewed(job, format))
  } catch (cause) {
    const message = `job ${job.id} of ${queue} holds data that cannot be read: ${describe(cause)}`
    throw new UnreadableRecord(message, { cause })
  }
}

export function readJob<Data>(queue: string, job: StoredJob, format: Format<Data>): JobRecord<Data> {
  return {
    id: job.id ?? '',
    data: readData(queue, job, format),
    standing: isEnded(job) ? 'ended' : 'live',
    addedAt: job.timestamp,
  }
}
