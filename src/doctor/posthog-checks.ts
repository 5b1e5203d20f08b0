/** The key, its project, what PostHog offers of what is wanted, and what its GitHub App has access to. */
import type { Config, PostHogAccess } from '../config.ts'
import { limitGate } from '../core/model/call-budget.ts'
import { type Check, failedCheck, judged, passedCheck, unsureCheck } from '../core/model/check.ts'
import type { Repository } from '../core/model/thread.ts'
import { isModel, type KnownModel } from '../core/model/views.ts'
import { redactor } from '../core/text/redact.ts'
import { githubIntegrations, repositoriesOf } from '../posthog/integrations.ts'
import { getter, type PostHogSettings } from '../posthog/posthog-http.ts'
import { Models } from '../posthog/schemas.ts'
import { checkKey } from '../posthog/standing.ts'
import { sandboxesOf } from '../posthog/tasks-client.ts'
import { answered, type Question } from './answered.ts'

/** One PostHog of this bot, and the owner who has it to themselves. */
interface PostHogService {
  owner: string | undefined
  settings: PostHogSettings
  /** @param owner its number */
  serves(owner: number | string): boolean
}

/** @param repositories of this bot, which PostHog's GitHub App should cover; without them, only the keys are examined */
export async function checkPostHogs(
  config: Config,
  repositories?: readonly Repository[],
): Promise<Check[]> {
  const checks = await Promise.all(
    postHogsOf(config).map(async service => {
      const { owner, serves } = service
      const its = await checkPostHog(
        config,
        service,
        repositories?.filter(({ ownerId }) => serves(ownerId)),
      )
      if (owner === undefined) return its
      return its.map(each => ({
        ...(each.owner === undefined ? checkOfOwner(each, owner) : each),
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
  if (!service) return []
  const serves = (owner: number | string) => owner === String(repository.ownerId)
  const checks = await checkPostHog(config, { ...service, serves }, [repository])
  return checks.map(each => {
    const { name, ok } = each
    // The thread may be public, and the names are the owner's own.
    if (name !== 'posthog-sandboxes') return each
    if (ok) return passedCheck(name, 'PostHog has all that are granted')
    const fix = 'Whoever runs the bot sees which: `codex-task-bot doctor`.'
    return failedCheck(name, 'PostHog lacks some that are granted', fix)
  })
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
  service: PostHogService,
  repositories: readonly Pick<Repository, 'owner' | 'repo'>[] | undefined,
): Promise<Check[]> {
  const { settings } = service
  const key = await checkKey(settings, Date.now)
  if (!key.every(({ ok }) => ok)) return key
  const [usual, ...granted] = await checkModels(config, service)
  const access = [...key, usual, ...granted]
  if (!repositories || !usual.ok) return access
  const [sandboxes, coverage] = await Promise.all([
    checkSandboxes(config, service),
    checkCoverage(
      settings,
      repositories.map(({ owner, repo }) => `${owner}/${repo}`),
    ),
  ])
  return [...access, ...sandboxes, ...coverage]
}

/**
 * Checks what owners are granted, by the names that their PostHog has for it.
 * @param isThere if PostHog tells
 */
function checkGranted(
  { settings }: Config,
  { serves }: PostHogService,
  what: 'models' | 'sandboxes',
  offered: string,
  isThere: ((name: string) => boolean) | undefined,
): Check[] {
  return Object.entries(settings.first.owners).flatMap(([owner, { [what]: names = [] }]) => {
    if (!serves(owner) || names.length === 0) return []
    const missing = isThere ? names.filter(name => !isThere(name)) : []
    const wrong = `PostHog does not offer ${missing.join(', ')}`
    const fix = `Set owners.${owner}.${what} in SETTINGS_FILE to one or more of ${offered}.`
    const well = `${names.join(', ')}${isThere ? '' : '; PostHog does not list what it has'}`
    return checkOfOwner(judged(`posthog-${what}`, [[missing.length > 0, wrong, fix]], well), owner)
  })
}

const checkOfOwner = (check: Check, owner: string): Check => ({
  ...check,
  owner,
  detail: `owners.${owner}: ${check.detail}`,
})

async function checkModels(
  config: Config,
  service: PostHogService,
): Promise<[usual: Check, ...granted: Check[]]> {
  const offered = await getter(service.settings, Date.now)('tasks/models/', Models).catch(() => [])
  const isThere = offered.length === 0 ? undefined : (model: string) => offered.some(isModel(model))
  const ofOwners = checkGranted(config, service, 'models', namesOf(offered), isThere)
  return [checkUsualModel(config, offered), ...ofOwners]
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

/** Checks whether PostHog has the sandboxes, by name or id. */
async function checkSandboxes(config: Config, service: PostHogService): Promise<Check[]> {
  const had = await sandboxesOf(getter(service.settings, Date.now)).catch(() => undefined)
  const offered = had?.length === 0 ? 'those that you make in PostHog' : namesOf(had ?? [])
  const known = new Set(had?.flatMap(({ id, name }) => [id.toLowerCase(), name.toLowerCase()]))
  const isThere = had && ((wanted: string) => known.has(wanted.toLowerCase()))
  return checkGranted(config, service, 'sandboxes', offered, isThere)
}

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
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
    const some = `${missing.slice(0, 5).join(', ')}${more}`
    return judged(
      'posthog-github',
      [
        [integrations.length === 0, 'the PostHog project is not connected to GitHub', install],
        [missing.length > 0, `PostHog’s GitHub App has no access to ${some}`, install],
      ],
      wellCovered(repositories),
    )
  })

function wellCovered([only, ...others]: readonly string[]) {
  if (only === undefined) return 'the PostHog project is connected to GitHub'
  return `has access to ${others.length === 0 ? only : `all ${others.length + 1} repositories of this bot`}`
}
