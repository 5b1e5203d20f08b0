/** What arrived becomes what happens: who may, what was asked, then an answer or a Run. */
import { type Command, isMistake, type Parsed, parseCommands } from '../core/command/parse.ts'
import { ComeBack, Refused, Unanswered } from '../core/faults.ts'
import type { HandledOutcome } from '../core/meter.ts'
import { backoff, limits } from '../core/pace.ts'
import type { CommentTrigger, LabelTrigger, TickTrigger, Trigger } from '../core/trigger.ts'
import { hidesWords } from '../core/untrusted.ts'
import { approve, goOn, queue, retry, status, stop } from './commands/control.ts'
import { gate, isListedApp } from './commands/gate.ts'
import {
  type Asking,
  answered,
  type Handled,
  refused,
  type TriggerDeps,
  type TriggerHand,
  targetOf,
  triggerHand,
} from './commands/hand.ts'
import { newsOfPull } from './commands/pull-news.ts'
import { isRepeated, reply, sendAnswer } from './commands/reply.ts'
import { startRun, tellNoted } from './commands/start-run.ts'
import { wasWithdrawn, withdraw } from './commands/withdraw.ts'
import type { Held, Verdict } from './edges.ts'
import { NotSettled } from './not-settled.ts'
import type { TriggerRecord } from './trigger-record.ts'

export const acceptTrigger =
  (deps: TriggerDeps) =>
  async (job: Held<TriggerRecord>): Promise<Verdict> => {
    const hand = triggerHand(deps, job)
    try {
      const verdict = await accept(hand, job.data.trigger)
      if (verdict.do === 'end' && isNews(job.data.trigger)) deps.meter?.handled(job.data.trigger.kind, 'news')
      return verdict
    } catch (error) {
      return await afterFault(hand, error)
    }
  }

function accept(hand: TriggerHand, trigger: Trigger): Promise<Verdict> {
  switch (trigger.kind) {
    case 'comment':
      return acceptComment(hand, trigger)
    case 'label':
      return acceptOne(hand, trigger, 1, () => byLabel(hand, trigger))
    case 'pull-news':
      return newsOfPull(hand, trigger)
    case 'tick':
      return acceptTick(hand, trigger)
    case 'withdrawal':
      return withdraw(hand, trigger)
  }
}

/** What asks for nothing, and so gets no answer. */
const isNews = (trigger: Trigger): trigger is Exclude<Trigger, Asking> =>
  trigger.kind === 'withdrawal' || trigger.kind === 'pull-news'

const end: Verdict = { do: 'end' }
const attempts = 10

/** Limits and outages are waited out; a refusal means that nobody can be told there. */
function afterFault(hand: TriggerHand, error: unknown): Verdict | Promise<Verdict> {
  const { deps, job } = hand
  const fields = { trigger: job.id, delivery: hand.record.trigger.deliveryId, err: error }
  if (error instanceof NotSettled || error instanceof ComeBack)
    return { do: 'park', ms: Math.max(1, error.until - deps.now()) }
  if (error instanceof Refused || deps.now() - job.addedAt > limits.trouble || job.failures >= attempts)
    return giveUp(hand, error)
  if (!(error instanceof Unanswered)) throw error
  deps.log.warn(fields, 'no usable answer')
  return { do: 'park', ms: backoff(2) }
}

/** One honest line, if the thread takes it. */
async function giveUp(hand: TriggerHand, error: unknown): Promise<Verdict> {
  const { deps, record } = hand
  const { trigger } = record
  deps.log.error({ trigger: trigger.id, delivery: trigger.deliveryId, err: error }, 'given up')
  deps.meter?.handled(trigger.kind, 'given-up')
  if (isNews(trigger)) return end
  const reason = error instanceof Refused ? error.message : 'the bot itself failed at it'
  try {
    await reply(hand, { reply: 'gave-up', reason }, { last: true, well: false })
    await swapReaction(hand, trigger, false)
  } catch (unheard) {
    deps.log.error({ trigger: trigger.id, err: unheard }, 'the thread can not be told')
  }
  return end
}

async function acceptComment(hand: TriggerHand, trigger: CommentTrigger): Promise<Verdict> {
  const asked = await commandsOf(hand, trigger)
  const parsed = asked[hand.record.done]
  if (!parsed) return end
  hand.stopping = !isMistake(parsed) && parsed.command.name === 'stop'
  return acceptOne(hand, trigger, asked.length, () =>
    isMistake(parsed) ? mistaken(hand, trigger, parsed) : obey(hand, trigger, parsed.command),
  )
}

/** The commands of the text; for an edit, those that the old text did not have. */
async function commandsOf(hand: TriggerHand, trigger: CommentTrigger): Promise<Parsed[]> {
  const before = new Set(parseCommands(trigger.before ?? '').map(parsed => JSON.stringify(parsed)))
  const own = parseCommands(trigger.text).filter(parsed => !before.has(JSON.stringify(parsed)))
  if (own.length > 0 || trigger.place.in !== 'review') return own
  const inline = await hand.github.reviewComments(trigger.place.reviewId)
  return inline.flatMap(({ body }) => parseCommands(body))
}

/** Deals with one command, then comes back for the next. */
async function acceptOne(
  hand: TriggerHand,
  trigger: Asking,
  count: number,
  handle: () => Promise<Handled>,
): Promise<Verdict> {
  if (await wasWithdrawn(hand)) return end
  // A bot that nobody let in is not even answered: two bots that answer each other never stop.
  if (trigger.sender.app !== undefined && !(await isListedApp(hand, trigger.sender.app))) return end
  if (!hand.record.reacted && trigger.kind !== 'tick') {
    // The reaction is the first sign of life; nothing waits for it, and its failure does not matter.
    hand.github.react(targetOf(trigger), 'eyes').catch(() => {})
    await hand.save({ ...hand.record, reacted: true })
  }
  hand.deps.reached('trigger claimed')
  const handled = await handledOf(hand, handle)
  const verdict = await finish(hand, trigger, handled)
  if (verdict) return verdict
  hand.deps.meter?.handled(trigger.kind, outcomeOf(handled))
  await hand.save({
    ...hand.record,
    done: hand.record.done + 1,
    answer: undefined,
    noted: undefined,
    announced: false,
    // What let this command through says nothing about the next one.
    passedAt: undefined,
  })
  return hand.record.done < count ? { do: 'park', ms: 0 } : end
}

/** Where it was broken off, it goes on: what was decided is not decided again. */
async function handledOf(hand: TriggerHand, handle: () => Promise<Handled>): Promise<Handled> {
  const { answer, noted } = hand.record
  if (answer?.last) return { with: 'answer', well: answer.well }
  if (answer) {
    await sendAnswer(hand)
    await announced(hand)
  }
  return noted ? afterNote(hand, noted) : handle()
}

const announced = (hand: TriggerHand): Promise<void> =>
  hand.save({ ...hand.record, announced: true, answer: undefined })

function outcomeOf(handled: Handled): HandledOutcome {
  if (handled.with === 'reply' || handled.with === 'answer') return handled.well ? 'answered' : 'refused'
  return handled.with === 'run' ? 'started' : 'noted'
}

/** `undefined` when the command is dealt with. */
async function finish(hand: TriggerHand, trigger: Asking, handled: Handled): Promise<Verdict | undefined> {
  switch (handled.with) {
    case 'run':
      return undefined
    case 'silence':
      await swapReaction(hand, trigger, true)
      return undefined
    case 'note':
      return { do: 'park', ms: 100 }
    case 'wait':
      if (handled.announce && !hand.record.announced) {
        await reply(hand, handled.announce, { last: false, well: true })
        await announced(hand)
      }
      return { do: 'park', ms: handled.ms }
    case 'answer':
      await sendAnswer(hand)
      await swapReaction(hand, trigger, handled.well)
      return undefined
    case 'reply':
      if (await isRepeated(hand, handled.reply)) {
        await swapReaction(hand, trigger, handled.well)
        return undefined
      }
      // Who was told that the words are kept needs no second answer when they have arrived.
      if (!hand.record.announced || handled.reply.reply !== 'passed-on')
        await reply(hand, handled.reply, { last: true, well: handled.well })
      await swapReaction(hand, trigger, handled.well)
      return undefined
  }
}

async function swapReaction(hand: TriggerHand, trigger: Asking, well: boolean): Promise<void> {
  if (trigger.kind === 'tick') return
  const target = targetOf(trigger)
  await hand.job.assertHeld()
  await hand.github.react(target, well ? 'rocket' : 'confused')
  await hand.job.assertHeld()
  await hand.github.unreact(target, 'eyes')
  if (!well && trigger.kind === 'label') await hand.github.removeLabel(trigger.label)
}

type Noted = NonNullable<TriggerRecord['noted']>

/** Longer than this, and the asker is told that the words are kept. */
const patience = 10_000

/** The Run has dealt with the note, or ended without doing so; then the command starts over. */
async function afterNote(hand: TriggerHand, { runId, noteId, told }: Noted): Promise<Handled> {
  const kept = await hand.deps.runs.get(runId)
  if (kept?.data.delivered.includes(noteId)) return dealtWith(hand, kept.data.dropped.includes(noteId))
  if (kept?.standing === 'live' && !(kept.data.outcome && hand.record.trigger.kind === 'label')) {
    if (!told) return tellNoted(hand)
    await hand.deps.runs.wake(runId)
    const late = hand.deps.now() - hand.job.addedAt > patience && !hand.stopping
    return { with: 'wait', ms: 500, ...(late ? { announce: { reply: 'kept' } } : {}) }
  }
  await hand.save({ ...hand.record, noted: undefined })
  return { with: 'wait', ms: 0 }
}

/** A stop is answered by the Run's last word, a label by its being there already. */
function dealtWith(hand: TriggerHand, dropped: boolean): Handled {
  if (hand.record.trigger.kind === 'label' || hand.stopping) return { with: 'silence' }
  if (dropped) return refused({ reply: 'not-passed-on' })
  return answered({ reply: 'passed-on' })
}

async function mistaken(hand: TriggerHand, trigger: CommentTrigger, mistake: Parsed): Promise<Handled> {
  const denied = await gate(hand, trigger, 'run')
  if (denied) return denied
  return isMistake(mistake) ? refused({ reply: 'mistake', mistake }) : { with: 'silence' }
}

async function obey(hand: TriggerHand, trigger: CommentTrigger, command: Command): Promise<Handled> {
  const denied = await gate(hand, trigger, command.name)
  if (denied) return denied
  const { options, text } = command
  if (hidesWords(text)) return refused({ reply: 'hidden' })
  switch (command.name) {
    case 'help':
      return answered({ reply: 'help' })
    case 'run':
      return startRun(hand, trigger, {
        what: 'work',
        text,
        options,
        mayJoin: true,
        ...(await inlineOf(hand, trigger)),
      })
    case 'plan':
      return startRun(hand, trigger, {
        what: 'plan',
        text,
        options,
        mayJoin: false,
        ...(await inlineOf(hand, trigger)),
      })
    case 'approve':
      return approve(hand, trigger)
    case 'continue':
      return goOn(hand, trigger, options, text)
    case 'retry':
      return retry(hand, trigger, options)
    case 'stop':
      return stop(hand, trigger)
    case 'status':
      return status(hand, trigger)
    case 'queue':
      return queue(hand, trigger)
  }
}

/** All inline comments of a review belong to what it asks. */
async function inlineOf(hand: TriggerHand, { place }: CommentTrigger) {
  if (place.in === 'inline') return { inline: [place.inline] }
  if (place.in === 'review') return { inline: await hand.github.reviewComments(place.reviewId) }
  return {}
}

async function byLabel(hand: TriggerHand, trigger: LabelTrigger): Promise<Handled> {
  const denied = await gate(hand, trigger, 'run')
  if (denied) return denied
  return startRun(hand, trigger, { what: 'work', text: '', options: {}, mayJoin: true })
}

/** A box counts only in a comment that carries our signature for this very thread. */
async function acceptTick(hand: TriggerHand, trigger: TickTrigger): Promise<Verdict> {
  const ours = hand.deps.signer.read(trigger.text, trigger.thread).some(({ as }) => as === 'status')
  if (!ours) return end
  hand.stopping = trigger.box === 'stop'
  return acceptOne(hand, trigger, 1, async () => {
    const denied = await gate(hand, trigger, trigger.box)
    if (denied) return denied
    return trigger.box === 'stop' ? stop(hand, trigger) : retry(hand, trigger, {})
  })
}
