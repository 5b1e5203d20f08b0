/** Admission and polling. Times are ms since the epoch. */
import { z } from 'zod'
import { scopes } from '../run-index.ts'

export const Schedule = z.object({
  admitted: z.boolean().default(false),
  /** When it first asked for admission, our clock. */
  enteredAt: z.number().optional(),
  admissionExpectedAt: z.number().optional(),
  /** When it was last asked whether the sender may start this. */
  rightAskedAt: z.number().optional(),
  ahead: z.number().int().optional(),
  waitsUntil: z.object({ at: z.number(), limit: z.string() }).optional(),
  waitsFor: z.enum([...scopes, 'session']).optional(),
  nextPollAt: z.number().optional(),
  lastPollAt: z.number().optional(),
  /** Since when its stream is open without a break. */
  streamedSince: z.number().optional(),
})
