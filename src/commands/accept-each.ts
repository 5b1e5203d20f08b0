/** Deals with the commands of one trigger in turn: each gets one answer, and none is decided twice. */
import type { HandledOutcome } from '../core/model/meter.ts'
import type { StepResult } from '../core/model/ports.ts'
import { type Asking, type CommandContext, type CommandResult, targetOf } from './command-context.ts'
import { isRepeated, reply, sendAnswer } from './reply.ts'
import { afterMessage } from './tell-run.ts'
import type { ThreadRecord } from './trigger-record.ts'
import { wasWithdrawn } from './withdraw.ts'

export interface Asked {
  stops?: boolean
  handle(): Promise<CommandResult>
}

/** As far as none has to wait. */
export async function acceptEach(
  context: CommandContext,
  trigger: Asking,
  all: readonly Asked[],
): Promise<StepResult> {
  for (let asked = all[context.record.done]; asked; asked = all[context.record.done]) {
    if (context.job.signal.aborted) return { kind: 'park', ms: 0 }
    if (await wasWithdrawn(context)) return { kind: 'end' }
    context.stopping = asked.stops ?? false
    context.deps.reached('trigger claimed')
    const handled = await handledOf(context, asked.handle)
    const result = await finish(context, trigger, handled, context.record.done + 1 === all.length)
    if (result) return result
    context.deps.meter?.handled(trigger.kind, outcomeOf(handled))
    await context.save(afterOne(context, handled))
  }
  return { kind: 'end' }
}

const afterOne = ({ record, job }: CommandContext, handled: CommandResult): ThreadRecord => ({
  ...record,
  done: record.done + 1,
  answer: undefined,
  pendingMessage: undefined,
  announced: false,
  // What let this command through says nothing about the next one.
  passedAt: undefined,
  refused: record.refused || isRefusal(handled),
  stallsSeen: job.stalls,
})

const isRefusal = (handled: CommandResult): boolean =>
  handled.kind === 'reply' && (handled.reply.kind === 'not-allowed' || handled.reply.kind === 'not-known')

/** Where it was broken off, it goes on: what was decided is not decided again. */
async function handledOf(
  context: CommandContext,
  handle: () => Promise<CommandResult>,
): Promise<CommandResult> {
  const { answer, pendingMessage } = context.record
  if (answer?.last) return { kind: 'answer', well: answer.well }
  if (answer) {
    await sendAnswer(context)
    await announced(context)
  }
  return pendingMessage ? afterMessage(context, pendingMessage) : handle()
}

const announced = (context: CommandContext): Promise<void> =>
  context.save({ ...context.record, announced: true, answer: undefined })

function outcomeOf(handled: CommandResult): HandledOutcome {
  if (handled.kind === 'reply' || handled.kind === 'answer') return handled.well ? 'answered' : 'refused'
  if (handled.kind === 'passed-over') return 'refused'
  return handled.kind === 'run' ? 'started' : 'noted'
}

/** `undefined` when the command is dealt with; `over`: there is no other in the comment. */
async function finish(
  context: CommandContext,
  trigger: Asking,
  handled: CommandResult,
  over: boolean,
): Promise<StepResult | undefined> {
  switch (handled.kind) {
    case 'run':
      return undefined
    case 'passed-over':
      if (over) await takeEyes(context, trigger)
      return undefined
    case 'silence':
      await swapReaction(context, trigger, { well: true, over })
      return undefined
    case 'message':
      return { kind: 'park', ms: 100 }
    case 'wait':
      if (handled.announce && !context.record.announced) {
        await reply(context, handled.announce, { last: false, well: true })
        await announced(context)
      }
      return { kind: 'park', ms: handled.ms }
    case 'answer':
      await sendAnswer(context)
      await swapReaction(context, trigger, { well: handled.well, over })
      return undefined
    case 'reply':
      if (!(await isRepeated(context, handled.reply)))
        await reply(context, handled.reply, { last: true, well: handled.well })
      await swapReaction(context, trigger, { well: handled.well, over })
      return undefined
  }
}

interface Ending {
  well: boolean
  /** There is no other command in the comment. */
  over: boolean
}

export async function swapReaction(
  context: CommandContext,
  trigger: Asking,
  { well, over }: Ending,
): Promise<void> {
  if (trigger.kind === 'tick') return
  await context.job.assertLocked()
  await context.github.react(targetOf(trigger), well ? 'rocket' : 'confused')
  if (over) await takeEyes(context, trigger)
  if (!well && trigger.kind === 'label') await context.github.removeLabel(trigger.label)
}

async function takeEyes(context: CommandContext, trigger: Asking): Promise<void> {
  if (!context.record.reacted) return
  await context.job.assertLocked()
  await context.github.unreact(targetOf(trigger), 'eyes')
}
