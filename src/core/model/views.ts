/** What the edges report, in our words. */

import type { Pull } from '../run/run.ts'
import type { Role } from './role.ts'
import type { Person, PullHead, Snapshot, Thread } from './thread.ts'
import type { CommentRef } from './trigger.ts'

export type Reaction = 'eyes' | 'rocket' | 'confused' | '-1'

/** Where a reaction goes: on words, or on the thread itself. */
export type Target = CommentRef | { kind: 'subject' }

/** What a commit is told to be, under the App's name. */
export interface CheckReport {
  /** Tells one telling from another, so that none is told twice. */
  id: string
  name: string
  well: boolean
  title: string
  /** Markdown. */
  summary: string
  annotations: readonly { path: string; line: number; message: string }[]
}

export interface OwnComment {
  id: number
  body: string
  /** ms since the epoch. */
  createdAt: number
}

export interface CommentView {
  author: string
  bot: boolean
  body: string
  /** ms since the epoch. */
  createdAt: number
  updatedAt: number
}

export interface Permission {
  role: Role
  /** GitHub's own name of it, which may be a custom role. */
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
  /** `undefined` for an account that is gone. */
  author: { login: string; bot: boolean } | undefined
  /** ms since the epoch. */
  createdAt: number
  mergedAt: number | undefined
}

export interface PullChange {
  base?: string
  body?: string
}

export type SettlingPart = 'change' | 'assign' | 'review'

/** What is done at once when a Run has a result; each of it may be done twice. */
export interface Settling {
  pull?: { number: number; change?: PullChange; assign?: string; review?: string }
  /** It takes the place of the 👀. */
  reaction?: { target: Target; content: Reaction }
  /** The node id of a comment that is folded away. */
  fold?: string
}

export interface Settled {
  /** As it is after a change of it. */
  pull?: PullView
  refused: SettlingPart[]
}

export interface Closing {
  by: Person
  at: number
}

/** An issue or pull request as it stands now. */
export interface ThreadState {
  open: boolean
  locked: boolean
  labels: string[]
  /** Who closed it, if it is closed. */
  closedBy: Person | undefined
}

export interface CommitView {
  sha: string
  /** GitHub knows its author and its committer for people; of an App, or of nobody known, is neither. */
  byPerson: boolean
}

export interface BranchView {
  name: string
  sha: string
}

/** The branches that an issue could be worked on, best first. */
export interface IssueBranches {
  /** Linked in GitHub's Development panel. */
  linked: BranchView[]
  /** Named by us for this issue before. */
  ours: BranchView[]
  /** The default branch; `undefined` in an empty repository. */
  base: BranchView | undefined
  /** What linking needs; `undefined` where there is no GraphQL. */
  ids: { issue: string; repository: string } | undefined
}

export interface NewTask {
  /** At most 255 characters. */
  title: string
  description: string
  /** `owner/name` */
  repository: string
}

export interface KnownModel {
  name: string
  /** `undefined` when the server does not say. */
  efforts: readonly string[] | undefined
}

export interface SandboxView {
  id: string
  name: string
}

/** A pull request as a Run records it. */
export const pullOf = (view: PullView): Pull => ({
  number: view.number,
  url: view.url,
  title: view.title,
  draft: view.draft,
  head: view.head.ref,
  base: view.head.base,
  state: view.state,
})

/** A comment among those of a whole repository. */
export interface ThreadComment extends OwnComment {
  /** Of the issue or pull request that it stands on. */
  number: number
  /** ms since the epoch. */
  changedAt: number
}

export interface SubjectView {
  thread: Thread
  snapshot: Snapshot
}
