/**
 * What arrives from GitHub and the admin pages, in its one normal form.
 * Commands and news read this, and never a payload.
 */
import { z } from 'zod'
import { Attachment } from '../text/attachment-links.ts'
import { withStrings } from '../text/redact.ts'
import { trueOrAbsent, variant } from './schema-parts.ts'
import { Person, PullHead, Snapshot, Thread } from './thread.ts'

const delivered = {
  /** Made from what happened, not from the delivery: a redelivery has the same id. */
  id: z.string(),
  deliveryId: z.string(),
  at: z.number(),
  sender: Person,
}

const arrived = { ...delivered, thread: Thread }

export const InlineComment = z.object({
  id: z.int(),
  path: z.string(),
  line: z.int().nullable(),
  hunk: z.string(),
  body: z.string(),
  nodeId: z.string().optional(),
  attached: z.array(Attachment).optional(),
  author: z.string(),
  parent: z
    .object({ author: z.string(), body: z.string(), nodeId: z.string().optional() })
    .optional(),
})
export type InlineComment = z.infer<typeof InlineComment>

export const CommentRef = z.discriminatedUnion('kind', [
  /** The text of the issue or pull request itself. */
  variant('subject', {}),
  variant('thread', {
    commentId: z.int(),
    nodeId: z.string().optional(),
  }),
  variant('review', { reviewId: z.int(), nodeId: z.string() }),
  variant('inline', {
    commentId: z.int(),
    nodeId: z.string().optional(),
    rootId: z.int(),
    reviewId: z.int().nullable(),
    inline: InlineComment,
  }),
])
export type CommentRef = z.infer<typeof CommentRef>

/** Where to reply: an inline thread is known by its first comment. */
export type ReplyRef = CommentRef | { kind: 'inline'; rootId: number }

const CommentTrigger = variant('comment', {
  ...arrived,
  commentRef: CommentRef,
  text: z.string(),
  /** For an edit: the text before. Only new commands count. */
  before: z.string().optional(),
  /** Its writer may be told once that a command stands where none is read. */
  misplaced: trueOrAbsent,
  word: z.string().optional(),
  /** The App's login, if it was known when this arrived. */
  app: z.string().optional(),
  snapshot: Snapshot,
  head: PullHead.optional(),
})

const LabelTrigger = variant('label', {
  ...arrived,
  label: z.string(),
  base: z.string().optional(),
  /** It was put on with the text, by its author, and that may hold a command. */
  withText: trueOrAbsent,
  snapshot: Snapshot,
  head: PullHead.optional(),
})

const WithdrawalTrigger = variant('withdrawal', {
  ...arrived,
  what: z.discriminatedUnion('kind', [
    variant('label', { label: z.string() }),
    variant('comment', {
      commentId: z.int(),
      in: z.enum(['thread', 'inline']).default('thread'),
      reviewId: z.int().nullable().default(null),
    }),
    variant('thread', {
      by: z.enum(['closed', 'deleted', 'transferred', 'locked']),
    }),
  ]),
})

/** `choice-2`: the second choice of a question. */
const Choice = z.templateLiteral(['choice-', z.int()])

const TickTrigger = variant('tick', {
  ...arrived,
  text: z.string(),
  snapshot: Snapshot,
  box: z.enum(['stop', 'fix', 'retry', 'continue', 'approve']).or(Choice),
  /** Our comment that it stands in. */
  commentRef: CommentRef.optional(),
  run: z.string().optional(),
  /** Who did it on the bot's own pages and not at GitHub, for `sender`, who has to be allowed to. */
  admin: z.string().optional(),
})

/**
 * A pull request changed: a reason to poll, not a fact. `unmarked`: its description lost a marker, perhaps ours;
 * `marked`: it got one. `reviewed`: somebody approved it, or an approval may not count any more.
 */
const PullNewsTrigger = variant('pull-news', {
  ...arrived,
  head: PullHead.optional(),
  /** Its description holds a marker, perhaps ours. */
  hasMarker: trueOrAbsent,
  news: z.enum([
    'opened',
    'reopened',
    'pushed',
    'merged',
    'closed',
    'ready_for_review',
    'converted_to_draft',
    /** Into another base. */
    'retargeted',
    'unmarked',
    'marked',
    'reviewed',
    /** A merge queue has made a commit of it, which has to have its checks. */
    'merging',
    /** Its checks, reviews or conflicts: of whatever pull request comes from that head. */
    'checked',
  ]),
})

/** A hint: GitHub is asked how it is now. */
const AccessLostTrigger = variant('access-lost', {
  ...delivered,
  installationId: z.int(),
  by: z.enum(['uninstalled', 'suspended', 'removed', 'transferred', 'archived', 'deleted']),
  repositories: z.array(z.int()).optional(),
})
export type AccessLostTrigger = z.infer<typeof AccessLostTrigger>

const threadTriggers = [
  CommentTrigger,
  LabelTrigger,
  WithdrawalTrigger,
  TickTrigger,
  PullNewsTrigger,
] as const

export const Trigger = z.discriminatedUnion('kind', [...threadTriggers, AccessLostTrigger])
export type Trigger = z.infer<typeof Trigger>
export type ThreadTrigger = z.infer<(typeof threadTriggers)[number]>
export type CommentTrigger = z.infer<typeof CommentTrigger>
export type LabelTrigger = z.infer<typeof LabelTrigger>
export type WithdrawalTrigger = z.infer<typeof WithdrawalTrigger>
export type TickTrigger = z.infer<typeof TickTrigger>
export type PullNewsTrigger = z.infer<typeof PullNewsTrigger>

/** Fields of text by people, and of names of files; other names and addresses are in use. */
const textFields: ReadonlySet<string> = new Set(['text', 'before', 'title', 'body', 'hunk', 'path'])

export const withTexts = <Of extends Trigger>(trigger: Of, change: (words: string) => string): Of =>
  withStrings(trigger, (text, field) => (textFields.has(field) ? change(text) : text))

export type Ignored =
  | 'event not used'
  | 'payload not understood'
  | 'not installed as an App'
  | 'by a bot'
  | 'no command'
  | 'no new command'
  | 'edited too late'
  | 'too much by one account'
  | 'written by somebody else'
  | 'transferred'
  | 'other label'
  | 'inline comment of a review'
