/**
 * A Run: one instruction from one person, carried out by one PostHog task run with its follow-ups. This
 * record is the whole truth about it; what the thread shows is rendered from it, and it is the data of
 * its job. Facts are added as they become known; where a Run stands is derived from them (`phaseOf`).
 * Records outlive versions, both ways: every key but what it cannot be without has a default.
 */
import { z } from 'zod'
import { PermissionMode, PrAuthorshipMode, ReasoningEffort } from '../agent/run-request.ts'
import { runOfToday } from '../model/former-names.ts'
import { Person, PullHead, Snapshot, Thread } from '../model/thread.ts'
import { CommentRef, InlineComment } from '../model/trigger.ts'
import { RepoSettings } from '../settings/repository-settings.ts'
import { StagedAttachments } from '../text/attachment.ts'
import { Activity } from './agent-activity.ts'
import { PermissionRequest } from './permission-request.ts'
import { scopes } from './run-index.ts'
import { Rights, rightsOf, Session } from './session.ts'

/** What started it: words in a comment, or a label. */
const Origin = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('comment'), commentRef: CommentRef, url: z.string().optional() }),
  z.object({ kind: z.literal('label'), label: z.string() }),
  z.object({ kind: z.literal('tick') }),
])
export type Origin = z.infer<typeof Origin>

export const RunOptions = z.object({
  model: z.string(),
  effort: ReasoningEffort.optional(),
  /** The branch that was asked for by name. */
  branch: z.string().optional(),
  permission: PermissionMode.optional(),
  mode: z.enum(['background', 'interactive']).default('background'),
  /** The id of a sandbox environment. */
  sandbox: z.string().optional(),
  authorship: PrAuthorshipMode.default('bot'),
  signalReport: z.string().optional(),
})
export type RunOptions = z.infer<typeof RunOptions>

export const RunRequest = z.object({
  by: Person,
  at: z.number(),
  /** The webhook that brought it. */
  delivery: z.string().optional(),
  origin: Origin,
  what: z.enum(['work', 'plan']).default('work'),
  /** Empty when the thread itself is the instruction. */
  text: z.string().default(''),
  /** The whole comment, where files may be attached outside the instruction. */
  whole: z.string().optional(),
  options: RunOptions,
  inline: z.array(InlineComment).optional(),
  /** The plan that it carries out, and where that was made: elsewhere it may not fit any more. */
  approves: z
    .object({
      plan: z.string(),
      branch: z.string().optional(),
      sha: z.string().optional(),
      text: z.string().optional(),
    })
    .optional(),
})
export type RunRequest = z.infer<typeof RunRequest>

export const Branch = z.object({
  name: z.string(),
  /** The branch that a pull request of this Run goes into. */
  into: z.string(),
  /** The commit it stood at when the Run began. */
  sha: z.string(),
  /** Made by us for this thread, not found. */
  made: z.boolean().default(false),
  /** Made by us and still without a commit of its own when the Run began. */
  fresh: z.boolean().default(false),
  /** A Run of this thread wrote down that it made it; a name like ours is no proof. Only such a branch is removed. */
  recorded: z.boolean().default(false),
  linked: z.boolean().default(false),
})
export type Branch = z.infer<typeof Branch>

export const Pull = z.object({
  number: z.number().int(),
  url: z.string(),
  title: z.string(),
  draft: z.boolean(),
  head: z.string(),
  base: z.string(),
  state: z.enum(['open', 'merged', 'closed']),
  /** What could not be put right about it, for the reader. */
  remark: z.string().optional(),
})
export type Pull = z.infer<typeof Pull>

const failureClasses = ['setup', 'permission', 'quota', 'agent', 'network', 'github', 'lost'] as const
export const Outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('pull') }),
  z.object({ kind: z.literal('pushed'), sha: z.string() }),
  z.object({ kind: z.literal('answer') }),
  z.object({ kind: z.literal('nothing') }),
  z.object({ kind: z.literal('stopped'), by: z.string(), because: z.string().optional() }),
  z.object({ kind: z.literal('failed'), class: z.enum(failureClasses), reason: z.string(), fix: z.string() }),
])
export type Outcome = z.infer<typeof Outcome>

/** An effect that has begun and whose result is not recorded: look for its trace before doing it again. */
const attempt = {
  at: z.number(),
  /** When it was clear that no answer would come. */
  lostAt: z.number().optional(),
}
const Intent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('post-status'), ...attempt }),
  z.object({ kind: z.literal('create-task'), ...attempt }),
  z.object({ kind: z.literal('start-run'), ...attempt, before: z.array(z.string()) }),
  z.object({ kind: z.literal('open-pull'), ...attempt }),
  z.object({ kind: z.literal('deliver'), ...attempt, messageId: z.string() }),
  /** `offset`: how long the log was before. */
  z.object({ kind: z.literal('rejoin'), ...attempt, offset: z.number().int() }),
  z.object({ kind: z.literal('conclude'), ...attempt }),
  z.object({ kind: z.literal('answer-inline'), ...attempt }),
  z.object({ kind: z.literal('answer-message'), ...attempt }),
])
export type Intent = z.infer<typeof Intent>

/** The command that a message comes from: where it is answered, and how it can be asked again. */
export const Source = z.object({
  /** The job of its trigger, and the place of the command among those of the trigger. */
  trigger: z.string(),
  command: z.number().int(),
  /** What gets the reaction; nothing where a box was ticked. */
  target: z.union([CommentRef, z.object({ kind: z.literal('subject') })]).optional(),
  /** It is the last command there: 👀 goes with its answer. */
  last: z.boolean(),
})
export type Source = z.infer<typeof Source>

/** What became of a message, for whoever sent it: with words, when it came to nothing. */
const MessageAnswer = z.object({
  id: z.string(),
  to: Person,
  source: Source,
  reply: z.enum(['not-passed-on', 'asked-since']).optional(),
})
export type MessageAnswer = z.infer<typeof MessageAnswer>

const FollowUp = z.object({
  kind: z.literal('follow-up'),
  id: z.string(),
  by: Person,
  at: z.number(),
  text: z.string(),
  inline: z.array(InlineComment).optional(),
  source: Source.optional(),
})
export type FollowUp = z.infer<typeof FollowUp>

/** Something said to a live Run, by a person. */
export const RunMessage = z.discriminatedUnion('kind', [
  FollowUp,
  z.object({
    kind: z.literal('stop'),
    id: z.string(),
    by: Person,
    at: z.number(),
    /** For a stop that nobody asked for in words: what took its reason away. */
    because: z.string().optional(),
    source: Source.optional(),
  }),
  /** Somebody who may not stop it took its reason away. */
  z.object({ kind: z.literal('ignored-stop'), id: z.string(), by: Person, because: z.string() }),
  /** A label of the Run was taken off: it is not the Run's to take off any more. */
  z.object({ kind: z.literal('label-off'), id: z.string(), label: z.string() }),
  z.object({
    kind: z.literal('label'),
    id: z.string(),
    by: Person,
    at: z.number(),
    label: z.string(),
    source: Source.optional(),
  }),
  /** A webhook that is a reason to look at once. */
  z.object({ kind: z.literal('poll'), id: z.string() }),
  /** A pull request of the Run was merged or closed. */
  z.object({
    kind: z.literal('pull'),
    id: z.string(),
    number: z.number().int(),
    state: z.enum(['open', 'merged', 'closed']),
    draft: z.boolean().optional(),
  }),
  /** Another command waits for the thread: nothing is to be waited for after the end. */
  z.object({ kind: z.literal('release-thread'), id: z.string() }),
  /** The bot may no longer work in the repository: a stop, of which GitHub can't be told. */
  z.object({
    kind: z.literal('access-lost'),
    id: z.string(),
    by: Person,
    at: z.number(),
    because: z.string(),
  }),
])
export type RunMessage = z.infer<typeof RunMessage>

export const ProgressStep = z.object({
  step: z.string(),
  label: z.string(),
  done: z.boolean(),
  /** When it was told of first, and last. */
  since: z.number().optional(),
  at: z.number(),
  failed: z.boolean().optional(),
})
export type ProgressStep = z.infer<typeof ProgressStep>

/** A service that can't be used: for how long already, and until when nobody asks again. */
export const Outage = z.object({
  why: z.string(),
  since: z.number(),
  until: z.number(),
  count: z.number(),
  /** Nothing but refused reads since then. */
  refusedSince: z.number().optional(),
  /** The service itself said when it can be used again. */
  promised: z.number().optional(),
})
export type Outage = z.infer<typeof Outage>

/** What has been read of the agent's log. Positions count entries, as the log only grows. */
const SessionLog = z.object({
  offset: z.number().int().default(0),
  turns: z.number().int().default(0),
  /** The last entry that says anything is the end of a turn. */
  idle: z.boolean().default(false),
  idleSince: z.number().optional(),
  answer: z.string().optional(),
  /** The message that was handed over last, until the log shows that the agent took it up. */
  awaitedMessageId: z.string().optional(),
  /** This log shows words where they are taken up; older servers' do not. */
  showsWords: z.boolean().optional(),
  /** What goes on by now is the answer to somebody else's words: PostHog's own, after a pull request. */
  ofOthers: z.boolean().optional(),
  /** What the agent waits to be allowed or told. */
  permissionRequest: PermissionRequest.optional(),
  activity: Activity.optional().catch(undefined),
})

const { branch, branch_prefix, attachments, chatty, when, pull_request, limits, head_moved } =
  RepoSettings.shape

/** As stored: a key of another version is no slip of the pen, as it is in the file, and a missing one has its default. */
const KeptSettings = z.object({
  branch,
  branch_prefix,
  attachments,
  instructions: z.string().optional(),
  chatty,
  when: when.unwrap().strip().prefault({}),
  pull_request: pull_request.unwrap().strip().prefault({}),
  limits: limits.unwrap().strip().prefault({}),
  head_moved,
})

/** What of the thread's comments the agent is given, and how many were left out for which reason. */
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

export const Run = z.object({
  /** Says who wrote it last; whether it can be read, its shape says. */
  v: z.number().int().default(1),
  id: z.string(),
  thread: Thread,
  request: RunRequest,
  snapshot: Snapshot,
  /** The head when it was asked; pull requests only. */
  head: PullHead.optional(),
  /** The repository's settings when it was asked, as far as they matter later. */
  settings: KeptSettings.prefault({}),
  /** What is wrong with the settings file. */
  settingsProblem: z.string().optional(),
  /** It may start; until then `ahead` others are before it. */
  admitted: z.boolean().default(false),
  /** When it might, ms since the epoch. */
  admissionExpectedAt: z.number().optional(),
  ahead: z.number().int().optional(),
  waitsUntil: z.object({ at: z.number(), limit: z.string() }).optional(),
  /** What it lacks, the narrowest; unknown of one that has not looked yet. */
  waitsFor: z.enum([...scopes, 'session']).optional(),
  /** The head was moved between the command and the start. */
  headMoved: z.object({ from: z.string(), to: z.string() }).optional(),
  threadContext: Context.optional(),
  attachments: StagedAttachments.optional(),
  /** Staged ids expired once already. */
  restaged: z.boolean().default(false),
  /** The session of an earlier Run of the thread. `over` once that can't be talked to any more. */
  earlier: Session.extend({
    branch: z.string().optional(),
    over: z.boolean().default(false),
    /** This Run goes on in it; else it begins afresh, and the session only has to make room. */
    resumes: z.boolean().optional(),
    /** When PostHog was first asked to end it. */
    cancelledAt: z.number().optional(),
  }).optional(),

  status: z
    .object({
      commentId: z.number().int(),
      hash: z.string(),
      phase: z.string(),
      at: z.number(),
      /** Up to when the agent had been heard, as it says. */
      heardAt: z.number().optional(),
      /** What GraphQL knows the comment by. */
      nodeId: z.string().optional(),
      /** Folded away, since the last word below it says all that is left to say. */
      minimized: z.literal(true).optional(),
    })
    .optional(),
  /** Statuses of earlier Runs, by what GraphQL knows them by, that are old news once this one is over. */
  supersedes: z.array(z.string()).default([]),
  statusRemade: z.boolean().optional(),
  branch: Branch.optional(),
  /** The branch that Runs of this thread make or made, written down before it is made. */
  madeBranch: z.string().optional(),
  /** The PostHog that its task is in: no other is asked about it. */
  tenant: z.string().optional(),
  taskId: z.string().optional(),
  /** The task was made by this Run, so it has no earlier runs. */
  taskMade: z.boolean().default(false),
  taskRun: z
    .object({
      id: z.string(),
      since: z.number(),
      status: z.enum(['not_started', 'queued', 'in_progress', 'completed', 'failed', 'cancelled']),
      error: z.string().optional(),
      headBranch: z.string().optional(),
      /** Messages handed to it after its start. */
      messages: z.number().int().default(0),
      /** Where in its log this Run begins, which may be one of several that it serves. */
      from: z.number().int().optional(),
      /** Last sign of life, our clock. */
      changedAt: z.number(),
      /** When PostHog last changed it, PostHog's clock. */
      updatedAt: z.number().optional(),
      model: z.string().optional(),
      effort: z.string().optional(),
      /** Who PostHog says will have written the pull request. */
      authorship: z.string().optional(),
      may: Rights.optional(),
      /** The id of the message that was handed over last. */
      lastMessageId: z.string().optional(),
      /** Words that were handed to it, until its log shows them. */
      unread: z.array(FollowUp).optional(),
    })
    .optional(),
  sessionLog: SessionLog.optional(),
  /** The permission request that was answered last, by what the Run may do. */
  permission: z.object({ id: z.string(), title: z.string(), allowed: z.boolean() }).optional(),
  progress: z.array(ProgressStep).default([]),
  /** Addresses that PostHog gave and GitHub has not been asked about yet. */
  claimedPulls: z.array(z.string()).default([]),
  /** How many of them were looked up. */
  claimsSeen: z.number().int().default(0),
  /** Addresses that turned out not to be pull requests of this Run. */
  foreignPulls: z.array(z.string()).default([]),
  pulls: z.array(Pull).default([]),
  /** Numbers of those that are not put right yet. */
  untended: z.array(z.number().int()).default([]),
  /** How many of them the thread has been told of. */
  reported: z.number().int().default(0),
  /** GitHub was asked for commits and pull requests that PostHog did not tell of. */
  resultChecked: z.boolean().default(false),
  pushed: z.string().optional(),
  outcome: Outcome.optional(),
  /** What has been done about the outcome. */
  announced: z
    .object({
      comment: z.boolean().default(false),
      /** The last word stands in the thread, where it can be read instead of the status. */
      word: z.boolean().default(false),
      /** How many inline comments of a review have their answer. */
      inline: z.number().int().default(0),
      reaction: z.boolean().default(false),
      label: z.boolean().default(false),
      branch: z.boolean().default(false),
    })
    .prefault({}),
  /** Whom the last word is for, when a follow-up was somebody else's than the first asker's. */
  answerTo: z.string().optional(),
  /** The thread takes no comments: nothing is said there. */
  readOnlyThread: z.boolean().default(false),
  /** The bot may no longer work in the repository: its agent is seen to, and GitHub is left alone. */
  accessLost: z.boolean().default(false),
  /** Trigger labels to take off at the end. */
  labels: z.array(z.string()).default([]),
  /** How often the Run was concluded and then went on with a follow-up. */
  round: z.number().int().default(0),

  messagesRead: z.number().int().default(0),
  /** Places in the inbox of what this version could not read: a newer one may. */
  messagesUnread: z.array(z.number().int()).default([]),
  /** The instruction of the Run has been handed to the agent. */
  instructionSent: z.boolean().default(false),
  /** Read from the inbox and not yet handed to the agent. */
  pendingFollowUps: z.array(FollowUp).default([]),
  /** Ids of notes that have been dealt with: handed on, or dropped because somebody said stop. */
  handledMessageIds: z.array(z.string()).default([]),
  droppedMessageIds: z.array(z.string()).default([]),
  /** Messages whose senders are still to be told what became of them. */
  answers: z.array(MessageAnswer).default([]),
  /** Commands that came too late for this Run: they are asked again when it has ended. */
  askAgain: z.array(Source).default([]),
  /** How many follow-ups reached the agent. */
  followUpsSent: z.number().int().default(0),
  stop: z
    .object({
      by: Person,
      at: z.number(),
      /** PostHog was asked, by a version that did not say when. */
      asked: z.boolean().default(false),
      because: z.string().optional(),
    })
    .optional(),

  /** When the newest of its words were said, GitHub's clock; without any, when it was asked for. */
  lastWordsAt: z.number().optional(),
  /** Who closed the thread, or the like, without the right to stop the Run. */
  ignoredStop: z.object({ by: z.string(), because: z.string() }).optional(),

  intent: Intent.optional(),
  outages: z.object({ github: Outage.optional(), posthog: Outage.optional() }).default({}),
  /** How older versions wrote an outage; read, and not written any more. */
  trouble: Outage.extend({ service: z.enum(['github', 'posthog']) }).optional(),
  /** PostHog is asked to end a task run. */
  cancel: z
    .object({
      taskRun: z.string(),
      /** When it was first tried, and when PostHog took it. */
      at: z.number(),
      askedAt: z.number().optional(),
      /** After a refusal: how often, and not again before then. */
      refused: z.number().int(),
      until: z.number(),
    })
    .optional(),
  /** The agent could not be stopped, or nobody could see that it was. */
  agentLeft: z.boolean().optional(),
  /** The thread takes nothing, since then; it is tried again, since it may be unlocked. */
  threadBlocked: z.object({ since: z.number(), until: z.number(), count: z.number() }).optional(),
  /** Claimed pull requests that GitHub does not show yet: since when, and when to ask again. */
  unseenPulls: z.record(z.string(), z.object({ since: z.number(), until: z.number() })).default({}),
  nextPollAt: z.number().optional(),
  lastPollAt: z.number().optional(),
  concludedAt: z.number().optional(),
  /** It ends as soon as it has an outcome and the thread knows it. */
  releaseThread: z.boolean().default(false),
  /** What PostHog says the task has cost so far, in US dollars; `null` when it does not say. */
  cost: z.number().nullable().optional(),
  /** What the agent says its task comes to, and when PostHog was last asked for it. */
  summary: z.string().optional(),
  summaryAt: z.number().optional(),
  stallsSeen: z.number().int().default(0),
})
export type Run = z.infer<typeof Run>

/** How it is read from the queue. */
export const runFormat = { renew: runOfToday, parse: (data: unknown) => Run.parse(data) }

export type NewRun = Pick<Run, 'id' | 'thread' | 'request' | 'snapshot' | 'settings'> &
  Partial<
    Pick<
      Run,
      'head' | 'earlier' | 'taskId' | 'pulls' | 'reported' | 'settingsProblem' | 'madeBranch' | 'supersedes'
    >
  >

/** @throws ZodError for a record that could not be read back */
export const newRun = (given: NewRun): Run =>
  Run.parse({
    labels: given.request.origin.kind === 'label' ? [given.request.origin.label] : [],
    ...given,
  })

export type Phase = 'waiting' | 'preparing' | 'starting' | 'working' | 'stopping' | Outcome['kind']

export function phaseOf(run: Run): Phase {
  if (run.outcome) return run.outcome.kind
  if (run.stop) return 'stopping'
  if (!run.taskRun) return run.ahead === undefined ? 'preparing' : 'waiting'
  return run.taskRun.status === 'queued' || run.taskRun.status === 'not_started' ? 'starting' : 'working'
}

/** What the task run of a Run has to be allowed, once its branch is known. */
export const wantedRights = ({ request, branch }: Run): Rights =>
  rightsOf(request.options, branch?.name ?? '')

/** Its session as others may go on in it: the agent has put its commits on branches of its own meanwhile. */
export function sessionOf({ taskId, taskRun, pulls }: Run): Session | undefined {
  if (taskId === undefined || !taskRun) return undefined
  const session = { taskId, taskRunId: taskRun.id }
  const { may, headBranch = pulls.at(-1)?.head } = taskRun
  if (!may) return session
  const branches = new Set([...may.branches, ...(headBranch === undefined ? [] : [headBranch])])
  return { ...session, may: { ...may, branches: [...branches] } }
}

/** The session that is gone on with; `undefined` when everything begins afresh. */
export const resumedSession = ({ earlier }: Pick<Run, 'earlier'>): Run['earlier'] =>
  earlier?.resumes === false ? undefined : earlier

export const isTerminal = (status: NonNullable<Run['taskRun']>['status']): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

/** The task marker: a text that is found again by searching PostHog's tasks. Bound to thread and asking. */
export const taskMarker = (run: Pick<Run, 'id' | 'thread'>): string =>
  `[gh:${run.thread.owner}/${run.thread.repo}#${run.thread.number}:${run.id}]`
