/**
 * What the bot reads from GitHub and PostHog and writes there, in its own shapes instead of their payloads.
 */
import { z } from 'zod'
import { plainName, type ReasoningEffort } from './codex-task-run-create.ts'
import type { Role } from './command-grammar.ts'
import { trueOrAbsent } from './schema-parts.ts'
import type { Person, Snapshot, Thread } from './thread.ts'
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

/** A check run on a commit. */
export interface CheckReport {
  name: string
  state: 'pending' | 'success'
  title: string
  summary: string
  /** Said only of a commit of which nothing was said before: it may be the newest of another pull request, too. */
  onlyFirst?: true
}

/** Who approved the newest commit of an open pull request, and may write there. A bot does not count. */
export interface Approvals {
  sha: string
  /** Its login, if the account is still there. */
  author: string | undefined
  /** The description. */
  body: string
  by: readonly Person[]
}

export interface ChangedFile {
  path: string
  /** The hunks of its diff; GitHub gives none of what is large, or no text. */
  patch: string | undefined
}

/** Our own comment or review that is there. */
export interface Posted {
  id: number
}

export interface OwnComment extends Posted {
  /** Its name in GraphQL, by which it is folded away. */
  nodeId?: string
  body: string
  createdAt: number
}

/** What somebody wrote in a thread. */
export const CommentView = z.object({
  id: z.number(),
  nodeId: z.string().optional(),
  /** `undefined`: the account is gone, and what it wrote is nobody's. */
  author: z.string().optional(),
  bot: z.boolean(),
  /** GitHub calls the author owner, member or collaborator: whom to ask about first. It grants nothing. */
  insider: z.boolean(),
  body: z.string(),
  /** When it was published, ms since the epoch; a comment of a review is written before. */
  createdAt: z.number(),
  updatedAt: z.number(),
  in: z.enum(['thread', 'review', 'line']),
  /** The author is a bot that the settings name. It is read as what people write is. */
  listed: trueOrAbsent,
  on: z.object({ path: z.string(), line: z.number().nullable(), hunk: z.string() }).optional(),
  /** Somebody marked its thread of comments as resolved. */
  resolved: z.boolean().optional(),
})
export type CommentView = z.infer<typeof CommentView>

/** A thread of comments on a line. */
export interface ReviewThread {
  /** The id in GraphQL. */
  id: string
  /** The comment that it begins with. */
  rootId: number
  path: string
}

export interface Permission {
  role: Role
  name: string
}

/** A pull request as it is now: its record, and what is written down of it nowhere. */
export interface PullView extends Omit<Pull, 'remark'> {
  sha: string
  /** The repository of its head; `null` where a fork is gone. */
  repoId: number | null
  body: string
  author: { login: string; bot: boolean } | undefined
  createdAt: number
  mergedAt: number | undefined
}

/** What is read of many at once. */
export type ListedPull = Pick<PullView, 'number' | 'title' | 'url' | 'head' | 'repoId' | 'author'>

export interface PullChange {
  title?: string
  base?: string
  body?: string
  /** A line of ours below the body, which it goes with. */
  footer?: string
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
  reaction?: { target: CommentRef; content?: Reaction }
  fold?: string
}

export interface Settled {
  pull?: PullView
  refused: SettlingPart[]
  /** The wanted labels that the repository does not have. */
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
  /** The branch of its head, if that is in this repository. */
  branch: string | undefined
  /** `undefined`: the account is gone. */
  author?: PullView['author']
}

/** What keeps an open pull request from being merged, as GitHub's page says it. */
export const PullNeeds = z.object({
  number: z.int(),
  /** The failed checks of its newest commit; `url` is the page of the check. */
  failedChecks: z.array(z.object({ name: z.string(), url: z.string().optional() })),
  hasConflicts: z.boolean(),
  changesRequestedBy: z.array(z.string()),
  /** Threads on lines that somebody who may order wants to be seen to. */
  unresolved: z.array(
    z.object({
      path: z.string(),
      line: z.int().nullable(),
      /** The slug of the App whose wish it is, if the settings name it. */
      by: z.string().optional(),
    }),
  ),
})
export type PullNeeds = z.infer<typeof PullNeeds>

/** How often an agent was sent to fix what a pull request needs: by people, and by PostHog itself. */
export const Rounds = z.object({ asked: z.int(), byPostHog: z.int() })
export type Rounds = z.infer<typeof Rounds>

const wholeNumber = z.int()

/** How much a pull request changes. */
const PullSize = z.object({ files: wholeNumber, additions: wholeNumber, deletions: wholeNumber })

/** What can be said of a pull request in passing; what GitHub did not say is left out. */
export const PullFacts = z.object({
  size: PullSize.optional(),
  /** How many checks of its newest commit came to what. What was skipped or cancelled is none of them. */
  checks: z.object({ passed: wholeNumber, failed: wholeNumber, running: wholeNumber }).optional(),
})
export type PullFacts = z.infer<typeof PullFacts>

export interface NeedsView {
  /** GitHub had found out whether there are conflicts. */
  isKnown: boolean
  facts?: PullFacts
  /** Nothing, if nothing keeps it from being merged. */
  needs: PullNeeds | undefined
}

/** Threads on lines that nobody resolved, and who spoke there, oldest first: people who may write, and bots. */
export interface NeedsRead extends Omit<PullNeeds, 'unresolved'>, Omit<NeedsView, 'needs'> {
  unresolved: readonly {
    path: string
    line: number | null
    voices: readonly ({ kind: 'agent' } | { kind: 'writer' } | { kind: 'bot'; login: string })[]
  }[]
}

/** What the label is made with where a repository does not have it. */
export interface StateLabel {
  name: string
  /** Hexadecimal, without `#`. */
  color: string
  description: string
}

/** The author of a commit. */
export interface Made {
  /** The login of the App that made it, if GitHub knows one. */
  app?: string
  /** PostHog's task, which its tool for commits writes into each. */
  task?: string
}

export interface CommitView extends Made {
  sha: string
  /** GitHub knows author and committer as people; of an App, neither. */
  byPerson: boolean
  /** The first line of its message, which copies keep. */
  subject?: string
  /** ms since the epoch, by the clock of whoever made it */
  at?: number
}

export const BranchView = z.object({ name: z.string(), sha: z.string() })
export type BranchView = z.infer<typeof BranchView>

export interface HeadView extends BranchView, Made {
  /** When its newest commit was made, ms since the epoch. */
  at: number
}

export interface BaseView extends BranchView {
  /** The open pull request that has the branch as its head. */
  pull: Pick<Pull, 'number' | 'url'> | undefined
}

export const LinkedElsewhere = z.object({ repository: z.string(), branch: z.string() })
export type LinkedElsewhere = z.infer<typeof LinkedElsewhere>

export const IssueBranches = z.object({
  linked: z.array(BranchView),
  ours: z.array(BranchView),
  base: BranchView.optional(),
  /** A branch that is linked, but in another repository. */
  elsewhere: LinkedElsewhere.optional(),
  /** Linking needs them. They are `undefined` where GitHub does not say. */
  ids: z.object({ issue: z.string(), repository: z.string() }).optional(),
})
export type IssueBranches = z.infer<typeof IssueBranches>

export interface KnownModel {
  name: string
  /** The efforts that it takes, lowest first; `undefined` if PostHog does not say. */
  efforts: readonly ReasoningEffort[] | undefined
  /** What it costs, as a multiple of PostHog's usual model; `undefined` if PostHog does not say. */
  costFactor?: number
}

/** A model as people are told of it. */
export type PricedModel = Pick<KnownModel, 'name' | 'costFactor'>

/** PostHog compares names in any case, and without their vendor. */
export const isModel =
  (wanted: string) =>
  ({ name }: Pick<KnownModel, 'name'>): boolean =>
    plainName(name) === plainName(wanted)

export interface SandboxView {
  id: string
  name: string
}

export interface ThreadComment extends OwnComment {
  number: number
  changedAt: number
}

export interface SubjectView {
  thread: Thread
  snapshot: Snapshot
}

export const Pull = z.object({
  number: z.int(),
  url: z.string(),
  title: z.string(),
  draft: z.boolean(),
  head: z.string(),
  base: z.string(),
  /** Its newest commit when it was last looked at. */
  sha: z.string().optional(),
  /** The size at that commit. */
  size: PullSize.optional(),
  state: z.enum(['open', 'merged', 'closed']),
  remark: z.string().optional(),
})
export type Pull = z.infer<typeof Pull>
