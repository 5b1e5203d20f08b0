/**
 * A command's way. Each check goes on, or ends with one result; after a crash it is asked again.
 *
 * 1. It is still asked: not withdrawn, not edited, in a repository that the App can reach. Else silence.
 * 2. It has not come further before: then it goes on from there.
 * 3. Its sender may use it, and its comment is there if its webhook came late. 👀
 * 4. It can be read: what can't is told.
 * 5. A PostHog serves its owner.
 * 6. The page shows all of its words.
 * 7. It is not stopped, and its turn. A stop marks the thread here.
 *
 * Then facts are read, a pure decision is made of them, and performed unless somebody stopped it meanwhile.
 */
import { sets } from '../core/record/run-index.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import { type CommandInTurn, type CommandRequest, type GivenCommand, reject } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  commandId,
  replacing,
  runId,
  withdrawn,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import { mayUseIt } from './gate.ts'
import { goOnTelling, perform, soon } from './perform.ts'
import { readsFor } from './reads.ts'
import { reactWithEyes } from './reply.ts'
import { stopCommand } from './stop-command.ts'
import { isPreceded, markStop, stopOf, stopped } from './stops.ts'

type EarlyResult = CommandResult | undefined
const checksInOrder = [isStillAsked, goesOn, mayUseIt, isReadable, isServed, isWhole, isNext]

export async function dispatch(
  context: CommandContext,
  given: CommandInTurn,
): Promise<CommandResult> {
  for (const check of checksInOrder) {
    const ended = await check(context, given)
    if (ended) return ended
  }
  return carryOut(context, given)
}

async function isStillAsked(
  context: CommandContext,
  { replaced }: GivenCommand,
): Promise<EarlyResult> {
  const inbox = await context.job.inbox()
  if (inbox.includes(withdrawn)) return { kind: 'over' }
  return replaced !== undefined && inbox.includes(replacing(replaced))
    ? { kind: 'replaced' }
    : undefined
}

async function goesOn(context: CommandContext): Promise<EarlyResult> {
  const { answer, pendingMessage } = context.record
  if (answer) return { kind: 'replied', sign: answer.sign ?? (answer.well ? 'done' : 'refused') }
  return pendingMessage ? goOnTelling(context) : undefined
}

function isReadable(_: CommandContext, { instead }: GivenCommand): EarlyResult {
  return instead
}

async function isServed(context: CommandContext): Promise<EarlyResult> {
  const { deps, record } = context
  if (deps.tenant !== undefined) return undefined
  const { owner, ownerId } = record.trigger.thread
  const first = await deps.isFirst(`unserved-${ownerId}`, commandId(context))
  return first ? reject('notServed', owner, ownerId) : { kind: 'passed-over' }
}

function isWhole(_: CommandContext, { words }: GivenCommand): EarlyResult {
  return words.hides ? reject('hidden') : undefined
}

async function isNext(
  context: CommandContext,
  { command, words: { line, replaces }, later }: CommandInTurn,
): Promise<EarlyResult> {
  const isTick = context.record.trigger.kind === 'tick'
  // A ticked box stops the run that it stands under, if that is the one here.
  if (command.name === stopCommand.name && !isTick) await markStop(context)
  if (!command.starts) return undefined
  const stop = await stopOf(context)
  if (stop) return stopped(context, stop, [line, ...later])
  if (await isPreceded(context)) return { kind: 'wait', ms: soon }
  if (replaces) await replaceWaiting(context, replacing(replaces))
  return undefined
}

/** What the comment asked before, and has no Run yet. */
async function replaceWaiting({ deps, job, record }: CommandContext, message: string) {
  const { trigger } = record
  if (trigger.kind !== 'comment') return
  const waiting = await deps.waiting.listed([sets.thread(trigger.thread)])
  for (const { id, data } of waiting) {
    const { trigger: other } = data
    const isBefore = other.kind === 'comment' && id !== job.id && other.at <= trigger.at
    if (isBefore && isSamePlace(other.commentRef, trigger.commentRef))
      await deps.waiting.send(id, message)
  }
}

async function carryOut(
  context: CommandContext,
  { command, words, attached, isLast, later }: CommandInTurn,
): Promise<CommandResult> {
  const { options, text, literal, line, replaces } = words
  const { trigger, done } = context.record
  const request: CommandRequest = {
    trigger,
    options,
    text,
    literal,
    line,
    replaces,
    attached,
    runId: runId(context),
    command: done,
  }
  const facts = await command.facts(readsFor(context, { grammars: commands, later }), request)
  const decision = command.decide(request, facts)
  if (decision.kind === 'message') {
    if (!context.record.reacted) await context.save({ reacted: reactWithEyes(context) })
    if (decision.message.kind === 'stop' && (decision.beside || trigger.kind === 'tick'))
      await markStop(context, { ...trigger.thread, ...decision.beside })
  }
  const stop = command.starts && decision.kind !== 'reply' ? await stopOf(context) : undefined
  return stop ? stopped(context, stop, [line, ...later]) : perform(context, decision, isLast)
}
