/**
 * What a command says for itself: a reply, posted exactly once, for it is saved first and looked for before it is posted
 * again; and a reaction.
 */

import { threadSlot } from '../core/model/thread.ts'
import { day, minute, second } from '../core/model/time.ts'
import { type OwnComment, type Posted, reactions, type Sign } from '../core/model/views.ts'
import { type EffectAttempt, exactlyOnce } from '../core/record/intents.ts'
import type { Marker } from '../core/record/marker.ts'
import { type Reply, replyComment } from '../core/words/replies.ts'
import { saying } from '../core/words/say.ts'
import {
  type CommandContext,
  commandId,
  commentRefOf,
  isStranger,
  mayCost,
  reactionTargetOf,
} from './command-context.ts'
import type { ReplySign } from './trigger-record.ts'

/** What a marker calls a reply, and for how long, in ms, whoever had one gets no more. */
interface ReplyLimit {
  as: Marker['as']
  within: number
}

const replyLimits: Record<Reply['limit'], ReplyLimit> = {
  'one refusal a day': { as: 'refusal', within: day },
  'one failure a day': { as: 'refusal', within: day },
  'one help a day': { as: 'help', within: day },
  'one status in ten minutes': { as: 'status-reply', within: 10 * minute },
  'one other reply a day': { as: 'reply', within: day },
}

/** Strangers who cost more than a comment and a reaction are refused in silence. */
export const isUnspoken = async (context: CommandContext): Promise<boolean> =>
  !(await mayCost(context, 2))

/** Whether the sender is a stranger who had the reply to `status` lately. */
export const repliedLately = (context: CommandContext): boolean =>
  isStranger(context) && hadLately(context, replyLimits['one status in ten minutes'])

const hadLately = (context: CommandContext, { as, within }: ReplyLimit) =>
  (context.repliedLately.get(replyName(context, as)) ?? Number.NEGATIVE_INFINITY) >
  context.deps.now() - within

const replyName = ({ record: { trigger } }: CommandContext, as: Marker['as']) =>
  `${as} ${threadSlot(trigger.thread)} ${trigger.sender.id}`

async function isRepeated(context: CommandContext, limit: ReplyLimit): Promise<boolean> {
  if (hadLately(context, limit)) return true
  const { as, within } = limit
  const { deps, record, repliedLately } = context
  const now = deps.now()
  const name = replyName(context, as)
  repliedLately.set(name, now)
  const sent = ownMarked(context, as, await earlier(context, now - within))
  const last = sent.findLast(({ marker }) => marker.to === record.trigger.sender.id)
  if (last) repliedLately.set(name, last.createdAt)
  return last !== undefined
}

/** A stranger gets each reply rarely in a thread, so that nobody can make the bot talk. Nobody gets many refusals. */
export async function reply(context: CommandContext, words: Reply, sign: ReplySign): Promise<void> {
  const { record, deps } = context
  const text = replyComment(record.trigger.sender.login, words)
  const limit = replyLimits[words.limit]
  const isLimited = words.limit === 'one refusal a day' || isStranger(context)
  const as = isLimited || limit.as !== 'refusal' ? limit.as : 'reply'
  const name = replyName(context, as)
  try {
    if (isLimited && (await isRepeated(context, limit))) return
    await context.save({ answer: { text, as, sign, well: sign === 'done' } })
  } catch (error) {
    context.repliedLately.delete(name)
    throw error
  }
  await sendReply(context)
  context.repliedLately.set(name, deps.now())
}

export async function sendReply(context: CommandContext): Promise<void> {
  const { deps, job, github } = context
  const { answer: chosen } = context.record
  if (!chosen) return
  const { thread, sender } = context.record.trigger
  const marker: Marker = {
    run: commandId(context),
    repo: thread.repoId,
    thread: thread.number,
    as: chosen.as,
    to: sender.id,
    refuses: chosen.well ? undefined : true,
  }
  const record = (begun: EffectAttempt | undefined) =>
    context.save({ answer: { ...chosen, begun } })
  const tried: EffectAttempt = { at: deps.now() }
  const { lagsSince: lostAt } = job
  const perhaps = lostAt === undefined ? undefined : { at: context.record.trigger.at, lostAt }
  const place = commentRefOf(context.record.trigger)
  const { find, perform } = saying(github, deps.signer, { marker, place, text: () => chosen.text })
  await exactlyOnce<EffectAttempt, Posted>(chosen.begun ?? perhaps, tried, {
    find,
    record,
    async begin() {
      await record(tried)
      await job.assertLocked()
    },
    perform,
    now: deps.now,
  })
  if (chosen.as === 'status-reply') await foldEarlier(context, marker.run)
}

/** Each reply to `status` folds away the one before it. */
async function foldEarlier(context: CommandContext, run: string) {
  const { job, github } = context
  const begunAt = context.record.answer?.begun?.at ?? 0
  const sent = ownMarked(context, 'status-reply', await earlier(context))
  const mine = sent.findIndex(({ marker }) => marker.run === run)
  const before =
    mine === -1 ? sent.filter(({ createdAt }) => createdAt < begunAt) : sent.slice(0, mine)
  const last = before.at(-1)
  if (!last) return
  await job.assertLocked()
  await github.thread.settle({ fold: last.nodeId })
}

async function earlier(context: CommandContext, since = 0): Promise<OwnComment[]> {
  const commentRef = commentRefOf(context.record.trigger)
  if (commentRef?.kind === 'inline')
    return context.github.comments.own(since || undefined, commentRef)
  return (await context.github.comments.earlier(since || undefined)).filter(
    ({ createdAt }) => createdAt >= since,
  )
}

function ownMarked(
  { deps, record }: CommandContext,
  as: Marker['as'],
  comments: readonly OwnComment[],
): (OwnComment & { marker: Marker })[] {
  return comments.flatMap(comment =>
    deps.signer
      .read(comment.body, record.trigger.thread)
      .filter(marker => marker.as === as)
      .map(marker => ({ ...comment, marker })),
  )
}

/** 👀 on what somebody with trust asked. Nothing waits for long for it, and its failure does not matter. */
export function reactWithEyes(context: CommandContext): boolean {
  if (isStranger(context) || context.record.trigger.kind === 'tick') return false
  context.sendEyes(reactionTargetOf(context))
  return true
}

/**
 * Waits for the eyes before they are taken off again. GitHub may set them later than this; then they are taken off once
 * more.
 */
export async function awaitEyes(context: CommandContext): Promise<void> {
  const { github } = context
  const eyes = context.eyes()
  if (!eyes) return
  const isLate = await Promise.race([
    eyes.then(() => false),
    new Promise<boolean>(done => setTimeout(done, second, true).unref()),
  ])
  if (isLate)
    eyes
      .then(() => github.thread.settle({ reaction: { target: reactionTargetOf(context) } }))
      .catch(() => {})
}

export async function swapReaction(
  context: CommandContext,
  sign: Sign,
  isLast: boolean,
): Promise<void> {
  const { trigger } = context.record
  const content = reactions[sign]
  if (trigger.kind === 'tick') {
    // What a box asks is answered by a Run or in words, but for a stop that was heeded before.
    if (sign === 'done' && trigger.commentRef)
      await context.github.thread.react(trigger.commentRef, content)
    return
  }
  await awaitEyes(context)
  await context.job.assertLocked()
  if (isLast && context.record.reacted)
    await context.github.thread.settle({ reaction: { target: reactionTargetOf(context), content } })
  else await context.github.thread.react(reactionTargetOf(context), content)
  if (sign !== 'done' && trigger.kind === 'label') await context.github.labels.remove(trigger.label)
}

export async function takeEyes(context: CommandContext): Promise<void> {
  if (!context.record.reacted) return
  await awaitEyes(context)
  await context.job.assertLocked()
  await context.github.thread.settle({ reaction: { target: reactionTargetOf(context) } })
}
