/** What the status comment stores of a Run, signed and hidden, to restore it when the queue lost it. */
import { z } from 'zod'
import { falseAtFirst } from '../model/schema-parts.ts'
import { hashOf, PullHead, type Snapshot, type Thread } from '../model/thread.ts'
import type { Pull } from '../model/views.ts'
import { editedSince } from './failures.ts'
import { endsQuietly } from './last-word.ts'
import { instructionSent } from './ledger.ts'
import { Mailbox, type Word } from './mailbox-part.ts'
import { RunRequest, type Session } from './request-part.ts'
import { changed, newRun, type Outcome, Report, Result, type Run } from './run.ts'
import { RecordedTaskRun, SessionPart } from './session-part.ts'
import { Workspace } from './workspace-part.ts'

/** What a restored Run has again, under the same names. */
const restoredParts = {
  workspace: Workspace.pick({ branch: true, readUpTo: true }),
  session: SessionPart.pick({ earlier: true, taskMade: true, began: true }),
  mailbox: Mailbox.pick({ requesters: true, fixes: true, words: true }),
  result: Result.pick({ round: true, reported: true }),
  report: Report.pick({ questions: true }),
}

export const Backup = z.object({
  request: RunRequest.omit({
    attached: true,
    inline: true,
    delivery: true,
    answered: true,
    fixes: true,
  }),
  /** It shows whether somebody edited title or description. */
  fingerprint: z.string(),
  head: PullHead.optional(),
  ...restoredParts.workspace.shape,
  ...restoredParts.session.shape,
  ...restoredParts.mailbox.shape,
  ...restoredParts.result.shape,
  ...restoredParts.report.shape,
  ...RecordedTaskRun.pick({ from: true }).shape,
  ...Result.pick({ instructionDone: true, outcome: true, concludedAt: true }).shape,
  quiet: falseAtFirst,
  /** When its task run began, our clock. */
  startedAt: z.number().optional(),
  cost: z.number().nullable().optional(),
})
export type Backup = z.infer<typeof Backup>

/** A comment takes 65,536 characters; base64 adds a third. */
const maxBackupBytes = 20_000

export function backupOf(run: Run): Backup | undefined {
  const { request, baseline, workspace, session, mailbox, result, report } = run
  // The schema picks out what is kept under the name that it has in the record.
  const backup = Backup.parse({
    ...workspace,
    ...session,
    ...session.taskRun,
    ...mailbox,
    ...result,
    ...report,
    request: { ...request, origin: withoutHunk(request.origin) },
    fingerprint: fingerprint(baseline.snapshot),
    head: baseline.head,
    words: wordsKept(run),
    quiet: endsQuietly(run),
    startedAt: session.taskRun?.since,
    cost: session.cost ?? session.costBefore,
  })
  return [backup, { ...backup, words: backup.words.slice(0, 1) }].find(
    each => Buffer.byteLength(JSON.stringify(each)) <= maxBackupBytes,
  )
}

/** The instruction, the words of the round and the bot's own, without what they quote. */
const wordsKept = ({ mailbox: { words }, result: { round } }: Run): Word[] =>
  words.flatMap(word => {
    if (word.kind === 'instruction') return word
    const isKept = word.round === round || word.resumes
    return isKept ? { ...word, inline: undefined, source: undefined, fixes: undefined } : []
  })

function withoutHunk(origin: RunRequest['origin']): RunRequest['origin'] {
  if (origin.kind !== 'comment' || origin.commentRef.kind !== 'inline') return origin
  const inline = { ...origin.commentRef.inline, hunk: '', body: '' }
  return { ...origin, commentRef: { ...origin.commentRef, inline } }
}

/** A change behind a redaction can't be seen. */
const fingerprint = ({ fingerprint, title, body }: Snapshot) =>
  fingerprint ?? hashOf(16, title, body)

/** While a Run has none of its own, its marker names that of the session that it goes on with. */
export const isOwnTaskRun = (
  { taskRun }: { taskRun?: string },
  { earlier, words }: Pick<Backup, 'earlier' | 'words'>,
): boolean =>
  taskRun !== undefined &&
  (taskRun !== earlier?.taskRunId || instructionSent({ mailbox: { words } }))

export interface Remains {
  id: string
  backup: Backup
  /** The branch that it recorded as made. */
  made: string | undefined
  /** The id of its status. */
  commentId: number
  thread: Thread
  snapshot: Snapshot
  settings: Run['baseline']['settings']
  pulls: Pull[]
  untended: number[]
  /** PostHog's session, searched once all calls under way had arrived. */
  session: Partial<Session>
  /** Its last word was said. Its last effects may miss. */
  closed: boolean
}

/** The restored Run. One that had not begun begins again, if an approved plan is still there. */
export function restored(remains: Remains, now: number): Run {
  const { id, backup, made, thread, snapshot, settings, pulls, untended, commentId } = remains
  const { taskId, taskRunId } = remains.session
  const { request, head, outcome, reported } = backup
  const words = taskRunId === undefined ? backup.words : sentTo(taskRunId, backup.words)
  const run = newRun({
    id,
    thread,
    request,
    baseline: { snapshot, settings, head },
    workspace: { ...restoredParts.workspace.parse(backup), madeBranch: made },
    session: { ...restoredParts.session.parse(backup), taskId },
    mailbox: { ...restoredParts.mailbox.parse(backup), words },
    result: {
      ...restoredParts.result.parse(backup),
      pulls,
      untended,
      reported: Math.min(reported, pulls.length),
    },
    // Forces an edit of the status comment.
    report: {
      ...restoredParts.report.parse(backup),
      status: { commentId, hash: '', phase: '', at: 0 },
    },
  })
  if (remains.closed && outcome) return tidyingUp(run, remains, outcome, now)
  if (taskRunId !== undefined) return stillAtWork(run, backup, taskRunId, now)
  if (backup.fingerprint !== fingerprint(snapshot))
    return changed(run, { result: { outcome: editedSince, concludedAt: now } })
  return changed(run, { schedule: { waits: { kind: 'line', ahead: 0, of: 'owner' } } })
}

/** What waited was on its way. The log is read once more, and shows which of them the agent has read. */
const sentTo = (to: string, words: readonly Word[]): Word[] =>
  words.map(word =>
    word.state === 'waiting' || word.to === to
      ? { ...word, state: 'sent', to, prompt: undefined }
      : word,
  )

function tidyingUp(run: Run, { backup, session }: Remains, outcome: Outcome, now: number) {
  const { taskId, taskRunId } = session
  const isKnown = taskId !== undefined && taskRunId !== undefined
  const earlier = isKnown ? { taskId, taskRunId, over: false } : run.session.earlier
  return changed(run, {
    report: { status: undefined, readOnlyThread: true, done: ['conclude'] },
    result: { outcome, concludedAt: backup.concludedAt ?? now },
    mailbox: { releaseThread: true },
    session: { cost: backup.cost ?? null, earlier },
  })
}

function stillAtWork(run: Run, backup: Backup, id: string, now: number) {
  const { from, cost, startedAt: since = now } = backup
  return changed(run, {
    schedule: { admitted: true },
    session: {
      costBefore: cost ?? undefined,
      taskRun: { id, since, status: 'queued', from, changedAt: now },
      sessionLog: { offset: from ?? 0, prompts: [], turns: 0 },
    },
  })
}
