import { z } from 'zod'

/** An effect without a recorded result: look for its trace before repeating it. */
const attempt = {
  at: z.number(),
  lostAt: z.number().optional(),
}
const Intent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('post-status'), ...attempt }),
  z.object({ kind: z.literal('create-task'), ...attempt }),
  z.object({ kind: z.literal('start-run'), ...attempt, before: z.array(z.string()) }),
  z.object({ kind: z.literal('open-pull'), ...attempt }),
  z.object({ kind: z.literal('deliver'), ...attempt, messageId: z.string() }),
  z.object({ kind: z.literal('rejoin'), ...attempt, offset: z.number().int() }),
  z.object({ kind: z.literal('conclude'), ...attempt }),
  z.object({ kind: z.literal('answer-inline'), ...attempt }),
  z.object({ kind: z.literal('answer-message'), ...attempt }),
  z.object({ kind: z.literal('put-question'), ...attempt }),
])
export type Intent = z.infer<typeof Intent>

const Outage = z.object({
  why: z.string(),
  since: z.number(),
  until: z.number(),
  count: z.number(),
  /** A limit, whose end is known. */
  limit: z.literal(true).optional(),
  refusedSince: z.number().optional(),
  promised: z.number().optional(),
})
export type Outage = z.infer<typeof Outage>

export const Attempts = z.object({
  /** At most one of each kind. Older versions stored one object here. */
  intent: z.array(Intent).optional(),
  /** `agent`: PostHog is there, but passes nothing on to the agent. */
  outages: z
    .object({ github: Outage.optional(), posthog: Outage.optional(), agent: Outage.optional() })
    .default({}),
  stallsSeen: z.number().int().default(0),
})
