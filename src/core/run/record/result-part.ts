import { z } from 'zod'

export const Pull = z.object({
  number: z.number().int(),
  url: z.string(),
  title: z.string(),
  draft: z.boolean(),
  head: z.string(),
  base: z.string(),
  /** Its newest commit when it was last looked at. */
  sha: z.string().optional(),
  state: z.enum(['open', 'merged', 'closed']),
  remark: z.string().optional(),
})
export type Pull = z.infer<typeof Pull>

const failureClasses = ['setup', 'permission', 'quota', 'agent', 'network', 'github', 'lost'] as const
/** Why a turn ended before it was done. */
export const Unfinished = z.enum([
  'sandbox-gone',
  'out-of-time',
  'inactive',
  'interrupted',
  'error',
  'refusal',
  'max-tokens',
  'failed',
  'unread',
  'ended-early',
])
export type Unfinished = z.infer<typeof Unfinished>

export const Outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pull') }),
  z.object({ kind: z.literal('pushed'), sha: z.string() }),
  z.object({ kind: z.literal('answer') }),
  z.object({ kind: z.literal('nothing') }),
  z.object({ kind: z.literal('unfinished'), why: Unfinished }),
  z.object({ kind: z.literal('stopped'), by: z.string(), because: z.string().optional() }),
  z.object({
    kind: z.literal('failed'),
    class: z.enum(failureClasses),
    reason: z.string(),
    fix: z.string(),
    /** The same request, asked again, would end the same way. */
    again: z.literal(false).optional(),
  }),
])
export type Outcome = z.infer<typeof Outcome>

export const Result = z.object({
  claimedPulls: z.array(z.string()).default([]),
  claimsSeen: z.number().int().default(0),
  foreignPulls: z.array(z.string()).default([]),
  /** Claimed pull requests that GitHub does not show yet. */
  unseenPulls: z.record(z.string(), z.object({ since: z.number(), until: z.number() })).default({}),
  pulls: z.array(Pull).default([]),
  untended: z.array(z.number().int()).default([]),
  reported: z.number().int().default(0),
  resultChecked: z.boolean().default(false),
  pushed: z.string().optional(),
  /** Where `pushed` is, if no pull request shows it: one that was merged before does not. */
  pushedBranch: z.string().optional(),
  /** Once a round, a turn that ended before it was done goes on in the same session; no words are said a third time. */
  resumed: z.object({ why: Unfinished, words: z.array(z.string()) }).optional(),
  outcome: Outcome.optional(),
  /** The last outcome, while a later round is under way. */
  previous: z.object({ outcome: Outcome, concludedAt: z.number().optional(), word: z.boolean() }).optional(),
  concludedAt: z.number().optional(),
  round: z.number().int().default(0),
  /** Its turn ended by itself: later words alone are retried. */
  instructionDone: z.boolean().default(false),
})
