/** Runs, threads and people to start a table from: each is whole and ordinary, and takes what differs. */
import type { z } from 'zod'
import type { TaskRunSnapshot } from '../../src/core/model/task-run.ts'
import type { Thread } from '../../src/core/model/thread.ts'
import type { CommentRef } from '../../src/core/model/trigger.ts'
import type { CommentView, Pull, PullView } from '../../src/core/model/views.ts'
import type { Step } from '../../src/core/record/next-step.ts'
import { type RunRequest, rightsOf } from '../../src/core/record/request-part.ts'
import {
  changed,
  type Done,
  type Intent,
  type NewRun,
  newRun,
  type Run,
  type RunChange,
} from '../../src/core/record/run.ts'
import { Context, GivenContext } from '../../src/core/record/workspace-part.ts'
import { defaultSettings } from '../../src/core/settings/repository-settings.ts'
import type { Deployment } from '../../src/core/words/words.ts'

/** 2 January 2026, 14:02 UTC. */
export const t0 = Date.UTC(2026, 0, 2, 14, 2)

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute

export const maya = { login: 'maya', id: 11 }
export const zoe = { login: 'zoe', id: 12 }

export const issueThread: Thread = {
  installationId: 1,
  owner: 'acme',
  ownerId: 5,
  repo: 'shop',
  repoId: 100,
  defaultBranch: 'main',
  number: 7,
  kind: 'issue',
  url: 'https://github.com/acme/shop/issues/7',
}

export const pullThread: Thread = {
  ...issueThread,
  number: 8,
  kind: 'pull',
  url: 'https://github.com/acme/shop/pull/8',
}

export const ask: RunRequest = {
  by: maya,
  at: t0,
  origin: { kind: 'comment', commentRef: { kind: 'thread', commentId: 501 } },
  what: 'work',
  text: 'fix the flaky login test',
  options: { model: 'gpt-5.5', mode: 'background', authorship: 'bot' },
}

export const inlineComment = (id = 1) => ({
  id,
  path: 'a',
  line: 1,
  hunk: '',
  body: 'Rename this.',
  author: 'zoe',
})

export const review: CommentRef = { kind: 'review', reviewId: 4, nodeId: 'R' }

/** What was asked with these comments on lines. */
export const askedInReview = (...comments: number[]): RunRequest => ({
  ...ask,
  origin: { kind: 'comment', commentRef: review },
  inline: comments.map(inlineComment),
})

export const head = { ref: 'maya/login', sha: 'b'.repeat(40), base: 'main', repoId: 100 }

export const branch: NonNullable<Run['workspace']['branch']> = {
  name: 'codex/issue-7-login-is-flaky',
  into: 'main',
  sha: 'a'.repeat(40),
  made: true,
  fresh: true,
}

/** What the task run of an ordinary Run may do. */
export const rights = rightsOf(ask.options, branch.name)

export const pull: Pull = {
  number: 9,
  url: 'https://github.com/acme/shop/pull/9',
  title: 'Wait for the session before logging in',
  draft: true,
  head: 'codex/login',
  base: 'main',
  state: 'open',
}

export const taskRun: NonNullable<Run['session']['taskRun']> = {
  id: 'b6c5f5a8-6a39-4f5e-9f0d-0f7a3a5a7a11',
  since: t0,
  status: 'in_progress',
  changedAt: t0,
}

export const snapshotWith = (given: Partial<TaskRunSnapshot> = {}): TaskRunSnapshot => ({
  status: 'in_progress',
  error: undefined,
  pulls: [],
  headBranch: undefined,
  model: undefined,
  effort: undefined,
  authorship: undefined,
  updatedAt: undefined,
  log: [],
  offset: 0,
  ...given,
})

export const status = { commentId: 601, hash: 'h', phase: 'p', at: t0 }

export const told: Done[] = ['conclude', 'last-word', 'react', 'drop-branch']

const base: NewRun = {
  id: 'run-comment-501',
  thread: issueThread,
  request: ask,
  baseline: {
    settings: defaultSettings,
    snapshot: {
      title: 'Login is flaky',
      body: 'It fails every other time.',
      author: 'sam',
      open: true,
    },
  },
}

/** A Run that was just asked for, with what differs. */
export const runWith = (...given: RunChange[]): Run => changed(newRun(base), ...given)

/** Its settings have these limits beside the usual ones. */
export const limitedTo = (limits: Partial<Run['baseline']['settings']['limits']>): RunChange => ({
  baseline: { settings: { ...defaultSettings, limits: { ...defaultSettings.limits, ...limits } } },
})

type ContextPart = NonNullable<Run['workspace']['threadContext']>

/** What was read of a thread for these words, with what differs. */
export const contextFor = (of: string, rest: Partial<z.input<typeof Context>> = {}): ContextPart =>
  Context.parse({ of, upTo: { at: t0 }, comments: [], ...rest })

/** A thread without comments. */
export const context = contextFor('run-comment-501')

let lastId = 100
const nextId = (): number => {
  lastId += 1
  return lastId
}

/** Something that maya wrote a minute before the command, with what differs. */
export const said = (body: string, rest: Partial<CommentView> = {}): CommentView => ({
  id: nextId(),
  author: 'maya',
  bot: false,
  insider: true,
  body,
  createdAt: t0 - 60 * second,
  updatedAt: rest.createdAt ?? t0 - 60 * second,
  in: 'thread',
  ...rest,
})

const upTo = { of: 'run-comment-501', at: t0, places: [] }

type Word = Run['mailbox']['words'][number]

const isTold = (state: Word['state']) => state === 'sent' || state === 'read'
export const instruction = (state: Word['state'] = 'read'): Word => ({
  kind: 'instruction',
  id: base.id,
  state,
  to: isTold(state) ? taskRun.id : undefined,
})

/** Words that its task run has, or that nobody sent or took back, with what differs. */
export const word = (state: Word['state'], said = more('a'), differs: Partial<Word> = {}): Word =>
  Object.assign({ ...said, state }, isTold(state) ? { to: taskRun.id, round: 0 } : {}, differs)

/** The agent has the instruction, and these words stand so. */
export const wordsAre = (...words: Word[]): RunChange => ({
  mailbox: { words: [instruction(), ...words] },
})

/** A Run whose agent works, with what differs. */
export const working = (...given: RunChange[]): Run =>
  runWith(
    {
      report: { status },
      schedule: { admitted: true, nextPollAt: t0 + 5 * second },
      workspace: {
        attachments: { ids: [], failed: [] },
        threadContext: context,
        readUpTo: upTo,
        given: GivenContext.parse({}),
        branch,
        madeBranch: branch.name,
      },
      session: {
        taskId: 'task-1',
        taskMade: true,
        taskRun,
        sessionLog: { offset: 0, turns: 0, prompts: [] },
      },
      ...wordsAre(),
    },
    ...given,
  )

export const more = (id: string, text = 'and the logout test', by = zoe) => ({
  kind: 'follow-up' as const,
  id,
  by,
  at: t0 + minute,
  text,
})

/** That these words are the next, and what was written beside them is read. */
export const passing = (words: ReturnType<typeof more>): RunChange => ({
  ...wordsAre(word('waiting', words)),
  workspace: { threadContext: contextFor(words.id) },
})

// What differs in a Run, by a word.
export const nextPoll = (nextPollAt: number | undefined): RunChange => ({
  schedule: { nextPollAt },
})
export const lastPoll = (lastPollAt: number | undefined): RunChange => ({
  schedule: { lastPollAt },
})
export const due = nextPoll(undefined)
export const inLine = (ahead: number): RunChange => ({
  schedule: { waits: { kind: 'line', ahead, of: 'owner' } },
})
export const stopAsked: RunChange = { mailbox: { stop: { by: maya, at: t0 } } }
export const wordsWait = wordsAre(word('waiting'))
export const notSent: RunChange = { mailbox: { words: [instruction('waiting')] } }
export const admitted: RunChange = { schedule: { admitted: true } }
export const hasPull: RunChange = { result: { pulls: [pull] } }
/** The thread knows of its pull request. */
export const toldOfPull: RunChange = { result: { pulls: [pull], reported: 1 } }
export const claimsPull: RunChange = { result: { claimedPulls: ['u'] } }
export const resultChecked: RunChange = { result: { resultChecked: true } }
export const intends = (...intent: Intent[]): RunChange => ({ attempts: { intent } })
/** All but this is done that is done once at the end. */
export const left = (...kinds: Done[]): RunChange => ({
  report: { done: told.filter(kind => !kinds.includes(kind)) },
})
export const labelled: RunChange = { report: { labels: ['codex'] } }
export const noTaskRun: RunChange = { session: { taskRun: undefined } }
export const taskRunIs = (differs: Partial<typeof taskRun>): RunChange => ({
  session: { taskRun: { ...taskRun, ...differs } },
})
type SessionLog = NonNullable<Run['session']['sessionLog']>
export const logIs = (sessionLog: SessionLog | undefined): RunChange => ({
  session: { sessionLog },
})
/** The log of an agent that ended its turn then. */
export const idleSince = (at: number, differs: Partial<SessionLog> = {}): SessionLog => ({
  offset: 1,
  turns: 1,
  prompts: [],
  ended: { at, stopReason: 'end_turn' },
  answer: 'Done.',
  ...differs,
})
/** The agent asks for a permission, or asks people something. */
export const agentAsks = (permissionRequest: SessionLog['permissionRequest']): RunChange =>
  logIs({ offset: 1, turns: 0, prompts: [], permissionRequest })
export const earlierIs = (earlier: Run['session']['earlier']): RunChange => ({
  session: { earlier },
})
export const cancelAsked = (at: number): RunChange => ({
  session: { cancelled: { taskRun: taskRun.id, at } },
})

export const deployment: Deployment = { posthogUrl: 'https://us.posthog.com', posthogProject: '42' }

/** One that an agent has just opened. */
export const pullView = (differs: Partial<PullView> = {}): PullView => ({
  number: 9,
  url: pull.url,
  title: 'Wait for the session',
  body: '',
  draft: true,
  state: 'open',
  head: 'posthog/login',
  sha: 'e'.repeat(40),
  base: 'main',
  repoId: 100,
  author: { login: 'posthog[bot]', bot: true },
  createdAt: t0 + minute,
  mergedAt: undefined,
  ...differs,
})

/** A step as one word, or a word and what it is about. Of what the Run becomes, what that is. */
export function shown(step: Step): string {
  if (step.kind === 'become') return becoming(step.change)
  const [kind, about] = Object.values(step)
  return about === undefined ? kind : `${kind} ${about}`
}

function becoming({ mailbox, report, result, session }: RunChange): string {
  const { outcome, resumed } = result ?? {}
  if (outcome) return `is over: ${'reason' in outcome ? outcome.reason : outcome.kind}`
  if (session?.agentLeft) return 'leaves its agent'
  if (resumed) return `goes on after ${resumed.why}`
  return mailbox?.releaseThread && report ? 'lets go' : 'begins another round'
}
