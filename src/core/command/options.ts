/**
 * The options of a run. Parser, help, docs, record, the comparison of sessions, grants and the request to PostHog follow
 * from an entry here. Only the step that heeds an option names it elsewhere, and `run-options.ts` for a check with a call.
 */
import { z } from 'zod'
import {
  type CodexTaskRunCreate,
  efforts,
  PrAuthorshipMode,
  ReasoningEffort,
} from '../model/codex-task-run-create.ts'
import type { GrantName } from '../settings/deployment-settings.ts'

type Takes =
  | { kind: 'text'; as: string }
  | { kind: 'choice'; of: readonly string[] }
  | { kind: 'nothing'; means: unknown }

export interface OptionInfo {
  /** The word, if it is not the key. */
  word?: string
  takes: Takes
  about: string
  /** Words for a live session join it, or wait as a second run: if it differs in this option, or in any case. */
  live: 'join' | 'second run' | 'start only'
  /** How long it holds: for the command, its Run, a retry of that, what later goes on in the thread, or the session. */
  lasts: 'command' | 'run' | 'retry' | 'thread' | 'session'
  field?: keyof CodexTaskRunCreate
  grant?: GrantName
  shown?: string
}

/** PostHog takes it when a session starts, which then has it for good. */
const atPostHog = (field: keyof CodexTaskRunCreate) =>
  ({ field, live: 'second run', lasts: 'session' }) as const

const option = <Schema extends z.ZodType, const Info extends OptionInfo>(
  schema: Schema,
  info: Info,
) => Object.assign(schema.optional(), { info })

const aName = { kind: 'text', as: 'NAME' } as const
const nothing = { kind: 'nothing', means: true } as const

/** Keys are those of a Run's record. */
const options = {
  model: option(z.string(), {
    takes: aName,
    about: 'The model that does the work.',
    ...atPostHog('model'),
    shown: '',
  }),
  effort: option(ReasoningEffort, {
    takes: { kind: 'choice', of: efforts },
    about: 'How hard it thinks.',
    ...atPostHog('reasoning_effort'),
    shown: 'effort ',
  }),
  branch: option(z.string(), {
    takes: aName,
    about: 'The branch to work on. It must exist.',
    live: 'second run',
    lasts: 'retry',
  }),
  base: option(z.string(), {
    takes: aName,
    about:
      'The branch that the work starts from and its pull request goes into. It must exist. With `--branch`, it is only where the pull request goes.',
    live: 'second run',
    lasts: 'thread',
  }),
  force: option(z.literal(true), {
    takes: nothing,
    about:
      'Starts although another pull request is open for the issue, another issue blocks it, or as many pull requests are open as may be.',
    live: 'join',
    lasts: 'run',
  }),
  new: option(z.literal(true), {
    takes: nothing,
    about: 'Starts a new session, without what the earlier one knew.',
    live: 'start only',
    lasts: 'command',
  }),
  sandbox: option(z.string(), {
    takes: aName,
    about: 'The PostHog sandbox environment, by name or id.',
    ...atPostHog('sandbox_environment_id'),
    grant: 'sandboxes',
  }),
  authorship: option(PrAuthorshipMode, {
    word: 'as-user',
    takes: { kind: 'nothing', means: 'user' },
    about:
      'Opens the pull request as a user, if the settings allow that: the one whose GitHub token the bot has, or else the one of its PostHog key.',
    ...atPostHog('pr_authorship_mode'),
    grant: 'as_user',
  }),
  signalReport: option(z.string(), {
    word: 'signal-report',
    takes: { kind: 'text', as: 'ID' },
    about: 'Links the run to a PostHog signal report.',
    ...atPostHog('signal_report_id'),
    grant: 'signal_report',
  }),
}

type OptionSchemas = typeof options

/** TypeScript loses track of filtered keys, so the types are asserted. */
const lasting = <Lasts extends OptionInfo['lasts']>(...lasts: readonly Lasts[]) =>
  z.object(
    Object.fromEntries(
      Object.entries(options).filter(([, { info }]) => lasts.some(each => each === info.lasts)),
    ) as {
      [Name in keyof OptionSchemas as OptionSchemas[Name]['info']['lasts'] extends Lasts
        ? Name
        : never]: OptionSchemas[Name]
    },
  )

export const OfRun = lasting('run', 'retry', 'thread', 'session')
export const OfRetry = lasting('retry', 'thread', 'session')
export const OfThread = lasting('thread', 'session')
export const OfSession = lasting('session')

export const Options = z.object(options)
export type Options = z.infer<typeof Options>
export type OptionName = keyof Options

export const optionNames: readonly OptionName[] = Options.keyof().options

export const infoOf = (name: OptionName): OptionInfo => options[name].info

const wordOf = (name: OptionName) => infoOf(name).word ?? name

const optionByWord = new Map(optionNames.map(name => [wordOf(name), name]))

export const optionWords = [...optionByWord.keys()]

export const optionOf = (word: string): OptionName | undefined => optionByWord.get(word)

export const optionsThat = (live: OptionInfo['live']): OptionName[] =>
  optionNames.filter(name => infoOf(name).live === live)

/** The first that may not be used. A Run's record has what is no option, too: that it works as the bot. */
export const notGranted = (
  options: Options,
  granted: ReadonlySet<GrantName>,
): OptionName | undefined =>
  optionNames.find(name => {
    const { takes, grant } = infoOf(name)
    const isGiven =
      takes.kind === 'nothing' ? options[name] === takes.means : options[name] !== undefined
    return isGiven && grant && !granted.has(grant)
  })

export const flagOf = (name: OptionName): string => `--${wordOf(name)}`

export function takenBy(name: OptionName): string {
  const { takes } = infoOf(name)
  if (takes.kind === 'nothing') return ''
  return takes.kind === 'text' ? takes.as : takes.of.join('|')
}

export const usageOf = (name: OptionName): string => `${flagOf(name)} ${takenBy(name)}`.trimEnd()

/** `codex:<name>`: commands that ask for words alone, and efforts. */
export const presets = ['ask', 'plan', 'review', ...efforts] as const
