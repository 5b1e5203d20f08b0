import { mayHoldCommand } from '../core/command/find.ts'
import { NoResponse, QueueUnavailable, Rejected, RetryLater } from '../core/model/errors.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import { ResultPending } from '../core/model/result-pending.ts'
import type { ThreadTrigger } from '../core/model/trigger.ts'
import { backoff, limits } from '../core/run/timing.ts'
import { usualTrigger } from '../core/settings/trigger-words.ts'
import { afterOne, swapReaction } from './accept-each.ts'
import { type CommandContext, type CommandTrigger, runId } from './command-context.ts'
import { isRepeated, isUnspoken, reply } from './reply.ts'
import { isWithItsRun } from './tell-run.ts'
import type { ThreadRecord, TriggerRecord } from './trigger-record.ts'

const deathsOf = ({ stalls, data }: LockedJob<ThreadRecord>): number => stalls - data.stallsSeen

export const killsUs = (job: LockedJob<ThreadRecord>): boolean => deathsOf(job) >= limits.triggerStalls

export function giveUpDeadly(context: CommandContext): StepResult | Promise<StepResult> {
  const deaths = deathsOf(context.job)
  const error = new Error(`${deaths} processes died with this trigger in hand`)
  if (deaths < 2 * limits.triggerStalls) return giveUp(context, error)
  context.deps.log.error({ err: error }, 'given up without a word')
  return end
}

export const isNews = (trigger: ThreadTrigger): trigger is Exclude<ThreadTrigger, CommandTrigger> =>
  trigger.kind === 'withdrawal' || trigger.kind === 'pull-news'

const end: StepResult = { kind: 'end' }
const attempts = 10

export function afterFault(context: CommandContext, error: unknown): StepResult | Promise<StepResult> {
  const { deps, job } = context
  // Not an attempt: the worker waits for the queue.
  if (error instanceof QueueUnavailable) throw error
  if (error instanceof ResultPending || error instanceof RetryLater)
    return { kind: 'park', ms: Math.max(1, error.until - deps.now()) }
  if (error instanceof Rejected)
    return isWorthAsking(context, error) ? askAgain(context, error) : giveUp(context, error)
  if (deps.now() - job.addedAt > limits.outage || job.failures >= attempts) return giveUp(context, error)
  if (!(error instanceof NoResponse)) throw error
  deps.log.warn({ err: error }, 'no usable answer')
  return { kind: 'park', ms: untilAskedAgain(context) }
}

/** Each time as long as all before together while the sender is unknown, as a stranger's command should cost little. */
function untilAskedAgain({ deps, record: { unknownSince } }: CommandContext): number {
  if (unknownSince === undefined) return backoff(2)
  return Math.min(backoff(4), Math.max(backoff(0), deps.now() - unknownSince))
}

const refusedSinceOf = ({ deps, record }: CommandContext): number => record.refusedSince ?? deps.now()

/** One no to a question says nothing, as in a Run before its agent has begun. */
const isWorthAsking = (context: CommandContext, { of }: Rejected): boolean =>
  of === 'read' && context.deps.now() - refusedSinceOf(context) < limits.refusedBefore

/** Once more as soon as its answer is believed, so that whoever named what is not there is told within seconds. */
async function askAgain(context: CommandContext, error: Rejected): Promise<StepResult> {
  const { deps, record } = context
  deps.log.warn({ err: error }, 'refused')
  const refusedSince = refusedSinceOf(context)
  await context.save({ ...record, refusedSince })
  const believed = refusedSince + limits.absent - deps.now()
  return { kind: 'park', ms: believed > 0 ? believed : backoff(3) }
}

/** The command's Run goes on and replies; the next command of the comment is tried. */
async function pastTheRun(context: CommandContext): Promise<StepResult> {
  if (context.record.onlyOne) return end
  await context.save(afterOne(context, { kind: 'run' }))
  return { kind: 'park', ms: 0 }
}

async function giveUp(context: CommandContext, error: unknown): Promise<StepResult> {
  const { deps, record } = context
  const { trigger } = record
  deps.log.error({ err: error }, 'given up')
  if (!isNews(trigger) && ((await deps.runs.get(runId(context))) || (await isWithItsRun(context))))
    return pastTheRun(context)
  deps.meter?.handled(trigger.kind, 'given-up')
  if (isNews(trigger) || !wasCommand(record)) return end
  const reason = error instanceof Rejected ? error.message : 'the bot itself failed at it'
  const words = { kind: 'gave-up', reason } as const
  context.stranger = !record.reacted
  try {
    if (await isUnspoken(context)) return end
    if (!(await isRepeated(context, words))) await reply(context, words, { last: true, well: false })
    await swapReaction(context, trigger, { well: false, over: true })
  } catch (failure) {
    if (failure instanceof QueueUnavailable) throw failure
    deps.log.error({ err: failure }, 'the thread can not be told')
  }
  return end
}

const wasCommand = ({ trigger, reacted }: TriggerRecord): boolean =>
  reacted || trigger.kind !== 'comment' || mayHoldCommand(trigger.text, trigger.word ?? usualTrigger.word)
