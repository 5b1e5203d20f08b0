/** The data of a trigger's job: what arrived, and how far it has been dealt with. */
import { z } from 'zod'
import { Trigger } from '../core/trigger.ts'

export const TriggerRecord = z.object({
  trigger: Trigger,
  /** Commands of the comment that are dealt with. */
  done: z.number().int(),
  reacted: z.boolean(),
  /** A reply has begun and its result is not recorded. */
  replying: z.number().optional(),
  /** A note for a live Run, until the Run has read it. */
  noted: z.object({ runId: z.string(), noteId: z.string() }).optional(),
  /** The asker knows that the command waits for the thread's Run to end. */
  announced: z.boolean(),
  /** When the gate last let it through, ms since the epoch. */
  passedAt: z.number().optional(),
})
export type TriggerRecord = z.infer<typeof TriggerRecord>

export const triggerRecord = (trigger: Trigger): TriggerRecord => ({
  trigger,
  done: 0,
  reacted: false,
  announced: false,
})
