/** What is taken back counts, though the queue did not answer in the middle of it. */
import { expect, test } from 'vitest'
import { QueueUnavailable } from '../../src/core/model/errors.ts'
import { readMessages } from '../../src/core/record/messages.ts'
import type { Run } from '../../src/core/record/run.ts'
import { usualTrigger } from '../../src/core/settings/deployment-settings.ts'
import { withdraw } from '../../src/news/withdraw.ts'
import { maya, t0, working } from '../core/given.ts'
import { deploymentWith } from '../support/deployment.ts'

const commented = working({ report: { labels: ['codex'] } })
const labelled: Run = {
  ...commented,
  request: { ...commented.request, by: maya, origin: { kind: 'label', label: 'codex' } },
}

/** A Run with an inbox. @param lost the message that the queue does not take at the first try */
function given(run: Run, lost: number) {
  const inbox: string[] = []
  let tries = 0
  const context = {
    github: { thread: { state: async () => ({ open: true, locked: false, labels: [] }) } },
    deps: {
      settings: deploymentWith(),
      triggerOf: () => usualTrigger,
      waiting: { listed: async () => [] },
      runs: {
        holder: async () => run.id,
        inbox: async () => inbox,
        get: async () => ({ id: run.id, addedAt: t0, standing: 'live', data: run }),
        async send(_: string, message: string) {
          if (tries++ === lost) throw new QueueUnavailable('runs did not answer in 3000 ms')
          inbox.push(message)
          return true
        },
      },
    },
  }
  return { inbox, context: context as never }
}

test.each([0, 1, 2])(
  'a label taken off stops its run, though message %i was lost first',
  async lost => {
    const { inbox, context } = given(labelled, lost)
    const trigger = {
      id: 'off',
      at: labelled.request.at + 1_000,
      thread: labelled.thread,
      sender: maya,
      what: { kind: 'label', label: 'codex' } as const,
    }
    await withdraw(context, trigger).catch(() => withdraw(context, trigger))
    const { mailbox, report } = readMessages(labelled, inbox)
    expect(mailbox.stop).toMatchObject({ by: maya, because: 'took the label off' })
    expect(report.labels).toEqual([])
  },
)
