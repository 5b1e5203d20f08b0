/** Says something once, whatever is lost on the way: it is decided and written down, and sent only then. */
import { type Reply, replyComment } from '../../core/comments/replies.ts'
import { maxComment } from '../../core/comments/words.ts'
import { ComeBack, Unanswered } from '../../core/faults.ts'
import type { Marker } from '../../core/marker.ts'
import { limits } from '../../core/pace.ts'
import { NotSettled } from '../not-settled.ts'
import type { Answer } from '../trigger-record.ts'
import { commandId, placeOf, type TriggerHand } from './hand.ts'

const skew = 60_000
const day = 24 * 60 * 60_000

/** Strangers get one refusal and one help a day in a thread, so that nobody can make the bot talk. */
export async function isRepeated(hand: TriggerHand, words: Reply): Promise<boolean> {
  const as = kindOf(words)
  if (as !== 'refusal' && !(as === 'help' && hand.stranger)) return false
  const sent = await ownMarked(hand, as, hand.deps.now() - day)
  return sent.some(({ marker }) => marker.to === hand.record.trigger.sender.id)
}

function kindOf({ reply }: Reply): Marker['as'] {
  switch (reply) {
    case 'status':
      return 'status-reply'
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
  await hand.save({ ...hand.record, answer: { text, as: kindOf(words), last, well } })
  await sendAnswer(hand)
}

/** Sends what was decided, unless an earlier attempt of which nothing is recorded did. */
export async function sendAnswer(hand: TriggerHand): Promise<void> {
  const { answer } = hand.record
  if (!answer) return
  const marker = markerOf(hand, answer)
  if (answer.begunAt === undefined || !(await isThere(hand, marker, answer.begunAt)))
    await send(hand, answer, marker)
  if (answer.as === 'status-reply') await deleteOlder(hand, marker)
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

/** Only the newest answer to "status" is of any use. */
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
): Promise<{ id: number; marker: Marker }[]> {
  const { thread } = hand.record.trigger
  const comments = await hand.github.ownComments(since, placeOf(hand))
  return comments.flatMap(({ id, body }) =>
    hand.deps.signer
      .read(body, thread)
      .filter(marker => marker.as === as)
      .map(marker => ({ id, marker })),
  )
}
