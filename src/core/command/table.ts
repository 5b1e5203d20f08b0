/** Every command: how it is written, what it does, who may. Help and README are made from this table. */

export const commandNames = [
  'run',
  'plan',
  'approve',
  'continue',
  'retry',
  'stop',
  'status',
  'queue',
  'help',
] as const
export type CommandName = (typeof commandNames)[number]

/** GitHub's repository roles, weakest first. */
export const roles = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
export type Role = (typeof roles)[number]

export const mayAct = (role: Role, least: Role): boolean => roles.indexOf(role) >= roles.indexOf(least)

export interface CommandInfo {
  usage: string
  example: string
  about: string
  least: Role
  /** Whether words after the name belong to the command (`plan how …`) or make it an instruction. */
  takes: 'text' | 'nothing'
  /** Whether the options of a run may stand before its words. */
  options: boolean
}

export const commands: Record<CommandName, CommandInfo> = {
  run: {
    usage: '/codex [options] <instruction>',
    example: '/codex fix the flaky login test',
    about:
      'Does what you ask, on the branch of this issue or pull request. Without an instruction the issue itself is the instruction. While a run is going, your words are passed to the agent.',
    least: 'write',
    takes: 'text',
    options: true,
  },
  plan: {
    usage: '/codex plan [options] <question>',
    example: '/codex plan how to split the billing module',
    about: 'Reads only, changes nothing, and answers with a numbered plan.',
    least: 'write',
    takes: 'text',
    options: true,
  },
  approve: {
    usage: '/codex approve',
    example: '/codex approve',
    about: 'Carries out the plan above.',
    least: 'write',
    takes: 'nothing',
    options: false,
  },
  continue: {
    usage: '/codex continue [instruction]',
    example: '/codex continue with the tests',
    about: 'Goes on where the last run of this thread ended, in the same session.',
    least: 'write',
    takes: 'text',
    options: true,
  },
  retry: {
    usage: '/codex retry [options]',
    example: '/codex retry --effort high',
    about: 'Starts the last request of this thread again.',
    least: 'write',
    takes: 'nothing',
    options: true,
  },
  stop: {
    usage: '/codex stop',
    example: '/codex stop',
    about: 'Stops the run, waiting or working, and says what is left behind. `cancel` is the same.',
    least: 'write',
    takes: 'nothing',
    options: false,
  },
  status: {
    usage: '/codex status',
    example: '/codex status',
    about: 'Says what is going on in this thread.',
    least: 'read',
    takes: 'nothing',
    options: false,
  },
  queue: {
    usage: '/codex queue',
    example: '/codex queue',
    about: 'Says what waits before this thread, and why.',
    least: 'read',
    takes: 'nothing',
    options: false,
  },
  help: {
    usage: '/codex help',
    example: '/codex help',
    about: 'Shows this list.',
    least: 'read',
    takes: 'nothing',
    options: false,
  },
}

export const aliases: Readonly<Record<string, CommandName>> = { cancel: 'stop' }

export const optionNames = [
  'model',
  'effort',
  'branch',
  'new',
  'sandbox',
  'as-user',
  'signal-report',
] as const
export type OptionName = (typeof optionNames)[number]

export interface OptionInfo {
  /** What stands for the value in the usage; `undefined` for a switch. */
  value: string | undefined
  about: string
}

export const options: Record<OptionName, OptionInfo> = {
  model: { value: 'NAME', about: 'The model that does the work.' },
  effort: { value: 'low|medium|high|xhigh|max', about: 'How hard it thinks.' },
  branch: { value: 'NAME', about: 'The branch to work on; it must exist.' },
  new: { value: undefined, about: 'Starts afresh instead of going on with the earlier session.' },
  sandbox: { value: 'NAME', about: 'The PostHog sandbox environment, by name or id.' },
  'as-user': {
    value: undefined,
    about:
      'Lets the pull request be by the person whose PostHog key the bot uses; the settings must allow it, and whoever runs the bot.',
  },
  'signal-report': { value: 'ID', about: 'Ties the run to a PostHog signal report.' },
}

/** What may follow the label and a colon: `codex:plan`, `codex:high`. */
export const presets = ['plan', 'low', 'medium', 'high', 'xhigh', 'max'] as const
