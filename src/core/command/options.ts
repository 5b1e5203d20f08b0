/** The options of a run. How PostHog gets them: `run-request.ts`; checks that need a call: `run-options.ts`. */
import { z } from 'zod'
import { efforts, PrAuthorshipMode, ReasoningEffort } from '../model/codex-task-run-create.ts'
import type { GrantName } from '../settings/deployment-settings.ts'

type Takes =
  | { kind: 'text'; as: string }
  | { kind: 'choice'; of: readonly string[] }
  | { kind: 'nothing'; means: unknown }

export interface OptionInfo {
  word: string
  takes: Takes
  about: string
  grant?: GrantName
  shown?: string
}

const option = <Schema extends z.ZodType>(schema: Schema, info: OptionInfo) =>
  Object.assign(schema.optional(), { info })

/** Keys are those of a Run's record. */
const options = {
  model: option(z.string(), {
    word: 'model',
    takes: { kind: 'text', as: 'NAME' },
    about: 'The model that does the work.',
    shown: '',
  }),
  effort: option(ReasoningEffort, {
    word: 'effort',
    takes: { kind: 'choice', of: efforts },
    about: 'How hard it thinks.',
    shown: 'effort ',
  }),
  branch: option(z.string(), {
    word: 'branch',
    takes: { kind: 'text', as: 'NAME' },
    about: 'The branch to work on. It must exist.',
  }),
  base: option(z.string(), {
    word: 'base',
    takes: { kind: 'text', as: 'NAME' },
    about:
      'The branch that the work starts from and its pull request goes into. It must exist. With `--branch`, it is only where the pull request goes.',
  }),
  force: option(z.literal(true), {
    word: 'force',
    takes: { kind: 'nothing', means: true },
    about:
      'Starts although another pull request is open for the issue, another issue blocks it, or as many pull requests are open as may be.',
  }),
  dryRun: option(z.literal(true), {
    word: 'dry-run',
    takes: { kind: 'nothing', means: true },
    about: 'Says what would be done, does nothing, and calls no model.',
  }),
  new: option(z.literal(true), {
    word: 'new',
    takes: { kind: 'nothing', means: true },
    about: 'Starts a new session, without what the earlier one knew.',
  }),
  sandbox: option(z.string(), {
    word: 'sandbox',
    takes: { kind: 'text', as: 'NAME' },
    about: 'The PostHog sandbox environment, by name or id.',
  }),
  authorship: option(PrAuthorshipMode, {
    word: 'as-user',
    takes: { kind: 'nothing', means: 'user' },
    about:
      'Opens the pull request as a user, if the settings allow that: the one whose GitHub token the bot has, or else the one of its PostHog key.',
    grant: 'as_user',
  }),
  signalReport: option(z.string(), {
    word: 'signal-report',
    takes: { kind: 'text', as: 'ID' },
    about: 'Links the run to a PostHog signal report.',
    grant: 'signal_report',
  }),
}

export const Options = z.object(options)
export type Options = z.infer<typeof Options>
export type OptionName = keyof Options

export const optionNames: readonly OptionName[] = Options.keyof().options

const named = new Map(optionNames.map(name => [options[name].info.word, name]))

export const optionWords = [...named.keys()]

export const optionOf = (word: string): OptionName | undefined => named.get(word)

export const infoOf = (name: OptionName): OptionInfo => options[name].info

export const flagOf = (name: OptionName): string => `--${infoOf(name).word}`

export function takenBy(name: OptionName): string {
  const { takes } = infoOf(name)
  switch (takes.kind) {
    case 'text':
      return takes.as
    case 'choice':
      return takes.of.join('|')
    case 'nothing':
      return ''
  }
}

export const usageOf = (name: OptionName): string => `${flagOf(name)} ${takenBy(name)}`.trimEnd()

export const presets = ['plan', ...efforts] as const
