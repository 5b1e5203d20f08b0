import type { StoredJob } from './queue-backend.ts'
import { describe } from './queue-log.ts'
import { type JobRecord, UnreadableRecord } from './work-queue.ts'

/** Reads a job's data as this queue's type, or throws. */
export type Parse<Data> = (data: unknown) => Data

export function isEnded(job: StoredJob): boolean {
  return Boolean(job.finishedOn)
}

/** @throws UnreadableRecord */
export function readData<Data>(queue: string, job: StoredJob, parse: Parse<Data>): Data {
  try {
    return parse(job.data)
  } catch (cause) {
    const message = `job ${job.id} of ${queue} holds data that cannot be read: ${describe(cause)}`
    throw new UnreadableRecord(message, { cause })
  }
}

/** @throws UnreadableRecord */
export function readJob<Data>(queue: string, job: StoredJob, parse: Parse<Data>): JobRecord<Data> {
  return {
    id: job.id ?? '',
    data: readData(queue, job, parse),
    standing: isEnded(job) ? 'ended' : 'live',
    addedAt: job.timestamp,
  }
}
