/** Rebuilds the index if lost or outdated, and now and then its live part, which older processes and people bypass. */

import { liveSet } from '../core/model/ports.ts'
import { entriesIn, type Format, readJob } from './job-record.ts'
import { type Indexed, type QueueIndex, written } from './queue-backend.ts'
import { UnreadableRecord } from './work-queue.ts'

export async function buildIndex<Data>(name: string, index: QueueIndex, format: Format<Data>): Promise<void> {
  if (!format.index || (await index.isBuilt(format.index.version))) return
  await mendLive(name, index, format)
  for await (const page of index.pages('ended'))
    await Promise.all(page.map(job => mend(name, index, format, job)))
  await index.saveVersion(format.index.version)
}

export async function mendLive<Data>(name: string, index: QueueIndex, format: Format<Data>): Promise<void> {
  if (!format.index) return
  for await (const page of index.pages('live'))
    await Promise.all(page.map(job => mend(name, index, format, job)))
  await index.sweep(liveSet)
}

async function mend<Data>(
  name: string,
  index: QueueIndex,
  format: Format<Data>,
  job: Indexed,
): Promise<void> {
  try {
    const { id, data, addedAt, standing } = readJob(name, job, format)
    const all = entriesIn(format, { id, data, addedAt })
    const entries = written(standing === 'live' ? all : all.filter(({ keptMs }) => keptMs !== undefined))
    if (entries !== job.seen) await index.mend(job, entries)
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error
  }
}
