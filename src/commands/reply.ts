/** Says something once, whatever is lost on the way: it is decided and written down, and sent only then. */
import { type Reply, replyComment } from '../core/comments/replies.ts'
import { maxComment } from '../core/comments/words.ts'
import { ComeBack, Unanswered } from '../core/model/errors.ts'
import type { Marker } from '../core/model/marker.ts'
import { NotSettled } from '../core/model/result-pending.ts'
import { threadSlot } from '../core/model/thread.ts'
import { limits } from '../core/run/timing.ts'
import { commandId, placeOf, type TriggerHand } from './command-context.ts'
import type { Answer } from './trigger-record.ts'

const skew = 60_000
const minute = 60_000
const day = 24 * 60 * minute
/** How long an answer about this moment is enough for a stranger. */
const momentary = 10 * minute

/** Strangers get each answer once in a while in a thread, so that nobody can make the bot talk. */
export async function isRepeated(hand: TriggerHand, words: Reply): Promise<boolean> {
  const limit = limitOf(hand, words)
  if (!limit) return false
  const since = hand.deps.now() - limit.within
  const name = toldAs(hand, limit.as)
  if (hand.told.has(name, since)) return true
  // Another process may have said it, or this one before it was started again.
  const sent = await ownMarked(hand, limit.as, since)
  const last = sent.findLast(({ marker }) => marker.to === hand.record.trigger.sender.id)
  if (last) hand.told.note(name, last.createdAt)
  return last !== undefined
}

/** Known without a call: then the answer need not even be found out. */
export function toldLately(hand: TriggerHand, of: 'status' | 'queue'): boolean {
  const as = `${of}-reply` as const
  return hand.stranger && hand.told.has(toldAs(hand, as), hand.deps.now() - momentary)
}

const toldAs = ({ record: { trigger } }: TriggerHand, as: Marker['as']): string =>
  `${as} ${threadSlot(trigger.thread)} ${trigger.sender.id}`

interface Limit {
  as: Marker['as']
  /** ms */
  within: number
}

function limitOf({ stranger }: TriggerHand, words: Reply): Limit | undefined {
  const as = kindOf(words)
  if (as === 'refusal') return { as, within: day }
  if (!stranger) return undefined
  if (words.reply === 'gave-up') return { as: 'refusal', within: day }
  if (as === 'help') return { as, within: day }
  return as === 'status-reply' || as === 'queue-reply' ? { as, within: momentary } : undefined
}

function kindOf({ reply }: Reply): Marker['as'] {
  switch (reply) {
    case 'status':
      return 'status-reply'
    case 'queue':
      return 'queue-reply'
    case 'help':
      return 'help'
    case 'not-allowed':
    case 'not-known':
      return 'refusal'
    default:
      return 'reply'
  }
}

/** `last`: nothing more will be said about the command. */
export async function reply(
  hand: TriggerHand,
  words: Reply,
  { last, well }: Pick<Answer, 'last' | 'well'>,
): Promise<void> {
  const text = replyComment(hand.record.trigger.sender.login, words)
  const as = limitOf(hand, words)?.as ?? kindOf(words)
  await hand.save({ ...hand.record, answer: { text, as, last, well } })
  await sendAnswer(hand)
  hand.told.note(toldAs(hand, as), hand.deps.now())
}

/** Sends what was decided, unless an earlier attempt of which nothing is recorded did. */
export async function sendAnswer(hand: TriggerHand): Promise<void> {
  const { answer } = hand.record
  if (!answer) return
  const marker = markerOf(hand, answer)
  if (answer.begunAt === undefined || !(await isThere(hand, marker, answer.begunAt)))
    await send(hand, answer, marker)
  if (answer.as === 'status-reply' || answer.as === 'queue-reply') await deleteOlder(hand, marker)
}

const markerOf = (hand: TriggerHand, { as, last }: Answer): Marker => {
  const { thread, sender } = hand.record.trigger
  const run = `${commandId(hand)}${last ? '' : '-first'}`
  return { run, repo: thread.repoId, thread: thread.number, as, to: sender.id }
}

async function isThere(hand: TriggerHand, { run, as }: Marker, begunAt: number): Promise<boolean> {
  const lookedAt = hand.deps.now()
  const sent = await ownMarked(hand, as, begunAt - skew)
  if (sent.some(({ marker }) => marker.run === run)) return true
  const lostAt = hand.record.answer?.lostAt ?? hand.deps.now()
  await note(hand, { begunAt, lostAt })
  const settled = lostAt + limits.unanswered
  if (lookedAt < settled) throw new NotSettled(settled)
  return false
}

async function send(hand: TriggerHand, { text }: Answer, marker: Marker): Promise<void> {
  const signed = hand.deps.signer.write(marker)
  await note(hand, { begunAt: hand.deps.now(), lostAt: undefined })
  await hand.job.assertHeld()
  try {
    const whole = `${text.slice(0, maxComment - signed.length - 2)}\n\n${signed}`
    await hand.github.comment(whole, placeOf(hand))
  } catch (error) {
    if (error instanceof ComeBack) await note(hand, { begunAt: undefined, lostAt: undefined })
    if (error instanceof Unanswered)
      await note(hand, { begunAt: hand.record.answer?.begunAt, lostAt: hand.deps.now() })
    throw error
  }
  hand.deps.reached('reply posted, not recorded')
}

type Attempt = Record<'begunAt' | 'lostAt', number | undefined>

async function note(hand: TriggerHand, attempt: Attempt): Promise<void> {
  const { answer } = hand.record
  if (answer) await hand.save({ ...hand.record, answer: { ...answer, ...attempt } })
}

/** Only the newest answer to `status` is of any use, and so it is with `queue`. */
async function deleteOlder(hand: TriggerHand, { run, as }: Marker): Promise<void> {
  const sent = await ownMarked(hand, as)
  const mine = sent.findIndex(({ marker }) => marker.run === run)
  for (const { id } of sent.slice(0, Math.max(0, mine))) await hand.github.deleteComment(id)
}

/** Oldest first. */
async function ownMarked(
  hand: TriggerHand,
  as: Marker['as'],
  since?: number,
): Promise<{ id: number; createdAt: number; marker: Marker }[]> {
  const { thread } = hand.record.trigger
  const comments = await hand.github.ownComments(since, placeOf(hand))
  return comments.flatMap(({ id, body, createdAt }) =>
    hand.deps.signer
      .read(body, thread)
      .filter(marker => marker.as === as)
      .map(marker => ({ id, createdAt, marker })),
  )
}
