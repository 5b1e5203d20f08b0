/** A reason is taken back: what still waits is cancelled, what runs is stopped, as the settings say. */
import type { RepoSettings } from '../../core/repo-settings.ts'
import type { Run } from '../../core/run.ts'
import { threadSlot } from '../../core/thread.ts'
import type { Trigger, WithdrawalTrigger } from '../../core/trigger.ts'
import type { Verdict } from '../edges.ts'
import { liveRun, type TriggerHand } from './hand.ts'

export async function withdraw(hand: TriggerHand, trigger: WithdrawalTrigger): Promise<Verdict> {
  await takeBackWaiting(hand, trigger)
  const live = await liveRun(hand, threadSlot(trigger.thread))
  if (live && concerns(live.data, trigger) && stops(live.data.settings.when, trigger)) {
    const note = {
      says: 'stop',
      id: trigger.id,
      by: trigger.sender,
      at: trigger.at,
      because: because(trigger),
    }
    await hand.deps.runs.tell(live.id, JSON.stringify(note))
  }
  return { do: 'end' }
}

const withdrawn = 'withdrawn'

/** Commands that wait for their turn are jobs of their own. */
async function takeBackWaiting(hand: TriggerHand, withdrawal: WithdrawalTrigger): Promise<void> {
  const slot = threadSlot(withdrawal.thread)
  for (const { id, data } of await hand.deps.waiting.live()) {
    const { trigger } = data
    if (threadSlot(trigger.thread) === slot && trigger.at <= withdrawal.at && isReason(trigger, withdrawal))
      await hand.deps.waiting.tell(id, withdrawn)
  }
}

export const wasWithdrawn = async ({ job }: TriggerHand): Promise<boolean> =>
  (await job.inbox()).includes(withdrawn)

function isReason(trigger: Trigger, { what }: WithdrawalTrigger): boolean {
  switch (what.of) {
    case 'thread':
      // In a closed thread a command is answered still; its Run looks for itself.
      return what.by !== 'closed' && (trigger.kind === 'comment' || trigger.kind === 'label')
    case 'label':
      return trigger.kind === 'label' && trigger.label === what.label
    case 'comment':
      return (
        trigger.kind === 'comment' &&
        trigger.place.in === 'thread' &&
        trigger.place.commentId === what.commentId
      )
  }
}

function concerns({ ask: { origin }, labels }: Run, { what }: WithdrawalTrigger): boolean {
  switch (what.of) {
    case 'thread':
      return true
    case 'label':
      return labels.includes(what.label) && origin.by === 'label'
    case 'comment':
      return (
        origin.by === 'comment' && origin.place.in === 'thread' && origin.place.commentId === what.commentId
      )
  }
}

/** A thread that is gone or locked can't be told anything, so its run ends whatever the settings say. */
function stops(when: RepoSettings['when'], { what }: WithdrawalTrigger): boolean {
  switch (what.of) {
    case 'label':
      return when.unlabeled === 'stop'
    case 'comment':
      return when.deleted === 'stop'
    case 'thread':
      return what.by !== 'closed' || when.closed === 'stop'
  }
}

function because({ what }: WithdrawalTrigger): string {
  switch (what.of) {
    case 'label':
      return 'took the label off'
    case 'comment':
      return 'deleted the comment that asked for it'
    case 'thread':
      return `${what.by} this`
  }
}
