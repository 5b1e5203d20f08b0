import { z } from 'zod'
import { Attachment, StagedAttachments } from '../../text/attachment.ts'

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

const count = z.number().int().default(0)

const given = {
  /** Title and description. */
  thread: z.boolean().default(true),
  cut: z.array(z.enum(['instruction', 'description'])).default([]),
  cutComments: count,
  /** Words that their pages do not show. */
  unshown: count,
  leftOut: z
    .object({
      bots: count,
      outsiders: count,
      /** Of people about whom nobody was asked, as there are too many. */
      unknown: count,
      later: count,
      resolved: count,
      /** Whose page could not be had: the description, too. */
      unseen: count,
      older: count,
    })
    .prefault({}),
}

/** What of a thread the agent was given, and what not: the receipt. */
export const Given = z.object({
  ...given,
  comments: count,
  /** Of the comments. */
  onLines: count,
  authors: z.array(z.string()).default([]),
})
export type Given = z.infer<typeof Given>

/** GitHub's time of a command, and the comment it stands in, as `placeOf` names it. */
const UpTo = z.object({ at: z.number(), place: z.string().optional() })

export const ReadUpTo = UpTo.extend({ of: z.string() })
export type ReadUpTo = z.infer<typeof ReadUpTo>

export const Context = z.object({
  ...given,
  /** As its page shows it; absent if that could not be had. */
  description: z.string().optional(),
  /** The files that its page shows. */
  attached: z.array(Attachment).optional(),
  /** The id of the words that it goes with. */
  of: z.string().default(''),
  upTo: UpTo.default({ at: 0 }),
  /** It has only what is new since the words before. */
  goesOn: z.boolean().default(false),
  comments: z.array(
    z.object({
      author: z.string(),
      at: z.number(),
      body: z.string(),
      kind: z.enum(['comment', 'review']).default('comment'),
      on: z.object({ path: z.string(), line: z.number().nullable(), hunk: z.string() }).optional(),
    }),
  ),
})
export type Context = z.infer<typeof Context>

export const Workspace = z.object({
  branch: Branch.optional(),
  madeBranch: z.string().optional(),
  /** A branch that is linked to the issue, but can't be used. */
  linkedElsewhere: z.object({ repository: z.string(), branch: z.string() }).optional(),
  headMoved: z.object({ from: z.string(), to: z.string() }).optional(),
  threadContext: Context.optional(),
  /** Up to where the session has been given what was written in this thread. */
  readUpTo: ReadUpTo.optional(),
  given: Given.optional(),
  attachments: StagedAttachments.optional(),
  restaged: z.boolean().default(false),
})
