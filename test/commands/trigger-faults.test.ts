/** What a fault means for a command. */
import { expect, test } from 'vitest'
import type { CommandContext } from '../../src/commands/command-context.ts'
import { afterFault } from '../../src/commands/trigger-faults.ts'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import { t0 } from '../core/given.ts'
import { fakeLog } from '../support/fake-log.ts'

const day = 24 * 60 * 60_000

test('trouble with the own queue is no attempt: an old command waits for it like any other', () => {
  const context = {
    deps: { now: () => t0 + 2 * day, log: fakeLog() },
    job: { addedAt: t0, failures: 50 },
  } as CommandContext
  const trouble = new QueueUnavailable('runs cannot be reached: max number of clients reached')
  expect(() => afterFault(context, trouble)).toThrow(trouble)
})
