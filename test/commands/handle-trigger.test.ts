/** What becomes of a command that is taken up again, and what a fault means for it. */

import { expect, test } from 'vitest'
import { acceptTrigger } from '../../src/commands/accept-trigger.ts'
import { answerWith, type Command, reject } from '../../src/commands/command.ts'
import {
  type CommandContext,
  type CommandResult,
  newMemory,
  threadContext,
} from '../../src/commands/command-context.ts'
import { dispatch } from '../../src/commands/dispatch.ts'
import { type TriggerRecord, triggerRecord } from '../../src/commands/trigger-record.ts'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import { threadSlot } from '../../src/core/model/thread.ts'
import { markerSigner } from '../../src/core/record/marker.ts'
import { usualTrigger } from '../../src/core/settings/deployment-settings.ts'
import { refusals } from '../../src/core/words/refusals.ts'
import { newsHandlers } from '../../src/news/pull-news.ts'
import { issueThread, maya, minute, t0 } from '../core/given.ts'
import { clientOf } from '../support/client-of.ts'
import { fakeLog } from '../support/fake-log.ts'
import { held, label } from './asked.ts'

const answer = { text: 'It waits.', as: 'reply', well: true, last: true } as const
const message = { kind: 'stop', id: 'stop-1', by: maya, at: t0 } as const
const pendingMessage = { runId: 'run-1', message }
const named = { label: label.label }
const quiet = { kind: 'silence' } as const
const unserved = reject('notServed', issueThread.owner, issueThread.ownerId)
const later = triggerRecord({ ...label, id: 'stop-1', at: label.at + 1_000 })
const stop = { ...later, stop: { threads: [threadSlot(issueThread)], command: 0 } }
type Differs = { starts?: true; tenant?: undefined }

test.each<[string, Partial<TriggerRecord>, Differs, CommandResult]>([
  ['ends with the reply that was chosen before', { answer }, {}, { kind: 'replied', sign: 'done' }],
  ['is over when its Run has the message', { pendingMessage }, {}, { kind: 'message' }],
  ['is refused where no PostHog serves the owner', {}, { tenant: undefined }, unserved],
  [
    'ends by a later stop if it starts work',
    {},
    { starts: true },
    reject('stoppedWaiting', [named], undefined),
  ],
  ['goes on beside a later stop if it starts nothing', {}, {}, quiet],
])('a command that was let in before %s', async (_, rest, { starts, ...differs }, result) => {
  const deps = {
    tenant: 'posthog',
    settings: { of: async () => held() },
    log: fakeLog(),
    now: () => t0,
    signer: markerSigner('secret'),
    ...differs,
    triggerOf: () => usualTrigger,
    isFirst: async () => true,
    runs: { get: async () => undefined, send: async () => true },
    waiting: { listed: async () => [{ id: 'stop-1', addedAt: t0, data: stop }] },
    github: () => clientOf({}),
  }
  const sender = { kind: 'known', at: t0, role: 'admin', name: 'admin' }
  const data = { ...triggerRecord(label), passed: true, sender, ...rest }
  const job = { data, inbox: async () => [], save: async () => {}, assertLocked: async () => {} }
  const context = threadContext(deps as never, job as never, newMemory(deps.now))
  const decide = () => (starts ? answerWith(refusals.closed()) : quiet)
  const command = { name: 'run', starts, facts: async () => ({}), decide } as unknown as Command
  const words = { options: {}, text: '', hides: false }
  const given = { command, words, isLast: true, later: [] }
  expect(await dispatch(context as CommandContext, given)).toEqual(result)
})

test('trouble with the own queue is no attempt: an old command waits for it like any other', async () => {
  const trouble = new QueueUnavailable('runs cannot be reached: max number of clients reached')
  const deps = { now: () => t0 + 48 * 60 * minute, log: fakeLog(), github: () => ({}) }
  const inbox = () => Promise.reject(trouble)
  const job = { data: triggerRecord(label), addedAt: t0, failures: 50, stalls: 0, inbox }
  const accept = acceptTrigger(deps as never, newsHandlers)
  await expect(accept(job as never)).rejects.toThrow(trouble)
})
