import { z } from 'zod'

/** An inline comment whose words the agent has, to be answered in its own thread. */
const InlineAsked = z.object({
  commentId: z.number().int(),
  rootId: z.number().int(),
  messageId: z.string(),
  by: z.enum(['review', 'comment']),
})
export type InlineAsked = z.infer<typeof InlineAsked>

export const Question = z.object({
  key: z.string(),
  commentId: z.number().int(),
  inline: z.literal(true).optional(),
})

export const Report = z.object({
  status: z
    .object({
      commentId: z.number().int(),
      hash: z.string(),
      phase: z.string(),
      at: z.number(),
      heardAt: z.number().optional(),
      nodeId: z.string().optional(),
      minimized: z.literal(true).optional(),
      postedAt: z.number().optional(),
    })
    .optional(),
  supersedes: z.array(z.string()).default([]),
  statusRemade: z.boolean().optional(),
  announced: z
    .object({
      comment: z.boolean().default(false),
      word: z.boolean().default(false),
      inline: z.number().int().default(0),
      reaction: z.boolean().default(false),
      label: z.boolean().default(false),
      branch: z.boolean().default(false),
    })
    .prefault({}),
  /** Those of follow-ups; those of the request stand in the request. */
  inlineAsked: z.array(InlineAsked).optional(),
  /** The comment on a line that began the run is gone: its last word comes in the pull request's own thread. */
  inlineGone: z.literal(true).optional(),
  /** Questions of the agent that stand in comments of their own. */
  questions: z.array(Question).optional(),
  answerTo: z.string().optional(),
  readOnlyThread: z.boolean().default(false),
  /** The thread refuses comments since then; it is retried, since it may be unlocked. */
  threadBlocked: z.object({ since: z.number(), until: z.number(), count: z.number() }).optional(),
  labels: z.array(z.string()).default([]),
})
