/** Deals with the commands of one trigger in turn: each gets one answer, and none is decided twice. */
import type { HandledOutcome } from '../core/model/meter.ts'
import type { Verdict } from '../core/model/ports.ts'
import { type Asking, type Handled, type TriggerHand, targetOf } from './command-context.ts'
import { isRepeated, reply, sendAnswer } from './reply.ts'
import { afterNote } from './tell-run.ts'
import type { ThreadRecord } from './trigger-record.ts'
import { wasWithdrawn } from './withdraw.ts'

export interface Asked {
  stops?: boolean
  handle(): Promise<Handled>
}

/** As far as none has to wait. */
export async function acceptEach(
  hand: TriggerHand,
  trigger: Asking,
  all: readonly Asked[],
): Promise<Verdict> {
  for (let asked = all[hand.record.done]; asked; asked = all[hand.record.done]) {
    if (hand.job.signal.aborted) return { do: 'park', ms: 0 }
    if (await wasWithdrawn(hand)) return { do: 'end' }
    hand.stopping = asked.stops ?? false
    hand.deps.reached('trigger claimed')
    const handled = await handledOf(hand, asked.handle)
    const verdict = await finish(hand, trigger, handled, hand.record.done + 1 === all.length)
    if (verdict) return verdict
    hand.deps.meter?.handled(trigger.kind, outcomeOf(handled))
    await hand.save(afterOne(hand, handled))
  }
  return { do: 'end' }
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
      if (!(await isRepeated(hand, handled.reply)))
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

export async function swapReaction(
  hand: TriggerHand,
  trigger: Asking,
  { well, over }: Ending,
): Promise<void> {
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
