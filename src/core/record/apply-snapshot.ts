/**
 * Applies what a poll saw to a Run: the row, and the log entry by entry. A turn is a prompt and the answer with its id.
 * Only a prompt opens it again; what is logged after the answer belongs to it. Words are read where they stand in the
 * log. Only the order of the log says what is new: each sandbox has a clock of its own.
 */
import type { Fault, LogEntry, TaskRunSnapshot } from '../model/task-run.ts'
import { paragraphs } from '../text/phrases.ts'
import { openIntent } from './intents.ts'
import { isAdded, moved, pending, roundIsRead, unread } from './ledger.ts'
import type { Word } from './mailbox-part.ts'
import { handedOver } from './messages.ts'
import { newClaims } from './own-pull-request.ts'
import { changed, isTerminal, type Run, resumedSession } from './run.ts'
import { addAct, noActivity, type SessionLog, type TurnEnd } from './session-part.ts'

export function observe(run: Run, snapshot: TaskRunSnapshot, now: number): Run {
  const { taskRun, sessionLog: before } = run.session
  if (!taskRun) return run
  const { status, offset, updatedAt } = snapshot
  const wasTouched =
    updatedAt !== undefined && taskRun.updatedAt !== undefined && updatedAt !== taskRun.updatedAt
  // Any log entry, or change of the run, is a sign of life; of one that is over, only the log: others change it still.
  const livesOn =
    status !== taskRun.status || offset > logOffset(run) || (!isTerminal(status) && wasTouched)
  const { lines, log } = newEntries(run, snapshot.log, now)
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
      sessionLog: {
        ...(before ?? { turns: 0, prompts: [] }),
        absent: snapshot.unlogged ?? before?.absent,
        lines,
        offset,
      },
      summary: snapshot.summary ?? run.session.summary,
    },
    result: { claimedPulls: [...run.result.claimedPulls, ...newClaims(run, snapshot.pulls)] },
  })
  const read = withBegun(run, withoutLeft(withLog(withConfirmed(seen, log), log)), log)
  const { turns = 0 } = read.session.sessionLog ?? {}
  const isDone =
    turns > (before?.turns ?? 0) && !unread(read).some(({ kind }) => kind === 'instruction')
  return isDone ? changed(read, { result: { instructionDone: true } }) : read
}

/** The agent begins on a round when its log shows the words. Before, the Run waited for it. */
function withBegun(before: Run, run: Run, log: readonly LogEntry[]): Run {
  const first = log.find(entry => namedIn(entry).length > 0)
  if (!first || roundIsRead(before) || !roundIsRead(run)) return run
  return changed(run, { session: { began: { round: run.result.round, at: first.at } } })
}

const maxFiles = 50
const maxLines = 100

/** A batch may be stored twice. Its times are told as ours: between this look and the one before. */
function newEntries(
  run: Run,
  log: readonly LogEntry[],
  now: number,
): { lines: string[]; log: LogEntry[] } {
  const { taskRun, sessionLog } = run.session
  const lines = new Set(sessionLog?.lines)
  const seenAt = run.schedule.lastPollAt ?? taskRun?.since ?? now
  let isKnown = false
  const fresh = log.filter(({ line }) => {
    if (line !== undefined) {
      isKnown = lines.has(line)
      lines.add(line)
    }
    return !isKnown
  })
  const onTime = fresh.map(entry => ({ ...entry, at: Math.min(now, Math.max(entry.at, seenAt)) }))
  return { lines: [...lines].slice(-maxLines), log: onTime }
}

/** The log shows words that are not known to be sent. */
function withConfirmed(run: Run, log: readonly LogEntry[]): Run {
  const sending = openIntent(run, 'deliver')?.messageId
  const confirmed = pending(run).find(
    ({ id }) => id === sending && log.flatMap(namedIn).includes(id),
  )
  return confirmed ? changed(run, handedOver(run, confirmed, run.session.taskRun?.id)) : run
}

/** After a failure nobody resumes them: they are asked again. */
function withoutLeft(run: Run): Run {
  const { taskRun } = run.session
  const isOver = run.result.outcome && taskRun && isTerminal(taskRun.status) && !run.mailbox.stop
  return isOver
    ? withWords(run, moved(run.mailbox.words, 'left', unread(run).filter(isAdded)))
    : run
}

const withWords = (run: Run, words: Word[]): Run => changed(run, { mailbox: { words } })

type Of<Kind extends LogEntry['what']['kind']> = Extract<LogEntry['what'], { kind: Kind }>

/** The entry from which the log is read next. */
export const logOffset = ({ session: { taskRun, sessionLog } }: Run): number =>
  sessionLog?.offset ?? taskRun?.from ?? 0

/** The ids of the messages that the agent has read: a prompt that it refused is answered by an error, and not shown. */
export function messagesRead(log: readonly LogEntry[]): string[] {
  const failed = log.flatMap(({ what }) => (what.kind === 'error' ? [what.id] : []))
  return log
    .filter(({ what }) => what.kind !== 'prompt' || !failed.includes(what.id))
    .flatMap(namedIn)
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
    if (what.kind === 'message' && inCiTurn)
      afterwards = { at, text: what.text.slice(0, maxAfterwards) }
  }
  return { ...before, ciTurns, inCiTurn, afterwards }
}

/** What the log says of the turn, and of the words that its task run was sent. */
interface Reading {
  log: SessionLog
  words: Word[]
}

/** Its log is read from where it stood when words joined it. Others may have asked before. */
const isJoined = ({ session: { taskRun } }: Run): boolean => (taskRun?.from ?? 0) > 0

function withLog(run: Run, entries: readonly LogEntry[]): Run {
  const { taskRun, sessionLog } = run.session
  const last = entries.at(-1)
  if (!taskRun || !sessionLog || !last) return run
  const before: Reading = { log: sessionLog, words: run.mailbox.words }
  const { log, words } = entries.reduce((reading, entry) => withEntry(run, reading, entry), before)
  const activity = { ...(log.activity ?? noActivity), at: last.at }
  return changed(run, { session: { sessionLog: { ...log, activity } }, mailbox: { words } })
}

function withEntry(run: Run, { log: before, words }: Reading, entry: LogEntry): Reading {
  const { at, what } = entry
  const ours = words.filter(({ to }) => to === run.session.taskRun?.id)
  const unread = ours.filter(({ state }) => state === 'sent')
  const named = ours.filter(({ id }) => namedIn(entry).includes(id))
  const fresh = named.filter(({ state }) => state === 'sent')
  const hasBegun = ours.some(({ state }) => state === 'read')
  // Its log begins with those of the runs that it resumes.
  const isOfBefore = !isJoined(run) && resumedSession(run) !== undefined && !hasBegun
  const log = isOfBefore ? before : withCiTurns(before, [entry])
  switch (what.kind) {
    // A process answers no prompt of the one before, and waits for no permission of its.
    case 'begins':
      return {
        log: { ...log, prompts: [], permissionRequest: undefined },
        words: words.map(word => ({ ...word, prompt: undefined })),
      }
    // It is ours if words of ours stand in it, or if none are awaited: PostHog says words again after a fault.
    case 'prompt': {
      const isIdle = log.prompts.length === 0 && !log.ended && ours.at(-1)?.state !== 'sent'
      const isAsked = fresh.length > 0 || (named.length > 0 && log.ended?.stopReason !== 'end_turn')
      const ofOthers = (log.ended !== undefined && named.length === 0) || log.ofOthers
      return {
        log: isAsked || isIdle ? withPrompt(log, what.id) : { ...log, ofOthers },
        words: moved(words, 'shown', fresh, { prompt: what.id }),
      }
    }
    case 'words': {
      const isUnseen = log.prompts.length === 0 && fresh.length > 0
      return {
        log: isUnseen ? { ...log, prompts: [unseen], ended: undefined, ofOthers: false } : log,
        words: moved(words, 'shown', named, { prompt: undefined }),
      }
    }
    case 'error': {
      const refused = ours.filter(({ prompt }) => prompt === what.id)
      const broken = refused.length > 0 ? log.broken : { at, fault: what.fault }
      const place = openAt(log, what.id)
      return {
        log: place === -1 ? log : { ...log, prompts: log.prompts.toSpliced(place, 1), broken },
        words: moved(words, 'refused', refused, { prompt: undefined }),
      }
    }
    case 'answer': {
      if (what.steer || log.ofOthers || openAt(log, what.id) !== -1)
        return { log: answeredWith(log, what, at), words }
      // Its prompt is lost, or comes later. The first words that are not read stood in it.
      const [lost] = isOfBefore || (isJoined(run) && !hasBegun) ? [] : unread
      if (!lost) return { log, words }
      return {
        log: endedBy({ ...log, prompts: [] }, { at, stopReason: what.stopReason }),
        words: moved(words, 'shown', [lost], { prompt: undefined }),
      }
    }
    default:
      return { log: isOfBefore ? log : besides(run, log, entry), words }
  }
}

/** @param kept words that stay, whatever is said next */
const keeping = (kept: string | undefined): Partial<SessionLog> => ({
  answer: kept,
  kept,
  longest: undefined,
  last: undefined,
  goesOn: undefined,
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

function withPrompt(log: SessionLog, id: string): SessionLog {
  const { prompts, broken, ended } = log
  const goesOn = prompts.length > 0 || broken !== undefined
  // What others were told is none of ours. An answer before this one is kept, unless it was told.
  const kept = ended?.stopReason === 'end_turn' && !log.isReported ? log.answer : undefined
  return {
    ...log,
    ...(goesOn
      ? {}
      : { ...keeping(kept), isReported: undefined, finishes: undefined, gaveUp: undefined }),
    prompts: [...prompts, id],
    ended: undefined,
    broken: undefined,
    ofOthers: false,
  }
}

/** A prompt that is open before our log begins: ours steers its turn. Or one that is lost, and its words are not. */
const unseen = ''

const openAt = ({ prompts }: SessionLog, id: string): number =>
  prompts.indexOf(prompts.includes(id) ? id : unseen)

/** Prompts are answered in their order, but for a steer, whose turn goes on. */
function answeredWith(
  log: SessionLog,
  { id, stopReason, steer }: Of<'answer'>,
  at: number,
): SessionLog {
  const { prompts } = log
  const place = openAt(log, id)
  if (place === -1 || (steer && !prompts.includes(id))) return log
  const open = steer ? prompts.toSpliced(place, 1) : prompts.slice(place + 1)
  if (open.length > 0) return { ...log, prompts: open }
  return steer
    ? { ...log, prompts: [unseen] }
    : endedBy({ ...log, prompts: [] }, { at, stopReason })
}

const endedBy = (log: SessionLog, { at, stopReason, fault }: TurnEnd): SessionLog => ({
  ...log,
  turns: log.turns + (stopReason === 'end_turn' ? 1 : 0),
  ended: { at, stopReason, fault },
  broken: undefined,
  permissionRequest: undefined,
})

function besides({ result }: Run, log: SessionLog, { what, at }: LogEntry): SessionLog {
  const { permissionRequest: asked, waited = 0, last } = log
  switch (what.kind) {
    case 'asks':
      return { ...log, permissionRequest: { ...what.request, at } }
    case 'permitted':
      if (asked?.id !== what.id) return log
      return { ...log, permissionRequest: undefined, waited: waited + at - (asked.at ?? at) }
    case 'goes-on':
      return { ...log, goesOn: true }
  }
  if (log.ofOthers) return log
  switch (what.kind) {
    case 'gives-up':
      return log.broken
        ? endedBy(log, { ...log.broken, fault: better(what.fault, log.broken.fault) })
        : log
    case 'finishes':
      return { ...log, finishes: true, gaveUp: what.gaveUp, ...keeping(log.answer) }
    case 'message':
      return log.ended && result.outcome ? log : saying(behindAnswer(log), what.text)
    case 'acts':
    case 'plan':
      return {
        ...log,
        last: last && !log.ended ? { ...last, leads: true } : last,
        activity: addAct(log.activity ?? noActivity, what),
      }
    default:
      return log
  }
}

/** Until its answer is known to people, what comes behind it is added. Codex begins turns of its own, which count alike. */
const behindAnswer = (log: SessionLog): SessionLog =>
  log.ended && !log.goesOn
    ? { ...log, ...keeping(log.isReported ? undefined : log.answer), isReported: undefined }
    : log

/** The server gives the class. Of a status of the provider, only the error of the prompt says more than its number. */
function better(last: Fault | undefined, first: Fault | undefined): Fault {
  const isBare = last === undefined || last.text === '' || /^unexpected status \d+$/.test(last.text)
  return { class: last?.class ?? first?.class, text: (isBare ? first?.text : last.text) ?? '' }
}
