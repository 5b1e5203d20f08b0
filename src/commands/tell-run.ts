/** Tells a live Run something, and waits until it has dealt with it. */
import type { Said } from './command.ts'
import { commandId, type Handled, refused, type TriggerHand } from './command-context.ts'
import type { TriggerRecord } from './trigger-record.ts'

/** Written down before: whoever comes back says the same, which counts once. */
export async function give(hand: TriggerHand, runId: string, said: Said): Promise<Handled> {
  const { trigger } = hand.record
  const noteId = commandId(hand)
  const note = JSON.stringify({ ...said, id: noteId, by: trigger.sender, at: trigger.at })
  await hand.save({ ...hand.record, noted: { runId, noteId, note, told: false } })
  return tellNoted(hand)
}

async function tellNoted(hand: TriggerHand): Promise<Handled> {
  const { noted } = hand.record
  if (!noted) return { with: 'wait', ms: 0 }
  const told = await hand.deps.runs.tell(noted.runId, noted.note)
  hand.deps.reached('note told, not recorded')
  // The Run has ended meanwhile: the command starts over.
  await hand.save({ ...hand.record, noted: told ? { ...noted, told } : undefined })
  return told ? { with: 'note' } : { with: 'wait', ms: 50 }
}

type Noted = NonNullable<TriggerRecord['noted']>

/** The Run has dealt with the note, or ended without doing so; then the command starts over. */
export async function afterNote(hand: TriggerHand, { runId, noteId, told }: Noted): Promise<Handled> {
  const kept = await hand.deps.runs.get(runId)
  if (kept?.data.delivered.includes(noteId)) return dealtWith(hand, kept.data.dropped.includes(noteId))
  if (kept?.standing === 'live' && !(kept.data.outcome && hand.record.trigger.kind === 'label')) {
    if (!told) return tellNoted(hand)
    await hand.deps.runs.wake(runId)
    return { with: 'wait', ms: 500 }
  }
  await hand.save({ ...hand.record, noted: undefined })
  return { with: 'wait', ms: 0 }
}

/** The reaction says that it arrived, the status how many did, and the last word what came of it. */
function dealtWith(hand: TriggerHand, dropped: boolean): Handled {
  if (dropped && hand.stopping) return refused({ reply: 'asked-since' })
  const isSaid = hand.record.trigger.kind !== 'label' && !hand.stopping
  return dropped && isSaid ? refused({ reply: 'not-passed-on' }) : { with: 'silence' }
}
