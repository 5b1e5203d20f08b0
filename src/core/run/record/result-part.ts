import { z } from 'zod'

export const Pull = z.object({
  number: z.number().int(),
  url: z.string(),
  title: z.string(),
  draft: z.boolean(),
  head: z.string(),
  base: z.string(),
  state: z.enum(['open', 'merged', 'closed']),
  remark: z.string().optional(),
})
export type Pull = z.infer<typeof Pull>

const failureClasses = ['setup', 'permission', 'quota', 'agent', 'network', 'github', 'lost'] as const
export const Outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pull') }),
  z.object({ kind: z.literal('pushed'), sha: z.string() }),
  z.object({ kind: z.literal('answer') }),
  z.object({ kind: z.literal('nothing') }),
  z.object({ kind: z.literal('stopped'), by: z.string(), because: z.string().optional() }),
  z.object({ kind: z.literal('failed'), class: z.enum(failureClasses), reason: z.string(), fix: z.string() }),
])
export type Outcome = z.infer<typeof Outcome>

export const Result = z.object({
  claimedPulls: z.array(z.string()).default([]),
  /** GitHub reported a pull request first: poll once before the last word, for what the agent says of it. */
  lookBeforeLastWord: z.boolean().optional(),
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
  outcome: Outcome.optional(),
  /** The last outcome, while a later round is under way. */
  previous: z.object({ outcome: Outcome, concludedAt: z.number().optional(), word: z.boolean() }).optional(),
  concludedAt: z.number().optional(),
  round: z.number().int().default(0),
})
