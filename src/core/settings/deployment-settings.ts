/** `SETTINGS_FILE`: grants and ceilings of the deployment. What it does not grant is denied. */
import { z } from 'zod'
import { isOwner, type Thread } from '../model/thread.ts'
import { type Given, settings } from './repository-settings.ts'
import { marked, opened } from './setting.ts'
import { type FileRead, readSettingsFile } from './settings-file.ts'
import { TriggerSettings, type TriggerWords, triggerWords } from './trigger-words.ts'

const repository = z.string().regex(/^[\w.-]{1,100}$/, 'must be the name of a repository, without its owner')
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
  host: z
    .string()
    .regex(/^https?:\/\/[^\s/?#]+\/*$/, 'must be an address such as https://eu.posthog.com')
    .describe('Its address.')
    .default('https://us.posthog.com')
    .transform(host => host.replace(/\/+$/, '')),
  project_id: z.number().int().positive().describe('The number in the address of the project.'),
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable, not the key itself')
    .describe('The environment variable that holds a personal API key with the scope `task:write`.'),
})

const ceilings = 'The limits of a repository’s own settings, as the most that they may be.'

const grants = {
  as_user: Grant.describe(
    'Whether `--as-user` may be used: in all repositories of this owner, or only in those named.',
  ),
  signal_report: Grant.describe('Whether `--signal-report` may be used, likewise.'),
}
export type GrantName = keyof typeof grants
const grantNames = z.object(grants).keyof().options

const Owner = z.strictObject({
  ...grants,
  sandboxes: z
    .array(Sandbox)
    .describe('PostHog sandbox environments that may be used, by name or id.')
    .default([]),
  limits: Ceilings.describe(ceilings).default({}),
  models: models.optional().describe('The models that may be used; all when absent.'),
  posthog: PostHog.optional().describe(
    'A PostHog of this owner’s own, for its runs and no other owner’s. Read at the start only.',
  ),
  trigger: TriggerSettings.optional(),
})

const Defaults = z.strictObject(opened(marked(settings, 'proposed')))

export const DeploymentSettings = z.strictObject({
  owners: z
    .record(
      z.string().regex(/^[A-Za-z0-9_-]{1,39}$/, 'must be a login of a person or organization'),
      Owner.describe('What this owner is granted.'),
    )
    .describe('By login.')
    .default({}),
  limits: Ceilings.describe(`${ceilings} For all owners.`).default({}),
  defaults: Defaults.describe('What holds where no file of owner or repository says otherwise.').default({}),
  trigger: TriggerSettings.optional(),
  pause: z
    .union([z.boolean(), z.string().min(1).max(500)])
    .describe('Whether nothing starts, or as text why: the threads are told.')
    .default(false),
})
export type DeploymentSettings = z.infer<typeof DeploymentSettings>

export const noDeploymentSettings: DeploymentSettings = DeploymentSettings.parse({})

export const readDeploymentSettings = (text: string): FileRead<DeploymentSettings> =>
  readSettingsFile(DeploymentSettings, text)

export function pausedBecause({ pause }: DeploymentSettings): string | undefined {
  if (pause === false) return undefined
  return pause === true ? 'whoever runs this bot has paused it' : pause
}

export const triggerOf = (
  { owners, trigger }: Pick<DeploymentSettings, 'owners' | 'trigger'>,
  owner: string,
): TriggerWords => triggerWords(trigger, ownerSettings({ owners }, owner)?.trigger)

/** Every command word in use, of any owner. Returns the same array until it changes. */
export function everyWord(settings: Pick<DeploymentSettings, 'owners' | 'trigger'>): () => readonly string[] {
  let known: Pick<DeploymentSettings, 'owners' | 'trigger'> | undefined
  let words: readonly string[] = []
  return () => {
    const { owners, trigger } = settings
    if (known?.owners !== owners || known.trigger !== trigger) {
      known = { owners, trigger }
      const givers = [undefined, ...Object.values(owners)]
      words = [...new Set(givers.map(owner => triggerWords(trigger, owner?.trigger).word))]
    }
    return words
  }
}

export interface Grants {
  granted: ReadonlySet<GrantName>
  sandboxes: readonly string[]
  models: readonly string[] | undefined
  ceilings: readonly Ceilings[]
  defaults: Given
}

export const ownerSettings = (
  { owners }: Pick<DeploymentSettings, 'owners'>,
  owner: string,
): DeploymentSettings['owners'][string] | undefined =>
  Object.entries(owners).find(([login]) => isOwner({ owner }, login))?.[1]

export function grantsOf(
  { owners, limits, defaults }: DeploymentSettings,
  { owner, repo }: Pick<Thread, 'owner' | 'repo'>,
): Grants {
  const entry = ownerSettings({ owners }, owner)
  const allows = (grant: Grant): boolean => isGranted(grant, repo)
  return {
    granted: new Set(grantNames.filter(name => entry && allows(entry[name]))),
    sandboxes: (entry?.sandboxes ?? []).flatMap(sandbox => {
      if (typeof sandbox === 'string') return [sandbox]
      return allows(sandbox.repositories) ? [sandbox.name] : []
    }),
    models: entry?.models,
    ceilings: [limits, ...(entry ? [entry.limits] : [])],
    defaults,
  }
}

const isGranted = (grant: Grant, repo: string): boolean =>
  Array.isArray(grant) ? grant.some(name => name.toLowerCase() === repo.toLowerCase()) : grant
