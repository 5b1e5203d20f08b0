import type { StoredJob } from './queue-backend.ts'
import { describe } from './queue-log.ts'
import { type JobRecord, UnreadableRecord } from './work-queue.ts'

/** How the data of a queue's jobs is read. */
export interface Format<Data> {
  /** What is stored under a former name, under today's. */
  renew?(stored: unknown): unknown
  /** As this queue's type, or throws. */
  parse(data: unknown): Data
}

/** The data of a job as this version names it, with what it does not know. */
export const renewed = (job: StoredJob, { renew }: Pick<Format<unknown>, 'renew'>): unknown =>
  renew ? renew(job.data) : job.data

export function isEnded(job: StoredJob): boolean {
  return Boolean(job.finishedOn)
}

/** @throws UnreadableRecord */
export function readData<Data>(queue: string, job: StoredJob, format: Format<Data>): Data {
  try {
    return format.parse(renewed(job, format))
  } catch (cause) {
    const message = `job ${job.id} of ${queue} holds data that cannot be read: ${describe(cause)}`
    throw new UnreadableRecord(message, { cause })
  }
}

/** @throws UnreadableRecord */
export function readJob<Data>(queue: string, job: StoredJob, format: Format<Data>): JobRecord<Data> {
  return {
    id: job.id ?? '',
    data: readData(queue, job, format),
    standing: isEnded(job) ? 'ended' : 'live',
    addedAt: job.timestamp,
  }
}
