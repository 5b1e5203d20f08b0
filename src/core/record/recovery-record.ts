/** What the status comment stores of a Run, signed and hidden, to restore it when the queue lost it. */
import { z } from 'zod'
import { fingerprintOf, Person, PullHead, type Snapshot, type Thread } from '../model/thread.ts'
import type { Pull } from '../model/views.ts'
import { editedSince } from './failures.ts'
import { endsQuietly } from './last-word.ts'
import { FollowUp } from './mailbox-part.ts'
import { RunRequest, type Session } from './request-part.ts'
import { changed, newRun, Outcome, Question, type Run } from './run.ts'
import { Began, EarlierSession } from './session-part.ts'
import { Branch, ReadUpTo } from './workspace-part.ts'

export const Backup = z.object({
  request: RunRequest.omit({ attached: true, inline: true, delivery: true, answered: true }),
  words: z.string(),
  head: PullHead.optional(),
  branch: Branch.optional(),
  readUpTo: ReadUpTo.optional(),
  earlier: EarlierSession.optional(),
  messages: z.number().int().default(0),
  from: z.number().int().default(0),
  lastMessageId: z.string().optional(),
  instructionSent: z.boolean().default(false),
  taskMade: z.boolean().default(false),
  round: z.number().int().default(0),
  instructionDone: z.boolean().default(false),
  wordsOfRound: z.array(FollowUp).default([]),
  requesters: z.array(Person).default([]),
  fixes: z.number().int().default(0),
  reported: z.number().int().default(0),
  questions: z.array(Question).optional(),
  outcome: Outcome.optional(),
  quiet: z.boolean().default(false),
  /** Our clock: when its task run began, when the agent first began on its round, and when it came to its outcome. */
  startedAt: z.number().optional(),
  began: Began.optional(),
  concludedAt: z.number().optional(),
  cost: z.number().nullable().optional(),
})
export type Backup = z.infer<typeof Backup>

/** A comment takes 65,536 characters; base64 adds a third. */
const maxBytes = 20_000

export function backupOf(run: Run): Backup | undefined {
  const { attached: _, inline: __, delivery: ___, answered: ____, ...request } = run.request
  const { baseline, workspace, session, mailbox, result, report } = run
  // What is kept under the name that it has in the record is picked out by the schema.
  const backup = Backup.parse({
    ...{ ...workspace, ...session, ...session.taskRun, ...mailbox, ...result, ...report },
    request: { ...request, origin: withoutHunk(request.origin) },
    words: fingerprint(baseline.snapshot),
    head: baseline.head,
    wordsOfRound: mailbox.wordsOfRound.map(({ inline: _, source: __, ...words }) => words),
    quiet: endsQuietly(run),
    startedAt: session.taskRun?.since,
    cost: session.cost ?? session.costBefore,
  })
  return [backup, { ...backup, wordsOfRound: [] }].find(
    each => Buffer.byteLength(JSON.stringify(each)) <= maxBytes,
  )
}

function withoutHunk(origin: RunRequest['origin']): RunRequest['origin'] {
  if (origin.kind !== 'comment' || origin.commentRef.kind !== 'inline') return origin
  const inline = { ...origin.commentRef.inline, hunk: '', body: '' }
  return { ...origin, commentRef: { ...origin.commentRef, inline } }
}

/** Behind what is redacted anything may have been changed. */
const fingerprint = ({ fingerprint, title, body }: Snapshot): string =>
  fingerprint ?? fingerprintOf(title, body)

/** While a Run has none of its own, its marker names that of the session that it goes on with. */
export const isOwnTaskRun = (
  { taskRun }: { taskRun?: string | undefined },
  { earlier, instructionSent }: Pick<Backup, 'earlier' | 'instructionSent'>,
): boolean => taskRun !== undefined && (taskRun !== earlier?.taskRunId || instructionSent)

export interface Remains {
  id: string
  backup: Backup
  /** The branch that it recorded as made. */
  made: string | undefined
  /** Of its status. */
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
  const { request, head, branch, readUpTo, earlier, instructionSent, taskMade, outcome, reported } = backup
  const run = newRun({
    ...{ id, thread, request },
    baseline: { snapshot, settings, head },
    workspace: { branch, madeBranch: made, readUpTo },
    session: { earlier, taskId, instructionSent, taskMade },
    mailbox: { wordsOfRound: backup.wordsOfRound, requesters: backup.requesters, fixes: backup.fixes },
    result: { pulls, untended, reported: Math.min(reported, pulls.length), round: backup.round },
    // Forces an edit of the status comment.
    report: { status: { commentId, hash: '', phase: '', at: 0 }, questions: backup.questions },
  })
  if (remains.closed && outcome) return tidyingUp(run, remains, outcome, now)
  if (taskRunId !== undefined) return stillAtWork(run, backup, taskRunId, now)
  if (backup.words !== fingerprint(snapshot))
    return changed(run, { result: { outcome: editedSince, concludedAt: now } })
  return changed(run, { schedule: { waits: { kind: 'line', ahead: 0, of: 'owner' } } })
}

function tidyingUp(run: Run, { backup, session }: Remains, outcome: Outcome, now: number): Run {
  const { taskId, taskRunId } = session
  return changed(run, {
    report: {
      status: undefined,
      readOnlyThread: true,
      announced: { ...run.report.announced, comment: true },
    },
    result: { outcome, concludedAt: backup.concludedAt ?? now },
    mailbox: { releaseThread: true },
    session: {
      began: backup.began,
      cost: backup.cost ?? null,
      ...(taskId === undefined || taskRunId === undefined
        ? {}
        : { earlier: { taskId, taskRunId, over: false } }),
    },
  })
}

function stillAtWork(run: Run, backup: Backup, id: string, now: number): Run {
  const { messages, from, lastMessageId, began, cost, startedAt: since = now } = backup
  return changed(run, {
    schedule: { admitted: true },
    session: {
      instructionSent: true,
      began,
      costBefore: cost ?? undefined,
      taskRun: { id, since, status: 'queued', messages, from, changedAt: now, lastMessageId },
      sessionLog: { offset: from ?? 0, prompts: [], turns: 0, awaitedMessageId: lastMessageId },
    },
  })
}
