import type { Command as AskedCommand } from '../core/command/parse.ts'
import { threadSlot } from '../core/model/thread.ts'
import { RunMessage, type Source } from '../core/record/mailbox-part.ts'
import { parseMessage, send } from '../core/record/messages.ts'
import { changed } from '../core/record/run.ts'
import { ofThread } from '../core/record/run-index.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import type { Command, Decision, Request } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  commandId,
  refused,
  replacing,
  replied,
  runId,
  targetOf,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import { readsFor } from './reads.ts'
import { rehearse } from './rehearse.ts'
import { awaitEyes, reactWithEyes } from './reply.ts'
import { stopCommand } from './stop-command.ts'
import { isPreceded, markStop, stopOf, stopped } from './stops.ts'

/** What was written with the command, and whether the page hides a part of it. */
export type Words = Pick<Request, 'options' | 'text' | 'literal' | 'line' | 'replaces'> & { hides: boolean }

/** ms after which what is just beginning in the thread is there. */
const soon = 200

/** Of a sender who may use the command. */
export async function obey(
  context: CommandContext,
  trigger: CommandTrigger,
  command: Command,
  { options, text, literal, line, replaces, hides }: Words,
): Promise<CommandResult> {
  if (context.deps.tenant === undefined) return unserved(context)
  if (hides) return refused({ kind: 'hidden' })
  const request: Request = {
    ...{ trigger, options, text, literal, line, replaces, attached: context.attached },
    ...{ runId: runId(context), command: context.record.done },
  }
  if (options.dryRun) return rehearse(context, command, request)
  // A ticked box stops the run that it stands under, if that is the one here.
  if (command.name === stopCommand.name && trigger.kind !== 'tick') await markStop(context)
  const before = command.starts ? await stopOf(context) : undefined
  if (before) return stopped(context, before)
  if (command.starts && (await isPreceded(context))) return { kind: 'wait', ms: soon }
  if (command.starts && replaces) await replaceWaiting(context, trigger, replaces)
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

const edited = 'edited the comment that asked for it'

/** What the comment asked before, and has no Run yet. */
async function replaceWaiting(
  { deps, job }: CommandContext,
  trigger: CommandTrigger,
  replaced: AskedCommand,
): Promise<void> {
  if (trigger.kind !== 'comment') return
  const waiting = await deps.waiting.listed([ofThread(trigger.thread)])
  for (const { id, data } of waiting) {
    const { trigger: other } = data
    const isBefore = other.kind === 'comment' && id !== job.id && other.at <= trigger.at
    if (isBefore && isSamePlace(other.commentRef, trigger.commentRef))
      await deps.waiting.send(id, replacing(replaced))
  }
}

async function unserved(context: CommandContext): Promise<CommandResult> {
  const { owner, ownerId } = context.record.trigger.thread
  const first = await context.deps.isFirst(`unserved-${ownerId}`, commandId(context))
  return first ? refused({ kind: 'not-served', owner, ownerId }) : { kind: 'passed-over' }
}

async function perform(context: CommandContext, decision: Decision): Promise<CommandResult> {
  const { tenant, runs, log } = context.deps
  switch (decision.kind) {
    case 'reply':
      return replied(decision.reply)
    case 'reject':
      return refused(decision.reply)
    case 'start': {
      const baseline = { prefetched: context.github.prefetched() }
      // It waited for another one here.
      const schedule = { enteredAt: context.record.waits?.since }
      // One that was made before may be forgotten.
      const attempts = { lagsSince: context.job.lagsSince }
      const run = changed(decision.run, { session: { tenant }, baseline, schedule, attempts })
      const { outcome } = await runs.add(run.id, run, threadSlot(run.thread))
      log.info({ run: run.id, outcome }, 'run queued')
      return outcome === 'held' ? { kind: 'wait', ms: soon } : { kind: 'run' }
    }
    case 'started':
      return { kind: 'run' }
    case 'message':
      return tellRun(context, decision)
    case 'take-over': {
      const { run } = decision
      const id = `${commandId(context)}-release-${run.result.round}`
      if (!run.mailbox.releaseThread) await send(runs, run.id, { kind: 'release-thread', id })
      return { kind: 'wait', behind: run }
    }
    case 'replace': {
      const { sender: by, at } = context.record.trigger
      const message = { kind: 'stop', id: `${commandId(context)}-edited`, by, at, because: edited } as const
      await send(runs, decision.run.id, message)
      return { kind: 'wait', behind: decision.run }
    }
    case 'pause':
      await context.deps.pauses.say(decision.pause)
      return replied(decision.reply)
    case 'wait':
    case 'silence':
      return decision
  }
}

async function tellRun(
  context: CommandContext,
  { runId, message: said, beside }: Decision & { kind: 'message' },
): Promise<CommandResult> {
  const { record, job, isLast } = context
  const { trigger } = record
  const source: Source = {
    trigger: job.id,
    command: record.done,
    target: trigger.kind === 'tick' ? undefined : targetOf(trigger),
    last: isLast && record.reacted,
  }
  const message = RunMessage.parse({
    ...said,
    id: commandId(context),
    by: trigger.sender,
    at: trigger.at,
    // With a source, the Run itself replies, in its own thread.
    source: beside ? undefined : source,
  })
  await context.save({ ...record, pendingMessage: { runId, message, beside } })
  // The Run takes the eyes off when it has the message.
  await awaitEyes(context)
  return goOnTelling(context)
}

/** Done once the Run has the message; if that Run has ended, the command starts over. */
export async function goOnTelling(context: CommandContext): Promise<CommandResult> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return { kind: 'start-over' }
  const { runId, message, beside } = pendingMessage
  const { runs } = context.deps
  const isTaken = (await isDealtWith(context, pendingMessage)) || (await send(runs, runId, message))
  context.deps.reached('message sent, not recorded')
  if (isTaken && beside) return replied({ kind: 'stopping-beside', thread: beside })
  if (isTaken) return { kind: 'message' }
  await context.save({ ...context.record, pendingMessage: undefined })
  const isEnding = (await runs.get(runId))?.standing === 'live'
  return { kind: isEnding ? 'wait' : 'start-over' }
}

/** Whether its Run has the message; that Run then replies. */
export async function isWithItsRun(context: CommandContext): Promise<boolean> {
  const { pendingMessage } = context.record
  if (!pendingMessage) return false
  if (await isDealtWith(context, pendingMessage)) return true
  const inbox = await context.deps.runs.inbox(pendingMessage.runId)
  return inbox.some(text => parseMessage(text)?.id === pendingMessage.message.id)
}

type Pending = NonNullable<CommandContext['record']['pendingMessage']>

async function isDealtWith({ deps }: CommandContext, { runId, message }: Pending): Promise<boolean> {
  const kept = await deps.runs.get(runId)
  return kept?.standing === 'ended' && kept.data.mailbox.handledMessageIds.includes(message.id)
}
