import type { Thread } from '../core/model/thread.ts'
import type { Target } from '../core/model/views.ts'
import { ofThread } from '../core/record/run-index.ts'
import { isSamePlace } from '../core/record/words-to-say.ts'
import type { WaitingTriggers } from './command-context.ts'

/** Bounded, as anybody may write. */
const newest = { kind: 'last', count: 30 } as const

/** Whether a command that stands there waits for the Run of the thread: it has said so, or soon will. */
export const waitsStill =
  (triggers: Pick<WaitingTriggers, 'listed'>) =>
  async (thread: Thread, at: Target): Promise<boolean> => {
    const waiting = await triggers.listed([ofThread(thread)], newest)
    return waiting.some(({ data: { trigger, waits } }) => {
      if (waits?.run === undefined || (trigger.kind !== 'comment' && trigger.kind !== 'label')) return false
      return isSamePlace(at, trigger.kind === 'comment' ? trigger.commentRef : { kind: 'subject' })
    })
  }
