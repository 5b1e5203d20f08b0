/** What becomes of a trigger: its commands one after the other, each until it is done or waits. */
import { mayHoldCommand } from '../core/command/find.ts'
import { isMistake, type Mistake } from '../core/command/parse.ts'
import { instruction } from '../core/model/command-grammar.ts'
import {
  NoResponse,
  QueueUnavailable,
  Rejected,
  ResultPending,
  RetryLater,
  type Service,
} from '../core/model/errors.ts'
import type { LockedJob, StepResult, WrittenText } from '../core/model/ports.ts'
import { threadSlot } from '../core/model/thread.ts'
import { minute, recent, second } from '../core/model/time.ts'
import type { CommentTrigger, LabelTrigger, ThreadTrigger } from '../core/model/trigger.ts'
import type { HandledOutcome } from '../core/record/flow-meter.ts'
import { answersQuestion } from '../core/record/open-question.ts'
import { afterPassing, isFinal, isTooLong, type Passing, services } from '../core/record/retries.ts'
import { limits } from '../core/record/timing.ts'
import { triggerOf } from '../core/settings/deployment-settings.ts'
import { acceptAccess } from './access-lost.ts'
import type { Command } from './command.ts'
import {
  type CommandContext,
  type CommandResult,
  type CommandTrigger,
  commandContext,
  isOver,
  liveRun,
  refused,
  replacing,
  runId,
  settingsOf,
  type TriggerDeps,
} from './command-context.ts'
import { commandNamed, commands } from './command-registry.ts'
import { gate, mayUse, senderOf } from './gate.ts'
import { goOnTelling, isWithItsRun, obey, type Words } from './perform.ts'
import { isUserAtWork } from './pull-approval.ts'
import { newsOfPull } from './pull-news.ts'
import { commandsOf, isAnyMisplaced, ownText, pagesOf, shownBy, textsOf } from './read-commands.ts'
import { isUnspoken, reply, sendReply, swapReaction, takeEyes } from './reply.ts'
import { presetNameOf, standingOf } from './start-decision.ts'
import { statusCommand } from './status-command.ts'
import { stopOf } from './stops.ts'
import { afterOne, isOfThread, type ThreadRecord, type TriggerRecord } from './trigger-record.ts'
import { seeWhereNow } from './where-now.ts'
import { withdraw } from './withdraw.ts'

/** The awaited Run wakes the command; this is for a lost wake. */
const lostWakeMs = 30_000

const end: StepResult = { kind: 'end' }

export const acceptTrigger = (deps: TriggerDeps) => {
  const repliedLately = recent()
  return async (job: LockedJob<TriggerRecord>): Promise<StepResult> => {
    if (!holdsThread(job)) return acceptAccess(deps, job)
    const context = commandContext(deps, job, repliedLately)
    if (job.deaths >= limits.deaths) {
      const error = new Error(`${job.deaths} processes died with this trigger alone in hand`)
      if (job.deaths < 2 * limits.deaths) return giveUp(context, error)
      context.deps.log.error({ err: error }, 'given up without a word')
      return end
    }
    try {
      if (await stillWaits(context)) return { kind: 'park', ms: lostWakeMs }
      return await accept(context, job.data.trigger)
    } catch (error) {
      return await afterFault(context, error)
    }
  }
}

const holdsThread = (job: LockedJob<TriggerRecord>): job is LockedJob<ThreadRecord> => isOfThread(job.data)

/** Asks GitHub nothing, however long it takes. */
async function stillWaits(context: CommandContext): Promise<boolean> {
  const { waits, retries, answer, pendingMessage, trigger } = context.record
  if (answer || pendingMessage || retries.github) return false
  if (waits?.run === undefined && !retries.posthog) return false
  // Withdrawn, or replaced by an edit.
  if ((await context.job.inbox()).length > 0 || (await stopOf(context))) return false
  // Before GitHub is asked again for all that PostHog would not take.
  if (retries.posthog) await context.deps.posthog.sandboxes()
  if (waits?.run === undefined) return false
  const live = await liveRun(context, threadSlot(trigger.thread))
  return live !== undefined && standingOf(live.data) === waits.run
}

/** Thrown by the command at hand: waited out, as in a Run, or its end. */
function afterFault(context: CommandContext, error: unknown): StepResult | Promise<StepResult> {
  const { job, deps } = context
  // Not an attempt: the worker waits for the queue.
  if (error instanceof QueueUnavailable) throw error
  if (error instanceof NoResponse || error instanceof RetryLater)
    return tryLater(context, error.service, error)
  if (error instanceof ResultPending) return tryLater(context, 'github', error)
  if (error instanceof Rejected && error.of === 'read') return tryLater(context, error.service, error)
  if (error instanceof Rejected || job.failures >= limits.failures) return giveUp(context, error)
  if (deps.now() - job.addedAt > limits.outage) return giveUp(context, error)
  throw error
}

async function tryLater(context: CommandContext, service: Service, fault: Passing): Promise<StepResult> {
  const { deps, record } = context
  const now = deps.now()
  // Who the sender is must be known within two minutes. A command that waits for hours costs GitHub little.
  const mostMs = record.sender?.kind === 'unknown' ? 16 * second : service === 'github' ? 6 * minute : minute
  const retry = afterPassing(record, service, fault, { now, mostMs })
  const isOver = fault instanceof Rejected ? isFinal(retry, fault, false, now) : isTooLong(retry, now)
  if (isOver) return giveUp(context, fault)
  deps.log.warn({ err: fault }, 'tried again later')
  await context.save({ ...record, retries: { ...record.retries, [service]: retry } })
  return { kind: 'park', ms: Math.max(1, retry.until - now) }
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
  const isWords = trigger.kind === 'comment' && !record.reacted && !trigger.plain
  if (isWords && !mayHoldCommand(trigger.text, trigger.word)) return end
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

async function accept(context: CommandContext, trigger: ThreadTrigger): Promise<StepResult> {
  if (trigger.kind === 'pull-news' || trigger.kind === 'withdrawal') {
    await seeWhereFirst(context)
    const isPull = trigger.kind === 'pull-news'
    const result = await (isPull ? newsOfPull(context, trigger) : withdraw(context, trigger))
    if (result.kind === 'end') context.deps.meter?.handled(trigger.kind, 'news')
    return result
  }
  if (await isOver(context, await context.job.inbox())) return end
  await seeWhereFirst(context)
  switch (trigger.kind) {
    case 'comment':
      if (trigger.commentRef.kind === 'subject' && (await mayBeAnAgents(context))) return end
      return acceptComment(context, trigger)
    case 'label':
      if (await cameAlong(context, trigger)) return end
      return (
        (await besideText(context, trigger)) ??
        acceptEach(context, trigger, [obeying(context, trigger, instruction, nothingSaid)])
      )
    case 'tick': {
      // A box counts only in a comment with our signature for this thread.
      const shown = shownBy(context.deps.signer, trigger)
      if (!shown) return end
      const ticked = { ...trigger, run: shown.run }
      return acceptEach(context, ticked, [
        trigger.box === 'fix'
          ? obeying(context, ticked, instruction, { ...nothingSaid, text: 'fix' })
          : obeying(context, ticked, trigger.box, nothingSaid),
      ])
    }
  }
}

/** What waits asks GitHub nothing. */
async function seeWhereFirst({ deps, job, record }: CommandContext): Promise<void> {
  if (!record.passed && !record.waits) await seeWhereNow(deps, job.id, record.trigger.thread)
}

/** An agent that works as a user opens pull requests in their name, and its words are nobody's command. */
const mayBeAnAgents = async (context: CommandContext): Promise<boolean> =>
  context.record.trigger.thread.kind === 'pull' && isUserAtWork(context)

/** Whoever transfers an issue has not put the labels on that come along. GitHub's times are whole seconds, and may be older. */
async function cameAlong(context: CommandContext, { thread, at }: LabelTrigger): Promise<boolean> {
  if (thread.kind !== 'issue') return false
  // What is asked here is read ahead with the settings.
  await settingsOf(context)
  const moved = await context.github.transferredAt()
  return moved !== undefined && at < moved + labelsComeWithin
}

/** ms */
const labelsComeWithin = 10_000
const textComesWithin = 10_000

/**
 * A new issue or pull request whose text asks for a run, too: that is one wish, and the label joins what came of it.
 * @returns `undefined` for a label that stands for itself, as it does if the text never comes
 */
async function besideText(context: CommandContext, trigger: LabelTrigger): Promise<StepResult | undefined> {
  if (!trigger.withText || presetNameOf(trigger) !== '' || (await mayBeAnAgents(context))) return undefined
  const { deps, github, job } = context
  const runIds = await runsOfText(context, trigger)
  if (runIds.length === 0) return undefined
  const text = await deps.waiting.get(textOf(trigger))
  const isSoon = deps.now() - job.addedAt < textComesWithin
  if (text?.standing === 'live') return { kind: 'park', ms: isSoon ? 300 : lostWakeMs }
  if (!text) return isSoon ? { kind: 'park', ms: 300 } : undefined
  if (await liveRun(context, threadSlot(trigger.thread))) return undefined
  const begun = await Promise.all(runIds.map(id => deps.runs.get(id)))
  if (begun.some(run => run !== undefined)) await github.removeLabel(trigger.label)
  return end
}

const textOf = ({ thread }: LabelTrigger): string => `text-${thread.repoId}-${thread.number}`

/** Which may begin by it. */
async function runsOfText(context: CommandContext, trigger: LabelTrigger): Promise<string[]> {
  const { base: _, label: __, withText: ___, kind: ____, ...same } = trigger
  const { word } = triggerOf(context.deps.settings.deployment, trigger.thread.ownerId)
  const text: CommentTrigger = {
    ...same,
    id: textOf(trigger),
    kind: 'comment',
    commentRef: { kind: 'subject' },
    text: trigger.snapshot.body,
    word,
  }
  const parsed = await commandsOf(context, text, [ownText(text)])
  return parsed.flatMap((each, done) =>
    !isMistake(each) && commandNamed(each.command.name).starts && !each.command.options.dryRun
      ? runId({ record: { ...context.record, trigger: text, done } })
      : [],
  )
}

/** One of the commands of a trigger. */
interface CommandHandler {
  /** What the sender must have the right to, if to anything. */
  command?: Pick<Command, 'name' | 'repliesAtOnce'>
  /** What tells it that an edit took its place. */
  replacing?: string
  carryOut(): Promise<CommandResult> | CommandResult
}

function obeying(
  context: CommandContext,
  trigger: CommandTrigger,
  name: string,
  words: Words,
): CommandHandler {
  const command = commandNamed(name)
  return { command, carryOut: () => obey(context, trigger, command, words) }
}

const nothingSaid: Words = { options: {}, text: '', hides: false }

const wordsOnly = { name: instruction, repliesAtOnce: true } as const

/** Text is parsed only for senders who may use some command. */
async function acceptComment(context: CommandContext, trigger: CommentTrigger): Promise<StepResult> {
  if (trigger.plain) return acceptAnswer(context, trigger)
  const texts = await textsOf(context.github, trigger)
  if (!texts.some(({ text }) => mayHoldCommand(text, trigger.word))) return hint(context, trigger, texts)
  // What takes the least: for what is asked it is asked again.
  const known = await senderOf(context, trigger, statusCommand.name)
  if (known && !commands.some(({ name }) => mayUse(known, name)))
    return acceptEach(context, trigger, [{ command: wordsOnly, carryOut: () => ({ kind: 'silence' }) }])
  const parsed = await commandsOf(context, trigger, texts)
  if (parsed.length === 0) return hint(context, trigger, texts)
  return acceptEach(
    context,
    trigger,
    parsed.map(each =>
      isMistake(each)
        ? telling(each)
        : {
            ...obeying(context, trigger, each.command.name, { ...each.command, ...each }),
            replacing: replacing(each.command),
          },
    ),
  )
}

/** What the asked person writes next is the answer, without the command word. */
async function acceptAnswer(context: CommandContext, trigger: CommentTrigger): Promise<StepResult> {
  const { reacted, pendingMessage } = context.record
  const isBegun = reacted || pendingMessage || (await context.deps.runs.get(runId(context)))
  if (!isBegun && !(await answersQuestion(context.deps.runs, trigger))) return end
  const known = await senderOf(context, trigger, instruction)
  if (!known || !mayUse(known, instruction)) return end
  const [page] = await pagesOf(context, [ownText(trigger)], trigger)
  const text = page?.text.trim() ?? ''
  const words: Words = {
    ...nothingSaid,
    text,
    literal: true,
    hides: (page?.unshown ?? 0) > 0 || page?.cut === true,
  }
  return acceptEach(context, trigger, [
    page ? obeying(context, trigger, instruction, words) : telling({ kind: 'unreadable', why: 'page' }),
  ])
}

const telling = (mistake: Mistake): CommandHandler => ({
  command: wordsOnly,
  carryOut: () => refused({ kind: 'mistake', mistake }),
})

/** Tells a writer who may give them once that commands are not read where this one stands. */
async function hint(
  context: CommandContext,
  trigger: CommentTrigger,
  texts: readonly WrittenText[],
): Promise<StepResult> {
  if (!trigger.misplaced) return end
  const known = await senderOf(context, trigger, instruction)
  if (!known || !mayUse(known, instruction) || !(await isAnyMisplaced(context, trigger, texts))) return end
  const { thread, sender, id } = trigger
  const name = `misplaced-${thread.repoId}-${thread.number}-${sender.id}`
  const carryOut = async (): Promise<CommandResult> =>
    (await context.deps.isFirst(name, id)) ? refused({ kind: 'misplaced' }) : { kind: 'passed-over' }
  return acceptEach(context, trigger, [{ carryOut }])
}

async function acceptEach(
  context: CommandContext,
  trigger: CommandTrigger,
  all: readonly CommandHandler[],
): Promise<StepResult> {
  for (let asked = all[context.record.done]; asked; asked = all[context.record.done]) {
    if (context.job.signal.aborted) return { kind: 'park', ms: 0 }
    const inbox = await context.job.inbox()
    if (await isOver(context, inbox)) return end
    if (asked.replacing !== undefined && inbox.includes(asked.replacing)) {
      await context.save(afterOne(context.record))
      continue
    }
    context.isLast = context.record.onlyOne || context.record.done + 1 === all.length
    context.deps.reached('trigger claimed')
    const handled = await resultOf(context, trigger, asked)
    const parked = await finish(context, trigger, handled)
    if (parked) return parked
    context.deps.meter?.handled(trigger.kind, outcomeOf(handled))
    if (context.record.onlyOne) return end
    const isRefusal =
      handled.kind === 'reply' && (handled.reply.kind === 'not-allowed' || handled.reply.kind === 'not-known')
    await context.save(afterOne(context.record, isRefusal))
  }
  return end
}

async function resultOf(
  context: CommandContext,
  trigger: CommandTrigger,
  { command, carryOut }: CommandHandler,
): Promise<CommandResult> {
  const { answer, lost, pendingMessage } = context.record
  if (lost && !answer) return refused({ kind: 'access-was-lost', ...lost })
  if (answer?.last) return { kind: 'replied', well: answer.well }
  if (answer) {
    await sendReply(context)
    await context.save({ ...context.record, announced: true, answer: undefined })
  }
  if (pendingMessage) return goOnTelling(context)
  return (command && (await gate(context, trigger, command))) ?? carryOut()
}

async function finish(
  context: CommandContext,
  trigger: CommandTrigger,
  handled: CommandResult,
): Promise<StepResult | undefined> {
  switch (handled.kind) {
    case 'run':
    case 'message':
      return undefined
    case 'start-over':
      return { kind: 'park', ms: 0 }
    case 'wait':
      return waiting(context, handled)
  }
  if (handled.kind === 'passed-over' || (handled.kind !== 'replied' && (await isUnspoken(context)))) {
    if (context.isLast) await takeEyes(context, trigger)
    return undefined
  }
  if (handled.kind === 'replied') await sendReply(context)
  if (handled.kind === 'reply') await reply(context, handled.reply, { last: true, well: handled.well })
  const isWell = handled.kind === 'silence' || handled.well
  await swapReaction(context, trigger, isWell ? 'done' : 'refused')
  return undefined
}

async function waiting(
  context: CommandContext,
  { behind, announce, ms = lostWakeMs }: CommandResult & { kind: 'wait' },
): Promise<StepResult> {
  if (announce && !context.record.announced) {
    await reply(context, announce, { last: false, well: true })
    await context.save({ ...context.record, announced: true, answer: undefined })
  }
  const { waits, retries } = context.record
  const since = waits?.since ?? context.deps.now()
  // All could be read; what is refused after the wait is another matter.
  if (behind || services.some(service => retries[service]))
    await context.save({
      ...context.record,
      retries: {},
      waits: behind && { since, run: standingOf(behind) },
    })
  return { kind: 'park', ms }
}

function outcomeOf(handled: CommandResult): HandledOutcome {
  if (handled.kind === 'reply' || handled.kind === 'replied') return handled.well ? 'answered' : 'refused'
  if (handled.kind === 'passed-over') return 'refused'
  return handled.kind === 'run' ? 'started' : 'noted'
}
