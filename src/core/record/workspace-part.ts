/** The part of a Run's record that tells where its agent works, and what of the thread it was given. */
import { z } from 'zod'
import { falseAtFirst, noneAtFirst, zeroAtFirst } from '../model/schema-parts.ts'
import { CommentView, LinkedElsewhere } from '../model/views.ts'
import { Attachment } from '../text/attachment-links.ts'

export const Branch = z.object({
  name: z.string(),
  into: z.string(),
  sha: z.string(),
  made: falseAtFirst,
  fresh: falseAtFirst,
})
export type Branch = z.infer<typeof Branch>

const contextReceipt = {
  /** Title and description. */
  thread: z.boolean().default(true),
  cut: z.array(z.enum(['instruction', 'description'])).default([]),
  cutComments: zeroAtFirst,
  /** Words that their pages do not show. */
  unshown: zeroAtFirst,
  leftOut: z
    .object({
      outsiders: zeroAtFirst,
      /** Comments by people about whom nobody was asked, as there are too many. */
      unknown: zeroAtFirst,
      later: zeroAtFirst,
      resolved: zeroAtFirst,
      minimized: zeroAtFirst,
      /** Texts, the description included, whose page could not be had. */
      unseen: zeroAtFirst,
      older: zeroAtFirst,
    })
    .prefault({}),
}

/** What of a thread the agent was given, and what not: the receipt. */
export const GivenContext = z.object({
  ...contextReceipt,
  comments: zeroAtFirst,
  /** How many of the comments are on lines. */
  onLines: zeroAtFirst,
  authors: noneAtFirst,
})
export type GivenContext = z.infer<typeof GivenContext>

/** GitHub's time of a command, and the comments of that second whose commands were given, as `placeInThread` names them. */
const UpTo = z.object({ at: z.number(), places: noneAtFirst })

export const ReadUpTo = UpTo.extend({ of: z.string() })
export type ReadUpTo = z.infer<typeof ReadUpTo>

export const Context = z.object({
  ...contextReceipt,
  /** The description that its page shows. It is absent if the page could not be had. */
  description: z.string().optional(),
  /** The files that its page shows. */
  attached: z.array(Attachment).optional(),
  /** The id of the words that it goes with. */
  of: z.string().default(''),
  upTo: UpTo.prefault({ at: 0 }),
  /** It has only what is new since the words before. */
  goesOn: falseAtFirst,
  comments: z.array(
    z.object({
      /** The id of a comment on a line. */
      id: z.int().optional(),
      author: z.string(),
      at: z.number(),
      body: z.string(),
      kind: z.enum(['comment', 'review']).default('comment'),
      on: CommentView.shape.on,
    }),
  ),
})
export type Context = z.infer<typeof Context>

export const StagedAttachments = z.object({
  /** The `pending_user_artifact_ids`. They are good for one start of one task, within 24 hours. */
  ids: z.array(z.string()),
  /** What each is called at GitHub. */
  names: z.array(z.string()).optional(),
  failed: z.array(z.object({ name: z.string(), why: z.string() })),
})
export type StagedAttachments = z.infer<typeof StagedAttachments>

export const Workspace = z
  .object({
    branch: Branch,
    /** The branch that a Run of this thread made. Only this one is ever removed. */
    madeBranch: z.string(),
    /** The commit at which it was made. */
    madeFrom: z.string(),
    /** A branch that is linked to the issue, but can't be used. */
    linkedElsewhere: LinkedElsewhere,
    /** The open pull request whose head is the base. */
    stackedOn: z.object({ base: z.string(), number: z.int(), url: z.string() }),
    headMoved: z.object({ from: z.string(), to: z.string() }),
    threadContext: Context,
    /** The session has been given what was written in this thread up to here. */
    readUpTo: ReadUpTo,
    given: GivenContext,
    attachments: StagedAttachments,
  })
  .partial()
  .extend({
    restaged: falseAtFirst,
  })
