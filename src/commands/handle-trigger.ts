/** What arrived becomes what happens: who may, what was asked, then an answer or a Run. */
import { mayHoldCommand } from '../core/command/find.ts'
import { type Command, isMistake, type Parsed, parseCommands } from '../core/command/parse.ts'
import { ComeBack, Refused, Unanswered } from '../core/model/errors.ts'
import type { HandledOutcome } from '../core/model/meter.ts'
import type { Held, Verdict } from '../core/model/ports.ts'
import { recent } from '../core/model/recently.ts'
import { NotSettled } from '../core/model/result-pending.ts'
import type {
  CommentTrigger,
  InlineComment,
  LabelTrigger,
  Place,
  ThreadTrigger,
  TickTrigger,
} from '../core/model/trigger.ts'
import { backoff, limits } from '../core/run/timing.ts'
import { loopTurn } from '../core/text/event-loop-turn.ts'
import { hidesWords } from '../core/text/untrusted.ts'
import { loseAccess } from './access-lost.ts'
import {
  type Asking,
  answered,
  type Handled,
  refused,
  type TriggerDeps,
  type TriggerHand,
  targetOf,
  triggerHand,
} from './command-context.ts'
import { approve, goOn, queue, retry, status, stop } from './control-commands.ts'
import { gate, isListedApp, mayNothing } from './gate.ts'
import { newsOfPull } from './pull-news.ts'
import { isRepeated, reply, sendAnswer, toldLately } from './reply.ts'
import { startRun, tellNoted } from './start-run.ts'
import { shownBy } from './thread-history.ts'
import { isOfThread, type ThreadRecord, type TriggerRecord } from './trigger-record.ts'
import { wasWithdrawn, withdraw } from './withdraw.ts'

export const acceptTrigger = (deps: TriggerDeps) => {
  const told = recent()
  return async (job: Held<TriggerRecord>): Promise<Verdict> => {
    if (!holdsThread(job)) return acceptLoss(deps, job)
    const hand = triggerHand(deps, job, told)
    if (killsUs(job)) return giveUpDeadly(hand)
    try {
      const verdict = await accept(hand, job.data.trigger)
      if (verdict.do === 'end' && isNews(job.data.trigger)) deps.meter?.handled(job.data.trigger.kind, 'news')
      return verdict
    } catch (error) {
      return await afterFault(hand, error)
    }
  }
}

const holdsThread = (job: Held<TriggerRecord>): job is Held<ThreadRecord> => isOfThread(job.data)

/** There is no thread to be told of a failure, so it is tried as long as anything is. */
async function acceptLoss(deps: TriggerDeps, job: Held<TriggerRecord>): Promise<Verdict> {
  const { trigger } = job.data
  if (trigger.kind !== 'access-lost') return end
  const { log } = deps
  try {
    await loseAccess(deps, trigger)
    log.info({ trigger: job.id, installation: trigger.installationId, by: trigger.by }, 'access lost')
    return end
  } catch (error) {
    if (error instanceof ComeBack) return { do: 'park', ms: Math.max(1, error.until - deps.now()) }
    if (!(error instanceof Unanswered) || deps.now() - job.addedAt > limits.trouble) throw error
    log.warn({ trigger: job.id, err: error }, 'no usable answer')
    return { do: 'park', ms: backoff(2) }
  }
}

const deathsOf = ({ stalls, data }: Held<ThreadRecord>): number => stalls - data.stallsSeen

/** A trigger with which process after process dies is given up with a word, as a Run is. */
const killsUs = (job: Held<ThreadRecord>): boolean => deathsOf(job) >= limits.triggerStalls

/** If even the word kills us, without one. */
function giveUpDeadly(hand: TriggerHand): Verdict | Promise<Verdict> {
  const deaths = deathsOf(hand.job)
  const error = new Error(`${deaths} processes died with this trigger in hand`)
  if (deaths < 2 * limits.triggerStalls) return giveUp(hand, error)
  hand.deps.log.error({ err: error }, 'given up without a word')
  return end
}

function accept(hand: TriggerHand, trigger: ThreadTrigger): Promise<Verdict> {
  switch (trigger.kind) {
    case 'comment':
      return acceptComment(hand, trigger)
    case 'label':
      return acceptOne(hand, trigger, { handle: () => byLabel(hand, trigger) })
    case 'pull-news':
      return newsOfPull(hand, trigger)
    case 'tick':
      return acceptTick(hand, trigger)
    case 'withdrawal':
      return withdraw(hand, trigger)
  }
}

/** What asks for nothing, and so gets no answer. */
const isNews = (trigger: ThreadTrigger): trigger is Exclude<ThreadTrigger, Asking> =>
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

/** One honest line, if somebody asked for something and the thread takes it. */
async function giveUp(hand: TriggerHand, error: unknown): Promise<Verdict> {
  const { deps, record } = hand
  const { trigger } = record
  deps.log.error({ trigger: trigger.id, delivery: trigger.deliveryId, err: error }, 'given up')
  deps.meter?.handled(trigger.kind, 'given-up')
  if (isNews(trigger) || !wasCommand(record)) return end
  const reason = error instanceof Refused ? error.message : 'the bot itself failed at it'
  const words = { reply: 'gave-up', reason } as const
  hand.stranger = !record.reacted
  try {
    if (!(await isRepeated(hand, words))) await reply(hand, words, { last: true, well: false })
    await swapReaction(hand, trigger, { well: false, over: true })
  } catch (unheard) {
    deps.log.error({ trigger: trigger.id, err: unheard }, 'the thread can not be told')
  }
  return end
}

/** A review whose comments could not be read may have asked for nothing. */
const wasCommand = ({ trigger, reacted }: TriggerRecord): boolean =>
  reacted || trigger.kind !== 'comment' || mayHoldCommand(trigger.text)

/** Who may do nothing is refused unread; what others wrote is parsed only when GitHub has said who they are. */
async function acceptComment(hand: TriggerHand, trigger: CommentTrigger): Promise<Verdict> {
  if (!(await isHeard(hand, trigger))) return end
  const texts = await textsOf(hand, trigger)
  if (texts.length === 0) return end
  if (await mayNothing(hand, trigger))
    return acceptEach(hand, trigger, [{ handle: () => refuseUnread(hand, trigger) }])
  const asked = await commandsOf(trigger, texts)
  const each = asked.map(parsed => ({
    stops: !isMistake(parsed) && parsed.command.name === 'stop',
    handle: () => (isMistake(parsed) ? mistaken(hand, trigger, parsed) : obey(hand, trigger, parsed.command)),
  }))
  return acceptEach(hand, trigger, each)
}

/** The texts that may hold a command, found by its word alone; nothing is parsed yet. */
async function textsOf(hand: TriggerHand, { text, place, before }: CommentTrigger): Promise<string[]> {
  // An edit of a review is of its own text: its lines were heard when it was submitted.
  if (mayHoldCommand(text) || place.in !== 'review' || before !== undefined)
    return [text].filter(mayHoldCommand)
  const inline = await hand.github.reviewComments(place.reviewId)
  return inline.map(({ body }) => body).filter(mayHoldCommand)
}

/** For an edit, the commands that the old text did not have. */
async function commandsOf({ before }: CommentTrigger, texts: readonly string[]): Promise<Parsed[]> {
  const old = new Set((await parsedOf(before ?? '')).map(parsed => JSON.stringify(parsed)))
  const parsed: Parsed[] = []
  for (const text of texts) parsed.push(...(await parsedOf(text)))
  return parsed.filter(each => !old.has(JSON.stringify(each)))
}

async function parsedOf(text: string): Promise<Parsed[]> {
  if (!mayHoldCommand(text)) return []
  await loopTurn()
  return parseCommands(text)
}

/** A bot that nobody let in is not even answered: two bots that answer each other never stop. */
async function isHeard(hand: TriggerHand, { sender }: Asking): Promise<boolean> {
  if (await wasWithdrawn(hand)) return false
  return sender.app === undefined || isListedApp(hand, sender.app)
}

interface Asked {
  stops?: boolean
  handle(): Promise<Handled>
}

const acceptOne = async (hand: TriggerHand, trigger: Asking, asked: Asked): Promise<Verdict> =>
  (await isHeard(hand, trigger)) ? acceptEach(hand, trigger, [asked]) : end

/** Deals with one command after the other, as far as none has to wait. */
async function acceptEach(hand: TriggerHand, trigger: Asking, all: readonly Asked[]): Promise<Verdict> {
  for (let asked = all[hand.record.done]; asked; asked = all[hand.record.done]) {
    if (hand.job.signal.aborted) return { do: 'park', ms: 0 }
    if (await wasWithdrawn(hand)) return end
    hand.stopping = asked.stops ?? false
    hand.deps.reached('trigger claimed')
    const handled = await handledOf(hand, asked.handle)
    const verdict = await finish(hand, trigger, handled, hand.record.done + 1 === all.length)
    if (verdict) return verdict
    hand.deps.meter?.handled(trigger.kind, outcomeOf(handled))
    await hand.save(afterOne(hand, handled))
  }
  return end
}

const afterOne = ({ record, job }: TriggerHand, handled: Handled): ThreadRecord => ({
  ...record,
  done: record.done + 1,
  answer: undefined,
  noted: undefined,
  announced: false,
  // What let this command through says nothing about the next one.
  passedAt: undefined,
  refused: record.refused || isRefusal(handled),
  stallsSeen: job.stalls,
})

const isRefusal = (handled: Handled): boolean =>
  handled.with === 'reply' && (handled.reply.reply === 'not-allowed' || handled.reply.reply === 'not-known')

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
  if (handled.with === 'passed-over') return 'refused'
  return handled.with === 'run' ? 'started' : 'noted'
}

/** `undefined` when the command is dealt with; `over`: there is no other in the comment. */
async function finish(
  hand: TriggerHand,
  trigger: Asking,
  handled: Handled,
  over: boolean,
): Promise<Verdict | undefined> {
  switch (handled.with) {
    case 'run':
      return undefined
    case 'passed-over':
      if (over) await takeEyes(hand, trigger)
      return undefined
    case 'silence':
      await swapReaction(hand, trigger, { well: true, over })
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
      await swapReaction(hand, trigger, { well: handled.well, over })
      return undefined
    case 'reply':
      // Who was told that the words are kept needs no second answer when they have arrived.
      if (
        !(hand.record.announced && handled.reply.reply === 'passed-on') &&
        !(await isRepeated(hand, handled.reply))
      )
        await reply(hand, handled.reply, { last: true, well: handled.well })
      await swapReaction(hand, trigger, { well: handled.well, over })
      return undefined
  }
}

interface Ending {
  well: boolean
  /** There is no other command in the comment. */
  over: boolean
}

async function swapReaction(hand: TriggerHand, trigger: Asking, { well, over }: Ending): Promise<void> {
  if (trigger.kind === 'tick') return
  await hand.job.assertHeld()
  await hand.github.react(targetOf(trigger), well ? 'rocket' : 'confused')
  if (over) await takeEyes(hand, trigger)
  if (!well && trigger.kind === 'label') await hand.github.removeLabel(trigger.label)
}

async function takeEyes(hand: TriggerHand, trigger: Asking): Promise<void> {
  if (!hand.record.reacted) return
  await hand.job.assertHeld()
  await hand.github.unreact(targetOf(trigger), 'eyes')
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
  if (dropped && hand.stopping) return refused({ reply: 'asked-since' })
  if (hand.record.trigger.kind === 'label' || hand.stopping) return { with: 'silence' }
  if (dropped) return refused({ reply: 'not-passed-on' })
  return answered({ reply: 'passed-on' })
}

const refuseUnread = async (hand: TriggerHand, trigger: Asking): Promise<Handled> =>
  (await gate(hand, trigger, 'run')) ?? { with: 'silence' }

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
      return goOn(hand, trigger, options, { text, ...(await inlineOf(hand, trigger)) })
    case 'retry':
      return retry(hand, trigger, options)
    case 'stop':
      return stop(hand, trigger)
    case 'status':
      return toldLately(hand, 'status') ? { with: 'silence' } : status(hand, trigger)
    case 'queue':
      return toldLately(hand, 'queue') ? { with: 'silence' } : queue(hand, trigger)
  }
}

/** All inline comments of a review belong to what it asks. */
async function inlineOf(hand: TriggerHand, { place }: CommentTrigger) {
  if (place.in === 'inline') return { inline: [await withParent(hand, place)] }
  if (place.in === 'review') return { inline: await hand.github.reviewComments(place.reviewId) }
  return {}
}

/** A reply means little without what it replies to. */
async function withParent(hand: TriggerHand, place: Place & { in: 'inline' }): Promise<InlineComment> {
  if (place.rootId === place.commentId) return place.inline
  const parent = await hand.github.inlineComment(place.rootId)
  return parent ? { ...place.inline, parent } : place.inline
}

async function byLabel(hand: TriggerHand, trigger: LabelTrigger): Promise<Handled> {
  const denied = await gate(hand, trigger, 'run')
  if (denied) return denied
  return startRun(hand, trigger, { what: 'work', text: '', options: {}, mayJoin: true })
}

/** A box counts only in a comment that carries our signature for this very thread. */
async function acceptTick(hand: TriggerHand, trigger: TickTrigger): Promise<Verdict> {
  const shown = shownBy(hand, trigger)
  if (!shown) return end
  const ticked = { ...trigger, run: shown.run }
  return acceptOne(hand, ticked, { stops: trigger.box === 'stop', handle: () => byTick(hand, ticked) })
}

async function byTick(hand: TriggerHand, trigger: TickTrigger): Promise<Handled> {
  const denied = await gate(hand, trigger, trigger.box)
  if (denied) return denied
  return trigger.box === 'stop' ? stop(hand, trigger) : retry(hand, trigger, {})
}
