/** Adds a job by id and slot, and finds out whose job it became. */
import { randomUUID } from 'node:crypto'
import type { Added } from '../core/model/ports.ts'
import { entriesOf, type Format, isEnded } from './job-record.ts'
import type { Addition, Additions, BullMqQueue, QueueBackend } from './queue-backend.ts'

interface Claiming<Data> {
  queue: BullMqQueue
  backend: Pick<QueueBackend, 'nameOf'>
  additions: Additions
  format: Format<Data>
}

interface Claimed<Data> {
  id: string
  data: Data
  addedAt: number
}

export type JobClaims<Data> = ReturnType<typeof jobClaims<Data>>

export function jobClaims<Data>({ queue, backend, additions, format }: Claiming<Data>) {
  /** @returns nothing if the slot became free meanwhile: try again */
  async function claim(job: Claimed<Data>, slot: string | undefined): Promise<Added | undefined> {
    const { id } = job
    if (slot === undefined) return { outcome: (await enqueue(job)).isOurs ? 'added' : 'known', id }
    if (await backend.nameOf(queue, id)) return { outcome: 'known', id }
    const { heldBy, isOurs, isThere } = await enqueue(job, slot)
    if (isOurs) return { outcome: 'added', id }
    const holder = await liveHolder(slot)
    if (isThere) return { outcome: 'known', id }
    return heldBy !== undefined && holder === heldBy ? { outcome: 'held', id: holder } : undefined
  }

  /** BullMQ returns the same to all who add an id; the job's name tells whose it became. */
  async function enqueue({ id, data, addedAt }: Claimed<Data>, slot?: string) {
    const claim = `claim-${randomUUID()}`
    const deduplication = slot === undefined ? {} : { deduplication: { id: slot } }
    const addition: Addition = { entries: entriesOf(format, { id, data, addedAt }) }
    additions.set(claim, addition)
    try {
      const options = { jobId: id, timestamp: addedAt, ...deduplication }
      const { id: heldBy } = await queue.add(claim, data ?? null, options)
      return { heldBy, isOurs: addition.name === claim, isThere: addition.name !== undefined }
    } finally {
      additions.delete(claim)
    }
  }

  /** On PostgreSQL, a late addition of an ended job can take a slot for ever. */
  async function liveHolder(slot: string): Promise<string | undefined> {
    const id = await queue.getDeduplicationJobId(slot)
    if (id === null || (await isLive(id))) return id ?? undefined
    await queue.getBackend().removeDeduplicationKey(slot, id)
    return undefined
  }

  async function isLive(id: string): Promise<boolean> {
    const job = await queue.getJob(id)
    return job !== undefined && !isEnded(job)
  }

  return { claim, liveHolder, isLive }
}
