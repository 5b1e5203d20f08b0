import type { StepResult } from '../core/model/ports.ts'
import { threadSlot } from '../core/model/thread.ts'
import { reactions, type Sign } from '../core/model/views.ts'
import type { HandledOutcome } from '../core/record/flow-meter.ts'
import type { Run } from '../core/record/run.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  liveRun,
  targetOf,
} from './command-context.ts'
import { awaitEyes } from './gate.ts'
import { goOnTelling } from './perform.ts'
import { isRepeated, isUnspoken, reply, sendReply } from './reply.ts'
import { standingOf } from './start-decision.ts'
import { stopOf } from './stops.ts'
import type { ThreadRecord } from './trigger-record.ts'
import { wasWithdrawn } from './withdraw.ts'

/** The awaited Run wakes the command; this is for a lost wake. */
export const lostWakeMs = 30_000

export interface CommandHandler {
  handle(): Promise<CommandResult>
}

/** Asks GitHub nothing, however long it takes. */
export async function stillWaits(context: CommandContext): Promise<boolean> {
  const { waits, answer, pendingMessage, trigger } = context.record
  if (!waits || waits.for === 'github' || answer || pendingMessage) return false
  if ((await wasWithdrawn(context)) || (await stopOf(context))) return false
  // Before GitHub is asked again for all that PostHog would not take.
  if (waits.for === 'posthog') await context.deps.posthog.sandboxes()
  if (waits.run === undefined) return false
  const live = await liveRun(context, threadSlot(trigger.thread))
  return live !== undefined && standingOf(live.data) === waits.run
}

export async function acceptEach(
  context: CommandContext,
  trigger: CommandTrigger,
  all: readonly CommandHandler[],
): Promise<StepResult> {
  for (let handler = all[context.record.done]; handler; handler = all[context.record.done]) {
    if (context.job.signal.aborted) return { kind: 'park', ms: 0 }
    if (await wasWithdrawn(context)) return { kind: 'end' }
    context.isLast = context.record.onlyOne || context.record.done + 1 === all.length
    context.deps.reached('trigger claimed')
    const handled = await handledOf(context, handler.handle)
    const result = await finish(context, trigger, handled)
    if (result) return result
    context.deps.meter?.handled(trigger.kind, outcomeOf(handled))
    if (context.record.onlyOne) return { kind: 'end' }
    await context.save(afterOne(context, handled))
  }
  return { kind: 'end' }
}

export const afterOne = ({ record }: CommandContext, handled: CommandResult): ThreadRecord => ({
  ...record,
  done: record.done + 1,
  answer: undefined,
  pendingMessage: undefined,
  announced: false,
  waits: undefined,
  passedAt: undefined,
  refusedSince: undefined,
  unknownSince: undefined,
  refused: record.refused || isRefusal(handled),
})

const isRefusal = (handled: CommandResult): boolean =>
  handled.kind === 'reply' && (handled.reply.kind === 'not-allowed' || handled.reply.kind === 'not-known')

async function handledOf(
  context: CommandContext,
  handle: () => Promise<CommandResult>,
): Promise<CommandResult> {
  const { answer: chosen, pendingMessage } = context.record
  if (chosen?.last) return { kind: 'replied', well: chosen.well }
  if (chosen) {
    await sendReply(context)
    await announced(context)
  }
  if (pendingMessage) return goOnTelling(context)
  return handle()
}

const announced = (context: CommandContext): Promise<void> =>
  context.save({ ...context.record, announced: true, answer: undefined })

function outcomeOf(handled: CommandResult): HandledOutcome {
  if (handled.kind === 'reply' || handled.kind === 'replied') return handled.well ? 'answered' : 'refused'
  if (handled.kind === 'passed-over') return 'refused'
  return handled.kind === 'run' ? 'started' : 'noted'
}

async function finish(
  context: CommandContext,
  trigger: CommandTrigger,
  handled: CommandResult,
): Promise<StepResult | undefined> {
  const over = context.isLast
  if (writes(handled) && (await isUnspoken(context))) {
    if (over) await takeEyes(context, trigger)
    return undefined
  }
  switch (handled.kind) {
    case 'run':
    case 'message':
      return undefined
    case 'passed-over':
      if (over) await takeEyes(context, trigger)
      return undefined
    case 'silence':
      await swapReaction(context, trigger, { sign: 'done', over })
      return undefined
    case 'wait':
      if (handled.announce && !context.record.announced) {
        await reply(context, handled.announce, { last: false, well: true })
        await announced(context)
      }
      // All could be read; what is refused after the wait is another matter.
      if (handled.behind || context.record.refusedSince !== undefined)
        await context.save({
          ...context.record,
          refusedSince: undefined,
          waits: handled.behind && waitsBehind(context, handled.behind),
        })
      return { kind: 'park', ms: lostWakeMs }
    case 'start-over':
      return { kind: 'park', ms: 0 }
    case 'replied':
      await sendReply(context)
      await swapReaction(context, trigger, { sign: handled.well ? 'done' : 'refused', over })
      return undefined
    case 'reply':
      if (!(await isRepeated(context, handled.reply)))
        await reply(context, handled.reply, { last: true, well: handled.well })
      await swapReaction(context, trigger, { sign: handled.well ? 'done' : 'refused', over })
      return undefined
  }
}

const writes = ({ kind }: CommandResult): boolean => kind === 'reply' || kind === 'silence'

const waitsBehind = ({ record: { waits }, deps }: CommandContext, live: Run): ThreadRecord['waits'] => ({
  for: 'run',
  since: waits?.for === 'run' ? waits.since : deps.now(),
  run: standingOf(live),
})

interface Ending {
  sign: Sign
  over: boolean
}

export async function swapReaction(
  context: CommandContext,
  trigger: CommandTrigger,
  { sign, over }: Ending,
): Promise<void> {
  if (trigger.kind === 'tick') return
  await awaitEyes(context)
  await context.job.assertLocked()
  const content = reactions[sign]
  if (over && context.record.reacted)
    await context.github.settle({ reaction: { target: targetOf(trigger), content } })
  else await context.github.react(targetOf(trigger), content)
  if (sign !== 'done' && trigger.kind === 'label') await context.github.removeLabel(trigger.label)
}

async function takeEyes(context: CommandContext, trigger: CommandTrigger): Promise<void> {
  if (!context.record.reacted) return
  await awaitEyes(context)
  await context.job.assertLocked()
  await context.github.unreact(targetOf(trigger))
}
