/** How full the queue is. All processes show the same, so take the greatest, not the sum. */
import type { Registry } from 'prom-client'
import { gauge, seconds } from './instruments.ts'

export interface Listed {
  /** Live jobs, oldest first. */
  live(): Promise<{ addedAt: number }[]>
}

/** A scrape waits no longer for the queue. */
const giveUpAfterMs = 2_000

/** @returns reads the queues into the gauges; of queues that don't answer nothing is shown but that they don't */
export function queueGauges(
  registry: Registry,
  queues: Record<string, Listed>,
  now: () => number,
): () => Promise<void> {
  const up = gauge(registry, 'queue_up', '1 if the queue answers, else 0.')
  const jobs = gauge(registry, 'queue_jobs', 'Jobs that are not done, parked ones too.', ['queue'])
  const oldest = gauge(registry, 'queue_oldest_seconds', 'Age of the oldest of them; 0 without any.', [
    'queue',
  ])
  const read = onceAtATime(() =>
    Promise.all(Object.entries(queues).map(async ([queue, jobs]) => ({ queue, live: await jobs.live() }))),
  )
  return async () => {
    const lists = await Promise.race([read(), late()]).catch(() => undefined)
    up.set(lists ? 1 : 0)
    jobs.reset()
    oldest.reset()
    for (const { queue, live } of lists ?? []) {
      jobs.set({ queue }, live.length)
      oldest.set({ queue }, seconds(now() - (live[0]?.addedAt ?? now())))
    }
  }
}

const late = (): Promise<undefined> =>
  new Promise(resolve => setTimeout(() => resolve(undefined), giveUpAfterMs).unref())

/** Scrapes of a queue that hangs do not pile up. */
function onceAtATime<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined
  return () => {
    underWay ??= read().finally(() => {
      underWay = undefined
    })
    return underWay
  }
}
