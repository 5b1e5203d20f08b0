/** The options of a run, and what a label may say. Help and README are made from these. */

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

export const presets = ['plan', 'low', 'medium', 'high', 'xhigh', 'max'] as const
