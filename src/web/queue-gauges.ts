/** Queue sizes. All processes show the same: take the maximum, not the sum. */
import type { Registry } from 'prom-client'
import { type JobIndex, liveSet } from '../core/model/job-index.ts'
import { gauge, seconds } from './instruments.ts'

export type Counted = Pick<JobIndex, 'members'> & { liveCount(): Promise<number> }

const giveUpAfterMs = 2_000

/** @returns a function that updates the gauges; a queue that does not respond only shows that */
export function queueGauges(
  registry: Registry,
  queues: Record<string, Counted>,
  now: () => number,
): () => Promise<void> {
  const up = gauge(registry, 'queue_up', '1 if the queue answers, else 0.')
  const jobs = gauge(registry, 'queue_jobs', 'Jobs that are not done, parked ones too.', ['queue'])
  const oldest = gauge(registry, 'queue_oldest_seconds', 'Age of the oldest of them; 0 without any.', [
    'queue',
  ])
  const read = onceAtATime(() =>
    Promise.all(Object.entries(queues).map(([queue, counted]) => countsOf(queue, counted))),
  )
  return async () => {
    const counts = await Promise.race([read(), late()]).catch(() => undefined)
    up.set(counts ? 1 : 0)
    jobs.reset()
    oldest.reset()
    for (const { queue, live, since } of counts ?? []) {
      jobs.set({ queue }, live)
      oldest.set({ queue }, seconds(now() - (since ?? now())))
    }
  }
}

async function countsOf(queue: string, counted: Counted) {
  const [live, [first]] = await Promise.all([
    counted.liveCount(),
    counted.members([liveSet], { kind: 'first', count: 1 }),
  ])
  return { queue, live, since: first?.[0]?.score }
}

const late = (): Promise<undefined> =>
  new Promise(resolve => setTimeout(() => resolve(undefined), giveUpAfterMs).unref())

function onceAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return () => {
    underWay ??= read().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}
