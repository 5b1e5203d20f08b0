/** What the embedded queue carries beside Redis: commands taken, and steps of Runs that are followed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { openQueues, type Queues } from '../src/queue/open-queues.ts'
import { startRedis } from '../test/support/redis-server.ts'
import type { Row } from './row.ts'

/** As large as a comment with a command, and as the record of a Run. */
const record = 'The login test fails every third time on CI. '.repeat(130)
const Data = z.object({ text: z.string(), steps: z.number() })
type Data = z.infer<typeof Data>
type Both = Queues<Data, Data>

const commands = 2_000
const runs = 500
const stepsEach = 4

const perSecond = (count: number, began: number): number =>
  Math.round((count / (performance.now() - began)) * 1_000)

/** As webhooks come, 32 at once. */
async function taken({ triggers }: Both): Promise<number> {
  const began = performance.now()
  let next = 0
  const take = async (): Promise<void> => {
    for (let n = next++; n < commands; n = next++)
      await triggers.add(`comment-${n}`, { text: record, steps: 0 })
  }
  await Promise.all(Array.from({ length: 32 }, take))
  return perSecond(commands, began)
}

/** Each step reads its messages, writes the record and parks, as one that looks at an agent does. */
async function followed({ runs: queue }: Both): Promise<number> {
  for (let n = 0; n < runs; n += 1) await queue.add(`run-${n}`, { text: record, steps: 0 })
  const began = performance.now()
  let done = 0
  await new Promise<void>(resolve => {
    void queue.work(
      async job => {
        await job.inbox()
        await job.save({ ...job.data, steps: job.data.steps + 1 })
        done += 1
        if (done === runs * stepsEach) resolve()
        return job.data.steps < stepsEach ? { kind: 'park', ms: 0 } : { kind: 'park', ms: 600_000 }
      },
      { concurrency: 50 },
    )
  })
  return perSecond(done, began)
}

async function carried(place: { redisUrl?: string; dataDir: string }) {
  const parse = (data: unknown): Data => Data.parse(data)
  const queues = await openQueues({ ...place, triggers: { parse }, runs: { parse } })
  try {
    return { taken: await taken(queues), followed: await followed(queues) }
  } finally {
    await queues.close(1_000)
  }
}

export const embedded: Row = {
  name: 'embedded',
  about: 'commands taken, and steps of followed Runs, in a second: the embedded queue and Redis',
  async measure() {
    const redis = await startRedis('--appendfsync', 'everysec')
    const dataDir = await mkdtemp(join(tmpdir(), 'bench-queue-'))
    try {
      const ours = await carried({ dataDir })
      const other = await carried({ redisUrl: redis.url, dataDir })
      return {
        kind: 'stated',
        each: {
          'commands, embedded': `${ours.taken}/s`,
          'on Redis': `${other.taken}/s`,
          'steps, embedded': `${ours.followed}/s`,
          'steps on Redis': `${other.followed}/s`,
        },
      }
    } finally {
      await redis.stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
}
