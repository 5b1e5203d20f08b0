/** What it costs where something is short: room under a limit, and the processor. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Guard } from '../src/core/model/ports.ts'
import { openQueues } from '../src/queue/open-queues.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { inRounds, type Row } from './row.ts'

/** As large as the record of a Run. */
const record = 'The login test fails every third time on CI. '.repeat(130)
const Data = z.object({ text: z.string(), set: z.string(), admitted: z.boolean() })
type Data = z.infer<typeof Data>

const runs = {
  parse: (data: unknown): Data => Data.parse(data),
  index: {
    version: '1',
    entries: ({ data, addedAt }: { data: Data; addedAt: number }) =>
      data.admitted ? [{ set: data.set, score: addedAt }] : [],
  },
}

const many = 300
const most = 5

/** All of them ask at once, and five may begin. */
export const burst: Row = {
  name: 'burst',
  about: `${many} runs that ask at once whether they may begin, ms; one limit of ${most}, beside none`,
  async measure() {
    const redis = await startRedis()
    const queues = await openQueues({
      redisUrl: redis.url,
      dataDir: '/nowhere',
      triggers: runs,
      runs,
    })
    let looked = (_: boolean): void => {}
    await queues.runs.work(
      async ({ data, saveIf }) => {
        const guards: Guard[] = data.set.startsWith('limited') ? [{ set: data.set, most }] : []
        looked(await saveIf(guards, { ...data, admitted: true }))
        return { kind: 'park', ms: 3_600_000 }
      },
      { concurrency: 50 },
    )
    let rounds = 0
    const round = async (kind: 'limited' | 'free'): Promise<number> => {
      const set = `${kind} ${++rounds}`
      const admitted: boolean[] = []
      const all = new Promise<void>(done => {
        looked = isIn => void (admitted.push(isIn) === many && done())
      })
      const began = performance.now()
      const data = { text: record, set, admitted: false }
      await Promise.all(
        Array.from({ length: many }, (_, n) => queues.runs.add(`${kind}-${rounds}-${n}`, data)),
      )
      await all
      const allowed = admitted.filter(isIn => isIn).length
      if (allowed !== (kind === 'free' ? many : most))
        throw new Error(`${allowed} of ${set} were let in`)
      return performance.now() - began
    }
    try {
      await round('free')
      return {
        kind: 'time',
        reach: 1.3,
        ...(await inRounds(
          9,
          () => round('free'),
          () => round('limited'),
        )),
      }
    } finally {
      await queues.close(1_000)
      await redis.stop()
    }
  },
}

const jobs = 200

/** The same work of the embedded queue while three times as many processes are busy as there are cores. */
export const starved: Row = {
  name: 'starved',
  about: `${jobs} jobs on the embedded queue, each done once, ms of CPU; with three busy processes for each core`,
  async measure() {
    const dataDir = await mkdtemp(join(tmpdir(), 'bench-starved-'))
    const queues = await openQueues({ dataDir, triggers: runs, runs })
    const times = new Map<string, number>()
    let done = (): void => {}
    await queues.runs.work(
      async job => {
        await job.save({ ...job.data, admitted: true })
        times.set(job.id, (times.get(job.id) ?? 0) + 1)
        if (times.size % jobs === 0) done()
        return { kind: 'end' }
      },
      { concurrency: 50 },
    )
    let rounds = 0
    const round = async (): Promise<number> => {
      rounds += 1
      const all = new Promise<void>(ended => {
        done = ended
      })
      const began = process.cpuUsage()
      for (let n = 0; n < jobs; n += 1)
        await queues.runs.add(`job-${rounds}-${n}`, { text: record, set: 'x', admitted: false })
      await all
      const { user, system } = process.cpuUsage(began)
      return (user + system) / 1_000
    }
    const busy = async (): Promise<number> => {
      const hogs = Array.from({ length: 3 * cpus().length }, () =>
        spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
      )
      return round().finally(() => {
        for (const hog of hogs) hog.kill('SIGKILL')
      })
    }
    try {
      await round()
      const measured = await inRounds(5, round, busy)
      const twice = [...times.values()].filter(count => count > 1).length
      if (twice > 0) throw new Error(`${twice} jobs were done twice`)
      return { kind: 'time', reach: 1.5, ...measured }
    } finally {
      await queues.close(1_000)
      await rm(dataDir, { recursive: true, force: true })
    }
  },
}
