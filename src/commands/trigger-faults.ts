import { mayHoldCommand } from '../core/command/find.ts'
import {
  NoResponse,
  QueueUnavailable,
  Rejected,
  ResultPending,
  RetryLater,
  type Service,
} from '../core/model/errors.ts'
import type { StepResult } from '../core/model/ports.ts'
import { minute } from '../core/model/time.ts'
import { backoff, limits } from '../core/record/timing.ts'
import { type CommandContext, runId } from './command-context.ts'
import { isWithItsRun } from './perform.ts'
import { isUnspoken, reply, swapReaction } from './reply.ts'
import { afterOne } from './trigger-record.ts'

export function giveUpDeadly(context: CommandContext): StepResult | Promise<StepResult> {
  const { deaths } = context.job
  const error = new Error(`${deaths} processes died with this trigger alone in hand`)
  if (deaths < 2 * limits.deaths) return giveUp(context, error)
  context.deps.log.error({ err: error }, 'given up without a word')
  return end
}

const end: StepResult = { kind: 'end' }
const attempts = 10

export function afterFault(context: CommandContext, error: unknown): StepResult | Promise<StepResult> {
  const { deps, job } = context
  // Not an attempt: the worker waits for the queue.
  if (error instanceof QueueUnavailable) throw error
  if (error instanceof RetryLater) return awaiting(context, error.service, error.until)
  if (error instanceof ResultPending) return { kind: 'park', ms: Math.max(1, error.until - deps.now()) }
  if (error instanceof Rejected)
    return error.of === 'read' ? askAgain(context, error) : giveUp(context, error)
  if (deps.now() - job.addedAt > limits.outage || job.failures >= attempts) return giveUp(context, error)
  if (!(error instanceof NoResponse)) throw error
  deps.log.warn({ err: error }, 'no usable answer')
  return awaiting(context, error.service)
}

/** Said by `status`, and the reason to ask a service that is away before GitHub is asked for the rest again. */
async function awaiting(context: CommandContext, service: Service, until?: number): Promise<StepResult> {
  const { record, deps } = context
  const now = deps.now()
  const since = record.waits?.for === service ? record.waits.since : now
  await context.save({ ...record, waits: { for: service, since, until } })
  return { kind: 'park', ms: until === undefined ? untilAskedAgain(context) : Math.max(1, until - now) }
}

/** Each time as long as all before together, so that a command that waits for hours costs little. */
function untilAskedAgain({ deps, record: { sender, waits } }: CommandContext): number {
  const now = deps.now()
  // Who the sender is must be known within two minutes.
  if (sender?.kind === 'unknown') return Math.min(backoff(4), Math.max(backoff(0), now - sender.since))
  const since = waits?.since ?? now
  return Math.min(waits?.for === 'github' ? 6 * minute : minute, Math.max(backoff(2), now - since))
}

/**
 * One no to a question says nothing, as in a Run before its agent has begun. It is asked once more as soon as its answer
 * is believed, so that whoever named what is not there is told within seconds.
 */
async function askAgain(context: CommandContext, error: Rejected): Promise<StepResult> {
  const { deps, record } = context
  const { refusedSince = deps.now() } = record
  const refusedFor = deps.now() - refusedSince
  if (refusedFor >= limits.refusedBefore) return giveUp(context, error)
  deps.log.warn({ err: error }, 'refused')
  await context.save({ ...record, refusedSince })
  return { kind: 'park', ms: refusedFor < limits.absent ? limits.absent - refusedFor : backoff(3) }
}

async function giveUp(context: CommandContext, error: unknown): Promise<StepResult> {
  const { deps, record } = context
  const { trigger } = record
  deps.log.error({ err: error }, 'given up')
  if (trigger.kind === 'withdrawal' || trigger.kind === 'pull-news') {
    deps.meter?.handled(trigger.kind, 'given-up')
    return end
  }
  // The command's Run goes on and replies; the next command of the comment is tried.
  if ((await deps.runs.get(runId(context))) || (await isWithItsRun(context))) {
    if (record.onlyOne) return end
    await context.save(afterOne(record))
    return { kind: 'park', ms: 0 }
  }
  deps.meter?.handled(trigger.kind, 'given-up')
  if (trigger.kind === 'comment' && !record.reacted && !mayHoldCommand(trigger.text, trigger.word)) return end
  const reason = error instanceof Rejected ? error.message : 'this bot had an error, which its log names'
  const words = { kind: 'gave-up', reason } as const
  try {
    if (await isUnspoken(context)) return end
    await reply(context, words, { last: true, well: false })
    await swapReaction(context, trigger, 'failed', true)
  } catch (failure) {
    if (failure instanceof QueueUnavailable) throw failure
    deps.log.error({ err: failure }, 'the thread can not be told')
  }
  return end
}
