/** A command in one file: grammar, role, facts and a pure decision, which `perform` carries out. */
import type { SettingsNow } from '../access/read-settings.ts'
import type { Options } from '../core/command/options.ts'
import type { WrittenCommand as ParsedCommand } from '../core/command/parse.ts'
import type { Template } from '../core/command/template.ts'
import type { Check } from '../core/model/check.ts'
import type { ReasoningEffort } from '../core/model/codex-task-run-create.ts'
import type { CommandGrammar } from '../core/model/command-grammar.ts'
import type { PullHead, Thread } from '../core/model/thread.ts'
import type { InlineComment } from '../core/model/trigger.ts'
import type {
  BranchView,
  Closer,
  KnownModel,
  NeedsView,
  Pull,
  SandboxView,
} from '../core/model/views.ts'
import type { RunMessage } from '../core/record/mailbox-part.ts'
import type { Marker } from '../core/record/marker.ts'
import type { RunRequest } from '../core/record/request-part.ts'
import type { Run } from '../core/record/run.ts'
import type { TriggerWords } from '../core/settings/deployment-settings.ts'
import type { Attachment } from '../core/text/attachment-links.ts'
import { type RefusalFacts, type RefusalName, refusals } from '../core/words/refusals.ts'
import type { NamedAs, Reply } from '../core/words/replies.ts'
import type { NotBegun } from '../core/words/thread-standing.ts'
import type { CommandResult, CommandTrigger } from './command-context.ts'

export interface CommandRequest {
  trigger: CommandTrigger
  options: Options
  text: string
  /** What was written behind the command word, on its line. */
  line?: string | undefined
  /** What an edit of its comment put it in the place of. */
  replaces?: ParsedCommand | undefined
  /** Its first word names no template. */
  literal?: true | undefined
  attached?: Attachment[] | undefined
  runId: string
  /** Which of the commands of its comment. */
  command: number
}

/** How a reply names what was asked. */
export const namedAs = ({ trigger, line }: Pick<CommandRequest, 'trigger' | 'line'>): NamedAs =>
  trigger.kind === 'label' ? { label: trigger.label } : { line }

/** What it comes to: work, or words alone. */
export interface WantedWork
  extends Pick<RunRequest, 'what' | 'text' | 'typed' | 'fixes' | 'inline' | 'approves'> {
  options: Options
}

/** A command wants work in the words behind it, unless it says otherwise. */
export const wants = (
  { text, options }: CommandRequest,
  differs: Partial<WantedWork> = {},
): WantedWork => ({
  what: 'work',
  text,
  options,
  ...differs,
})

export type Decision =
  | Replied
  | { kind: 'start'; run: Run }
  | { kind: 'started' }
  /** `beside`: the thread of the Run, if it is another. */
  | { kind: 'message'; runId: string; message: NewMessage; beside?: Thread }
  /** The live Run has told its result and only ends its agent: replace it at once. */
  | { kind: 'take-over'; run: Run }
  /** What the comment said before is stopped, as what it says now is no part of that. */
  | { kind: 'replace'; run: Run }
  /** Park until that Run of the thread has an outcome, or has ended: both wake the command. */
  | { kind: 'wait'; behind: Run }
  /** Post the plan of that Run anew, and refuse with its link. */
  | { kind: 'show-plan'; run: Run }
  | { kind: 'silence' }

/** Who says it, when and where follows from the trigger. */
type Unsaid<Message> = Message extends RunMessage
  ? Omit<Message, 'id' | 'by' | 'at' | 'source'>
  : never
type NewMessage = Unsaid<Extract<RunMessage, { kind: 'follow-up' | 'stop' | 'force' | 'label' }>>

export interface Command<Facts = unknown> extends CommandGrammar {
  repliesAtOnce?: boolean
  /** Something begins by it, which a stop ends. */
  starts?: boolean
  facts(reads: Reads, request: CommandRequest): Promise<Facts>
  decide(request: CommandRequest, facts: Facts): Decision
}

/** What was written with the command, and whether the page hides a part of it. */
type CommandWords = Pick<CommandRequest, 'options' | 'text' | 'literal' | 'line' | 'replaces'> & {
  hides: boolean
}

export interface GivenCommand {
  command: Command
  words: CommandWords
  /** The command itself, as an edit names it that takes its place. */
  replaced?: ParsedCommand
  /** What it comes to for whoever may use it: it is no command. */
  instead?: CommandResult
  /** The files that can be seen where it was asked. */
  attached?: Attachment[]
}

/** One of the commands of its comment. */
export interface CommandInTurn extends GivenCommand {
  isLast: boolean
  /** What stands behind the command word of each later one that begins something. */
  later: readonly (string | undefined)[]
}

export const command = <Facts>(parts: Command<Facts>): Command<Facts> => parts

type Replied = CommandResult & { kind: 'reply' }
export type Rejected = Replied & { refusal: RefusalName }

export const answerWith = (reply: Reply): Replied => ({ kind: 'reply', reply, sign: 'done' })

const sentences: { [Name in RefusalName]: (...facts: RefusalFacts[Name]) => Reply } = refusals

/** Nothing is started. `refusals` has every reason, and says it. */
export const reject = <Name extends RefusalName>(
  refusal: Name,
  ...facts: RefusalFacts[Name]
): Rejected => ({ kind: 'reply', reply: sentences[refusal](...facts), sign: 'refused', refusal })

/** What the thread had before. It is read once, and passed on whole. */
export interface Conversation {
  /** Its last Run wrote it. */
  marker: Marker
  /** The task run that can be gone on with. */
  session: Run['session']['earlier']
  pull: Pull | undefined
  /** What the queue still has of it, or its status. */
  lastRun: Run | undefined
}

export interface Reads {
  /** The commands that the sender may use. */
  usable(): Promise<CommandGrammar[]>
  usual: { model: string; effort: ReasoningEffort | undefined }
  isOurs(run: Run): boolean
  now: number
  /** What that pull request needs, if it is open. */
  needs(number: number): Promise<NeedsView | undefined>
  /** The Runs that made it or worked on it, oldest first. */
  runsOf(pull: number): Promise<Run[]>
  /** Open pull requests that say they close the issue. */
  closers(): Promise<Closer[]>
  trigger: TriggerWords
  repliedLately(): boolean
  live(): Promise<Run | undefined>
  /** The Run at work in the thread of its pull request, or of the issue which that is of. */
  beside(): Promise<Run | undefined>
  run(id: string): Promise<Run | undefined>
  /** Its page at PostHog, if it has begun there. */
  pageOf(run: Run): string | undefined
  /** The Run, and the reason why it waits now, if it does. */
  asItWaits(run: Run): Promise<Run>
  /** What was asked here and has no Run yet, or was stopped before it had one. */
  notBegun(): Promise<NotBegun[]>
  /** The address of the newest reply that says why nothing comes of a request, if no Run began since. */
  refused(): Promise<string | undefined>
  /** Whether the last Run was ended by this stop, before that was judged. */
  hasStopped(): Promise<boolean>
  conversation(): Promise<Conversation | undefined>
  /** Whether the plan says what the bot wrote, as it stood there when this was asked. */
  isPlanAsSaid(): Promise<boolean>
  /** The marker of the ticked comment, and its Run as it stood in that round. */
  shown(): Promise<Pick<Conversation, 'marker' | 'lastRun'> | undefined>
  settings(): Promise<SettingsNow>
  /** The pull request's head when the command was given, or as it is `now`. */
  head(now?: 'now'): Promise<PullHead | undefined>
  branch(name: string): Promise<BranchView | undefined>
  models(): Promise<KnownModel[]>
  sandboxes(): Promise<SandboxView[]>
  checks(): Promise<Check[]>
  schemaAddress(): Promise<string | undefined>
  /** The page that says how the bot is used, if there is one. */
  guide: string | undefined
  inline(): Promise<InlineComment[] | undefined>
  /** Names, without those of commands. */
  templates(): Promise<string[]>
  /** What a text means whose first word names a template. */
  template(text: string): Promise<Template | undefined>
}
