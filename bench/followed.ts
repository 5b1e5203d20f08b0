/** What it costs to follow 5,000 Runs whose agents work quietly: memory and CPU of the one worker, and room in Redis. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { cpuMs } from './child.ts'
import { followedRuns, perOwner, settled, startDeployment } from './deployment.ts'
import type { Row } from './row.ts'

const runs = 5_000
const during = 60_000
const mega = 2 ** 20

export const followed: Row = {
  name: 'followed',
  about: `${runs} Runs followed by one worker, each with a stream that stays open, over a minute`,
  async measure() {
    const deployment = await startDeployment(runs / perOwner)
    const redis = new Redis(deployment.redis.url)
    try {
      const empty = await usedMemory(redis)
      await deployment.fill(followedRuns(runs))
      const worker = await deployment.start('worker')
      await settled(worker, runs)
      await sleep(10_000)
      const before = cpuMs(worker.pid)
      await sleep(during)
      return {
        kind: 'bounds',
        each: {
          'RSS, MB': { ours: residentBytes(worker.pid) / mega, reach: 200 },
          cores: { ours: (cpuMs(worker.pid) - before) / during, reach: 0.6 },
          'Redis, KB each': { ours: ((await usedMemory(redis)) - empty) / runs / 1024, reach: 10 },
        },
      }
    } finally {
      redis.disconnect()
      await deployment.close()
    }
  },
}

const usedMemory = async (redis: Redis): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
