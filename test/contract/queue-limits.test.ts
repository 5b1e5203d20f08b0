/** On both backends: of Runs that ask to begin in one moment, as many are let in as each limit says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGuards } from '../../src/core/record/admission.ts'
import { changed, Run, type RunChange } from '../../src/core/record/run.ts'
import { runIndex } from '../../src/core/record/run-index.ts'
import { openQueues, type Queues } from '../../src/queue/open-queues.ts'
import { issueThread, runWith } from '../core/given.ts'
import { backends, usePlace } from '../support/backends.ts'
import { until } from '../support/queue-world.ts'

const atOnce = 12

describe.each(backends)('of Runs that ask at once, in $name', ({ redis }) => {
  const { place } = usePlace(redis)
  const processes: Queues<Run, Run>[] = []
  const answers = new Map<string, boolean>()
  /** Lets go all that ask, once so many do. */
  let asking: (() => void)[] = []

  beforeAll(async () => {
    // On Redis two processes.
    for (let process = 0; process < (redis ? 2 : 1); process += 1) {
      const runs = { parse: Run.parse, index: runIndex }
      const queues = await openQueues({ ...place(), triggers: { parse: Run.parse }, runs })
      processes.push(queues)
      await queues.runs.work(
        async job => {
          if (answers.has(job.id)) return { kind: 'park', ms: 3_600_000 }
          await new Promise<void>(go => {
            asking.push(go)
            if (asking.length === atOnce) for (const each of asking) each()
          })
          const now = Date.now()
          const admitted = changed(job.data, {
            schedule: { admitted: true, admissionExpectedAt: now },
          })
          answers.set(job.id, await job.saveIf(startGuards(job, now), admitted))
          return { kind: 'park', ms: 3_600_000 }
        },
        { concurrency: atOnce },
      )
    }
  })

  afterAll(async () => {
    await Promise.all(processes.map(queues => queues.close(100)))
  })

  // One that counts Runs at work, and one that counts starts: the guards of the others are rows of core/admission.
  const limits = ['repository', 'repository_per_day'] as const

  const burst = async (name: string, differs: (n: number) => RunChange): Promise<number> => {
    asking = []
    const ids = Array.from({ length: atOnce }, (_, n) => `${name}-${n}`)
    await Promise.all(
      ids.map((id, n) =>
        processes[0]?.runs.add(id, runWith(changed({ id } satisfies RunChange, differs(n)))),
      ),
    )
    await until(async () => ids.every(id => answers.has(id)))
    return ids.filter(id => answers.get(id)).length
  }

  test.each(limits)('as many begin as limits.%s says', async limit => {
    const { settings } = runWith().baseline
    const baseline = { settings: { ...settings, limits: { ...settings.limits, [limit]: 3 } } }
    const repoId = 1_000 + limits.indexOf(limit)
    const thread = { ...issueThread, repoId, ownerId: repoId }
    expect(await burst(limit, () => ({ baseline, thread }))).toBe(3)
  })

  test('one of a session begins', async () => {
    const session = { taskId: 'task-of-all' }
    expect(await burst('session', n => ({ session, thread: { ...issueThread, number: n } }))).toBe(
      1,
    )
  })
})
