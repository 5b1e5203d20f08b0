/** When a trigger can't be dealt with: limits and outages are waited out, and what is given up is said, once. */
import { mayHoldCommand } from '../core/command/find.ts'
import { ComeBack, Refused, Unanswered } from '../core/model/errors.ts'
import type { Held, Verdict } from '../core/model/ports.ts'
import { NotSettled } from '../core/model/result-pending.ts'
import type { ThreadTrigger } from '../core/model/trigger.ts'
import { backoff, limits } from '../core/run/timing.ts'
import { swapReaction } from './accept-each.ts'
import type { Asking, TriggerHand } from './command-context.ts'
import { isRepeated, reply } from './reply.ts'
import type { ThreadRecord, TriggerRecord } from './trigger-record.ts'

const deathsOf = ({ stalls, data }: Held<ThreadRecord>): number => stalls - data.stallsSeen

/** A trigger with which process after process dies is given up with a word, as a Run is. */
export const killsUs = (job: Held<ThreadRecord>): boolean => deathsOf(job) >= limits.triggerStalls

/** If even the word kills us, without one. */
export function giveUpDeadly(hand: TriggerHand): Verdict | Promise<Verdict> {
  const deaths = deathsOf(hand.job)
  const error = new Error(`${deaths} processes died with this trigger in hand`)
  if (deaths < 2 * limits.triggerStalls) return giveUp(hand, error)
  hand.deps.log.error({ err: error }, 'given up without a word')
  return end
}

/** What asks for nothing, and so gets no answer. */
export const isNews = (trigger: ThreadTrigger): trigger is Exclude<ThreadTrigger, Asking> =>
  trigger.kind === 'withdrawal' || trigger.kind === 'pull-news'

const end: Verdict = { do: 'end' }
const attempts = 10

/** Limits and outages are waited out; a refusal means that nobody can be told there. */
export function afterFault(hand: TriggerHand, error: unknown): Verdict | Promise<Verdict> {
  const { deps, job } = hand
  const fields = { trigger: job.id, delivery: hand.record.trigger.deliveryId, err: error }
  if (error instanceof NotSettled || error instanceof ComeBack)
    return { do: 'park', ms: Math.max(1, error.until - deps.now()) }
  if (error instanceof Refused || deps.now() - job.addedAt > limits.trouble || job.failures >= attempts)
    return giveUp(hand, error)
  if (!(error instanceof Unanswered)) throw error
  deps.log.warn(fields, 'no usable answer')
  return { do: 'park', ms: backoff(2) }
}

/** One honest line, if somebody asked for something and the thread takes it. */
async function giveUp(hand: TriggerHand, error: unknown): Promise<Verdict> {
  const { deps, record } = hand
  const { trigger } = record
  deps.log.error({ trigger: trigger.id, delivery: trigger.deliveryId, err: error }, 'given up')
  deps.meter?.handled(trigger.kind, 'given-up')
  if (isNews(trigger) || !wasCommand(record)) return end
  const reason = error instanceof Refused ? error.message : 'the bot itself failed at it'
  const words = { reply: 'gave-up', reason } as const
  hand.stranger = !record.reacted
  try {
    if (!(await isRepeated(hand, words))) await reply(hand, words, { last: true, well: false })
    await swapReaction(hand, trigger, { well: false, over: true })
  } catch (unheard) {
    deps.log.error({ trigger: trigger.id, err: unheard }, 'the thread can not be told')
  }
  return end
}

/** A review whose comments could not be read may have asked for nothing. */
const wasCommand = ({ trigger, reacted }: TriggerRecord): boolean =>
  reacted || trigger.kind !== 'comment' || mayHoldCommand(trigger.text)
