/** Carries out what a command decided: facts, decision, and then no more than a few lines. */
import { threadSlot } from '../core/model/thread.ts'
import type { Run } from '../core/run/run.ts'
import { hidesWords } from '../core/text/untrusted.ts'
import type { Command, Decision, Request } from './command.ts'
import {
  type Asking,
  answered,
  commandId,
  type Handled,
  refused,
  runId,
  type TriggerHand,
} from './command-context.ts'
import { commands } from './command-registry.ts'
import { gate } from './gate.ts'
import { readsFor } from './reads.ts'
import { give } from './tell-run.ts'

/** Asks who may, what is known, and has it decided and done. */
export async function obey(
  hand: TriggerHand,
  trigger: Asking,
  command: Command,
  { options, text }: Pick<Request, 'options' | 'text'>,
): Promise<Handled> {
  const denied = await gate(hand, trigger, command.name)
  if (denied) return denied
  if (hand.deps.tenant === undefined) return unserved(hand)
  if (hidesWords(text)) return refused({ reply: 'hidden' })
  const request = { trigger, options, text, runId: runId(hand) }
  const facts = await command.facts(readsFor(hand, trigger, commands), request)
  return perform(hand, command.decide(request, facts))
}

/** Said once to each owner, and then no more. */
async function unserved(hand: TriggerHand): Promise<Handled> {
  const { owner } = hand.record.trigger.thread
  const first = await hand.deps.isFirst(`unserved-${owner.toLowerCase()}`, commandId(hand))
  return first ? refused({ reply: 'not-served', owner }) : { with: 'passed-over' }
}

function perform(hand: TriggerHand, decision: Decision): Promise<Handled> | Handled {
  switch (decision.kind) {
    case 'reply':
      return answered(decision.reply)
    case 'reject':
      return refused(decision.reply)
    case 'start':
      return enqueue(hand, decision.run)
    case 'started':
      return { with: 'run' }
    case 'message':
      return give(hand, decision.runId, decision.message)
    case 'take-over':
      return takeOver(hand, decision.run)
    case 'wait':
      return {
        with: 'wait',
        ms: decision.ms,
        ...(decision.announce ? { announce: decision.announce } : {}),
      }
    case 'silence':
      return { with: 'silence' }
  }
}

async function enqueue(hand: TriggerHand, run: Run): Promise<Handled> {
  const { tenant, runs } = hand.deps
  const bound = { ...run, ...(tenant === undefined ? {} : { tenant }) }
  const { outcome } = await runs.add(run.id, bound, threadSlot(run.thread))
  hand.deps.log.info({ run: run.id, outcome }, 'run queued')
  // Somebody was faster: come back and be a follow-up.
  return outcome === 'held' ? { with: 'wait', ms: 50 } : { with: 'run' }
}

async function takeOver(hand: TriggerHand, live: Run): Promise<Handled> {
  if (!live.yielding)
    await hand.deps.runs.tell(live.id, JSON.stringify({ says: 'yield', id: `${commandId(hand)}-yield` }))
  return { with: 'wait', ms: 200 }
}
