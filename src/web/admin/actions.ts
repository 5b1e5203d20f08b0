/**
 * What an admin may do from the pages: what commands do, by the same messages, triggers and pauses. Each is named by the
 * form that was sent, so that the same form counts once.
 */
import { holds, type PauseOf, type Pauses, pausedPart, pauseOfBot } from '../../core/model/pause.ts'
import type { JobQueue } from '../../core/model/ports.ts'
import type { Person } from '../../core/model/thread.ts'
import { send } from '../../core/record/messages.ts'
import type { Run } from '../../core/record/run.ts'
import { mayRetry, mayStop } from './run-view.ts'

export const actionsOnRuns = ['stop', 'retry', 'pause', 'resume', 'pause-owner', 'resume-owner'] as const
export type ActionOnRun = (typeof actionsOnRuns)[number]

/** What is said on the next page. */
export const results = {
  stopping: 'The run is being stopped. Its thread is told when that is confirmed.',
  over: 'Nothing to stop: the run has ended.',
  retried: 'It is asked for again, for the same person and under the same limits.',
  'no-retry': 'Nothing to retry: trying again would not help.',
  paused: 'It is paused. The threads of runs that wait say so.',
  resumed: 'It goes on. What waited starts by itself.',
  'not-paused': 'It is not paused.',
  draining: 'This process takes no more work. What it has in hand goes on to its next step.',
} as const
export type Result = keyof typeof results

export interface ActionParts {
  runs: Pick<JobQueue<Run>, 'send'>
  pauses: Pauses
  /** Idempotent by `id`. */
  retry(run: Run, id: string, by: string): Promise<void>
  now(): number
}

export interface Sent {
  by: Person
  /** Of the form. */
  id: string
  /** What was written into it. */
  text: string
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
    case 'pause':
    case 'pause-owner':
      return pause(parts, pausedPart(run.thread, action === 'pause' ? 'repository' : 'owner'), sent)
    case 'resume':
    case 'resume-owner':
      return resume(parts, pausedPart(run.thread, action === 'resume' ? 'repository' : 'owner'), sent)
  }
}

/** On all there is. */
export const actOnBot = (parts: ActionParts, action: 'pause' | 'resume', sent: Sent): Promise<Result> =>
  (action === 'pause' ? pause : resume)(parts, pauseOfBot, sent)

async function pause({ pauses, now }: ActionParts, what: PauseOf, { id, by, text }: Sent): Promise<Result> {
  const why = text.slice(0, 300).trim()
  await pauses.say({ ...what, id: `admin-${id}`, at: now(), by: by.login, paused: true, why })
  return 'paused'
}

async function resume({ pauses, now }: ActionParts, what: PauseOf, { id, by }: Sent): Promise<Result> {
  const before = await pauses.of(what)
  if (!before || !holds(before, now())) return 'not-paused'
  const at = Math.max(now(), before.at + 1)
  await pauses.say({ ...what, id: `admin-${id}`, at, by: by.login, paused: false, why: '' })
  return 'resumed'
}
