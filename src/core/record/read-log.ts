/**
 * Reads the agent's log, entry by entry. A turn is a prompt and the answer with its id. Only a prompt opens it again;
 * what is logged after the answer belongs to it. Words are read where they stand in the log.
 */
import type { Fault, LogEntry, TaskRunSnapshot } from '../model/task-run.ts'
import { openIntent } from './intents.ts'
import type { Run } from './run.ts'
import { addAct, noActivity, type SessionLog } from './session-part.ts'

type Of<Kind extends LogEntry['what']['kind']> = Extract<LogEntry['what'], { kind: Kind }>

/** The entry from which the log is read next. */
export const logOffset = ({ session: { taskRun, sessionLog } }: Run): number =>
  (sessionLog?.prompts ? sessionLog.offset : taskRun?.from) ?? 0

export function readLog(run: Run, snapshot: TaskRunSnapshot, now: number): SessionLog {
  const { sessionLog, taskRun } = run.session
  const before: SessionLog = {
    ...(sessionLog?.prompts ? sessionLog : { awaitedMessageId: sessionLog?.awaitedMessageId, turns: 0 }),
    prompts: sessionLog?.prompts ?? [],
    absent: snapshot.unlogged ?? sessionLog?.absent,
    offset: snapshot.offset,
  }
  const awaited = sessionLog?.awaitedMessageId
  const sent = openIntent(run, 'deliver')?.messageId
  const isOurs = (id: string): boolean =>
    id === run.id || id === awaited || id === sent || run.mailbox.handledMessageIds.includes(id)
  // The time is PostHog's, within what our clock has seen.
  const seenAt = run.schedule.lastPollAt ?? taskRun?.since ?? now
  const clock = (at: number): number => Math.min(now, Math.max(at, seenAt))
  const counted = withCiTurns(before, snapshot.log)
  const after = snapshot.log.reduce((log, entry) => withEntry(log, entry, { clock, isOurs }), counted)
  const at = snapshot.log.at(-1)?.at
  return at === undefined ? after : { ...after, activity: { ...(after.activity ?? noActivity), at } }
}

const maxAfterwards = 1_000

/** The turns in which PostHog sends its agent to look at the checks. Of another prompt, nothing is said here. */
export function withCiTurns(before: SessionLog, entries: readonly LogEntry[]): SessionLog {
  let { ciTurns, inCiTurn, afterwards } = before
  for (const { at, what } of entries) {
    if (what.kind === 'begins' || what.kind === 'prompt') inCiTurn = undefined
    if (what.kind === 'words' && what.ofCi) {
      ciTurns = (ciTurns ?? 0) + 1
      inCiTurn = true
    }
    if (what.kind === 'message' && inCiTurn) afterwards = { at, text: what.text.slice(0, maxAfterwards) }
  }
  return { ...before, ciTurns, inCiTurn, afterwards }
}

interface Reading {
  clock(at: number): number
  isOurs(messageId: string): boolean
}

function withEntry(log: SessionLog, { at, what }: LogEntry, { clock, isOurs }: Reading): SessionLog {
  switch (what.kind) {
    case 'begins':
      return { ...log, prompts: [] }
    case 'prompt':
      return withPrompt(log, what, isOurs)
    case 'words':
      return withWords(log, what, isOurs)
    case 'asks':
      return { ...log, permissionRequest: what.request }
    case 'permitted':
      return log.permissionRequest?.id === what.id ? { ...log, permissionRequest: undefined } : log
    case 'progress':
      return log
    default:
      return log.ofOthers || log.ended ? log : inTurn(log, what, clock(at))
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
      return { ...log, finishes: true, kept: log.answer }
    case 'message':
      return { ...log, answer: log.kept ? `${log.kept}\n\n${what.text}` : what.text }
    case 'acts':
    case 'plan':
      return { ...log, activity: addAct(log.activity ?? noActivity, what) }
    case 'activity':
      return log
  }
}

/** The server gives the class. Of a status of the provider, only the error of the prompt says more than its number. */
function better(last: Fault | undefined, first: Fault | undefined): Fault {
  const isBare = last === undefined || last.text === '' || /^unexpected status \d+$/.test(last.text)
  return { class: last?.class ?? first?.class, text: (isBare ? first?.text : last.text) ?? '' }
}

/** A prompt that is open before our log begins: ours steers its turn. */
const unseen = ''

/** A prompt is ours if words of ours stand in it, or if no other is awaited: PostHog says words again after a fault. */
function withPrompt(log: SessionLog, { id, messages }: Of<'prompt'>, isOurs: Reading['isOurs']): SessionLog {
  const { awaitedMessageId, prompts = [], broken } = log
  const isAsked = messages.some(isOurs)
  if (!isAsked && awaitedMessageId === undefined && log.ended) return { ...log, ofOthers: true }
  if (!isAsked && (awaitedMessageId !== undefined || prompts.length > 0)) return log
  const goesOn = prompts.length > 0 || broken !== undefined
  // What others were told is none of ours. An answer before this one is kept, unless it was told.
  const kept = log.ended?.stopReason === 'end_turn' && !log.isReported ? log.answer : undefined
  return {
    ...withTaken(log, messages, isOurs),
    ...(goesOn ? {} : { answer: kept, kept, isReported: undefined, finishes: undefined }),
    prompts: [...prompts, id],
    ended: undefined,
    broken: undefined,
    ofOthers: false,
  }
}

function withTaken(log: SessionLog, messages: readonly string[], isOurs: Reading['isOurs']): SessionLog {
  const { awaitedMessageId } = log
  const isTaken = awaitedMessageId !== undefined && messages.includes(awaitedMessageId)
  return {
    ...log,
    takenUp: messages.filter(isOurs),
    awaitedMessageId: isTaken ? undefined : awaitedMessageId,
  }
}

function withWords(log: SessionLog, { messages }: Of<'words'>, isOurs: Reading['isOurs']): SessionLog {
  if (!messages.some(isOurs)) return log
  const taken = withTaken(log, messages, isOurs)
  // Its prompt was not known as ours, whatever stood in it.
  const isOfUnseen = taken.prompts?.length === 0 && taken.awaitedMessageId !== log.awaitedMessageId
  return isOfUnseen ? { ...taken, prompts: [unseen], ended: undefined, ofOthers: false } : taken
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
