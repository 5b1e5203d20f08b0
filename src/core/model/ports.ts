/** What the flows need of the world, and no more. The edges fit these shapes without knowing them. */
import type { Attachment } from '../text/attachment-links.ts'
import type { Reading, SeenPage } from '../text/seen-page.ts'
import type { CodexTaskRunCreate } from './codex-task-run-create.ts'
import type { TaskRunRef, TaskRunSnapshot } from './task-run.ts'
import type { Person, Thread } from './thread.ts'
import type { CommentRef, InlineComment, ReplyRef } from './trigger.ts'
import type * as views from './views.ts'

/** A text as it was when it was written, and where GitHub has it. */
export interface WrittenText {
  text: string
  /** The id of a comment or review in GraphQL. */
  id?: string
  addresses: Reading['addresses']
  /** It was written a while ago: GitHub is asked whether somebody folded it away since. */
  mayBeMinimized?: boolean
  /** GitHub's time of the command. What was changed since is not what was meant. Its seconds are whole. */
  asked?: number
  /** Somebody without rights asked, so nobody else waits for it. */
  byStranger?: boolean
}

export interface LineComment {
  path: string
  line: number
  /** The first line, if it is on several. */
  startLine?: number
  body: string
  /** A change that GitHub offers for these lines, below the body. It is left out where it would have to be redacted. */
  suggestion?: string
}

interface Comparison {
  /** Oldest first. */
  commits: views.CommitView[]
  /** Whether the head has all that the base has. */
  isDescendant: boolean
  /** What was changed, at most 300 paths, also those of before a renaming. */
  paths: string[]
}

/** GitHub as one thread needs it: a port for each noun. */
export interface ThreadClient {
  thread: {
    react(target: CommentRef, content: views.Reaction): Promise<void>
    /** Who closed the thread, and when (ms since the epoch), if it is closed. */
    closing(): Promise<{ by: Person; at: number } | undefined>
    state(): Promise<{ open: boolean; locked: boolean; labels: string[] } | undefined>
    settle(settling: views.Settling): Promise<views.Settled>
    /**
     * Prefetches in one call what commands and the start of a Run read, unless what was prefetched is still good; the next
     * read of each part uses it up.
     */
    readAhead(): Promise<void>
    /** What of it is still good, for a record. */
    prefetched(): unknown
  }
  issue: {
    /** Open pull requests that say they close the issue; `undefined` if GitHub refuses to say. */
    closers(): Promise<views.Closer[] | undefined>
    /** When pull requests were merged that close this issue, ms since the epoch. */
    merges(): Promise<number[]>
    /** Open issues that block this one; none on a server that does not know of any. */
    blockers(): Promise<views.Awaited[]>
  }
  comments: {
    post(body: string, replyRef?: ReplyRef): Promise<views.Posted>
    /** @param replyRef where it is, if it is on a line */
    edit(commentId: number, body: string, replyRef?: ReplyRef): Promise<{ nodeId: string } | 'gone'>
    /** Our own comment. Comments on lines have ids of their own. */
    own(since?: number, replyRef?: ReplyRef): Promise<views.OwnComment[]>
    /** The comments that were read ahead, else the comments since then. */
    earlier(since?: number): Promise<views.OwnComment[]>
    /**
     * What others wrote in the thread, on a pull request also in reviews and on lines. All of it, or what was changed
     * `since` (ms since the epoch); `holds` is a comment that must be among what was read before.
     */
    ofOthers(which?: { since?: number; holds?: number }): Promise<views.CommentView[]>
    find(commentRef: {
      in: 'thread' | 'inline'
      commentId: number
    }): Promise<InlineComment['parent']>
    attachments(commentRef?: CommentRef): (attachment: Attachment) => Promise<AttachmentFile>
  }
  reviews: {
    /**
     * Said at once, never an approval. @param review `sha`: the commit that was looked at
     * @throws Rejected with 422 where a line of a comment is not in the diff of the commit: then nothing was said
     */
    post(review: { sha: string; body: string; comments: readonly LineComment[] }): Promise<number>
    own(): Promise<views.OwnComment[]>
    text(reviewId: number): Promise<string | undefined>
    comments(reviewId: number): Promise<InlineComment[]>
    /** The newest hundred of the pull request. */
    threads(): Promise<views.ReviewThread[]>
    /** Resolves all of them, if GitHub lets it. It may be repeated. @throws Rejected if one was refused */
    resolve(ids: readonly string[]): Promise<void>
    /** What others wrote in reviews and on lines of that pull request. */
    remarks(number: number): Promise<views.CommentView[]>
  }
  pages: {
    /**
     * What the page shows of each, in the same order; `undefined` where that can't be had: then the text is left out, and
     * never used as it is.
     */
    shown(texts: readonly WrittenText[]): Promise<(SeenPage | undefined)[]>
  }
  files: Files & {
    /** Names of the files in a folder of the default branch; none if it is not there. */
    names(path: string): Promise<string[]>
  }
  labels: {
    remove(name: string): Promise<void>
    /** Has this label, made if the repository lacks it, and none of the others. */
    showState(label: views.StateLabel, others: readonly string[]): Promise<void>
  }
  branches: {
    find(name: string): Promise<views.BranchView | undefined>
    /** These branches, as far as they are there, and the newest of those that PostHog's agents made. */
    heads(names: readonly string[]): Promise<views.HeadView[]>
    base(name: string): Promise<views.BaseView | undefined>
    /** The name that it has now: it may have been renamed since a webhook named it. */
    default(): Promise<string>
    ofIssue(stem: string): Promise<views.IssueBranches>
    /** `open`: the thread was, when the branch was made; `undefined` when GitHub did not say. */
    create(
      name: string,
      sha: string,
      ids: views.IssueBranches['ids'],
    ): Promise<{ linked: boolean; open?: boolean }>
    /** @param repository its name in GraphQL */
    delete(name: string, sha: string, repository: string): Promise<void>
    use(name: string): Promise<{ sha: string | undefined; isUsed: boolean; repository: string }>
  }
  commits: {
    /** What a head has that a base has not; `undefined` when they have nothing in common. */
    compare(base: string, head: string): Promise<Comparison | undefined>
    /** Whether a merged pull request brought that commit. */
    isMerged(sha: string): Promise<boolean>
  }
  pulls: {
    /** The pull request, and the ids of a person and of labels that are to be joined to it. */
    find(
      number: number,
      joined?: { login?: string; labels?: readonly string[] },
    ): Promise<views.PullView | undefined>
    from(head: string): Promise<views.PullView[]>
    /** The newest hundred that are open in the repository. */
    open(): Promise<views.ListedPull[]>
    create(pull: Required<views.PullChange> & { head: string }): Promise<views.PullView>
    files(number: number): Promise<views.ChangedFile[]>
    /** `undefined` for one that is not open. */
    needs(number: number): Promise<views.NeedsRead | undefined>
    /** `undefined` for one that is not open. */
    approvals(number: number): Promise<views.Approvals | undefined>
    /** Whether somebody of that login made one of its commits. */
    hasCommitOf(number: number, login: string): Promise<boolean>
  }
  checks: {
    /** Tells what a check says of a commit, again or anew. May be repeated. */
    report(sha: string, report: views.CheckReport): Promise<void>
  }
  people: {
    /** @param id the account that is meant; `undefined` if another one has the login now */
    permission(login: string, id?: number): Promise<views.Permission | undefined>
    isInTeam(team: string, login: string): Promise<boolean>
  }
}

export interface Files {
  text(path: string, commit?: string): Promise<string | undefined>
  commits(path: string): Promise<string[]>
}

/** A port and its method, such as `comments.edit`. */
export type GitHubCall = {
  [Port in keyof ThreadClient]: `${Port}.${keyof ThreadClient[Port] & string}`
}[keyof ThreadClient]

type PortOf<Call> = Call extends `${infer Port extends keyof ThreadClient}.${string}` ? Port : never
type MethodOf<Call, Port extends keyof ThreadClient> = Call extends `${Port}.${infer Method}`
  ? Method & keyof ThreadClient[Port]
  : never

/** A client for these calls and no other. */
export type GitHubWith<Call extends GitHubCall> = {
  [Port in PortOf<Call>]: Pick<ThreadClient[Port], MethodOf<Call, Port>>
}

export interface AttachmentFile {
  name: string
  type: string
  bytes: Uint8Array<ArrayBuffer>
}

interface NewTask {
  title: string
  description: string
  repository: string
  /** PostHog's id of its GitHub integration; without one it chooses. */
  integration?: string
}

export interface TasksClient {
  integrationFor(repository: string): Promise<string | undefined>
  createTask(task: NewTask): Promise<string>
  findTask(marker: string): Promise<string | undefined>
  startRun(taskId: string, body: CodexTaskRunCreate, before: readonly string[]): Promise<string>
  runIds(taskId: string): Promise<string[]>
  /** `counted`: the budget was asked for this call before. */
  statusOf(session: TaskRunRef, call?: { counted: boolean }): Promise<TaskRunSnapshot['status']>
  poll(session: TaskRunRef, offset: number): Promise<TaskRunSnapshot>
  logLength(session: TaskRunRef): Promise<number>
  sendMessage(
    session: TaskRunRef,
    message: { id: string; text: string; attachments: readonly string[] },
  ): Promise<'queued' | 'ended'>
  /** `over`: nobody waits for this answer any more. */
  respondToPermission(
    session: TaskRunRef,
    response: { requestId: string; optionId: string },
  ): Promise<'resolved' | 'over'>
  /** @param to a run that lives, or the next run of a task */
  stageArtifact(to: { taskId: string; taskRunId?: string }, file: AttachmentFile): Promise<string>
  cancel(session: TaskRunRef, reason: string): Promise<void>
  /** US dollars, of a whole task; `undefined` when PostHog does not say. Never throws. */
  cost(taskId: string): Promise<number | undefined>
  models(): Promise<views.KnownModel[]>
  sandboxes(): Promise<views.SandboxView[]>
}

export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A log with these fields in every line. A line that repeats one of them has it twice. */
  child(fields: object): Log
}

export interface JobRecord<Data> {
  id: string
  data: Data
  standing: 'live' | 'ended'
  /** When the job was added, ms since the epoch. */
  addedAt: number
}

/** How adding went. `id` names the job that answers for the claim: the new one, or the one that was there. */
export interface Added {
  outcome: 'added' | 'known' | 'held'
  id: string
}

/** What a processor decides at the end of one step. Parked for 0 ms: again at once, after those that wait already. */
export type StepResult = { kind: 'park'; ms: number } | { kind: 'end' }

export interface LockedJob<Data> {
  id: string
  data: Data
  addedAt: number
  /** How often its lock ran out since a step of it last came to its end: its process died, or was frozen. */
  stalls: number
  /** How many steps in a row, up to now, ended in an error of the processor. */
  failures: number
  /**
   * Its record may lag behind what was done for it, since it is older than this process's connection to the queue (ms
   * since the epoch), and a queue may come back as it was some time ago.
   */
  lagsSince?: number
  /** Aborted, with a `LockLost` or a `ShuttingDown` as the reason, when the step should stop where it is. */
  signal: AbortSignal
  /** Throws `LockLost` unless the lock is still ours; prolongs it. Call it before every effect. */
  assertLocked(): Promise<void>
  save(data: Data): Promise<void>
  /**
   * Asks the guards in the step in which it saves, whatever other jobs do.
   * @returns false if one refused, and nothing was saved
   */
  saveIf(guards: readonly Guard[], data: Data): Promise<boolean>
  /** Everything ever told to this job, oldest first. Opens a closed inbox. */
  inbox(): Promise<string[]>
  /** The same, for the last time: nothing more is taken, so that the job can end with nothing unread. */
  closeInbox(): Promise<string[]>
}

export interface JobQueue<Data> extends JobIndex {
  /**
   * Claims `id` (no colon, not only digits) and enqueues in one atomic step. `known`: a job with that id exists, live or kept.
   * `held`: another live job holds `slot`; nothing was added and `id` names the holder.
   * @param addedAt ms since the epoch; now, unless the job was in a queue that is lost
   * @param rank the higher, the later it is taken up
   * @throws QueueUnavailable within about a second (3 s when the server is frozen)
   */
  add(id: string, data: Data, slot?: string, addedAt?: number, rank?: number): Promise<Added>
  get(id: string): Promise<JobRecord<Data> | undefined>
  /** Reads the jobs that are there, at once and in this order. An unreadable one is logged and left out. */
  getMany(ids: readonly string[]): Promise<JobRecord<Data>[]>
  holder(slot: string): Promise<string | undefined>
  /**
   * The jobs of these sets of the index that are still there, each once; of each set so many. An unreadable one is
   * logged and left out.
   */
  listed(sets: readonly string[], range?: Range): Promise<JobRecord<Data>[]>
  /**
   * Makes a parked job due now. If it is being worked on, its next parking is skipped, so no wake is lost, unless the
   * worker dies at that very moment: so park for a bounded time. Nothing happens if there is no live job of that id.
   */
  wake(id: string): Promise<void>
  /**
   * Appends `message` to the job's inbox and wakes it; from any process. False if nobody will read it there: the job
   * has ended or is about to. A processor that closes the inbox before the end has read whatever was taken, so saying
   * it again after a crash is true again, once it was.
   */
  send(id: string, message: string): Promise<boolean>
  /** What was taken from those who told the job something, oldest first; nothing if there is no such job. */
  inbox(id: string): Promise<string[]>
  /**
   * Changes the record of an ended job, of what it is at that moment: `change` may be called again. A live one is its
   * worker's alone.
   * @returns as it is then; nothing if it is live or gone
   */
  amendEnded(id: string, change: (data: Data) => Data): Promise<JobRecord<Data> | undefined>
}

/** What work beside the Runs is done with. */
export interface ChoreContext {
  /** What was remembered last, as JSON keeps it; `undefined` the first time, and when the queue lost its data. */
  memory: unknown
  signal: AbortSignal
  remember(memory: unknown): Promise<void>
}

/** @param prefetched what another client for the thread read ahead */
export type GitHub = (thread: Thread, prefetched?: unknown) => ThreadClient

/** The owner's `.github` repository; none of its files are there where it is none, or not the bot's to read. */
export type OwnerFiles = (thread: Pick<Thread, 'installationId' | 'owner'>) => Files

/** All live jobs, scored by when they were added (ms since the epoch). */
export const liveSet = 'live'

export interface IndexEntry {
  set: string
  score: number
  /**
   * ms after `score` that the entry stays, even if its job has ended. Without it, the entry goes when the job ends.
   */
  keptMs?: number
}

export interface Member {
  id: string
  score: number
}

export type IndexQuery =
  | { kind: 'count'; set: string; above?: number; before?: Member }
  | { kind: 'from-end'; set: string; nth: number }

/** Lets a job be saved while fewer than `most` others are in the set, with a score `above`. */
export interface Guard {
  set: string
  above?: number
  most: number
}

/** A range has `count` members of each set, counted from its lowest score or from its highest. */
export interface Range {
  kind: 'first' | 'last'
  count: number
}

/**
 * Named sets of jobs, to count them without reading them. Written in the same step as the job, and can be rebuilt from
 * the jobs.
 */
export interface JobIndex {
  query(queries: readonly IndexQuery[]): Promise<(number | undefined)[]>
  members(sets: readonly string[], range: Range): Promise<Member[][]>
}

/** Whether GitHub delivers to those who share the queue. */
export interface DeliveryClock {
  /** A verified webhook came in, or GitHub's log of them was read. */
  came(): void
  /** When the last one came, ms since the epoch. */
  last(): Promise<number | undefined>
}
