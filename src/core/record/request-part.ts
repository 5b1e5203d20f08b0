/**
 * The request of a Run and the state of the thread then, which are written once; and the rights of a session, compared
 * with what a Run wants.
 */
import { z } from 'zod'
import { OfRun, OfSession } from '../command/options.ts'
import { mayPublish, PermissionMode, PrAuthorshipMode } from '../model/codex-task-run-create.ts'
import { instruction } from '../model/command-grammar.ts'
import { trueOrAbsent, variant } from '../model/schema-parts.ts'
import { Person, PullHead, Snapshot } from '../model/thread.ts'
import { CommentRef, InlineComment } from '../model/trigger.ts'
import { settings } from '../settings/repository-settings.ts'
import { marked, storedShape } from '../settings/setting.ts'
import { Attachment } from '../text/attachment-links.ts'
import { FollowUp } from './mailbox-part.ts'

const RequestOrigin = z.discriminatedUnion('kind', [
  variant('comment', { commentRef: CommentRef, url: z.string().optional() }),
  variant('label', { label: z.string() }),
  /** `admin`: who did it on the bot's own pages. */
  variant('tick', { admin: z.string().optional() }),
])
export type RequestOrigin = z.infer<typeof RequestOrigin>

const ofEach = {
  model: z.string(),
  mode: z.enum(['background', 'interactive']).default('background'),
  authorship: PrAuthorshipMode.default('bot'),
}

export const RunOptions = OfRun.extend({ ...ofEach, permission: PermissionMode.optional() })
export type RunOptions = z.infer<typeof RunOptions>

export const whats = ['work', 'plan', 'review', 'ask'] as const
export type What = (typeof whats)[number]

/** The command that asks for it. */
export const commandFor = (what: What): string => (what === 'work' ? instruction : what)

/** Changes nothing, and so may look at a fork's pull request. */
export const isReadOnly = (what: What): boolean => what !== 'work'

export const RunRequest = z.object({
  by: Person,
  /** The people whose words made the work that it goes on with or repeats. */
  before: z.array(Person).optional(),
  /** It was asked in a session that others began, and so is what repeats it. */
  goesOn: trueOrAbsent,
  at: z.number(),
  delivery: z.string().optional(),
  origin: RequestOrigin,
  /** Which of the commands of its comment. */
  command: z.int().optional(),
  what: z.enum(whats).default('work'),
  text: z.string().default(''),
  typed: z.string().optional(),
  fixes: FollowUp.shape.fixes,
  /** What the page shows of files where it was asked. */
  attached: z.array(Attachment).optional(),
  options: RunOptions,
  /** Nobody chose the model: it was the one of the settings. */
  usualModel: trueOrAbsent,
  inline: z.array(InlineComment).optional(),
  /** Before it began, an edit put these words in the place of others. */
  edited: trueOrAbsent,
  /** The message to its session in whose place an edit put this. */
  replaces: z.string().optional(),
  /** What was asked before and answered without work, for a session that begins afresh and has not read it. */
  answered: z.object({ question: z.string(), answer: z.string() }).optional(),
  /** The plan to carry out, and the commit it was made on. */
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

export const KeptSettings = z.object({
  ...storedShape(marked(settings, 'kept')),
  instructions: z.string().optional(),
  labels: z.object({ state: z.boolean().default(false) }).prefault({}),
})

export const Baseline = z.object({
  snapshot: Snapshot,
  head: PullHead.optional(),
  settings: KeptSettings.prefault({}),
  settingsProblem: z.string().optional(),
  /** What was read with the command, until the record is first saved: good for seconds, each part once. */
  prefetched: z.unknown().optional(),
})

/** What a task run may do, fixed at its start: only a Run with exactly these rights may continue it. */
export const Rights = OfSession.extend({
  ...ofEach,
  permission: PermissionMode,
  publishes: z.boolean(),
  branches: z.array(z.string()),
  /** `owner/name`, as its task was made for it. */
  repository: z.string().optional(),
})
export type Rights = z.infer<typeof Rights>

/** A task run and what it may do. */
export const Session = z.object({
  taskId: z.string(),
  taskRunId: z.string(),
  /** Without it, the session is not reused. */
  may: Rights.optional(),
})
export type Session = z.infer<typeof Session>

export const rightsOf = (options: RunOptions, branch: string): Rights =>
  Rights.parse({
    ...options,
    permission: options.permission ?? 'auto',
    publishes: mayPublish(options.permission),
    model: options.model.toLowerCase(),
    branches: [branch],
  })

export function mayServe({ may }: Pick<Session, 'may'>, wanted: Rights): boolean {
  if (!may) return false
  const { branches, repository = wanted.repository, ...rights } = may
  const { branches: wantedBranches, repository: wantedRepository, ...wantedRights } = wanted
  const isSame = rightNames.every(name => rights[name] === wantedRights[name])
  return (
    isSame &&
    repository === wantedRepository &&
    wantedBranches.every(branch => branches.includes(branch))
  )
}

const rightNames = Rights.omit({ branches: true, repository: true }).keyof().options
