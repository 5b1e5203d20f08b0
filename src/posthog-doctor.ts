import type { Config } from './config.ts'
import { limitGate } from './core/model/call-budget.ts'
import { type Check, found, passed } from './core/model/check.ts'
import type { Repository } from './core/model/thread.ts'
import { isOwnersKey, sandboxName } from './core/settings/deployment-settings.ts'
import { redactor } from './core/text/redact.ts'
import {
  checkConnection,
  checkCoverage,
  checkKey,
  checkModels,
  checkSandboxes,
  type Examined,
  type ModelList,
  type SandboxList,
} from './posthog/posthog-checks.ts'
import type { PostHogSettings } from './posthog/posthog-http.ts'

interface ServedPostHog {
  owner: string | undefined
  access: Access
}

interface Access {
  host: string
  apiKey: string
  projectId: string
}

export const checkAccesses = (config: Config): Promise<Check[]> =>
  eachPostHog(config, service => checkAccess(examinedBy(config, service.access), modelsOf(config, service)))

export const checkPostHogs = (config: Config, repositories: readonly Repository[]): Promise<Check[]> =>
  eachPostHog(config, service => {
    const served = repositories.filter(each => isServedBy(config, service, each))
    return checkPostHog(examinedBy(config, service.access), grantedTo(config, service), served)
  })

export async function checkPostHogOf(
  config: Config,
  repository: Pick<Repository, 'owner' | 'ownerId' | 'repo'>,
): Promise<Check[]> {
  const service = postHogsOf(config).find(each => isServedBy(config, each, repository))
  if (!service) return []
  const { models, sandboxes } = grantedTo(config, service)
  const isTheirs = ({ owner }: { owner: string }) => isOwnersKey(owner, repository)
  const lists = { models: models.filter(isTheirs), sandboxes: sandboxes.filter(isTheirs) }
  const checks = await checkPostHog(examinedBy(config, service.access), lists, [repository])
  return checks.map(each => {
    const { name, ok } = each
    // The thread may be public, and the names are the owner's own.
    if (name !== 'posthog-sandboxes') return each
    if (ok) return passed(name, 'PostHog has all that are granted')
    const fix = 'Whoever runs the bot sees which: `npm run doctor`.'
    return found(name, 'PostHog lacks some that are granted', fix)
  })
}

export async function examinePostHog(given: Access): Promise<Check[]> {
  const settings = callSettings({ ...given, host: given.host.replace(/\/+$/, '') })
  const examined = { settings, now: Date.now }
  const key = await checkKey(examined)
  const checks = key.every(({ ok }) => ok) ? [...key, await checkConnection(examined)] : key
  return checks.map(check => ({ ...check, detail: settings.redact(check.detail) }))
}

const postHogsOf = ({ posthog, tenants }: Config): ServedPostHog[] => [
  ...(posthog ? [{ owner: undefined, access: posthog }] : []),
  ...tenants.map(({ owner, ...access }) => ({ owner, access })),
]

const isServedBy = (
  config: Config,
  service: ServedPostHog,
  repository: Pick<Repository, 'owner' | 'ownerId'>,
): boolean => servesOf(config, service, key => isOwnersKey(key, repository))

const servesOf = ({ tenants }: Config, service: ServedPostHog, is: (key: string) => boolean): boolean =>
  service.owner === tenants.find(({ owner }) => is(owner))?.owner

async function eachPostHog(
  config: Config,
  check: (service: ServedPostHog) => Promise<Check[]>,
): Promise<Check[]> {
  const checks = await Promise.all(
    postHogsOf(config).map(async service => {
      const { owner } = service
      const its = await check(service)
      if (owner === undefined) return its
      return its.map(each => ({
        ...(each.owner === undefined ? ofOwner(each, owner) : each),
        fix: each.fix
          .replaceAll('POSTHOG_API_KEY', `the variable that owners.${owner}.posthog.api_key_env names`)
          .replaceAll('POSTHOG_PROJECT_ID', `owners.${owner}.posthog.project_id`)
          .replaceAll('POSTHOG_HOST', `owners.${owner}.posthog.host`),
      }))
    }),
  )
  return checks.flat()
}

async function checkPostHog(
  examined: Examined,
  { models, sandboxes }: Granted,
  repositories: readonly Pick<Repository, 'owner' | 'repo'>[],
): Promise<Check[]> {
  const access = await checkAccess(examined, models)
  if (!access.every(({ name, ok }) => ok || name === 'posthog-models')) return access
  const names = repositories.map(({ owner, repo }) => `${owner}/${repo}`)
  const [boxes, coverage] = await Promise.all([
    checkSandboxes(examined, sandboxes),
    checkCoverage(examined, names),
  ])
  return [...access, ...boxes.map((check, at) => ofOwner(check, sandboxes[at]?.owner ?? '')), coverage]
}

async function checkAccess(examined: Examined, lists: readonly OwnerModels[]): Promise<Check[]> {
  const key = await checkKey(examined)
  if (!key.every(({ ok }) => ok)) return key
  const [usual, ...others] = await checkModels(examined, lists)
  return [...key, usual, ...others.map((check, at) => ofOwner(check, lists[at]?.owner ?? ''))]
}

interface OwnerModels extends ModelList {
  owner: string
}

interface Granted {
  models: readonly OwnerModels[]
  sandboxes: readonly (SandboxList & { owner: string })[]
}

const grantedTo = (config: Config, service: ServedPostHog): Granted => ({
  models: modelsOf(config, service),
  sandboxes: Object.entries(config.settings.first.owners).flatMap(([owner, { sandboxes }]) =>
    sandboxes.length > 0 && servesOf(config, service, key => key === owner)
      ? [
          {
            owner,
            sandboxes: sandboxes.map(sandboxName),
            setBy: `owners.${owner}.sandboxes in SETTINGS_FILE`,
          },
        ]
      : [],
  ),
})

const modelsOf = (config: Config, service: ServedPostHog): OwnerModels[] =>
  Object.entries(config.settings.first.owners).flatMap(([owner, { models }]) =>
    models && servesOf(config, service, key => key === owner)
      ? [{ owner, models, setBy: `owners.${owner}.models in SETTINGS_FILE` }]
      : [],
  )

const ofOwner = (check: Check, owner: string): Check => ({
  ...check,
  owner,
  detail: `${owner}: ${check.detail}`,
})

const callSettings = (access: Access): PostHogSettings => ({
  ...access,
  redact: redactor([access.apiKey]),
  gate: limitGate(Date.now),
})

function examinedBy({ run, settings }: Config, access: Access): Examined {
  const { model, effort } = settings.first.defaults
  return {
    settings: callSettings(access),
    usual: {
      model: model ?? run.model,
      effort: effort ?? run.effort,
      setBy: {
        model: model === undefined ? 'CODEX_MODEL' : 'defaults.model in SETTINGS_FILE',
        effort: effort === undefined ? 'CODEX_REASONING_EFFORT' : 'defaults.effort in SETTINGS_FILE',
      },
    },
    now: Date.now,
  }
}
