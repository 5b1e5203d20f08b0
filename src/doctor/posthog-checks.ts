/** The key, its project, what PostHog offers of what is wanted, and what its GitHub App has access to. */
import type { Config, PostHogAccess } from '../config.ts'
import { limitGate } from '../core/model/call-budget.ts'
import { type Check, judged, unsureCheck } from '../core/model/check.ts'
import type { Repository } from '../core/model/thread.ts'
import { isModel, type KnownModel } from '../core/model/views.ts'
import { redactor } from '../core/text/redact.ts'
import { githubIntegrations, repositoriesOf } from '../posthog/integrations.ts'
import { getter, type PostHogSettings } from '../posthog/posthog-http.ts'
import { Models } from '../posthog/schemas.ts'
import { checkKey } from '../posthog/standing.ts'
import { answered, type Question } from './answered.ts'

/** One PostHog of this bot, and the owner who has it to themselves. */
interface PostHogService {
  owner: string | undefined
  settings: PostHogSettings
  serves(ownerId: number): boolean
}

/** @param repositories of this bot, which PostHog's GitHub App should cover; without them, only the keys are examined */
export async function checkPostHogs(
  config: Config,
  repositories?: readonly Repository[],
): Promise<Check[]> {
  const checks = await Promise.all(
    postHogsOf(config).map(async ({ owner, settings, serves }) => {
      const served = repositories?.filter(({ ownerId }) => serves(ownerId))
      const its = await checkPostHog(config, settings, served)
      if (owner === undefined) return its
      return its.map(each => ({
        ...each,
        owner,
        detail: `owners.${owner}: ${each.detail}`,
        fix: each.fix
          .replaceAll(
            'POSTHOG_API_KEY',
            `the variable that owners.${owner}.posthog.api_key_env names`,
          )
          .replaceAll('POSTHOG_PROJECT_ID', `owners.${owner}.posthog.project_id`)
          .replaceAll('POSTHOG_HOST', `owners.${owner}.posthog.host`),
      }))
    }),
  )
  return checks.flat()
}

export async function checkPostHogOf(
  config: Config,
  repository: Pick<Repository, 'owner' | 'ownerId' | 'repo'>,
): Promise<Check[]> {
  const service = postHogsOf(config).find(({ serves }) => serves(repository.ownerId))
  return service ? checkPostHog(config, service.settings, [repository]) : []
}

/** Checks a PostHog that nobody has set up yet. */
export const checkNewPostHog = (given: PostHogAccess): Promise<Check[]> =>
  checkKey(callSettings({ ...given, host: given.host.replace(/\/+$/, '') }), Date.now)

function postHogsOf({ posthog, tenants }: Config): PostHogService[] {
  const serviceOf = (owner: string | undefined, access: PostHogAccess): PostHogService => ({
    owner,
    settings: callSettings(access),
    serves: of => owner === tenants.find(each => each.owner === String(of))?.owner,
  })
  const own = tenants.map(tenant => serviceOf(tenant.owner, tenant))
  return posthog ? [serviceOf(undefined, posthog), ...own] : own
}

const callSettings = ({ host, apiKey, projectId }: PostHogAccess): PostHogSettings => ({
  host,
  apiKey,
  projectId,
  redact: redactor([apiKey]),
  gate: limitGate(Date.now),
})

async function checkPostHog(
  config: Config,
  settings: PostHogSettings,
  repositories: readonly Pick<Repository, 'owner' | 'repo'>[] | undefined,
): Promise<Check[]> {
  const key = await checkKey(settings, Date.now)
  if (!key.every(({ ok }) => ok)) return key
  const models = await getter(settings, Date.now)('tasks/models/', Models).catch(() => [])
  const usual = checkUsualModel(config, models)
  const access = [...key, usual]
  if (!repositories || !usual.ok) return access
  const names = repositories.map(({ owner, repo }) => `${owner}/${repo}`)
  return [...access, ...(await checkCoverage(settings, names))]
}

function checkUsualModel({ run, settings }: Config, offered: readonly KnownModel[]): Check {
  const { defaults } = settings.first
  const model = defaults.model ?? run.model
  const effort = defaults.effort ?? run.effort
  if (offered.length === 0)
    return unsureCheck('posthog-model', `${model} (this server does not list its models)`)
  const known = offered.find(isModel(model))
  const efforts = known?.efforts
  const modelBy = defaults.model === undefined ? 'CODEX_MODEL' : 'defaults.model in SETTINGS_FILE'
  const effortBy =
    defaults.effort === undefined ? 'CODEX_REASONING_EFFORT' : 'defaults.effort in SETTINGS_FILE'
  return judged(
    'posthog-model',
    [
      [!known, `PostHog does not offer ${model}`, `Set ${modelBy} to one of ${namesOf(offered)}.`],
      [
        effort !== undefined && efforts?.includes(effort) === false,
        `${model} does not support the effort ${effort}`,
        `Set ${effortBy} to ${efforts?.join(', ')}.`,
      ],
    ],
    model,
  )
}

const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name).join(', ')

const ofIntegrations: Question = {
  name: 'posthog-github',
  service: 'posthog',
  fix: 'Try again later.',
  refused: status =>
    status === 403
      ? [
          'PostHog uses its first GitHub integration, which may be the wrong one, since the key has no scope integration:read',
          'Add the scope integration:read to the personal API key (PostHog ▸ Settings ▸ Personal API keys).',
        ]
      : ['not known: this PostHog does not list its GitHub integrations'],
}

const install =
  'Install PostHog’s own GitHub App on your repositories, or give it access (PostHog ▸ Settings ▸ Project ▸ Integrations). PostHog’s agent clones and pushes with it.'

/** Whether PostHog's own GitHub App has access to these repositories; without any, whether the project has it at all. */
export const checkCoverage = (
  settings: PostHogSettings,
  repositories: readonly string[],
): Promise<Check[]> =>
  answered(ofIntegrations, async () => {
    const get = getter(settings, Date.now)
    const integrations = await githubIntegrations(get)
    const names = await Promise.all(integrations.map(id => repositoriesOf(get, id).catch(() => [])))
    const covered = new Set(names.flat())
    const missing = repositories.filter(name => !covered.has(name.toLowerCase()))
    return judged(
      'posthog-github',
      [
        [integrations.length === 0, 'the PostHog project is not connected to GitHub', install],
        [missing.length > 0, `PostHog’s GitHub App has no access to ${firstOf(missing)}`, install],
      ],
      repositories.length === 0
        ? 'the PostHog project is connected to GitHub'
        : `has access to ${firstOf(repositories)}`,
    )
  })

function firstOf(names: readonly string[]) {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : ''
  return `${names.slice(0, 5).join(', ')}${more}`
}
