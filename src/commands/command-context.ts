/**
 * What commands and news of a thread work with: the bot's ports, their trigger's record, and small reads.
 * A command ends in one `CommandResult`.
 */
import { isTrusted, type PersonCheck } from '../access/authorize.ts'
import type { SettingsNow, SettingsReader } from '../access/read-settings.ts'
import { type MayCost, whoLately } from '../access/strangers.ts'
import { nameOf, type WrittenCommand } from '../core/command/parse.ts'
import type { Check } from '../core/model/check.ts'
import type { ReasoningEffort } from '../core/model/codex-task-run-create.ts'
import type {
  Files,
  GitHub,
  JobQueue,
  JobRecord,
  LockedJob,
  Log,
  StepResult,
  TasksClient,
  ThreadClient,
} from '../core/model/ports.ts'
import { type Repository, type Thread, threadSlot } from '../core/model/thread.ts'
import { latelyCounted, minute, onceAMinute, second } from '../core/model/time.ts'
import type {
  CommentRef,
  CommentTrigger,
  LabelTrigger,
  ThreadTrigger,
  TickTrigger,
} from '../core/model/trigger.ts'
import type { Signer } from '../core/record/marker.ts'
import { readMessages } from '../core/record/messages.ts'
import type { RequestOrigin } from '../core/record/request-part.ts'
import { believeAbsent, type ReadRefusals, refusedReadsOf } from '../core/record/retries.ts'
import type { Run, RunMeter } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import type { TriggerWords } from '../core/settings/deployment-settings.ts'
import { NewestMap } from '../core/text/newest-map.ts'
import type { RefusalName } from '../core/words/refusals.ts'
import type { Reply } from '../core/words/replies.ts'
import type { Deployment } from '../core/words/words.ts'
import type { ReplySign, ThreadRecord, TriggerRecord } from './trigger-record.ts'

export interface TriggerDeps {
  github: GitHub
  posthog: Pick<TasksClient, 'models' | 'sandboxes' | 'cost' | 'poll'>
  /** The name of the PostHog that serves the owner; `undefined` if none does. */
  tenant: string | undefined
  isFirst(name: string, id: string): Promise<boolean>
  mayCost: MayCost
  /** Whether the App may work there now. @throws RetryLater | NoResponse */
  mayWorkIn(repository: Repository): Promise<boolean>
  /** Gives what a Run of that PostHog needs to draw and sign its status. */
  wordsOf(run: Run): { deployment: Deployment; signer: Signer }
  examine(thread: Thread): Promise<Check[]>
  /** Where editors find the schema of the settings; `undefined` where nobody can reach it. */
  schemaAddress(): Promise<string | undefined>
  guide?: string | undefined
  runs: JobQueue<Run>
  waiting: WaitingTriggers
  deployment: Deployment
  signer: Signer
  settings: SettingsReader
  /** What calls the bot in repositories of that owner. */
  triggerOf(ownerId: number): TriggerWords
  defaults: { model: string; effort: ReasoningEffort | undefined }
  log: Log
  meter?: RunMeter
  now(): number
}

export interface WaitingTriggers
  extends Pick<
    JobQueue<TriggerRecord>,
    'get' | 'query' | 'members' | 'listed' | 'wake' | 'add' | 'amendEnded'
  > {
  send(id: string, message: string): Promise<boolean>
}

export type CommandTrigger = CommentTrigger | LabelTrigger | TickTrigger

export type CommandResult =
  | { kind: 'reply'; reply: Reply; sign: ReplySign; refusal?: RefusalName }
  | { kind: 'replied'; sign: ReplySign }
  | { kind: 'run' }
  | { kind: 'message' }
  | { kind: 'silence' }
  | { kind: 'passed-over' }
  /** `behind`: that Run as it stands; without it, it is looked at again, after `ms` if nobody wakes it. */
  | { kind: 'wait'; behind?: Run; ms?: number }
  | { kind: 'start-over' }
  /** An edit took its place. */
  | { kind: 'replaced' }
  /** All that was asked with it is not asked any more. */
  | { kind: 'over' }

/** What a process remembers from one trigger to the next. */
export const newMemory = (now: () => number) => ({
  /** When each was replied to, ms since the epoch. */
  repliedLately: new NewestMap<string, number>(10_000),
  who: whoLately(now),
  /** How often the approval of each pull request was read. */
  approvalReads: latelyCounted(10 * minute, now),
  tellOfRefused: onceAMinute(now),
})
type Memory = ReturnType<typeof newMemory>

/** What a trigger of a thread is taken up with: a command's, or news. */
export interface ThreadContext<Of extends ThreadTrigger = ThreadTrigger> extends Memory {
  readonly deps: TriggerDeps
  readonly job: LockedJob<ThreadRecord>
  readonly github: ThreadClient
  readonly record: ThreadRecord<Of>
  /** Read once, unless somebody has read them before. */
  settings(readBefore?: SettingsNow): Promise<SettingsNow>
  /** Since when GitHub refuses what this trigger reads. */
  refusedReads(): ReadRefusals
  /** @throws while it may be that GitHub only does not show it yet */
  believeAbsent(what: string): undefined
  personCheck(): Promise<PersonCheck>
  /** Sends the 👀, and does not wait for it. */
  sendEyes(target: CommentRef): void
  /** Resolves when the 👀 has arrived or failed. */
  eyes(): Promise<void> | undefined
  save(change: Partial<ThreadRecord<Of>>): Promise<void>
  /** Is saved with what is decided by it: a process that takes over finds it out again. */
  remember(change: Partial<ThreadRecord<Of>>): void
}

export type CommandContext = ThreadContext<CommandTrigger>

export const holdsCommand = (context: ThreadContext): context is CommandContext =>
  context.record.trigger.kind !== 'pull-news' && context.record.trigger.kind !== 'withdrawal'

/** ms: whoever is waited for wakes the command; this is for a lost wake. */
export const lostWakeMs = 30_000

export function threadContext(
  deps: TriggerDeps,
  job: LockedJob<ThreadRecord>,
  lately: Memory,
): ThreadContext {
  const { id, deliveryId, thread, kind } = job.data.trigger
  const github = deps.github(thread)
  const log = deps.log.child({ trigger: id, delivery: deliveryId })
  let record = job.data
  let settingsRead: Promise<SettingsNow> | undefined
  let eyes: Promise<void> | undefined
  const settings = async (readBefore?: SettingsNow): Promise<SettingsNow> => {
    const age = kind === 'pull-news' ? 'lately' : 'of'
    settingsRead ??= readBefore
      ? Promise.resolve(readBefore)
      : deps.settings[age](withReadAhead(github), thread)
    return settingsRead
  }
  const refusedReads = () => refusedReadsOf(record, 'github', deps.now())
  return {
    ...lately,
    deps: { ...deps, log },
    job,
    github,
    get record() {
      return record
    },
    settings,
    refusedReads,
    believeAbsent: what => believeAbsent(what, refusedReads()),
    personCheck: async () => ({
      github,
      settings: (await settings()).settings,
      reads: refusedReads(),
      log,
    }),
    sendEyes(target) {
      eyes = github.thread.react(target, 'eyes').catch(() => {})
    },
    eyes: () => eyes,
    async save(change) {
      const next = { ...record, ...change }
      await job.save(next)
      record = next
    },
    remember(change) {
      record = { ...record, ...change }
    },
  }
}

export const endOfJob: StepResult = { kind: 'end' }

/** The comment where it was asked. */
export const commentRefOf = (asked: ThreadTrigger | RequestOrigin): CommentRef | undefined =>
  asked.kind === 'comment' ? asked.commentRef : undefined

export const reactionTargetOf = ({ record: { trigger } }: CommandContext): CommentRef =>
  commentRefOf(trigger) ?? { kind: 'subject' }

/** Whether nothing is known of the sender that would give them rights. */
export const isStranger = ({ record: { sender } }: CommandContext): boolean =>
  sender?.kind !== 'known' || !isTrusted(sender)

/** Everything may be done for people with rights; for others so many calls to GitHub, if they have not cost too much. */
export const mayCost = async (context: CommandContext, calls: number): Promise<boolean> => {
  const { thread, sender } = context.record.trigger
  return !isStranger(context) || context.deps.mayCost(thread.installationId, sender.id, calls)
}

export const commandId = ({ record }: { record: ThreadRecord }): string =>
  record.done === 0 ? record.trigger.id : `${record.trigger.id}-${record.done + 1}`

/** Whether its webhook came late: its words may be gone by now, or done before the queue was lost. */
export const isLate = ({ job, record }: CommandContext): boolean =>
  job.addedAt - record.trigger.at >= 15 * second

export const withdrawn = 'withdrawn'

/** What a command is told of which an edit took the place. */
export const replacing = (command: WrittenCommand): string => `replaced ${nameOf(command)}`

/** The repository's settings come with the read-ahead query, the owner's with another call beside it. */
function withReadAhead(github: ThreadClient): Files {
  let ahead: Promise<void> | undefined
  return {
    async text(path, commit) {
      ahead ??= github.thread.readAhead()
      await ahead
      return github.files.text(path, commit)
    },
    commits: path => github.files.commits(path),
  }
}

export const runId = (of: { record: ThreadRecord }): string => `run-${commandId(of)}`

export async function liveRun(
  runs: JobQueue<Run>,
  thread: Thread,
): Promise<JobRecord<Run> | undefined> {
  const id = await runs.holder(threadSlot(thread))
  if (id === undefined) return undefined
  const [kept, inbox] = await Promise.all([runs.get(id), runs.inbox(id)])
  return kept?.standing === 'live' ? { ...kept, data: readMessages(kept.data, inbox) } : undefined
}

/** An agent that works as a user opens pull requests in their name, and its words are nobody's command. */
export const mayBeAnAgents = async (context: CommandContext): Promise<boolean> =>
  context.record.trigger.thread.kind === 'pull' && isUserAtWork(context)

/** Whether an agent is at work in the repository in the name of a user. */
export async function isUserAtWork({ deps, record }: ThreadContext): Promise<boolean> {
  const live = await deps.runs.listed([sets.repository(record.trigger.thread.repoId)])
  return live.some(({ data }) => data.request.options.authorship === 'user')
}
