/**
 * What an admin may do from the pages: what commands do, by the same messages, triggers and pauses. Each is named by the
 * form that was sent, so that the same form counts once.
 */
import { readPause } from '../../core/command/pause-time.ts'
import { holds, type Pauses } from '../../core/model/pause.ts'
import type { JobQueue, Log } from '../../core/model/ports.ts'
import { botAdmin, fullName } from '../../core/model/thread.ts'
import { send } from '../../core/record/messages.ts'
import type { Run } from '../../core/record/run.ts'
import { mayRetry, mayStop } from './run-view.ts'

export const actionsOnRuns = ['stop', 'retry', 'pause', 'resume'] as const
export type ActionOnRun = (typeof actionsOnRuns)[number]

/** What is said on the next page. */
export const results = {
  stopping: 'The run is being stopped. Its thread is told when that is confirmed.',
  over: 'Nothing to stop: the run has ended.',
  retried: 'It is asked for again, for the same person and under the same limits.',
  'no-retry': 'Nothing to retry: trying again would not help.',
  paused: 'The repository is paused. The threads of runs that wait say so.',
  'no-time': 'That is not a time. Write “until 18:00”, “until tomorrow” or “for 2 h”, then the reason.',
  resumed: 'The repository goes on. What waited starts by itself.',
  'not-paused': 'The repository is not paused.',
  draining: 'This process takes no more work. What it has in hand goes on to its next step.',
} as const
export type Result = keyof typeof results

export interface ActionParts {
  runs: Pick<JobQueue<Run>, 'send'>
  pauses: Pauses
  /** Idempotent by `id`. */
  retry(run: Run, id: string): Promise<void>
  log: Pick<Log, 'info'>
  now(): number
}

export interface Sent {
  action: ActionOnRun
  run: Run
  /** Of the form. */
  id: string
  /** What was written into it. */
  text: string
  /** The address that it came from. */
  from: string
}

export async function act(parts: ActionParts, sent: Sent): Promise<Result> {
  const result = await carryOut(parts, sent)
  const { action, run, from } = sent
  const { thread } = run
  parts.log.info(
    {
      ...{ audit: true, action, result, by: 'admin', from, run: run.id },
      ...{ repository: fullName(thread), thread: thread.number },
    },
    'an admin acted',
  )
  return result
}

async function carryOut({ runs, pauses, retry, now }: ActionParts, sent: Sent): Promise<Result> {
  const { action, run, text } = sent
  const { repoId } = run.thread
  const id = `admin-${sent.id}`
  const pause = { repoId, id, at: now(), by: botAdmin.login, why: '' }
  switch (action) {
    case 'stop': {
      if (!mayStop(run)) return 'over'
      // An admin means what the page shows, whatever the clocks say.
      const at = Math.max(now(), run.mailbox.lastWordsAt ?? run.request.at)
      return (await send(runs, run.id, { kind: 'stop', id, by: botAdmin, at })) ? 'stopping' : 'over'
    }
    case 'retry':
      if (!mayRetry(run)) return 'no-retry'
      await retry(run, id)
      return 'retried'
    case 'pause': {
      const read = readPause(text.slice(0, 300), now())
      if (read.kind === 'no-time') return 'no-time'
      await pauses.say({ ...pause, paused: true, why: read.why, until: read.until })
      return 'paused'
    }
    case 'resume': {
      const before = await pauses.of(repoId)
      if (!before || !holds(before, now())) return 'not-paused'
      await pauses.say({ ...pause, at: Math.max(pause.at, before.at + 1), paused: false })
      return 'resumed'
    }
  }
}
