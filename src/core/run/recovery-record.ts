/**
 * The thread is the backup of the queue. What of a Run its status comment carries, signed and out of sight, so that
 * the Run can be taken up again when the queue has lost it.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { PullHead, type Snapshot, type Thread } from '../model/thread.ts'
import type { RepoSettings } from '../settings/repository-settings.ts'
import { endsQuietly } from './last-word.ts'
import { Ask, Branch, newRun, Outcome, type Pull, Run } from './run.ts'
import type { Session } from './session.ts'

export const Backup = z.object({
  ask: Ask.omit({ whole: true, inline: true, delivery: true }),
  /** Title and body of the thread as they were approved, for comparison. */
  words: z.string(),
  /** The head when it was asked; pull requests only. */
  head: PullHead.optional(),
  branch: Branch.optional(),
  earlier: Run.shape.earlier,
  /** Messages handed to the agent after its start, and where in its log that was. */
  notes: z.number().int().default(0),
  from: z.number().int().default(0),
  said: z.string().optional(),
  asked: z.boolean().default(false),
  taskMade: z.boolean().default(false),
  round: z.number().int().default(0),
  reported: z.number().int().default(0),
  /** All that was left is to say so. */
  outcome: Outcome.optional(),
  /** It has no last word beside its status. */
  quiet: z.boolean().default(false),
})
export type Backup = z.infer<typeof Backup>

/** A comment takes 65,536 characters, and bytes become a third more of them. */
const mostBytes = 20_000

/** `undefined` for an instruction that is too long to be carried. */
export function backupOf(run: Run): Backup | undefined {
  const { whole: _, inline: __, delivery: ___, ...ask } = run.ask
  const backup = Backup.parse({
    ask: { ...ask, origin: withoutHunk(ask.origin) },
    words: fingerprint(run.snapshot),
    head: run.head,
    branch: run.branch,
    earlier: run.earlier,
    notes: run.taskRun?.notes ?? 0,
    from: run.taskRun?.from ?? 0,
    said: run.taskRun?.said,
    asked: run.asked,
    taskMade: run.taskMade,
    round: run.round,
    reported: run.reported,
    outcome: run.outcome,
    quiet: endsQuietly(run),
  })
  return Buffer.byteLength(JSON.stringify(backup)) > mostBytes ? undefined : backup
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
  settings: RepoSettings
  pulls: Pull[]
  /** What PostHog has of it, looked for when all that was under way had arrived. */
  session: Partial<Session>
  /** Its last word has been said. */
  closed: boolean
}

/** The Run as it goes on. One that had not begun begins again, unless the words that were approved are not there any more. */
export function restored(remains: Remains, now: number): Run {
  const { backup, snapshot, session } = remains
  const { taskRunId } = session
  const run = known(remains)
  if (remains.closed && backup.outcome) return tidyingUp(run, { ...remains, outcome: backup.outcome }, now)
  if (taskRunId !== undefined) return atWork(run, backup, taskRunId, now)
  if (backup.words !== fingerprint(snapshot)) return { ...run, outcome: editedSince, concludedAt: now }
  // It waits its turn once more, and is asked about once more.
  return { ...run, ahead: 0 }
}

function known({ id, backup, thread, snapshot, settings, pulls, session, statusId }: Remains): Run {
  const { ask, head, branch, earlier, round, asked, taskMade, reported } = backup
  const run = newRun({
    ...{ id, thread, ask, snapshot, settings, pulls },
    reported: Math.min(reported, pulls.length),
    ...(head ? { head } : {}),
    ...(earlier ? { earlier } : {}),
    ...(session.taskId === undefined ? {} : { taskId: session.taskId }),
  })
  return {
    ...run,
    // An empty text differs from any other, so the comment is brought up to date.
    status: { commentId: statusId, hash: '', phase: '', at: 0 },
    round,
    asked,
    taskMade,
    ...(branch ? { branch } : {}),
  }
}

/** What was lent is given back, once more if need be. The comments stay as they are: they knew more than is known now. */
const tidyingUp = (
  run: Run,
  { session: { taskId, taskRunId }, outcome }: Pick<Remains, 'session'> & { outcome: Outcome },
  now: number,
): Run => ({
  ...run,
  // Its task run may use the branch still.
  ...(taskId === undefined || taskRunId === undefined ? {} : { earlier: { taskId, taskRunId, over: false } }),
  status: undefined,
  outcome,
  concludedAt: now,
  yielding: true,
  cost: null,
  mute: true,
  told: { ...run.told, comment: true },
})

const atWork = (run: Run, { notes, from, said }: Backup, id: string, now: number): Run => ({
  ...run,
  turn: true,
  asked: true,
  taskRun: { id, since: now, status: 'queued', notes, from, changedAt: now, said },
  heard: { offset: from, turns: 0, idle: false, awaits: said },
})

const editedSince: Outcome = {
  is: 'failed',
  class: 'lost',
  reason: 'The bot lost its queue before this began, and the title or the description was edited since',
  fix: '`/codex retry` starts it with the words that stand there now.',
}
