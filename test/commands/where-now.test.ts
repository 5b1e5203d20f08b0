/** What waited where the App had lost access is asked again once, where it has access again. */
import { expect, test, vi } from 'vitest'
import type { TriggerDeps } from '../../src/commands/command-context.ts'
import { type TriggerRecord, triggerRecord } from '../../src/commands/trigger-record.ts'
import type { JobRecord } from '../../src/core/model/ports.ts'
import { isNow } from '../../src/news/where-now.ts'
import { issueThread, maya, t0 } from '../core/given.ts'

const lost = { by: 'olga', because: 'suspended the App' }
const record: TriggerRecord = {
  ...triggerRecord({
    kind: 'comment',
    id: 'comment-7',
    deliveryId: 'd',
    at: t0,
    sender: maya,
    thread: issueThread,
    snapshot: { title: 'Login', body: '', author: 'maya', open: true },
    commentRef: { kind: 'thread', commentId: 7 },
    text: '/codex fix it',
  }),
  lost,
}

test.each<[JobRecord<TriggerRecord>['standing'], number]>([
  ['ended', 1],
  // That is what it was put back as, which finds itself among those to tell.
  ['live', 0],
])('a command that is %s is put back %i times', async (standing, times) => {
  const add = vi.fn(async (id: string) => ({ id, outcome: 'added' as const }))
  const amendEnded = vi.fn(async () => undefined)
  const kept = { id: 'comment-7', data: record, addedAt: t0, standing }
  const deps = {
    runs: { listed: async () => [] },
    waiting: { listed: async () => [kept], add, amendEnded },
  } as unknown as TriggerDeps
  await isNow(deps, 'd', issueThread)
  expect(add).toHaveBeenCalledTimes(times)
})
