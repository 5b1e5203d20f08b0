/**
 * `SETTINGS_FILE`: what whoever runs the bot grants to the owners of repositories, and the ceilings that no repository
 * can loosen. What is not granted here, nobody may.
 */
import { z } from 'zod'
import { isOwner, type Thread } from '../model/thread.ts'
import { RepoSettings } from './repository-settings.ts'
import { type FileRead, readSettingsFile } from './settings-file.ts'

const repository = z.string().regex(/^[\w.-]{1,100}$/, 'must be the name of a repository, without its owner')
const repositories = z.array(repository).min(1)
const models = z.array(z.string().min(1)).min(1)
const most = z.number().int().min(1).max(10_000).optional()

/** For all repositories of the owner, for those named, or for none. */
const Grant = z
  .union([z.boolean(), repositories], 'must be true, false or a list of names of repositories')
  .default(false)
type Grant = z.infer<typeof Grant>

/** The limits of a repository's own settings, as the most that they may be. */
const Ceilings = z.strictObject({
  repository: most,
  person: most,
  owner: most,
  repository_per_day: most,
  person_per_day: most,
  owner_per_day: most,
  thread_per_day: most,
  bots_per_thread_per_day: most,
  repository_per_5_minutes: most,
})
type Ceilings = z.infer<typeof Ceilings>

const Sandbox = z.union(
  [z.string().min(1), z.strictObject({ name: z.string().min(1), repositories })],
  'must be the name or id of a sandbox environment, or its name and a list of repositories',
)

/** The key itself stands in the environment, under the name that is given here. */
const PostHog = z.strictObject({
  host: z
    .string()
    .regex(/^https?:\/\/[^\s/?#]+\/*$/, 'must be an address such as https://eu.posthog.com')
    .default('https://us.posthog.com')
    .transform(host => host.replace(/\/+$/, '')),
  project_id: z.number().int().positive(),
  api_key_env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable, not the key itself'),
})

const Owner = z.strictObject({
  as_user: Grant,
  signal_report: Grant,
  /** Names or ids of PostHog sandbox environments. */
  sandboxes: z.array(Sandbox).default([]),
  limits: Ceilings.default({}),
  models: models.optional(),
  /** Where the runs of this owner are, instead of POSTHOG_PROJECT_ID. */
  posthog: PostHog.optional(),
})

const { branch, model, effort, mode, permission, attachments, head_moved } = RepoSettings.shape
const Defaults = z.strictObject({
  branch: branch.unwrap().optional(),
  model,
  effort,
  mode: mode.unwrap().optional(),
  permission,
  attachments: attachments.unwrap().optional(),
  head_moved: head_moved.unwrap().optional(),
})

export const DeploymentSettings = z.strictObject({
  owners: z
    .record(z.string().regex(/^[A-Za-z0-9-]{1,39}$/, 'must be a login of a person or organization'), Owner)
    .default({}),
  limits: Ceilings.default({}),
  /** What holds where a repository says nothing. */
  defaults: Defaults.default({}),
  /** Nothing starts; as text, why. */
  pause: z.union([z.boolean(), z.string().min(1).max(500)]).default(false),
})
export type DeploymentSettings = z.infer<typeof DeploymentSettings>

export const noDeploymentSettings: DeploymentSettings = DeploymentSettings.parse({})

export const readDeploymentSettings = (text: string): FileRead<DeploymentSettings> =>
  readSettingsFile(DeploymentSettings, text)

/** Why nothing may start now, if so. */
export function pausedBecause({ pause }: DeploymentSettings): string | undefined {
  if (pause === false) return undefined
  return pause === true ? 'whoever runs this bot has paused it' : pause
}

export interface Grants {
  asUser: boolean
  signalReport: boolean
  sandboxes: readonly string[]
  models: readonly string[] | undefined
  ceilings: readonly Ceilings[]
}

export const ownerSettings = (
  { owners }: Pick<DeploymentSettings, 'owners'>,
  owner: string,
): DeploymentSettings['owners'][string] | undefined =>
  Object.entries(owners).find(([login]) => isOwner({ owner }, login))?.[1]

/** What one repository may. */
export function grantsOf(
  { owners, limits }: DeploymentSettings,
  { owner, repo }: Pick<Thread, 'owner' | 'repo'>,
): Grants {
  const entry = ownerSettings({ owners }, owner)
  if (!entry)
    return { asUser: false, signalReport: false, sandboxes: [], models: undefined, ceilings: [limits] }
  return {
    asUser: isGranted(entry.as_user, repo),
    signalReport: isGranted(entry.signal_report, repo),
    sandboxes: entry.sandboxes.flatMap(sandbox => {
      if (typeof sandbox === 'string') return [sandbox]
      return isGranted(sandbox.repositories, repo) ? [sandbox.name] : []
    }),
    models: entry.models,
    ceilings: [limits, entry.limits],
  }
}

const isGranted = (grant: Grant, repo: string): boolean =>
  Array.isArray(grant) ? grant.some(name => name.toLowerCase() === repo.toLowerCase()) : grant

/** The settings of a repository, no looser than the deployment lets them be. */
export function bounded(settings: RepoSettings, { ceilings, models }: Grants): RepoSettings {
  const limits = ceilings.reduce<RepoSettings['limits']>(lower, settings.limits)
  if (!models) return { ...settings, limits }
  const own = settings.models?.filter(model => models.includes(model)) ?? []
  return { ...settings, limits, models: own.length > 0 ? own : [...models] }
}

function lower(limits: RepoSettings['limits'], ceilings: Ceilings): RepoSettings['limits'] {
  const under = (name: keyof Ceilings): number =>
    Math.min(limits[name], ceilings[name] ?? Number.POSITIVE_INFINITY)
  return {
    ...limits,
    repository: under('repository'),
    person: under('person'),
    owner: under('owner'),
    repository_per_day: under('repository_per_day'),
    person_per_day: under('person_per_day'),
    owner_per_day: under('owner_per_day'),
    thread_per_day: under('thread_per_day'),
    bots_per_thread_per_day: under('bots_per_thread_per_day'),
    repository_per_5_minutes: under('repository_per_5_minutes'),
  }
}
