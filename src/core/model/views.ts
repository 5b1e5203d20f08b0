import { z } from 'zod'
import type { ReasoningEffort } from './codex-task-run-create.ts'
import type { Role } from './command-grammar.ts'
import type { Person, PullHead, Snapshot, Thread } from './thread.ts'
import type { CommentRef } from './trigger.ts'

/** Each has one meaning, which `/codex help` says. */
export const reactions = {
  seen: 'eyes',
  done: '+1',
  ended: 'rocket',
  refused: '-1',
  failed: 'confused',
} as const

export type Sign = keyof typeof reactions
export type Reaction = (typeof reactions)[Sign]

export type Target = CommentRef

/** A check run on a commit. */
export interface CheckReport {
  /** Of the report: a commit has one of each, as it was told last. */
  id: string
  name: string
  state: 'pending' | 'success' | 'failure' | 'neutral'
  title: string
  summary: string
  /** Where its details are. */
  url?: string
  annotations?: readonly { path: string; line: number; message: string }[]
}

/** Who approved the newest commit of an open pull request, and may write there. A bot does not count. */
export interface Approvals {
  sha: string
  /** The description. */
  body: string
  by: readonly Person[]
}

export interface ChangedFile {
  path: string
  /** The hunks of its diff; GitHub gives none of what is large, or no text. */
  patch: string | undefined
}

/** Said at once, never an approval. */
export interface NewReview {
  /** The commit that was looked at. */
  sha: string
  body: string
  comments: readonly { path: string; line: number; body: string }[]
}

export interface OwnComment {
  id: number
  body: string
  createdAt: number
}

/** What somebody wrote in a thread. */
export interface CommentView {
  id: number
  nodeId?: string
  /** `undefined`: the account is gone, and what it wrote is nobody's. */
  author: string | undefined
  bot: boolean
  /** GitHub calls the author owner, member or collaborator: whom to ask about first. It grants nothing. */
  insider: boolean
  body: string
  /** When it was published, ms since the epoch; a comment of a review is written before. */
  createdAt: number
  updatedAt: number
  in: 'thread' | 'review' | 'line'
  on?: { path: string; line: number | null; hunk: string }
  /** In a thread of comments that somebody marked as resolved. */
  resolved?: boolean
}

export interface Permission {
  role: Role
  name: string
}

export interface PullView {
  number: number
  url: string
  title: string
  body: string
  draft: boolean
  state: 'open' | 'merged' | 'closed'
  head: PullHead
  author: { login: string; bot: boolean } | undefined
  createdAt: number
  mergedAt: number | undefined
}

export interface PullChange {
  title?: string
  base?: string
  body?: string
}

export type SettlingPart = 'change' | 'labels' | 'ready' | 'assign' | 'review' | 'status'

export interface Settling {
  pull?: {
    number: number
    change?: PullChange
    labels?: readonly string[]
    /** Is no draft any more. */
    ready?: true
    assign?: string
    review?: string
  }
  status?: { nodeId: string; text: string }
  /** What replaces the eyes; without content, nothing does. */
  reaction?: { target: Target; content?: Reaction }
  fold?: string
  /** Shown again. */
  unfold?: string | undefined
}

export interface Settled {
  pull?: PullView
  refused: SettlingPart[]
  /** Of those wanted, what the repository does not have. */
  unknownLabels?: string[]
}

/** An issue or pull request that something waits for. `name` is `#7`, or `acme/other#7` elsewhere. */
export const Awaited = z.object({ name: z.string(), title: z.string(), url: z.string() })
export type Awaited = z.infer<typeof Awaited>

/** An open pull request that says it closes the issue. */
export interface Closer {
  number: number
  title: string
  url: string
  /** Of its head, if that is in this repository. */
  branch: string | undefined
}

/** What keeps an open pull request from being merged, as GitHub's page says it. */
export const PullNeeds = z.object({
  number: z.number().int(),
  /** Of its newest commit; `url` is the page of the check. */
  failedChecks: z.array(z.object({ name: z.string(), url: z.string().optional() })),
  hasConflicts: z.boolean(),
  changesRequestedBy: z.array(z.string()),
  /** Threads on lines that nobody resolved. */
  unresolved: z.array(z.object({ path: z.string(), line: z.number().int().nullable() })),
})
export type PullNeeds = z.infer<typeof PullNeeds>

/** `isKnown`: GitHub had found out whether there are conflicts. */
export interface NeedsView extends PullNeeds {
  isKnown: boolean
}

export interface Closing {
  by: Person
  at: number
}

export interface ThreadState {
  open: boolean
  locked: boolean
  labels: string[]
}

export interface CommitView {
  sha: string
  /** GitHub knows author and committer as people; of an App, neither. */
  byPerson: boolean
  /** The login of the App that made it, if GitHub knows one. */
  app?: string | undefined
}

export interface BranchView {
  name: string
  sha: string
}

export interface BaseView extends BranchView {
  /** That is open, and has it as its head. */
  pull: Pick<Pull, 'number' | 'url'> | undefined
}

export interface LinkedElsewhere {
  repository: string
  branch: string
}

export interface IssueBranches {
  linked: BranchView[]
  ours: BranchView[]
  base: BranchView | undefined
  /** Linked, but in another repository. */
  elsewhere?: LinkedElsewhere
  /** For linking; `undefined` where GitHub does not say. */
  ids: { issue: string; repository: string } | undefined
}

export interface NewTask {
  title: string
  description: string
  repository: string
  /** PostHog's id of its GitHub integration; without one it chooses. */
  integration?: string | undefined
}

export interface KnownModel {
  name: string
  /** Those that it takes, lowest first; `undefined` if PostHog does not say. */
  efforts: readonly ReasoningEffort[] | undefined
  /** What it costs, as a multiple of PostHog's usual model; `undefined` if PostHog does not say. */
  costFactor?: number | undefined
}

/** A model as people are told of it. */
export type PricedModel = Pick<KnownModel, 'name' | 'costFactor'>

/** PostHog compares names in any case, and without their vendor. */
export const isModel =
  (wanted: string) =>
  ({ name }: Pick<KnownModel, 'name'>): boolean =>
    plainName(name) === plainName(wanted)

const plainName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/^openai\//, '')

export interface SandboxView {
  id: string
  name: string
}

export const pullOf = (view: PullView): Pull => ({
  number: view.number,
  url: view.url,
  title: view.title,
  draft: view.draft,
  head: view.head.ref,
  base: view.head.base,
  sha: view.head.sha,
  state: view.state,
})

export interface ThreadComment extends OwnComment {
  number: number
  changedAt: number
  /** It is a check on this commit. */
  sha?: string
}

export interface SubjectView {
  thread: Thread
  snapshot: Snapshot
}

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
