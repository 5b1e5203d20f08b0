/** What becomes of a trigger: its commands one after the other, each until it is done or waits; or its news. */
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import type { ThreadTrigger } from '../core/model/trigger.ts'
import { services } from '../core/record/retries.ts'
import { limits } from '../core/record/timing.ts'
import type { GivenCommand } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  endOfJob,
  holdsCommand,
  lostWakeMs,
  newMemory,
  type ThreadContext,
  type TriggerDeps,
  threadContext,
  withdrawn,
} from './command-context.ts'
import { dispatch } from './dispatch.ts'
import { givenCommands } from './given-commands.ts'
import { waitedForAs } from './join-or-wait.ts'
import * as speech from './reply.ts'
import { afterLostLocks, afterTriggerFault, stillWaits } from './trigger-faults.ts'
import {
  afterOne,
  isOfThread,
  leftOver,
  type ThreadRecord,
  type TriggerRecord,
} from './trigger-record.ts'

type NewsTrigger = Exclude<ThreadTrigger, CommandTrigger>

/** What changes without a command. */
export interface NewsHandlers {
  ofAccess(deps: TriggerDeps, job: LockedJob<TriggerRecord>): Promise<StepResult>
  ofThread(context: ThreadContext, trigger: NewsTrigger): Promise<StepResult>
}

export const acceptTrigger = (deps: TriggerDeps, news: NewsHandlers) => {
  const lately = newMemory(deps.now)
  return async (job: LockedJob<TriggerRecord>): Promise<StepResult> => {
    if (!holdsThread(job)) return news.ofAccess(deps, job)
    if (job.data.over) return endOfJob
    const context = threadContext(deps, job, lately)
    const result = await (job.stalls >= limits.stalls
      ? afterLostLocks(context)
      : accept(context, news).catch(error => afterTriggerFault(context, error)))
    if (result.kind === 'end' && holdsCommand(context)) await context.save(leftOver(context.record))
    return result
  }
}

const holdsThread = (job: LockedJob<TriggerRecord>): job is LockedJob<ThreadRecord> =>
  isOfThread(job.data)

async function accept(context: ThreadContext, news: NewsHandlers): Promise<StepResult> {
  if (!holdsCommand(context)) {
    const { trigger } = context.record
    if (trigger.kind !== 'pull-news' && trigger.kind !== 'withdrawal') return endOfJob
    return news.ofThread(context, trigger)
  }
  if (await stillWaits(context)) return { kind: 'park', ms: lostWakeMs }
  if ((await context.job.inbox()).includes(withdrawn)) return endOfJob
  const asked = await givenCommands(context)
  return asked.kind === 'commands' ? obeyEach(context, asked.all) : asked
}

async function obeyEach(
  context: CommandContext,
  all: readonly GivenCommand[],
): Promise<StepResult> {
  for (let given = all[context.record.done]; given; given = all[context.record.done]) {
    if (context.job.signal.aborted) return { kind: 'park', ms: 0 }
    const isLast = context.record.onlyOne || given === all.at(-1)
    const later = all
      .slice(context.record.done + 1)
      .flatMap(({ command, words }) => (command.starts ? [words.line] : []))
    const result = await dispatch(context, { ...given, isLast, later })
    const parked = await finish(context, result, isLast)
    if (parked) return parked
    const refused = result.kind === 'reply' && result.reply.limit === 'one refusal a day'
    const taken = result.kind === 'run' || result.kind === 'message'
    context.remember(afterOne(context.record, { refused, taken }))
    if (isLast) return endOfJob
    await context.save({})
  }
  return endOfJob
}

async function finish(
  context: CommandContext,
  result: CommandResult,
  isLast: boolean,
): Promise<StepResult | undefined> {
  switch (result.kind) {
    case 'over':
      return endOfJob
    case 'run':
    case 'message':
    case 'replaced':
      return undefined
    case 'start-over':
      return { kind: 'park', ms: 0 }
    case 'wait':
      return waiting(context, result)
  }
  if (
    result.kind === 'passed-over' ||
    (result.kind !== 'replied' && (await speech.isUnspoken(context)))
  ) {
    if (isLast) await speech.takeEyes(context)
    return undefined
  }
  if (result.kind === 'replied') await speech.sendReply(context)
  if (result.kind === 'reply') await speech.reply(context, result.reply, result.sign)
  await speech.swapReaction(context, result.kind === 'silence' ? 'done' : result.sign, isLast)
  return undefined
}

async function waiting(
  context: CommandContext,
  { behind, ms = lostWakeMs }: CommandResult & { kind: 'wait' },
): Promise<StepResult> {
  const { waits, retries } = context.record
  const since = waits?.since ?? context.deps.now()
  // All could be read by now: a refusal after the wait begins to count anew.
  if (behind || services.some(service => retries[service]))
    await context.save({
      retries: {},
      waits: behind && { since, run: waitedForAs(behind) },
    })
  return { kind: 'park', ms }
}
