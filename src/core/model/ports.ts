/** What the flows need of the world, and no more. The edges fit these shapes without knowing them. */

import type { CodexTaskRunCreate } from '../agent/run-request.ts'
import type { TaskRunSnapshot } from '../run/apply-snapshot.ts'
import type { Session } from '../run/session.ts'
import type { Attachment, AttachmentFile } from '../text/attachment.ts'
import type { JobIndex } from './job-index.ts'
import type { Thread } from './thread.ts'
import type { CommentRef, InlineComment } from './trigger.ts'
import type {
  BranchView,
  CheckReport,
  Closing,
  CommentView,
  CommitView,
  IssueBranches,
  KnownModel,
  NewTask,
  OwnComment,
  Permission,
  PullChange,
  PullView,
  Reaction,
  SandboxView,
  Settled,
  Settling,
  Target,
  ThreadState,
} from './views.ts'

export interface ThreadClient {
  react(target: Target, content: Reaction): Promise<void>
  unreact(target: Target, content: Reaction): Promise<void>
  permission(login: string): Promise<Permission>
  comment(body: string, commentRef?: CommentRef): Promise<number>
  /** `nodeId`: what GraphQL knows the comment by. */
  edit(commentId: number, body: string): Promise<{ nodeId: string } | 'gone'>
  /** Folds a comment away as outdated. Decoration: nothing but a limit is told of it. */
  minimize(nodeId: string): Promise<void>
  deleteComment(commentId: number): Promise<void>
  ownComments(since?: number, commentRef?: CommentRef): Promise<OwnComment[]>
  /** Of all threads, newest first, as far back as is looked. */
  ownCommentsOfRepository(): Promise<{ number: number; body: string }[]>
  /** Has in one call what commands and the start of a Run ask: the next to ask for one of it is answered from there. */
  readAhead(): Promise<void>
  /** Those of the thread as they were read ahead, else as they are now. */
  earlierComments(): Promise<OwnComment[]>
  attachments(commentRef?: CommentRef): (attachment: Attachment) => Promise<AttachmentFile>
  reviewComments(reviewId: number): Promise<InlineComment[]>
  inlineComment(commentId: number): Promise<{ author: string; body: string } | undefined>
  file(path: string, commit?: string): Promise<string | undefined>
  /** The commits that changed a file on the default branch, newest first; a page of them. */
  fileCommits(path: string): Promise<string[]>
  isInTeam(team: string, login: string): Promise<boolean>
  /** Who closed the thread, and when (ms since the epoch), if it is closed. */
  closing(when?: 'now'): Promise<Closing | undefined>
  /** `undefined` when the thread is gone from here. */
  state(): Promise<ThreadState | undefined>
  hasComment(commentRef: { in: 'thread' | 'inline'; commentId: number }): Promise<boolean>
  review(reviewId: number): Promise<string | undefined>
  comments(): Promise<CommentView[]>
  assign(number: number, login: string): Promise<void>
  requestReview(number: number, login: string): Promise<void>
  removeLabel(name: string): Promise<void>
  branch(name: string): Promise<BranchView | undefined>
  issueBranches(stem: string): Promise<IssueBranches>
  /** `open`: the thread was, when the branch was made; `undefined` when GitHub did not say. */
  makeBranch(
    name: string,
    sha: string,
    ids: IssueBranches['ids'],
  ): Promise<{ linked: boolean; open?: boolean }>
  /** Only if it still stands at that commit. */
  deleteBranch(name: string, sha: string): Promise<void>
  /** With a person who is to take part in it; `seen`: as it was found a moment ago will do. */
  pull(number: number, person?: { login: string; seen?: boolean }): Promise<PullView | undefined>
  /** What a head has that a base has not, oldest first; `undefined` when they have nothing in common. */
  commitsSince(base: string, head: string): Promise<CommitView[] | undefined>
  changedFiles(number: number): Promise<string[]>
  /** Told once a commit. */
  report(sha: string, report: CheckReport): Promise<void>
  pullsFrom(head: string): Promise<PullView[]>
  isDescendant(ancestor: string, sha: string): Promise<boolean>
  isBaseOfPull(base: string): Promise<boolean>
  /** Where a branch stands, and whether an open pull request goes into it or comes from it. */
  branchUse(name: string): Promise<{ sha: string | undefined; isUsed: boolean }>
  openPull(pull: { head: string; base: string; title: string; body: string }): Promise<PullView>
  amendPull(number: number, change: PullChange): Promise<PullView>
  /** Repeatable; what GitHub refuses of it is named, and the rest is done. */
  settle(settling: Settling): Promise<Settled>
}

export interface TasksClient {
  createTask(task: NewTask): Promise<string>
  findTask(marker: string): Promise<string | undefined>
  startRun(taskId: string, body: CodexTaskRunCreate, before: readonly string[]): Promise<string>
  runIds(taskId: string): Promise<string[]>
  statusOf(session: Session): Promise<TaskRunSnapshot['status']>
  poll(session: Session, offset: number): Promise<TaskRunSnapshot>
  logLength(session: Session): Promise<number>
  sendMessage(
    session: Session,
    message: { id: string; text: string; attachments: readonly string[] },
  ): Promise<'queued' | 'ended'>
  /** One that does not wait any more takes no answer, which is no failure. */
  answerPermission(session: Session, answer: { requestId: string; optionId: string }): Promise<void>
  stageArtifact(taskId: string, file: AttachmentFile): Promise<string>
  addArtifact(session: Session, file: AttachmentFile): Promise<string>
  cancel(session: Session, reason: string): Promise<void>
  /** By the agent, at most 1,500 characters; `undefined` when there is none. Never throws. */
  summary(taskId: string): Promise<string | undefined>
  /** US dollars, of a whole task; `undefined` when PostHog does not say. Never throws. */
  cost(taskId: string): Promise<number | undefined>
  models(): Promise<KnownModel[]>
  sandboxes(): Promise<SandboxView[]>
}

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A job in hand, of which this process is the only writer while it holds the lock. */
export interface LockedJob<Data> {
  id: string
  data: Data
  addedAt: number
  stalls: number
  failures: number
  signal: AbortSignal
  assertLocked(): Promise<void>
  save(data: Data): Promise<void>
  inbox(): Promise<string[]>
  /** All of it, for the last time: nothing more is taken. */
  closeInbox(): Promise<string[]>
}

export type StepResult = { kind: 'park'; ms: number } | { kind: 'end' }

export interface KeptRun<Data> {
  id: string
  data: Data
  standing: 'live' | 'ended'
  addedAt: number
}

export interface RunQueue<Data> extends JobIndex {
  add(id: string, data: Data, slot: string): Promise<{ outcome: 'added' | 'known' | 'held'; id: string }>
  get(id: string): Promise<KeptRun<Data> | undefined>
  holder(slot: string): Promise<string | undefined>
  listed(sets: readonly string[]): Promise<KeptRun<Data>[]>
  liveCount(): Promise<number>
  wake(id: string): Promise<void>
  send(id: string, message: string): Promise<boolean>
  /** What it was told, read or not. */
  inbox(id: string): Promise<string[]>
  amendEnded(id: string, data: Data): Promise<boolean>
}

export type GitHub = (thread: Thread) => ThreadClient

export type Files = Pick<ThreadClient, 'file' | 'fileCommits'>

/** The owner's `.github` repository; none of its files are there where it is none, or not the bot's to read. */
export type OwnerFiles = (thread: Pick<Thread, 'installationId' | 'owner'>) => Files
