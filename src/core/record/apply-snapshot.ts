/**
 * Applies what a poll saw to a Run: the row, and the log entry by entry. A turn is a prompt and the answer with its id.
 * Only a prompt opens it again; what is logged after the answer belongs to it. Words are read where they stand in the
 * log.
 */
import type { Fault, LogEntry, TaskRunSnapshot } from '../model/task-run.ts'
import { paragraphs } from '../text/phrases.ts'
import { openIntent } from './intents.ts'
import { inTaskRun, isAdded, moved, pending, roundIsRead, unread, wasSent } from './ledger.ts'
import { handedOver } from './messages.ts'
import { newClaims } from './own-pull-request.ts'
import { changed, isTerminal, type Run } from './run.ts'
import { addAct, noActivity, type SessionLog } from './session-part.ts'

export function observe(run: Run, snapshot: TaskRunSnapshot, now: number): Run {
  const { taskRun, sessionLog: before } = run.session
  if (!taskRun) return run
  const { status, offset, updatedAt } = snapshot
  const wasTouched =
    updatedAt !== undefined && taskRun.updatedAt !== undefined && updatedAt !== taskRun.updatedAt
  // Any log entry, or change of the run, is a sign of life; of one that is over, only the log: others change it still.
  const livesOn = status !== taskRun.status || offset > logOffset(run) || (!isTerminal(status) && wasTouched)
  const seen: Run = changed(run, {
    session: {
      taskRun: {
        ...taskRun,
        status,
        changedAt: livesOn ? now : taskRun.changedAt,
        updatedAt: updatedAt ?? taskRun.updatedAt,
        error: snapshot.error ?? taskRun.error,
        marker: snapshot.marker ?? taskRun.marker,
        files: snapshot.files?.slice(0, maxFiles),
        headBranch: snapshot.headBranch ?? taskRun.headBranch,
        model: snapshot.model ?? taskRun.model,
        effort: snapshot.effort ?? taskRun.effort,
        authorship: snapshot.authorship ?? taskRun.authorship,
      },
      sessionLog: readLog(run, snapshot, now),
      summary: snapshot.summary ?? run.session.summary,
    },
    result: { claimedPulls: [...run.result.claimedPulls, ...newClaims(run, snapshot.pulls)] },
  })
  const read = withBegun(run, withRead(seen, messagesRead(snapshot.log)), snapshot.log, now)
  const { turns = 0 } = read.session.sessionLog ?? {}
  const isDone = turns > (before?.turns ?? 0) && !unread(read).some(({ kind }) => kind === 'instruction')
  return isDone ? changed(read, { result: { instructionDone: true } }) : read
}

/** The agent begins on a round when its log shows the words. Before, the Run waited for it. */
function withBegun(before: Run, run: Run, log: LogEntry[], now: number): Run {
  const first = log.find(entry => namedIn(entry).length > 0)
  if (!first || roundIsRead(before) || !roundIsRead(run)) return run
  return changed(run, { session: { began: { round: run.result.round, at: clockOf(before, now)(first.at) } } })
}

const maxFiles = 50

function withRead(run: Run, ids: readonly string[]): Run {
  const { taskRun } = run.session
  const sending = openIntent(run, 'deliver')?.messageId
  const confirmed = pending(run).find(({ id }) => id === sending && ids.includes(id))
  const sent = confirmed ? changed(run, handedOver(run, confirmed, taskRun?.id, 'shown')) : run
  const shown = inTaskRun(sent).filter(({ id }) => ids.includes(id))
  const read = changed(sent, { mailbox: { words: moved(sent.mailbox.words, 'shown', shown) } })
  const isLeft = run.result.outcome && taskRun && isTerminal(taskRun.status) && !run.mailbox.stop
  // After a failure nobody resumes them: they are asked again.
  const left = isLeft ? unread(read).filter(isAdded) : []
  return changed(read, { mailbox: { words: moved(read.mailbox.words, 'left', left) } })
}

type Of<Kind extends LogEntry['what']['kind']> = Extract<LogEntry['what'], { kind: Kind }>

/** The entry from which the log is read next. */
export const logOffset = ({ session: { taskRun, sessionLog } }: Run): number =>
  (sessionLog?.prompts ? sessionLog.offset : taskRun?.from) ?? 0

function readLog(run: Run, snapshot: TaskRunSnapshot, now: number): SessionLog {
  const { sessionLog } = run.session
  const before: SessionLog = {
    ...(sessionLog?.prompts ? sessionLog : { turns: 0 }),
    prompts: sessionLog?.prompts ?? [],
    absent: snapshot.unlogged ?? sessionLog?.absent,
    offset: snapshot.offset,
  }
  const ours = new Set([
    run.id,
    openIntent(run, 'deliver')?.messageId,
    ...run.mailbox.words.filter(wasSent).map(({ id }) => id),
  ])
  const last = inTaskRun(run).at(-1)
  let awaited = last?.state === 'sent' ? last.id : undefined
  const clock = clockOf(run, now)
  const read = messagesRead(snapshot.log)
  let after = withCiTurns(before, snapshot.log)
  for (const entry of snapshot.log) {
    after = withEntry(after, entry, { clock, ours, awaited, isReported: run.result.outcome !== undefined })
    if (namedIn(entry).some(id => id === awaited && read.includes(id))) awaited = undefined
  }
  const at = snapshot.log.at(-1)?.at
  return at === undefined ? after : { ...after, activity: { ...(after.activity ?? noActivity), at } }
}

/** The time is PostHog's, within what our clock has seen. */
function clockOf({ schedule, session }: Run, now: number): (at: number) => number {
  const seenAt = schedule.lastPollAt ?? session.taskRun?.since ?? now
  return at => Math.min(now, Math.max(at, seenAt))
}

/**
 * The ids of the messages that the agent has read. A prompt that came while it could take none is answered by an error,
 * and not shown as the user's.
 */
export function messagesRead(log: readonly LogEntry[]): string[] {
  const failed = log.flatMap(({ what }) => (what.kind === 'error' ? [what.id] : []))
  return log.filter(({ what }) => what.kind !== 'prompt' || !failed.includes(what.id)).flatMap(namedIn)
}

const namedIn = ({ what }: LogEntry): string[] =>
  what.kind === 'words' || what.kind === 'prompt' ? what.messages : []

const maxAfterwards = 1_000

/** The turns in which PostHog sends its agent to the pull request. Of another prompt, nothing is said here. */
export function withCiTurns(before: SessionLog, entries: readonly LogEntry[]): SessionLog {
  let { ciTurns, inCiTurn, afterwards } = before
  for (const { at, what } of entries) {
    if (what.kind === 'begins') inCiTurn = undefined
    if (what.kind === 'prompt') inCiTurn = what.byPostHog
    if (what.kind === 'prompt' && what.byPostHog) ciTurns = (ciTurns ?? 0) + 1
    if (what.kind === 'message' && inCiTurn) afterwards = { at, text: what.text.slice(0, maxAfterwards) }
  }
  return { ...before, ciTurns, inCiTurn, afterwards }
}

interface Reading {
  clock(at: number): number
  /** The ids of words of this Run, and of those that were sent last if the log did not show them yet. */
  ours: ReadonlySet<string | undefined>
  awaited: string | undefined
  /** What it said is told. */
  isReported: boolean
}

function withEntry(log: SessionLog, { at, what }: LogEntry, reading: Reading): SessionLog {
  switch (what.kind) {
    case 'begins':
      return { ...log, prompts: [] }
    case 'prompt':
      return withPrompt(log, what, reading)
    case 'words':
      return withWords(log, what, reading)
    case 'asks':
      return { ...log, permissionRequest: { ...what.request, at } }
    case 'permitted': {
      const { permissionRequest: asked, waited = 0 } = log
      if (asked?.id !== what.id) return log
      return { ...log, permissionRequest: undefined, waited: waited + at - (asked.at ?? at) }
    }
    case 'goes-on':
      return { ...log, goesOn: true }
    default: {
      // The words of turns that Codex begins itself belong to the answer before, until that is told.
      const isLater = log.ended && !(what.kind === 'message' && log.goesOn && !reading.isReported)
      return log.ofOthers || isLater ? log : inTurn(log, what, reading.clock(at))
    }
  }
}

function inTurn(
  log: SessionLog,
  what: Of<'answer' | 'error' | 'gives-up' | 'finishes' | 'message' | 'acts' | 'plan' | 'activity'>,
  at: number,
): SessionLog {
  switch (what.kind) {
    case 'answer':
      return answeredWith(log, what, at)
    case 'error':
      return brokenBy(log, what, at)
    case 'gives-up':
      return log.broken ? ended(log, { ...log.broken, fault: better(what.fault, log.broken.fault) }) : log
    case 'finishes':
      return { ...log, gaveUp: what.gaveUp, ...keeping(log.answer) }
    case 'message':
      return saying(log, what.text)
    case 'acts':
    case 'plan':
      return {
        ...log,
        last: log.last && { ...log.last, leads: true },
        activity: addAct(log.activity ?? noActivity, what),
      }
    case 'activity':
      return log
  }
}

/** @param kept words that stay, whatever is said next */
const keeping = (kept: string | undefined): Partial<SessionLog> => ({
  ...{ answer: kept, kept, longest: undefined, last: undefined, goesOn: undefined },
})

/** Characters of a line on a page. */
const line = 100

/** Above last words that are short stands the longest that was said before. */
function saying({ last, longest = '', ...log }: SessionLog, text: string): SessionLog {
  const before = last && !announces(last) && last.text.length > longest.length ? last.text : longest
  const above = text.length < Math.min(line, before.length) ? before : undefined
  const answer = paragraphs([log.kept, above, text])
  return { ...log, answer, longest: before, last: { text } }
}

/** What is said right before a tool only says what comes, if it is short or begins so. */
const announces = ({ text, leads }: NonNullable<SessionLog['last']>): boolean =>
  leads === true && (text.length < line || (promises.test(text) && !text.includes('\n')))

const promises =
  /^(?:(?:now|next|first|then|ok|okay)\b,? )?(?:(?:i|we)(?:['’]ll| will|(?:['’]m|['’]re| am| are) (?:now )?\w+ing)|let(?: me|['’]s)) /i

/** The server gives the class. Of a status of the provider, only the error of the prompt says more than its number. */
function better(last: Fault | undefined, first: Fault | undefined): Fault {
  const isBare = last === undefined || last.text === '' || /^unexpected status \d+$/.test(last.text)
  return { class: last?.class ?? first?.class, text: (isBare ? first?.text : last.text) ?? '' }
}

/** A prompt that is open before our log begins: ours steers its turn. */
const unseen = ''

/** A prompt is ours if words of ours stand in it, or if no other is awaited: PostHog says words again after a fault. */
function withPrompt(log: SessionLog, { id, messages }: Of<'prompt'>, { ours, awaited }: Reading): SessionLog {
  const { prompts = [], broken } = log
  const isAsked = messages.some(each => ours.has(each))
  if (!isAsked && awaited === undefined && log.ended) return { ...log, ofOthers: true }
  if (!isAsked && (awaited !== undefined || prompts.length > 0)) return log
  const goesOn = prompts.length > 0 || broken !== undefined
  // What others were told is none of ours. An answer before this one is kept, unless it was told.
  const kept = log.ended?.stopReason === 'end_turn' && !log.isReported ? log.answer : undefined
  return {
    ...log,
    ...(goesOn ? {} : { ...keeping(kept), isReported: undefined, gaveUp: undefined }),
    prompts: [...prompts, id],
    ended: undefined,
    broken: undefined,
    ofOthers: false,
  }
}

/** The prompt of awaited words was not known as ours, whatever stood in it. */
function withWords(log: SessionLog, { messages }: Of<'words'>, { awaited }: Reading): SessionLog {
  const isOfUnseen = log.prompts?.length === 0 && messages.some(id => id === awaited)
  return isOfUnseen ? { ...log, prompts: [unseen], ended: undefined, ofOthers: false } : log
}

/** @returns the prompts that are left open once the one with this id is answered; nothing for one of others */
function leftOpen({ prompts = [] }: SessionLog, id: string): string[] | undefined {
  const at = prompts.includes(id) ? prompts.indexOf(id) : prompts.indexOf(unseen)
  return at === -1 ? undefined : prompts.toSpliced(at, 1)
}

function answeredWith(log: SessionLog, { id, stopReason, steer }: Of<'answer'>, at: number): SessionLog {
  if (steer && !log.prompts?.includes(id)) return log
  const prompts = leftOpen(log, id)
  if (!prompts) return log
  if (steer) return { ...log, prompts: prompts.length > 0 ? prompts : [unseen] }
  if (prompts.length > 0) return { ...log, prompts }
  const turns = log.turns + (stopReason === 'end_turn' ? 1 : 0)
  return ended({ ...log, prompts, turns }, { at, stopReason })
}

function brokenBy(log: SessionLog, { id, fault }: Of<'error'>, at: number): SessionLog {
  const prompts = leftOpen(log, id)
  return prompts ? { ...log, prompts, broken: { at, fault } } : log
}

const ended = (log: SessionLog, end: NonNullable<SessionLog['ended']>): SessionLog => ({
  ...log,
  ended: end,
  broken: undefined,
  permissionRequest: undefined,
})
