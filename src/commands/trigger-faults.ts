/** What a fault does to a trigger: it waits, is tried again, or is given up with a word. */
import { mayHoldCommand } from '../core/command/find.ts'
import { QueueUnavailable, Rejected, ResultPending, type Service } from '../core/model/errors.ts'
import type { StepResult } from '../core/model/ports.ts'
import { minute, second } from '../core/model/time.ts'
import { afterPassing, isFinal, isTooLong, type Passing, passes } from '../core/record/retries.ts'
import { limits } from '../core/record/timing.ts'
import { callsOf } from '../core/settings/deployment-settings.ts'
import { replies } from '../core/words/replies.ts'
import {
  type CommandContext,
  endOfJob,
  holdsCommand,
  liveRun,
  runId,
  type ThreadContext,
} from './command-context.ts'
import { waitedForAs } from './join-or-wait.ts'
import { isWithItsRun } from './perform.ts'
import { isUnspoken, reply, sendReply, swapReaction } from './reply.ts'
import { stopOf } from './stops.ts'
import { afterOne, type TriggerRecord } from './trigger-record.ts'

/** A text may kill whoever reads it, so it is not read. */
export function afterLostLocks(context: ThreadContext): StepResult | Promise<StepResult> {
  const { stalls } = context.job
  const error = new Error(`${stalls} processes died, or were frozen, with this trigger in hand`)
  if (stalls < 2 * limits.stalls) return giveUp(context, error)
  context.deps.log.error({ err: error }, 'given up without a word')
  return endOfJob
}

/** Asks GitHub nothing, however long it takes. */
export async function stillWaits(context: CommandContext): Promise<boolean> {
  const { waits, retries, answer, pendingMessage, trigger } = context.record
  if (answer || pendingMessage || retries.github) return false
  if (waits?.run === undefined && !retries.posthog) return false
  // Withdrawn, or replaced by an edit.
  if ((await context.job.inbox()).length > 0) return false
  if (await stopOf(context)) return false
  // PostHog is asked first, so that GitHub is not asked again for all that PostHog would not take.
  if (retries.posthog) await context.deps.posthog.sandboxes()
  if (waits?.run === undefined) return false
  const live = await liveRun(context.deps.runs, trigger.thread)
  return live !== undefined && waitedForAs(live.data) === waits.run
}

/** Thrown by the command at hand: waited out, as in a Run, or its end. */
export async function afterTriggerFault(
  context: ThreadContext,
  error: unknown,
): Promise<StepResult> {
  const { job, deps } = context
  // This does not count as an attempt: the worker waits for the queue.
  if (error instanceof QueueUnavailable) throw error
  if (passes(error)) return (await tryLater(context, error)) ?? giveUp(context, error)
  if (error instanceof Rejected || job.failures >= limits.failures) return giveUp(context, error)
  if (deps.now() - job.addedAt > limits.outage) return giveUp(context, error)
  throw error
}

/** @returns nothing if it lasted too long */
async function tryLater(context: ThreadContext, fault: Passing): Promise<StepResult | undefined> {
  const { deps, record } = context
  const now = deps.now()
  const service = fault instanceof ResultPending ? 'github' : fault.service
  const retry = afterPassing(record, service, fault, { now, mostMs: longestPause(record, service) })
  const hasLasted =
    fault instanceof Rejected ? isFinal(retry, fault, false, now) : isTooLong(retry, now)
  if (hasLasted) return undefined
  deps.log.warn({ err: fault }, 'tried again later')
  await context.save({ retries: { ...record.retries, [service]: retry } })
  return { kind: 'park', ms: Math.max(1, retry.until - now) }
}

/** Who the sender is must be known within two minutes. A command that waits for hours costs GitHub little. */
function longestPause({ sender }: TriggerRecord, service: Service): number {
  if (sender?.kind === 'unknown') return 16 * second
  return service === 'github' ? 6 * minute : minute
}

/** What can not be said now is said later. */
async function giveUp(context: ThreadContext, error: unknown): Promise<StepResult> {
  const { deps } = context
  deps.log.error({ err: error }, 'given up')
  if (!holdsCommand(context)) return endOfJob
  const { record } = context
  const { trigger } = record
  // The command's Run goes on and replies; the next command of the comment is tried.
  if ((await deps.runs.get(runId(context))) || (await isWithItsRun(context))) {
    await context.save(afterOne(record, { taken: true }))
    return record.onlyOne ? endOfJob : { kind: 'park', ms: 0 }
  }
  if (
    trigger.kind === 'comment' &&
    !record.reacted &&
    !mayHoldCommand(trigger.text, callsOf(trigger))
  )
    return endOfJob
  const reason =
    error instanceof Rejected ? error.message : 'this bot had an error, which its log names'
  // An answer that was chosen, this word among them, has only to be said. What GitHub refused is not said again.
  const chosen = error instanceof Rejected ? undefined : record.answer
  try {
    if (chosen) await sendReply(context)
    else if (await isUnspoken(context)) return endOfJob
    else await reply(context, replies.gaveUp(reason), 'failed')
    await swapReaction(context, chosen?.sign ?? 'failed', true)
  } catch (failure) {
    if (failure instanceof QueueUnavailable) throw failure
    const later = passes(failure) ? await tryLater(context, failure) : undefined
    if (later) return later
    deps.log.error({ err: failure }, 'the thread can not be told')
  }
  return endOfJob
}
