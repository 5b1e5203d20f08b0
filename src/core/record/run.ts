/** The record of a Run, which is its job's data. Nearly every key has a default, since records outlive versions. */
import { z } from 'zod'
import {
  falseAtFirst,
  noneAtFirst,
  trueOrAbsent,
  variant,
  zeroAtFirst,
} from '../model/schema-parts.ts'
import { type TaskRunStatus, Unfinished } from '../model/task-run.ts'
import { fullName, Thread } from '../model/thread.ts'
import { Awaited, Pull, PullFacts, PullNeeds, Rounds } from '../model/views.ts'
import { Mailbox } from './mailbox-part.ts'
import {
  Baseline,
  KeptSettings,
  type Rights,
  RunRequest,
  rightsOf,
  type Session,
} from './request-part.ts'
import { SessionPart } from './session-part.ts'
import { Workspace } from './workspace-part.ts'

/** From the narrowest to the widest. */
export const scopes = ['person', 'repository', 'owner', 'bot'] as const
export type Scope = (typeof scopes)[number]

const ThreadLink = z.object({ number: z.int(), url: z.string() })

/** The thread of the Run right before it, if that is in the same repository. */
const after = ThreadLink.optional()

/** Why a Run has not begun. Times are ms since the epoch. */
export const Waits = z.discriminatedUnion('kind', [
  variant('line', { ahead: z.int(), of: z.enum(scopes), after }),
  /** A limit of 0: which it is, and who can raise it. So many came before. */
  variant('zero', {
    of: z.enum(scopes),
    limit: z.string(),
    ahead: z.int(),
  }),
  variant('session', { ahead: z.int(), after }),
  variant('until', {
    at: z.number(),
    limit: z.string(),
  }),
  variant('blocked', {
    since: z.number(),
    by: z.array(Awaited),
    more: z.int(),
  }),
  variant('open-pulls', {
    since: z.number(),
    most: z.int(),
    pulls: z.array(Awaited),
  }),
])
export type Waits = z.infer<typeof Waits>

/** What a repository's runs cost in a day, and may cost, in US dollars; `unknown`: of so many Runs PostHog does not say. */
const CostOfDay = z.object({ used: z.number(), limit: z.number(), unknown: z.int() })
export type CostOfDay = z.infer<typeof CostOfDay>

const Schedule = z
  .object({
    /** When it first asked for admission, our clock. */
    enteredAt: z.number(),
    admissionExpectedAt: z.number(),
    /** When it was last asked whether the sender may start this. */
    rightAskedAt: z.number(),
    waits: Waits,
    /** The limits that it looked at last, if they differ from those when it was asked for. */
    limits: KeptSettings.shape.limits.unwrap(),
    /** When it was let in, if the limit was near, or can't be kept. */
    costOfDay: CostOfDay,
    nextPollAt: z.number(),
    lastPollAt: z.number(),
    /** Since when its stream is open without a break. */
    streamedSince: z.number(),
  })
  .partial()
  .extend({
    admitted: falseAtFirst,
  })

/** An effect without a recorded result: look for its trace before repeating it. */
const attemptTimes = {
  at: z.number(),
  lostAt: z.number().optional(),
}
const Intent = z.discriminatedUnion('kind', [
  variant('post-status', attemptTimes),
  variant('create-task', attemptTimes),
  variant('start-run', { ...attemptTimes, before: z.array(z.string()) }),
  variant('open-pull', attemptTimes),
  /** `permission`: the words decide that one. */
  variant('deliver', {
    ...attemptTimes,
    messageId: z.string(),
    permission: z.string().optional(),
  }),
  variant('rejoin', { ...attemptTimes, offset: z.int() }),
  variant('conclude', attemptTimes),
  variant('answer-inline', attemptTimes),
  variant('answer-message', attemptTimes),
  variant('put-question', attemptTimes),
])
export type Intent = z.infer<typeof Intent>

const Retry = z.object({
  why: z.string(),
  since: z.number(),
  until: z.number(),
  count: z.number(),
  /** A limit, whose end is known. */
  limit: trueOrAbsent,
  /** Whoever runs the bot has to mend it. */
  setup: trueOrAbsent,
  refusedSince: z.number().optional(),
  promised: z.number().optional(),
})
export type Retry = z.infer<typeof Retry>

export const Retries = z.record(z.string(), Retry.optional()).default({})

const Attempts = z.object({
  /** At most one of each kind. */
  intent: z.array(Intent).optional(),
  /** This record may lag behind what was done: since when nothing is under way of which it does not know. */
  lagsSince: z.number().optional(),
  /** The `lagsSince` for which its status was read. */
  caughtUpAt: z.number().optional(),
})

/** An inline comment whose words the agent has, to be answered in its own thread. */
const OpenInline = z.object({
  commentId: z.int(),
  rootId: z.int(),
  messageId: z.string(),
  by: z.enum(['review', 'comment']),
})
export type OpenInline = z.infer<typeof OpenInline>

const Question = z.object({
  key: z.string(),
  commentId: z.int(),
  inline: trueOrAbsent,
})

/** What became of a pull request, on the Run that tells it: when it was merged or closed, ms since the epoch. */
export const Ended = z.object({
  number: z.int(),
  how: z.enum(['merged', 'closed']),
  at: z.number(),
})
export type Ended = z.infer<typeof Ended>

const StatusComment = z.object({
  commentId: z.int(),
  hash: z.string(),
  phase: z.string(),
  at: z.number(),
  nodeId: z.string().optional(),
  minimized: trueOrAbsent,
})

/** Steps at the end that are done once. `last-word`: a comment was posted that says all that the status does. */
const Done = z.enum(['conclude', 'last-word', 'react', 'drop-branch'])
export type Done = z.infer<typeof Done>

export const Report = z.object({
  status: StatusComment.optional(),
  supersedes: noneAtFirst,
  statusRemade: z.boolean().optional(),
  /** What is done, or given up, of what is left to do at the end. */
  done: z.array(Done).default([]),
  /** So many comments on lines have their answers. */
  inlineAnswered: zeroAtFirst,
  /** The inline comments of follow-ups. Those of the request stand in the request. */
  inlineAsked: z.array(OpenInline).optional(),
  /** The comment on a line that began the run is gone: its last word comes in the pull request's own thread. */
  inlineGone: trueOrAbsent,
  /** Questions of the agent that stand in comments of their own. */
  questions: z.array(Question).optional(),
  readOnlyThread: falseAtFirst,
  labels: noneAtFirst,
  /** What its label says of it, with `labels.state`. */
  state: z.enum(['working', 'needs-you', 'done']).optional(),
  /** The last word of this round, and the news of a pull request that it tells. */
  lastWord: z
    .object({
      commentId: z.int(),
      as: z.enum(['comment', 'inline', 'review']),
      news: z.string().optional(),
    })
    .optional(),
})

const failureClasses = [
  'setup',
  'permission',
  'quota',
  'agent',
  'network',
  'github',
  'lost',
] as const

export const Outcome = z.discriminatedUnion('kind', [
  variant('pull', {}),
  variant('pushed', { sha: z.string() }),
  variant('answer', {}),
  variant('nothing', {}),
  variant('unfinished', { why: Unfinished }),
  variant('stopped', {
    by: z.string(),
    because: z.string().optional(),
  }),
  variant('failed', {
    class: z.enum(failureClasses),
    reason: z.string(),
    fix: z.string(),
    /** The same request, asked again, would end the same way. */
    again: z.literal(false).optional(),
  }),
])
export type Outcome = z.infer<typeof Outcome>

/** What its agent did to a branch that nobody asked for, as GitHub shows it. */
const Stray = z.object({
  /**
   * Pushed to a base; taken from it by a force push, of others; pushed, and no pull request shows it; pushed by PostHog's
   * App, and nothing says by which run.
   */
  kind: z.enum(['straight', 'dropped', 'left', 'unclaimed']),
  branch: z.string(),
  commits: z.array(z.string()),
})
export type Stray = z.infer<typeof Stray>

export const Result = z.object({
  claimedPulls: noneAtFirst,
  /** They were looked up, and are not its own. */
  foreignPulls: noneAtFirst,
  pulls: z.array(Pull).default([]),
  untended: z.array(z.int()).default([]),
  ended: Ended.optional(),
  /** What its pull request was last seen to need, if anything. */
  needs: PullNeeds.optional(),
  /** What the last look at what one needs saw of it besides. */
  looked: PullFacts.extend({ number: z.int() }).optional(),
  /** When GitHub was asked for that, our clock: an answer to an earlier call may come later. */
  needsReadAt: z.number().optional(),
  rounds: Rounds.optional(),
  /** When GitHub was last asked how its pull requests stand, our clock, by their numbers. */
  pullsReadAt: z.record(z.string(), z.number()).default({}),
  /** There may be checks or reviews at which nobody has looked. */
  hinted: trueOrAbsent,
  /** Comments on lines that the agent fixed, once that was looked for, and that their threads were resolved. */
  fixed: z
    .object({
      comments: z.array(z.object({ id: z.int(), threadId: z.string() })),
      resolved: trueOrAbsent,
    })
    .optional(),
  reported: zeroAtFirst,
  resultChecked: falseAtFirst,
  /** Where its branches stood when the round began: their newest commits, by their names. */
  heads: z.record(z.string(), z.string()).default({}),
  strays: z.array(Stray).default([]),
  pushed: z.string().optional(),
  /** Where `pushed` is, if no pull request shows it: one that was merged before does not. */
  pushedBranch: z.string().optional(),
  /** The pull request that shows it, whosever that is. */
  shownIn: ThreadLink.optional(),
  /** A pull request that GitHub did not let the bot open. */
  unopened: z.object({ base: z.string(), why: z.string() }).optional(),
  /** A turn that ended before it was done goes on in the same session, at most once a round. */
  resumed: z.object({ why: Unfinished, since: z.number().optional() }).optional(),
  outcome: Outcome.optional(),
  /** The last outcome, while a later round is under way. */
  previous: z
    .object({
      outcome: Outcome,
      concludedAt: z.number().optional(),
      done: z.array(Done).default([]),
    })
    .optional(),
  concludedAt: z.number().optional(),
  round: zeroAtFirst,
  /** Its turn ended by itself: later words alone are retried. */
  instructionDone: falseAtFirst,
})

const parts = {
  baseline: Baseline,
  schedule: Schedule.prefault({}),
  workspace: Workspace.prefault({}),
  session: SessionPart.prefault({}),
  mailbox: Mailbox.prefault({}),
  result: Result.prefault({}),
  report: Report.prefault({}),
  attempts: Attempts.prefault({}),
  /** The keys say what did not answer or was refused: see `RetryKey`. */
  retries: Retries,
}

export const Run = z.object({
  v: z.int().default(1),
  id: z.string(),
  thread: Thread,
  request: RunRequest,
  ...parts,
})
export type Run = z.infer<typeof Run>

export const runFormat = { parse: (data: unknown) => Run.parse(data) }

export const limitsOf = ({ schedule, baseline }: Pick<Run, 'schedule' | 'baseline'>) =>
  schedule.limits ?? baseline.settings.limits

export type RunPart = keyof typeof parts
const isPart = (key: string): key is RunPart => Object.hasOwn(parts, key)

export type RunChange = Partial<Omit<Run, RunPart>> & { [Part in RunPart]?: Partial<Run[Part]> }

export type ChangeOf<Part extends RunPart> = { [Key in Part]?: Partial<Run[Key]> } & {
  [Key in Exclude<keyof Run, Part>]?: never
}

export const changed = <Of extends RunChange>(run: Of, ...changes: readonly RunChange[]): Of =>
  changes.reduce<Of>(withChange, run)

function withChange<Of extends RunChange>(run: Of, change: RunChange): Of {
  const entries = Object.entries(change).map(([key, value]) => [
    key,
    isPart(key) && typeof value === 'object' ? { ...run[key], ...value } : value,
  ])
  return { ...run, ...Object.fromEntries(entries) }
}

export const isDone = ({ report }: Run, kind: Done): boolean => report.done.includes(kind)

export const withDone = ({ report }: Run, ...kinds: Done[]): Done[] => [...report.done, ...kinds]

/** Reopens a Run. It reacts once in all its rounds; all else at the end is done again. */
export function nextRound({ result, report }: Run): ChangeOf<'result' | 'report'> {
  const { outcome, concludedAt, pulls, reported, round } = result
  const { done, status } = report
  return {
    result: {
      outcome: undefined,
      concludedAt: undefined,
      resultChecked: false,
      resumed: undefined,
      previous: outcome && { outcome, concludedAt, done },
      reported: done.includes('conclude') ? pulls.length : reported,
      round: round + 1,
    },
    report: {
      done: done.filter(kind => kind === 'react'),
      lastWord: undefined,
      status: status?.minimized ? undefined : status,
    },
  }
}

type Needed = 'id' | 'thread' | 'request' | 'baseline'
export type NewRun = Pick<Run, Needed> & Omit<RunChange, Needed>

/** @throws ZodError for a record that could not be read back */
export function newRun({ report, mailbox, ...given }: NewRun): Run {
  const { origin } = given.request
  const words = mailbox?.words ?? []
  const isWhole = words.some(({ kind }) => kind === 'instruction')
  const instruction = { kind: 'instruction', id: given.id, state: 'waiting' }
  const run = Run.parse({
    ...given,
    mailbox: { ...mailbox, words: isWhole ? words : [instruction, ...words] },
    report: { labels: origin.kind === 'label' ? [origin.label] : [], ...report },
  })
  // A task has the repository's name of its time. What was made under another one is not gone on with.
  const { earlier } = run.session
  const name = earlier?.may?.repository
  return earlier && name !== undefined && name !== fullName(run.thread)
    ? changed(run, { session: { taskId: undefined, earlier: { ...earlier, resumes: false } } })
    : run
}

/**
 * Whether its status is a comment, or is to be one. With `comments: outcomes` it is shown nowhere, but for what waits
 * for people, or for hours.
 */
export function showsStatus({ baseline, report, retries, schedule: { waits } }: Run): boolean {
  if (report.status) return true
  if (report.readOnlyThread) return false
  if (baseline.settings.comments === 'all') return true
  const needsPerson = Object.values(retries).some(each => each?.setup || each?.refusedSince)
  if (needsPerson) return true
  return waits !== undefined && waits.kind !== 'line' && waits.kind !== 'session'
}

/** No last word told of the pull request yet. GitHub's event of it may come before a look at the agent. */
export const hasNewPull = ({ result: { pulls, reported } }: Run): boolean => pulls.length > reported

export const wantedRights = (run: Run): Rights => ({
  ...rightsOf(run.request.options, run.workspace.branch?.name ?? ''),
  repository: fullName(run.thread),
})

/**
 * The branch that its agent may have published to last. PostHog names what is checked out, though nothing was pushed:
 * after a first turn without changes that is the default branch.
 */
export function agentsHead({
  thread,
  session: { taskRun },
  result: { pulls },
}: Run): string | undefined {
  const named = taskRun?.headBranch
  return named === thread.defaultBranch ? pulls.at(-1)?.head : (named ?? pulls.at(-1)?.head)
}

export function sessionOf(run: Run): Session | undefined {
  const { taskId, taskRun } = run.session
  if (taskId === undefined || !taskRun) return undefined
  const session = { taskId, taskRunId: taskRun.id }
  const { may } = taskRun
  const headBranch = agentsHead(run)
  if (!may) return session
  const branches = new Set([...may.branches, ...(headBranch === undefined ? [] : [headBranch])])
  return { ...session, may: { ...may, model: may.model.toLowerCase(), branches: [...branches] } }
}

/** The base that was asked for, or that the settings name; without one it is the default branch. */
export const baseOf = ({ request: { options }, baseline: { settings } }: Run): string | undefined =>
  options.base ?? settings.base

type Earlier = Run['session']['earlier']

export const resumedSession = ({
  session: { earlier },
}: {
  session: { earlier?: Earlier }
}): Earlier => (earlier?.resumes === false ? undefined : earlier)

export const isTerminal = (status: TaskRunStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

export const isQueued = (status: TaskRunStatus): boolean =>
  status === 'queued' || status === 'not_started'

/** A text by which the task is found again at PostHog. Names the thread and the Run. */
export const taskMarker = (run: Pick<Run, 'id' | 'thread'>): string =>
  `[gh:${run.thread.owner}/${run.thread.repo}#${run.thread.number}:${run.id}]`

/** Counts what becomes of Runs. */
export interface RunMeter {
  moved(before: Run, after: Run): void
}
