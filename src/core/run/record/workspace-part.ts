import { z } from 'zod'
import { StagedAttachments } from '../../text/attachment.ts'

export const Branch = z.object({
  name: z.string(),
  into: z.string(),
  sha: z.string(),
  made: z.boolean().default(false),
  fresh: z.boolean().default(false),
  /** A Run of this thread recorded that it made the branch. Only such a branch is ever removed. */
  recorded: z.boolean().default(false),
  linked: z.boolean().default(false),
})
export type Branch = z.infer<typeof Branch>

export const Context = z.object({
  comments: z.array(z.object({ author: z.string(), at: z.number(), body: z.string() })),
  leftOut: z.object({
    bots: z.number().int(),
    outsiders: z.number().int(),
    later: z.number().int(),
    older: z.number().int(),
  }),
})
export type Context = z.infer<typeof Context>

export const Workspace = z.object({
  branch: Branch.optional(),
  madeBranch: z.string().optional(),
  headMoved: z.object({ from: z.string(), to: z.string() }).optional(),
  threadContext: Context.optional(),
  attachments: StagedAttachments.optional(),
  restaged: z.boolean().default(false),
})
