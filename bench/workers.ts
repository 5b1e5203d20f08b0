/** How much more two and four workers start than one, where nothing but waiting for GitHub and PostHog takes time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { triggerRecord } from '../src/commands/trigger-record.ts'
import type { CommentTrigger } from '../src/core/model/trigger.ts'
import { cpuMs } from './child.ts'
import { startDeployment, threadOf } from './deployment.ts'
import { command, commandId } from './quiet-threads.ts'
import type { Row } from './row.ts'

const callMs = 1_000
const perWorker = 150
/** Code that is hot, connections that are open. */
const warmUps = 30
/** Enough that no limit of theirs is reached. */
const owners = 15

interface Started {
  perSecond: number
  /** ms of CPU for each, in the workers. */
  cpu: number
}

const known = new Map<number, Promise<Started>>()

/** By so many workers, which have more than enough to do. */
function startedBy(workers: number): Promise<Started> {
  const found = known.get(workers) ?? measured(workers)
  known.set(workers, found)
  return found
}

async function measured(workers: number): Promise<Started> {
  const deployment = await startDeployment({ owners, ms: callMs })
  const add = (from: number, count: number) =>
    deployment.fill(async ({ triggers }) => {
      const commands = Array.from({ length: count }, (_, n) => commandOf(from + n))
      await Promise.all(commands.map(trigger => triggers.add(trigger.id, triggerRecord(trigger))))
    })
  try {
    const bots = await Promise.all(
      Array.from({ length: workers }, () => deployment.start('worker')),
    )
    const used = () => bots.reduce((sum, { pid }) => sum + cpuMs(pid), 0)
    const before = workers * warmUps
    await add(0, before)
    await nthStart(deployment.starts, before)
    const count = workers * perWorker
    await add(before, count)
    const first = await nthStart(deployment.starts, before + count * 0.1)
    const usedBefore = used()
    const last = await nthStart(deployment.starts, before + count * 0.9)
    const started = count * 0.8
    return { perSecond: (started * 1_000) / (last - first), cpu: (used() - usedBefore) / started }
  } finally {
    await deployment.close()
  }
}

/**
 * When so many runs had been taken. The first tenth is left out, since a command takes three calls to get there, and so
 * is the last, when some workers have nothing left to do.
 */
async function nthStart(starts: () => Promise<number[]>, n: number): Promise<number> {
  for (const giveUpAt = Date.now() + 120_000; Date.now() < giveUpAt; await sleep(250)) {
    const at = (await starts()).toSorted((a, b) => a - b)[n - 1]
    if (at !== undefined) return at
  }
  throw new Error('the workers do not start what they should')
}

/** Of a developer of its own in each thread. */
function commandOf(n: number): CommentTrigger {
  const thread = threadOf(n % owners, 1 + Math.floor(n / owners))
  const commentId = commandId(thread.owner, thread.number)
  return {
    id: `comment-${commentId}`,
    kind: 'comment',
    deliveryId: `delivery-${n}`,
    at: Date.now(),
    thread,
    sender: { login: `dev-${n}`, id: 11 },
    commentRef: { kind: 'thread', commentId },
    text: command,
    snapshot: {
      title: 'Login is flaky',
      body: 'It fails every other time.',
      author: 'sam',
      open: true,
    },
  }
}

const row = (workers: number, reach: number): Row => ({
  name: `workers-${workers}`,
  about: `runs started in a second by ${workers} workers, beside one, every call takes ${callMs} ms`,
  measure: async () => ({
    kind: 'rate',
    reach,
    floor: (await startedBy(1)).perSecond,
    ours: (await startedBy(workers)).perSecond,
  }),
})

export const startCpu: Row = {
  name: 'start-cpu',
  about: 'CPU of a worker for each run that it starts, from the command to the agent at work',
  measure: async () => ({
    kind: 'bounds',
    each: { 'ms each': { ours: (await startedBy(1)).cpu, reach: 25 } },
  }),
}

export const twoWorkers = row(2, 1.8)
export const fourWorkers = row(4, 3.2)
