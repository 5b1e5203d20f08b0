/** `SETTINGS_FILE`: grants and ceilings of the deployment. What it does not grant is denied. */
import { z } from 'zod'
import type { Thread } from '../model/thread.ts'
import { type Given, settings, total } from './repository-settings.ts'
import { formed, marked, opened } from './setting.ts'
import { type FileRead, readSettingsFile } from './settings-file.ts'

/** The command word and the labels. They are needed before any call, so only the deployment sets them. */
export interface TriggerWords {
  word: string
  /** The App's login at GitHub, without `[bot]`, once that is known: whoever mentions it calls the bot, too. */
  app?: string | undefined
  labels: readonly string[]
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

const repository = formed(
  /^[\w.-]{1,100}(?::\d{1,15})?$/,
  'must be the name of a repository, without its owner, or `name:number`',
)
const repositories = z.array(repository).min(1)
const models = z.array(z.string().min(1)).min(1)

const Grant = z
  .union([z.boolean(), repositories], 'must be true, false or a list of names of repositories')
  .default(false)
type Grant = z.infer<typeof Grant>

const Ceilings = z.strictObject(opened(marked(settings.limits.setting.below, 'ceiling')))
type Ceilings = z.infer<typeof Ceilings>

const Sandbox = z.union(
  [
    z.string().min(1),
    z.strictObject({
      name: z.string().min(1).describe('Its name or id.'),
      repositories: repositories.describe('The only repositories that may use it.'),
    }),
  ],
  'must be the name or id of a sandbox environment, or its name and a list of repositories',
)

const PostHog = z.strictObject({
  host: formed(/^https?:\/\/[^\s/?#]+\/*$/, 'must be an address such as https://eu.posthog.com')
    .describe('Its address.')
    .default('https://us.posthog.com')
    .transform(host => host.replace(/\/+$/, '')),
  project_id: z.number().int().positive().describe('The number in the address of the project.'),
  api_key_env: formed(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'must be the name of an environment variable, not the key itself',
  ).describe('The environment variable that holds a personal API key with the scope `task:write`.'),
})

const ceilings = 'Upper limits for the settings of owners and repositories.'

const grants = {
  as_user: Grant.describe(
    'Whether `--as-user` may be used: in all repositories of this owner, or only in the listed ones.',
  ),
  signal_report: Grant.describe('Whether `--signal-report` may be used, in the same way.'),
}
export type GrantName = keyof typeof grants | 'sandboxes'
const grantNames = z.object(grants).keyof().options

const Owner = z.strictObject({
  ...grants,
  sandboxes: z
    .array(Sandbox)
    .describe('PostHog sandbox environments that may be used, by name or id.')
    .default([]),
  limits: Ceilings.describe(ceilings).default({}),
  models: models.optional().describe('The models that may be used. Without it, all.'),
  posthog: PostHog.optional().describe(
    'This owner’s own PostHog, only for the runs of this owner. Read only at the start.',
  ),
  trigger: TriggerSettings.optional(),
  settings: z
    .literal('required', 'must be required, or not be there')
    .optional()
    .describe('With `required`, nothing starts if the owner’s settings file can not be read.'),
})

const Defaults = z.strictObject(opened(marked(settings, 'proposed')))

/** A login can change hands, and then its limits, models and PostHog would go with it. A number stays. */
function byNumber(key: string): string {
  const [login = '', number] = key.split(':')
  if (number !== undefined && ownerNumber.test(number))
    return `must be only the number: write \`${number}: # ${login}\``
  const isLogin = /^[A-Za-z0-9_-]{1,39}$/.test(login)
  return isLogin
    ? `must be the number of that account, as a login can change hands: \`gh api users/${login} --jq .id\` prints it`
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
  limits: Ceilings.extend({ total }).describe(`${ceilings} For all owners.`).default({}),
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

/** All that commands begin with, of any owner, as the settings are when it is called. */
export const everyCall =
  (
    settings: Pick<DeploymentSettings, 'owners' | 'trigger'>,
    appNow = (): string | undefined => undefined,
  ) =>
  (): readonly string[] => {
    const app = appNow()
    // Nobody has the number 0, so it stands for all that are not named.
    const numbers = [0, ...Object.keys(settings.owners).map(Number)]
    const own = numbers.map(owner => `/${triggerOf(settings, owner).word}`)
    return [...new Set(own), ...(app === undefined ? [] : [`@${app}`])]
  }

export interface Grants {
  granted: ReadonlySet<GrantName>
  sandboxes: readonly string[]
  models: readonly string[] | undefined
  ceilings: readonly Ceilings[]
  defaults: Given
  /** Whether the owner's own settings file has to be readable. */
  required: boolean
}

export type RepositoryRef = Pick<Thread, 'owner' | 'ownerId' | 'repo' | 'repoId'>
type Owners = Pick<DeploymentSettings, 'owners'>

/** Whether a repository's name is still that of the one that the settings first gave something by it. */
export type NameHolds = (settings: Owners, thread: RepositoryRef) => Promise<boolean>

const isSameName = (one: string, other: string): boolean =>
  one.toLowerCase() === other.toLowerCase()

/** Whether the settings give a repository something by its name, without a number. */
export function isNamed({ owners }: Owners, { ownerId, repo }: RepositoryRef): boolean {
  const entry = owners[ownerId]
  const lists = entry
    ? [...grantNames.map(name => entry[name]), ...entry.sandboxes.map(restrictionOf)]
    : []
  return lists.some(given => Array.isArray(given) && given.some(name => isSameName(name, repo)))
}

export const sandboxName = (sandbox: z.infer<typeof Sandbox>): string =>
  typeof sandbox === 'string' ? sandbox : sandbox.name

const restrictionOf = (sandbox: z.infer<typeof Sandbox>): Grant =>
  typeof sandbox === 'string' ? true : sandbox.repositories

/** @param nameHolds only a queue remembers */
export function grantsOf(
  { owners, limits, defaults }: DeploymentSettings,
  { ownerId, repo, repoId }: RepositoryRef,
  nameHolds: boolean,
): Grants {
  const entry = owners[ownerId]
  const { total: _, ...ofEach } = limits
  /** `name:number` means the number alone; `name` the name, as long as it holds. */
  const isIt = (written: string): boolean => {
    const [name = '', number] = written.split(':')
    return number === undefined ? nameHolds && isSameName(name, repo) : Number(number) === repoId
  }
  const allows = (grant: Grant): boolean => (Array.isArray(grant) ? grant.some(isIt) : grant)
  const sandboxes = (entry?.sandboxes ?? [])
    .filter(sandbox => allows(restrictionOf(sandbox)))
    .map(sandboxName)
  const granted = new Set<GrantName>(sandboxes.length > 0 ? ['sandboxes'] : [])
  for (const name of grantNames) if (entry && allows(entry[name])) granted.add(name)
  return {
    granted,
    sandboxes,
    models: entry?.models,
    ceilings: [ofEach, ...(entry ? [entry.limits] : [])],
    defaults,
    required: entry?.settings === 'required',
  }
}
