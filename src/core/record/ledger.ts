/**
 * The words for the agent, in the order in which they are said. The first is the instruction, whose text the request
 * has. What becomes of words moves them on, and nothing else does:
 * - `sent`: a step had PostHog take them.
 * - `shown`: the log has them, in a prompt or as the user's.
 * - `refused`: an error answered their prompt, and the log does not show them as the user's.
 * - `left`: their task run is over and never read them. They are said again.
 * - `dropped`: their writer, a stop or a refusal takes back what was not sent.
 */
import type { Word, WordState } from './mailbox-part.ts'
import type { Run } from './run.ts'

type Event = 'sent' | 'shown' | 'refused' | 'left' | 'dropped'

const moves: Readonly<Record<Event, Partial<Record<Word['state'], Word['state']>>>> = {
  sent: { waiting: 'sent' },
  shown: { sent: 'read', read: 'read' },
  refused: { read: 'sent' },
  left: { sent: 'waiting' },
  dropped: { waiting: 'dropped' },
}

export type AddedWord = Word & { kind: 'follow-up' }
type Mailed = { mailbox: Pick<Run['mailbox'], 'words'> }
type Sending = Mailed & Pick<Run, 'session'>

/** @param differs what else is known of them then */
export const moved = (
  words: readonly Word[],
  event: Event,
  which: readonly Pick<Word, 'id'>[],
  differs: Partial<WordState> = {},
): Word[] =>
  words.map(word => {
    const state = which.some(({ id }) => id === word.id) ? moves[event][word.state] : undefined
    return state ? afterMove({ ...word, ...differs, state }, event) : word
  })

function afterMove(word: Word, event: Event): Word {
  if (event === 'left') return { ...word, to: undefined, again: true }
  // Nobody is to read them any more.
  const isGone = event === 'dropped' && word.kind === 'follow-up' && !word.again
  return isGone ? { ...word, text: '', inline: undefined, attached: undefined } : word
}

/** What waits again was sent before, and its sender knows. */
export const wasSent = ({ state, again }: Word): boolean =>
  state === 'sent' || state === 'read' || again === true

export const isAdded = (word: Word): word is AddedWord => word.kind === 'follow-up'

export const nextWord = ({ mailbox: { words } }: Mailed): Word | undefined =>
  words.find(({ state }) => state === 'waiting')

/** What waits of the words that came after the instruction. */
export const pending = ({ mailbox: { words } }: Mailed): AddedWord[] =>
  words.filter(isAdded).filter(({ state }) => state === 'waiting')

export const instructionSent = ({ mailbox: { words } }: Mailed): boolean =>
  words.some(({ kind, state }) => kind === 'instruction' && state !== 'waiting')

type OfRounds = { mailbox?: Mailed['mailbox']; result?: { round?: number } | undefined }

/** The words that were sent since the last outcome. After the first outcome, a round is about nothing else. */
export const wordsOfRound = ({ mailbox, result }: OfRounds): AddedWord[] =>
  (mailbox?.words ?? []).filter(isAdded).filter(({ round }) => round === (result?.round ?? 0))

/** The agent has read what its round began with. */
export const roundIsRead = (run: Mailed & { result: Pick<Run['result'], 'round'> }): boolean =>
  run.result.round === 0
    ? run.mailbox.words.some(({ kind, state }) => kind === 'instruction' && state === 'read')
    : wordsOfRound(run).some(({ state }) => state === 'read')

/** What people added, in all rounds. */
export const wordsAdded = ({ mailbox: { words } }: Mailed): AddedWord[] =>
  words.filter(isAdded).filter(word => wasSent(word) && !word.resumes)

/** What its task run was sent, in that order. */
export const inTaskRun = ({ mailbox: { words }, session: { taskRun } }: Sending): Word[] =>
  words.filter(({ to }) => to !== undefined && to === taskRun?.id)

/** What people said to it, and its log does not show. */
export const unread = (run: Sending): Word[] =>
  inTaskRun(run).filter(word => word.state === 'sent' && !(isAdded(word) && word.resumes))

/** An agent refuses words while its first prompt does not stand in the log, and may fail with them. */
export const isBooting = (run: Sending): boolean =>
  !run.session.taskRun?.from &&
  !run.session.sessionLog?.absent &&
  inTaskRun(run).at(0)?.state === 'sent'

/** Whether words are on their way to the agent: those sent last, or follow-ups, as it may read later ones first. */
export const isAwaited = (run: Sending): boolean =>
  inTaskRun(run).at(-1)?.state === 'sent' || unread(run).some(isAdded)
