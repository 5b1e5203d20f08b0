import { threadSlot } from '../core/model/thread.ts'
import { RunMessage, type Source } from '../core/record/mailbox-part.ts'
import { parseMessage, send } from '../core/record/messages.ts'
import { changed, type Run } from '../core/record/run.ts'
import type { Command, Decision, Request } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  commandId,
  refused,
  replied,
  runId,
  targetOf,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import { readsFor } from './reads.ts'
import { awaitEyes, reactWithEyes } from './reply.ts'
import { stopCommand } from './stop-command.ts'
import { markStop, stopOf, stopped } from './stops.ts'

/** What was written with the command, and whether the page hides a part of it. */
export type Words = Pick<Request, 'options' | 'text'> & { hides: boolean }

/** Of a sender who may use the command. */
export async function obey(
  context: CommandContext,
  trigger: CommandTrigger,
  command: Command,
  { options, text, hides }: Words,
): Promise<CommandResult> {
  if (context.deps.tenant === undefined) return unserved(context)
  if (hides) return refused({ kind: 'hidden' })
  // A ticked box stops the run that it stands under, if that is the one here.
  if (command.name === stopCommand.name && trigger.kind !== 'tick') await markStop(context)
  const before = command.starts ? await stopOf(context) : undefined
  if (before) return stopped(context, before)
  const request = {
    ...{ trigger, options, text, attached: context.attached },
    ...{ runId: runId(context), command: context.record.done },
  }
  const facts = await command.facts(readsFor(context, trigger, commands), request)
  const decision = command.decide(request, facts)
  if (decision.kind === 'message' && !context.record.reacted)
    await context.save({ ...context.record, reacted: reactWithEyes(context, trigger) })
  if (
    decision.kind === 'message' &&
    decision.message.kind === 'stop' &&
    (decision.beside || trigger.kind === 'tick')
  )
    await markStop(context, { ...trigger.thread, ...decision.beside })
  const meanwhile = command.starts && decision.kind !== 'reject' ? await stopOf(context) : undefined
  return meanwhile ? stopped(context, meanwhile) : perform(context, decision)
}

async function unserved(context: CommandContext): Promise<CommandResult> {
  const { owner } = context.record.trigger.thread
  const first = await context.deps.isFirst(`unserved-${owner.toLowerCase()}`, commandId(context))
  return first ? refused({ kind: 'not-served', owner }) : { kind: 'passed-over' }
}

function perform(context: CommandContext, decision: Decision): Promise<CommandResult> | CommandResult {
  switch (decision.kind) {
    case 'reply':
      return replied(decision.reply)
    case 'reject':
      return refused(decision.reply)
    case 'start':
      return enqueue(context, decision.run)
    case 'started':
      return { kind: 'run' }
    case 'message':
      return tellRun(context, decision)
    case 'take-over':
      return takeOver(context, decision.run)
    case 'wait':
      return decision
    case 'silence':
      return { kind: 'silence' }
  }
}

async function enqueue(context: CommandContext, run: Run): Promise<CommandResult> {
  const { tenant, runs } = context.deps
  const bound = changed(run, { session: { tenant }, baseline: { prefetched: context.github.prefetched() } })
  const { outcome } = await runs.add(run.id, bound, threadSlot(run.thread))
  context.deps.log.info({ run: run.id, outcome }, 'run queued')
  return outcome === 'held' ? { kind: 'wait' } : { kind: 'run' }
}

async function takeOver(context: CommandContext, live: Run): Promise<CommandResult> {
  if (!live.mailbox.releaseThread)
    await send(context.deps.runs, live.id, {
      kind: 'release-thread',
      id: `${commandId(context)}-release-${live.result.round}`,
    })
  return { kind: 'wait', behind: live }
}

async function tellRun(
  context: CommandContext,
  { runId, message: said, beside }: Decision & { kind: 'message' },
): Promise<CommandResult> {
  const { trigger } = context.record
  const message = RunMessage.parse({
    ...said,
    id: commandId(context),
    by: trigger.sender,
    at: trigger.at,
    // Who named a source is answered by the Run, in its own thread.
    source: beside ? undefined : sourceOf(context),
  })
  const pending = { runId, messageId: message.id, message: JSON.stringify(message), sent: false, beside }
  await context.save({ ...context.record, pendingMessage: pending })
  // The Run takes the eyes off when it has the message.
  await awaitEyes(context)
  return goOnTelling(context)
}

const sourceOf = ({ record, job, isLast }: CommandContext): Source => ({
  trigger: job.id,
  command: record.done,
  target: record.trigger.kind === 'tick' ? undefined : targetOf(record.trigger),
  last: isLast && record.reacted,
})

/** Done once the Run has the message; if that Run has ended, the command starts over. */
export async function goOnTelling(context: CommandContext): Promise<CommandResult> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return { kind: 'start-over' }
  const message = parseMessage(pendingMessage.message)
  const isTaken =
    message !== undefined &&
    ((await isDealtWith(context, pendingMessage)) ||
      (await send(context.deps.runs, pendingMessage.runId, message)))
  context.deps.reached('message sent, not recorded')
  const { beside } = pendingMessage
  if (isTaken && beside) return replied({ kind: 'stopping-beside', thread: beside })
  if (isTaken) return { kind: isAnswered(message) ? 'message' : 'silence' }
  await context.save({ ...context.record, pendingMessage: undefined })
  const isEnding = (await context.deps.runs.get(pendingMessage.runId))?.standing === 'live'
  return { kind: isEnding ? 'wait' : 'start-over' }
}

function isAnswered(message: RunMessage): boolean {
  switch (message.kind) {
    case 'follow-up':
    case 'stop':
    case 'label':
      return message.source !== undefined
    default:
      return false
  }
}

/** Whether its Run has the message; that Run then replies. */
export async function isWithItsRun(context: CommandContext): Promise<boolean> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return false
  if (await isDealtWith(context, pendingMessage)) return true
  const inbox = await context.deps.runs.inbox(pendingMessage.runId)
  return inbox.some(text => parseMessage(text)?.id === pendingMessage.messageId)
}

type Pending = NonNullable<CommandContext['record']['pendingMessage']>

async function isDealtWith({ deps }: CommandContext, { runId, messageId }: Pending): Promise<boolean> {
  const kept = await deps.runs.get(runId)
  return kept?.standing === 'ended' && kept.data.mailbox.handledMessageIds.includes(messageId)
}
