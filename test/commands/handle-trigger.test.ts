/** What a fault means for a command. */
import { expect, test } from 'vitest'
import { acceptTrigger } from '../../src/commands/accept-trigger.ts'
import type { TriggerDeps } from '../../src/commands/command-context.ts'
import { type TriggerRecord, triggerRecord } from '../../src/commands/trigger-record.ts'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import type { LockedJob } from '../../src/core/model/ports.ts'
import { news } from '../../src/news/pull-news.ts'
import { issueThread, maya, t0 } from '../core/given.ts'
import { fakeLog } from '../support/fake-log.ts'

const day = 24 * 60 * 60_000

test('trouble with the own queue is no attempt: an old command waits for it like any other', async () => {
  const trouble = new QueueUnavailable('runs cannot be reached: max number of clients reached')
  const deps = { now: () => t0 + 2 * day, log: fakeLog(), github: () => ({}) }
  const job: Partial<LockedJob<TriggerRecord>> = {
    data: triggerRecord({
      ...{ id: 'label-1', deliveryId: 'd', at: t0, thread: issueThread, sender: maya },
      ...{ kind: 'label', label: 'codex', snapshot: { title: 'T', body: '', author: 'maya', open: true } },
    }),
    addedAt: t0,
    failures: 50,
    deaths: 0,
    inbox: () => Promise.reject(trouble),
  }
  const accept = acceptTrigger(deps as unknown as TriggerDeps, news)
  await expect(accept(job as LockedJob<TriggerRecord>)).rejects.toThrow(trouble)
})
