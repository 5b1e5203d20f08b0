/**
 * Applies what a poll saw to a Run, in this order:
 * 1. the row of the task run, and the lines by which the next poll knows what it has read,
 * 2. words of which PostHog's answer was lost: they were sent if the log shows them,
 * 3. the new entries of the log, one by one: what they say of the turn, and which words the agent has read,
 * 4. words that a task run which is over never read: they are asked again,
 * 5. when the agent began on this round, and whether its instruction is done.
 *
 * Only the order of the log says what is new: each sandbox has a clock of its own.
 */
import type { LogEntry, TaskRunSnapshot } from '../model/task-run.ts'
import { fullName } from '../model/thread.ts'
import { openIntent } from './intents.ts'
import { inTaskRun, isAdded, moved, pending, roundIsRead, unread } from './ledger.ts'
import type { Word } from './mailbox-part.ts'
import { handedOver } from './messages.ts'
import { pullsToFind } from './own-pull-request.ts'
import { changed, isTerminal, type Run, resumedSession } from './run.ts'
import { noActivity, type RecordedTaskRun, type SessionLog, type TurnEnd } from './session-part.ts'
import {
  type EntryOf,
  endedBy,
  isOpenPrompt,
  noRequests,
  turnAnswered,
  unseenPrompt,
  withCiTurn,
  withError,
  withOtherEntry,
  withPrompt,
} from './turn-log.ts'

export function observe(run: Run, snapshot: TaskRunSnapshot, now: number): Run {
  const { taskRun, sessionLog, summary } = run.session
  if (!taskRun) return run
  const { entries, lines } = newEntries(run, snapshot.log, now)
  const looked = changed(run, {
    session: {
      taskRun: taskRunSeen(run, taskRun, snapshot, now),
      sessionLog: {
        ...(sessionLog ?? { turns: 0, prompts: [] }),
        absent: snapshot.unlogged ?? sessionLog?.absent,
        lines,
        offset: snapshot.offset,
      },
      summary: snapshot.summary ?? summary,
    },
    result: { claimedPulls: [...run.result.claimedPulls, ...pullsToFind(run, snapshot.pulls)] },
  })
  const sent = sentIfShown(looked, entries)
  const read = entriesRead(sent, entries)
  const asked = unreadRepeated(read)
  const begun = beginningRecorded(run, asked, entries)
  return instructionDoneAfter(run, begun)
}

const maxArtifacts = 50

function taskRunSeen(
  run: Run,
  taskRun: RecordedTaskRun,
  snapshot: TaskRunSnapshot,
  now: number,
): RecordedTaskRun {
  return {
    ...taskRun,
    status: snapshot.status,
    changedAt: showsLife(run, taskRun, snapshot) ? now : taskRun.changedAt,
    updatedAt: snapshot.updatedAt ?? taskRun.updatedAt,
    error: snapshot.error ?? taskRun.error,
    marker: snapshot.marker ?? taskRun.marker,
    files: snapshot.files?.slice(0, maxArtifacts),
    headBranch: snapshot.headBranch ?? taskRun.headBranch,
    pushedTo: snapshot.pushedTo?.flatMap(({ branch, repository }) =>
      repository.toLowerCase() === fullName(run.thread).toLowerCase() ? branch : [],
    ),
    model: snapshot.model ?? taskRun.model,
    effort: snapshot.effort ?? taskRun.effort,
    authorship: snapshot.authorship ?? taskRun.authorship,
  }
}

/** Any log entry, or change of the row, is a sign of life. Of a run that is over it is only the log: others change its row. */
function showsLife(
  run: Run,
  taskRun: RecordedTaskRun,
  { status, offset, updatedAt }: TaskRunSnapshot,
) {
  if (status !== taskRun.status || offset > logOffset(run)) return true
  const wasTouched =
    updatedAt !== undefined && taskRun.updatedAt !== undefined && updatedAt !== taskRun.updatedAt
  return wasTouched && !isTerminal(status)
}

/** The entry from which the log is read next. */
export const logOffset = ({ session: { taskRun, sessionLog } }: Run): number =>
  sessionLog?.offset ?? taskRun?.from ?? 0

function entriesRead(run: Run, entries: readonly LogEntry[]) {
  const { sessionLog } = run.session
  const last = entries.at(-1)
  if (!sessionLog || !last) return run
  const before: TurnAndWords = { log: sessionLog, words: run.mailbox.words }
  const { log, words } = entries.reduce((soFar, entry) => withEntry(run, soFar, entry), before)
  const activity = { ...(log.activity ?? noActivity), at: last.at }
  return changed(run, { session: { sessionLog: { ...log, activity } }, mailbox: { words } })
}

/** What the log says of the turn, and of the words that its task run was sent. */
interface TurnAndWords {
  log: SessionLog
  words: Word[]
}

function withEntry(run: Run, before: TurnAndWords, entry: LogEntry): TurnAndWords {
  const { at, what } = entry
  const { words } = before
  const ours = inTaskRun({ mailbox: { words }, session: run.session })
  const isOfBefore = !isJoined(run) && tellsOfBefore(run, ours)
  const log = isOfBefore ? before.log : withCiTurn(before.log, entry)
  switch (what.kind) {
    // A process answers no prompt of the one before, and waits for no permission of its.
    case 'begins':
      return {
        log: { ...log, prompts: [], ...noRequests },
        words: words.map(word => ({ ...word, prompt: undefined })),
      }
    case 'prompt':
      return promptShown({ log, words }, ours, what)
    case 'words':
      return wordsShown({ log, words }, ours, what)
    case 'error': {
      const refused = ours.filter(({ prompt }) => prompt === what.id)
      const broken = refused.length > 0 ? log.broken : { at, fault: what.fault }
      return {
        log: withError(log, what.id, broken),
        words: moved(words, 'refused', refused, { prompt: undefined }),
      }
    }
    case 'answer': {
      if (what.steer || log.ofOthers || isOpenPrompt(log, what.id))
        return { log: turnAnswered(log, what, at), words }
      if (tellsOfBefore(run, ours)) return { log, words }
      return lostPromptAnswered({ log, words }, ours, { at, stopReason: what.stopReason })
    }
    default:
      return { log: isOfBefore ? log : withOtherEntry(run, log, entry), words }
  }
}

/** It is ours if words of ours stand in it, or if none are awaited: PostHog says words again after a fault. */
function promptShown(
  { log, words }: TurnAndWords,
  ours: readonly Word[],
  { id, messages }: EntryOf<'prompt'>,
): TurnAndWords {
  const named = ours.filter(word => messages.includes(word.id))
  const fresh = named.filter(isUnread)
  const isAsked = fresh.length > 0 || (named.length > 0 && log.ended?.stopReason !== 'end_turn')
  const isIdle = log.prompts.length === 0 && !log.ended && ours.at(-1)?.state !== 'sent'
  const ofOthers = (log.ended !== undefined && named.length === 0) || log.ofOthers
  return {
    log: isAsked || isIdle ? withPrompt(log, id) : { ...log, ofOthers },
    words: moved(words, 'shown', fresh, { prompt: id }),
  }
}

/** They are shown as the user's. Their prompt may be older than what is read of the log. */
function wordsShown(
  { log, words }: TurnAndWords,
  ours: readonly Word[],
  { messages }: EntryOf<'words'>,
): TurnAndWords {
  const named = ours.filter(word => messages.includes(word.id))
  const opens = log.prompts.length === 0 && named.some(isUnread)
  return {
    log: opens ? { ...log, prompts: [unseenPrompt], ended: undefined, ofOthers: false } : log,
    words: moved(words, 'shown', named, { prompt: undefined }),
  }
}

const isUnread = ({ state }: Word) => state === 'sent'

/** The agent begins on a round when its log shows the words. Before, the Run waited for it. */
function beginningRecorded(before: Run, run: Run, entries: readonly LogEntry[]) {
  const first = entries.find(entry => namedIn(entry).length > 0)
  if (!first || roundIsRead(before) || !roundIsRead(run)) return run
  return changed(run, { session: { began: { round: run.result.round, at: first.at } } })
}

function instructionDoneAfter(before: Run, run: Run) {
  const hasEnded = turnsOf(run) > turnsOf(before)
  return hasEnded && !unread(run).some(({ kind }) => kind === 'instruction')
    ? changed(run, { result: { instructionDone: true } })
    : run
}

const turnsOf = ({ session: { sessionLog } }: Run) => sessionLog?.turns ?? 0

const namedIn = ({ what }: LogEntry) =>
  what.kind === 'words' || what.kind === 'prompt' ? what.messages : []

/** The ids of the messages that the agent has read: a prompt that it refused is answered by an error, and not shown. */
export function messagesRead(entries: readonly LogEntry[]): string[] {
  const failed = entries.flatMap(({ what }) => (what.kind === 'error' ? [what.id] : []))
  return entries
    .filter(({ what }) => what.kind !== 'prompt' || !failed.includes(what.id))
    .flatMap(namedIn)
}

// What comes late, twice or never.

const maxKnownLines = 100

/** A batch may be stored twice. Its times are told as ours: between this look and the one before. */
function newEntries(
  run: Run,
  log: readonly LogEntry[],
  now: number,
): { entries: LogEntry[]; lines: string[] } {
  const { taskRun, sessionLog } = run.session
  const polledAt = run.schedule.lastPollAt ?? taskRun?.since ?? now
  const lines = new Set(sessionLog?.lines)
  const entries: LogEntry[] = []
  let isRepeated = false
  for (const entry of log) {
    // An entry without a line belongs to the one before it.
    if (entry.line !== undefined) {
      isRepeated = lines.has(entry.line)
      lines.add(entry.line)
    }
    if (!isRepeated) entries.push({ ...entry, at: Math.min(now, Math.max(entry.at, polledAt)) })
  }
  return { entries, lines: [...lines].slice(-maxKnownLines) }
}

/** Its log is read from where it stood when words joined it. Others may have asked before. */
const isJoined = ({ session: { taskRun } }: Run) => (taskRun?.from ?? 0) > 0

/** Until the agent has read words of ours, a log that we joined, or that begins with those of earlier runs, may tell of those. */
const tellsOfBefore = (run: Run, ours: readonly Word[]) =>
  (isJoined(run) || resumedSession(run) !== undefined) &&
  ours.every(({ state }) => state !== 'read')

/** The prompt of this answer is lost, or comes later. The first words that are not read stood in it. */
function lostPromptAnswered(
  { log, words }: TurnAndWords,
  ours: readonly Word[],
  end: TurnEnd,
): TurnAndWords {
  const lost = ours.find(isUnread)
  if (!lost) return { log, words }
  return {
    log: endedBy({ ...log, prompts: [] }, end),
    words: moved(words, 'shown', [lost], { prompt: undefined }),
  }
}

/** The log shows words that are not known to be sent. */
function sentIfShown(run: Run, entries: readonly LogEntry[]) {
  const sending = openIntent(run, 'deliver')?.messageId
  const shown = pending(run).find(
    ({ id }) => id === sending && entries.flatMap(namedIn).includes(id),
  )
  return shown ? changed(run, handedOver(run, shown, run.session.taskRun?.id)) : run
}

/** What a task run that is over never read waits again, once the Run has an outcome. Not after a stop. */
function unreadRepeated(run: Run) {
  const { taskRun } = run.session
  const isOver = run.result.outcome && taskRun && isTerminal(taskRun.status) && !run.mailbox.stop
  if (!isOver) return run
  const words = moved(run.mailbox.words, 'left', unread(run).filter(isAdded))
  return changed(run, { mailbox: { words } })
}
