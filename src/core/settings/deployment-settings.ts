/** `SETTINGS_FILE`: grants and ceilings of the deployment. What it does not grant is denied. */
import { z } from 'zod'
import { type GivenSettings, mostInBot, settings } from './repository-settings.ts'
import { formed, keyByKey, marked, withoutDefaults } from './setting.ts'
import { type FileRead, readSettingsFile } from './settings-file.ts'

/** The command word and the labels. They are needed before any call, so only the deployment sets them. */
export interface TriggerWords {
  word: string
  /** The App's login at GitHub, without `[bot]`, once that is known: whoever mentions it calls the bot, too. */
  app?: string
  labels: readonly string[]
  /** The addresses of threads in which Codex asked something, as far as this process knows. */
  asked?: { has(url: string): boolean }
}

export const usualTrigger: TriggerWords = { word: 'codex', labels: ['codex'] }

const TriggerSettings = z
  .strictObject({
    word: formed(
      /^[A-Za-z][A-Za-z0-9-]{0,29}$/,
      'must be one word of letters, digits and hyphens, without the slash',
    )
      .toLowerCase()
      .optional()
      .describe('The word of commands, without the slash, instead of `codex`.'),
    labels: z
      .array(
        formed(/^[^\s`,][^`,\n\r]{0,39}$/, 'must be names of labels, of 40 characters at most'),
      )
      .min(1)
      .optional()
      .describe('The labels that start a run, instead of `codex`.'),
  })
  .describe('The word and the labels that call the bot.')

/** What commands begin with, as `find.ts` takes it: `codex`, or `codex @my-app`. */
export const callsOf = ({ word = usualTrigger.word, app }: Partial<TriggerWords>): string =>
  app === undefined ? word : `${word} @${app}`

const bounded = marked(settings.limits.setting.below, 'ceiling')
const Ceilings = z.strictObject(withoutDefaults(bounded))
type Ceilings = z.infer<typeof Ceilings>

const settingsName = z.string().min(1)

const PostHog = z.strictObject({
  host: formed(/^https?:\/\/[^\s/?#]+\/*$/, 'must be an address such as https://eu.posthog.com')
    .describe('Its address.')
    .default('https://us.posthog.com')
    .transform(host => host.replace(/\/+$/, '')),
  project_id: z.int().positive().describe('The number in the address of the project.'),
  api_key_env: formed(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'must be the name of an environment variable, not the key itself',
  ).describe('The environment variable that holds a personal API key with the scope `task:write`.'),
})

const ceilings = 'Upper limits for the settings of owners and repositories.'

const Owner = z.strictObject({
  as_user: z.boolean().describe('Whether `--as-user` may be used.').default(false),
  signal_report: z.boolean().describe('Whether `--signal-report` may be used.').default(false),
  sandboxes: z
    .array(settingsName)
    .describe('PostHog sandbox environments that may be used, by name or id.')
    .default([]),
  limits: Ceilings.describe(ceilings).default({}),
  models: z
    .array(settingsName)
    .min(1)
    .optional()
    .describe('The models that may be used. Without it, all.'),
  posthog: PostHog.optional().describe(
    'This owner’s own PostHog, only for the runs of this owner. Read only at the start.',
  ),
  trigger: TriggerSettings.optional(),
  settings: z
    .literal('required', 'must be required, or not be there')
    .optional()
    .describe('With `required`, nothing starts if the owner’s settings file can not be read.'),
})

const Defaults = z.strictObject(withoutDefaults(marked(settings, 'proposed')))

/** A login can change hands, and then its limits, models and PostHog would go with it. A number stays. */
function byNumber(key: string): string {
  const isLogin = /^[A-Za-z0-9_-]{1,39}$/.test(key)
  return isLogin
    ? `must be the number of that account, as a login can change hands: \`gh api users/${key} --jq .id\` prints it`
    : 'must be the number of a person or an organization'
}

const ownerNumber = /^[1-9]\d{0,14}$/

export const DeploymentSettings = z.strictObject({
  owners: z
    .record(
      z.string().regex(ownerNumber, { error: ({ input }) => byNumber(String(input)) }),
      Owner.describe('What this owner gets.'),
    )
    .describe(
      'Owners, by the number of the person or organization. A login can get another owner, a number can not.',
    )
    .default({}),
  limits: Ceilings.extend({ total: mostInBot }).describe(`${ceilings} For all owners.`).default({}),
  defaults: Defaults.describe(
    'What applies if no file of an owner or repository says otherwise.',
  ).default({}),
  trigger: TriggerSettings.optional(),
})
export type DeploymentSettings = z.infer<typeof DeploymentSettings>

export const noDeploymentSettings: DeploymentSettings = DeploymentSettings.parse({})

export const readDeploymentSettings = (text: string): FileRead<DeploymentSettings> =>
  readSettingsFile(DeploymentSettings, text)

export const triggerOf = (
  { owners, trigger }: Pick<DeploymentSettings, 'owners' | 'trigger'>,
  ownerId: number,
): TriggerWords => ({ ...usualTrigger, ...trigger, ...owners[ownerId]?.trigger })

/** All that commands begin with, or are meant to, of any owner, as the settings are when it is called. */
export const everyCall =
  (
    settings: Pick<DeploymentSettings, 'owners' | 'trigger'>,
    appNow = (): string | undefined => undefined,
  ) =>
  (): readonly string[] => {
    const app = appNow()
    // Nobody has the number 0, so it stands for all that are not named.
    const numbers = [0, ...Object.keys(settings.owners).map(Number)]
    const words = new Set(numbers.map(owner => triggerOf(settings, owner).word))
    const own = [...words].flatMap(word => [`/${word}`, `@${word}`])
    return [...own, ...(app === undefined ? [] : [`@${app}`])]
  }

const grantNames = ['as_user', 'signal_report', 'sandboxes'] as const
export type GrantName = (typeof grantNames)[number]

export interface Grants extends Pick<z.infer<typeof Owner>, 'sandboxes' | 'models'> {
  granted: ReadonlySet<GrantName>
  ceilings: Ceilings
  defaults: GivenSettings
  /** Whether the owner's own settings file has to be readable. */
  required: boolean
}

const unnamedOwner = Owner.parse({})

export function grantsOf(
  { owners, limits, defaults }: DeploymentSettings,
  ownerId: number,
): Grants {
  const owner = owners[ownerId] ?? unnamedOwner
  const isGranted = (name: GrantName): boolean =>
    name === 'sandboxes' ? owner.sandboxes.length > 0 : owner[name]
  return {
    granted: new Set(grantNames.filter(isGranted)),
    sandboxes: owner.sandboxes,
    models: owner.models,
    ceilings: keyByKey<Ceilings>(bounded).join(limits, owner.limits),
    defaults,
    required: owner.settings === 'required',
  }
}
