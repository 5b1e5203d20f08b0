/**
 * What an admin may do from the pages: what commands do, by the same messages and triggers. Each is named by the
 * form that was sent, so that the same form counts once.
 */
import type { JobQueue } from '../../core/model/ports.ts'
import type { Person } from '../../core/model/thread.ts'
import { send } from '../../core/record/messages.ts'
import type { Run } from '../../core/record/run.ts'
import { mayRetry, mayStop } from './run-view.ts'

export const actionsOnRuns = ['stop', 'retry'] as const
export type ActionOnRun = (typeof actionsOnRuns)[number]

/** What is said on the next page. */
export const results = {
  stopping: 'The run is being stopped. Its thread is told when that is confirmed.',
  over: 'Nothing to stop: the run has ended.',
  retried: 'It is asked for again, for the same person and under the same limits.',
  'no-retry': 'Nothing to retry: trying again would not help.',
  draining: 'This process takes no more work. What it has in hand goes on to its next step.',
} as const
export type Result = keyof typeof results

export interface ActionParts {
  runs: Pick<JobQueue<Run>, 'send'>
  /** Idempotent by `id`. */
  retry(run: Run, id: string, by: string): Promise<void>
  now(): number
}

export interface Sent {
  by: Person
  /** Of the form. */
  id: string
}

export async function act(
  parts: ActionParts,
  { action, run }: { action: ActionOnRun; run: Run },
  sent: Sent,
): Promise<Result> {
  const id = `admin-${sent.id}`
  switch (action) {
    case 'stop': {
      if (!mayStop(run)) return 'over'
      // An admin means what the page shows, whatever the clocks say.
      const at = Math.max(parts.now(), run.mailbox.lastWordsAt ?? run.request.at)
      return (await send(parts.runs, run.id, { kind: 'stop', id, by: sent.by, at })) ? 'stopping' : 'over'
    }
    case 'retry':
      if (!mayRetry(run)) return 'no-retry'
      await parts.retry(run, id, sent.by.login)
      return 'retried'
  }
}
