/** Reads records with the key names used before November 2026. Pure. */

export type Keyed = Readonly<Record<string, unknown>>
type Names = Readonly<Record<string, string>>

const ofRun: Names = {
  ask: 'request',
  turn: 'admitted',
  turnAt: 'admissionExpectedAt',
  context: 'threadContext',
  heard: 'sessionLog',
  told: 'announced',
  mute: 'readOnlyThread',
  notesRead: 'messagesRead',
  notesUnread: 'messagesUnread',
  asked: 'instructionSent',
  undelivered: 'pendingFollowUps',
  delivered: 'handledMessageIds',
  dropped: 'droppedMessageIds',
  passedOn: 'followUpsSent',
  saidAt: 'lastWordsAt',
  unheeded: 'ignoredStop',
  unheard: 'threadBlocked',
  nextLookAt: 'nextPollAt',
  lastLookAt: 'lastPollAt',
  yielding: 'releaseThread',
  notes: 'messages',
  said: 'lastMessageId',
}

const messageKinds: Names = {
  more: 'follow-up',
  unheeded: 'ignored-stop',
  look: 'poll',
  yield: 'release-thread',
}

export const runOfToday = (stored: unknown): unknown =>
  within(renamed(stored, ofRun), {
    request: requestOfToday,
    outcome: outcome => renamed(outcome, { is: 'kind' }),
    intent: intent => renamed(intent, { effect: 'kind', note: 'messageId' }),
    taskRun: taskRun => renamed(taskRun, { notes: 'messages', said: 'lastMessageId' }),
    sessionLog: log =>
      renamed(log, { asks: 'permissionRequest', awaits: 'awaitedMessageId', others: 'ofOthers' }),
    pulls: each(pull => renamed(pull, { note: 'remark' })),
    pendingFollowUps: each(messageOfToday),
  })

const requestOfToday = (request: unknown): unknown =>
  within(request, {
    origin: origin =>
      within(renamed(origin, { by: 'kind', place: 'commentRef' }), { commentRef: refOfToday }),
  })

const refOfToday = (ref: unknown): unknown => renamed(ref, { in: 'kind' })

export function messageOfToday(stored: unknown): unknown {
  const message = renamed(stored, { says: 'kind' })
  if (!isKeyed(message) || typeof message.kind !== 'string') return message
  return { ...message, kind: own(messageKinds, message.kind) ?? message.kind }
}

export const triggerOfToday = (stored: unknown): unknown =>
  within(renamed(stored, { noted: 'pendingMessage' }), {
    pendingMessage: pending => renamed(pending, { noteId: 'messageId', note: 'message', told: 'sent' }),
    trigger: trigger =>
      within(renamed(trigger, { place: 'commentRef' }), {
        commentRef: refOfToday,
        what: what => renamed(what, { of: 'kind' }),
      }),
  })

function renamed(value: unknown, names: Names): unknown {
  if (!isKeyed(value)) return value
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const name = own(names, key)
    if (name === undefined) return [[key, item]]
    return Object.hasOwn(value, name) ? [] : [[name, item]]
  })
  return Object.fromEntries(entries)
}

export function within(value: unknown, parts: Readonly<Record<string, (part: unknown) => unknown>>): unknown {
  if (!isKeyed(value)) return value
  const entries = Object.entries(value).map(([key, item]) => [key, own(parts, key)?.(item) ?? item])
  return Object.fromEntries(entries)
}

const each =
  (part: (item: unknown) => unknown) =>
  (list: unknown): unknown =>
    Array.isArray(list) ? list.map(part) : list

export const isKeyed = (value: unknown): value is Keyed =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const own = <T>(value: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(value, key) ? value[key] : undefined
