/**
 * The thread is the backup of the queue. What of a Run its status comment carries, signed and out of sight, so that
 * the Run can be taken up again when the queue has lost it.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { RepoSettings } from './repo-settings.ts'
import { Ask, Branch, Heard, newRun, type Outcome, type Pull, Run, type Session } from './run.ts'
import type { PullHead, Snapshot, Thread } from './thread.ts'

export const Backup = z.object({
  ask: Ask.omit({ whole: true, inline: true, delivery: true }),
  /** Title and body of the thread as they were approved, for comparison. */
  words: z.string(),
  branch: Branch.optional(),
  earlier: Run.shape.earlier,
  heard: Heard.omit({ answer: true }).optional(),
  /** Messages handed to the agent after its start. */
  notes: z.number().int(),
  asked: z.boolean(),
  taskMade: z.boolean(),
  round: z.number().int(),
  /** The Run has its outcome; all that was left is to say so. */
  over: z.boolean(),
})
export type Backup = z.infer<typeof Backup>

export function backupOf(run: Run): Backup {
  const { whole: _, inline: __, delivery: ___, ...ask } = run.ask
  return Backup.parse({
    ask: { ...ask, origin: withoutHunk(ask.origin) },
    words: fingerprint(run.snapshot),
    branch: run.branch,
    earlier: run.earlier,
    heard: run.heard,
    notes: run.taskRun?.notes ?? 0,
    asked: run.asked,
    taskMade: run.taskMade,
    round: run.round,
    over: run.outcome !== undefined,
  })
}

/** Where to answer is kept, the lines of code that it is about are not. */
function withoutHunk(origin: Ask['origin']): Ask['origin'] {
  if (origin.by !== 'comment' || origin.place.in !== 'inline') return origin
  const inline = { ...origin.place.inline, hunk: '', body: '' }
  return { ...origin, place: { ...origin.place, inline } }
}

const fingerprint = ({ title, body }: Snapshot): string =>
  createHash('sha256').update(`${title}\0${body}`).digest('base64url').slice(0, 16)

/** What is left of a Run that the queue has lost. */
export interface Remains {
  id: string
  backup: Backup
  statusId: number
  thread: Thread
  /** As it is now. */
  snapshot: Snapshot
  head: PullHead | undefined
  settings: RepoSettings
  pulls: Pull[]
  /** What PostHog has of it. */
  session: Partial<Session>
  /** The runs that its task has already, where none of them is its own. */
  before: string[]
}

/** The Run as it goes on. One that had not begun begins again, unless the words that were approved are not there any more. */
export function restored(remains: Remains, now: number): Run {
  const { id, backup, thread, snapshot, head, settings, pulls } = remains
  const { taskId, taskRunId } = remains.session
  const { ask, branch, earlier, round, asked, taskMade, words } = backup
  const run: Run = {
    ...newRun({
      id,
      thread,
      ask,
      snapshot,
      settings,
      pulls,
      // Before the first word on an outcome, no pull request was reported.
      reported: round > 0 || backup.over ? pulls.length : 0,
      ...(head ? { head } : {}),
      ...(earlier ? { earlier } : {}),
      ...(taskId === undefined ? {} : { taskId }),
    }),
    // An empty text differs from any other, so the comment is brought up to date.
    status: { commentId: remains.statusId, hash: '', phase: '', at: 0 },
    round,
    asked,
    taskMade,
    ...(branch ? { branch } : {}),
  }
  if (taskId !== undefined && taskRunId !== undefined) return atWork(run, backup, taskRunId, now)
  if (words !== fingerprint(snapshot)) return { ...run, outcome: editedSince, concludedAt: now }
  return { ...run, ...anew(run, remains.before, now) }
}

const atWork = (run: Run, { heard, notes }: Backup, id: string, now: number): Run => ({
  ...run,
  turn: true,
  asked: true,
  taskRun: { id, since: now, status: 'queued', notes, changedAt: now },
  ...(heard ? { heard } : {}),
})

/** Whether the next effect was begun is not known, so its trace is looked for first. It waits its turn once more. */
function anew(run: Run, before: string[], now: number): Partial<Run> {
  const begun = { at: now, lostAt: now }
  if (run.taskId === undefined) return { ahead: 0, intent: { effect: 'create-task', ...begun } }
  return { turn: true, intent: { effect: 'start-run', ...begun, before } }
}

const editedSince: Outcome = {
  is: 'failed',
  class: 'lost',
  reason: 'The bot lost its queue before this began, and the title or the description was edited since',
  fix: '`/codex retry` starts it with the words that stand there now.',
}
