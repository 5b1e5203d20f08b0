/** The doctor's PostHog checks. They create nothing: the one POST is to a task that can't exist. */
import { z } from 'zod'
import { type Check, found, passed, unanswered } from '../core/model/check.ts'
import type { ReasoningEffort } from '../core/model/codex-task-run-create.ts'
import { describe, Rejected, RetryLater } from '../core/model/errors.ts'
import { isModel, type KnownModel } from '../core/model/views.ts'
import { githubIntegrations, repositoriesOf } from './integrations.ts'
import { type Call, call, type PostHogSettings } from './posthog-http.ts'
import { Models, SandboxPage } from './schemas.ts'

interface CheckContext {
  settings: PostHogSettings
  now(): number
}

export interface Examined extends CheckContext {
  usual: UsualModel
}

interface UsualModel {
  model: string
  effort: ReasoningEffort | undefined
  setBy: { model: string; effort: string }
}

export interface ModelList {
  models: readonly string[]
  setBy: string
}

export interface SandboxList {
  sandboxes: readonly string[]
  setBy: string
}

export async function checkKey(examined: CheckContext): Promise<Check[]> {
  const read = await refusalOf(() => get(examined, 'tasks/', { limit: '1' }, z.unknown()))
  if (read !== undefined) return keyRefused(read, examined)
  const { settings } = examined
  const key = passed('posthog-key', `works at ${settings.host}`)
  const project = passed('posthog-project', `project ${settings.projectId}`)
  // PostHog checks the scope before it looks for the task, so the status tells.
  const start: Call<unknown> = { method: 'POST', path: startNoTask, body: {}, schema: z.unknown() }
  const refusal = await refusalOf(() => call(settings, start, examined.now))
  if (!(refusal instanceof Rejected) || refusal.status !== 403 || !/scope/i.test(refusal.message))
    return [key, project, passed('posthog-scope', 'task:write')]
  return [key, project, found('posthog-scope', `the key can't start runs: ${refusal.message}`, addWriting)]
}

const startNoTask = 'tasks/00000000-0000-4000-8000-000000000000/run/'
const addWriting =
  'Add the scope task:write to the personal API key (PostHog ▸ Settings ▸ Personal API keys).'

function keyRefused(error: unknown, { settings: { host, projectId } }: CheckContext): Check[] {
  if (!(error instanceof Rejected)) {
    if (error instanceof RetryLater)
      return [passed('posthog-key', 'works, but its rate limit is reached at the moment')]
    const fix =
      'Check POSTHOG_HOST (https://us.posthog.com, https://eu.posthog.com or your own). Check that this machine can reach it.'
    return [unanswered('posthog-key', `PostHog at ${host} did not answer: ${describe(error)}`, fix)]
  }
  if (/scope/i.test(error.message))
    return [
      passed('posthog-key', `works at ${host}`),
      found('posthog-scope', `the key can't read tasks: ${error.message}`, addWriting),
    ]
  if (error.status === 401 || error.code === 'authentication_failed' || error.code === 'not_authenticated')
    return [
      found(
        'posthog-key',
        `PostHog does not accept the key: ${error.message}`,
        `Set POSTHOG_API_KEY to a personal API key (phx_…) of ${host}. A key of another region does not work there (see POSTHOG_HOST).`,
      ),
    ]
  return [
    passed('posthog-key', `works at ${host}`),
    found(
      'posthog-project',
      `the key has no project ${projectId}, or the project has no Tasks: ${error.message}`,
      'Set POSTHOG_PROJECT_ID to the number in the address of the project. The user of the key must be a member of it, and Tasks must be turned on.',
    ),
  ]
}

export async function checkModels(
  examined: Examined,
  lists: readonly ModelList[],
): Promise<[usual: Check, ...lists: Check[]]> {
  const offered = (await orUndefined(() => get(examined, 'tasks/models/', {}, Models))) ?? []
  const ofLists = lists.map(({ models, setBy }) => {
    const missing = offered.length === 0 ? [] : models.filter(model => !offered.some(isModel(model)))
    if (missing.length === 0) return passed('posthog-models', models.join(', '))
    const fix = `Set ${setBy} to one or more of ${namesOf(offered)}.`
    return found('posthog-models', `PostHog does not offer ${missing.join(', ')}`, fix)
  })
  return [checkUsual(examined, offered), ...ofLists]
}

function checkUsual({ usual: { model, effort, setBy } }: Examined, offered: readonly KnownModel[]): Check {
  if (offered.length === 0) return passed('posthog-model', `${model} (this server does not list its models)`)
  const known = offered.find(isModel(model))
  if (!known)
    return found(
      'posthog-model',
      `PostHog does not offer ${model}`,
      `Set ${setBy.model} to one of ${namesOf(offered)}.`,
    )
  if (effort === undefined || (known.efforts?.includes(effort) ?? true)) return passed('posthog-model', model)
  return found(
    'posthog-model',
    `${model} does not support the effort ${effort}`,
    `Set ${setBy.effort} to ${known.efforts?.join(', ')}.`,
  )
}

const namesOf = (models: readonly KnownModel[]): string => models.map(({ name }) => name).join(', ')

/** Whether the project has PostHog's own GitHub App at all, before there are repositories to look for. */
export async function checkConnection(examined: CheckContext): Promise<Check> {
  const integrations = await integrationsOf(examined)
  if (!Array.isArray(integrations)) return integrations
  return passed('posthog-github', 'the PostHog project is connected to GitHub')
}

/** Some, or what is wrong. */
async function integrationsOf({ settings, now }: CheckContext): Promise<string[] | Check> {
  try {
    const integrations = await githubIntegrations(of => call(settings, of, now))
    if (integrations.length > 0) return integrations
    return found('posthog-github', 'the PostHog project is not connected to GitHub', install)
  } catch (error) {
    if (!(error instanceof Rejected))
      return unanswered('posthog-github', `PostHog did not answer: ${describe(error)}`, 'Try again later.')
    if (error.status !== 403)
      return passed('posthog-github', 'not checked: this PostHog does not list its GitHub integrations')
    return found(
      'posthog-github',
      'the key has no scope integration:read, so PostHog uses its first GitHub integration, which may be the wrong one',
      'Add the scope integration:read to the personal API key (PostHog ▸ Settings ▸ Personal API keys).',
    )
  }
}

const install =
  'Install PostHog’s own GitHub App on your repositories, or give it access (PostHog ▸ Settings ▸ Project ▸ Integrations). PostHog’s agent clones and pushes with it.'

/** Of each list, as PostHog has them by name or id. */
export async function checkSandboxes(
  examined: CheckContext,
  lists: readonly SandboxList[],
): Promise<Check[]> {
  if (lists.length === 0) return []
  const query = { limit: '100' }
  const had = await orUndefined(() => get(examined, 'sandbox_environments/', query, SandboxPage))
  return lists.map(({ sandboxes, setBy }) => {
    if (!had)
      return passed('posthog-sandboxes', `${sandboxes.join(', ')}; PostHog does not list its sandboxes`)
    const { results } = had
    const lacking = sandboxes.filter(wanted =>
      results.every(
        ({ id, name }) => ![id, name].some(known => known.toLowerCase() === wanted.toLowerCase()),
      ),
    )
    const names = results.map(({ name }) => name).join(', ')
    return lacking.length === 0
      ? passed('posthog-sandboxes', sandboxes.join(', '))
      : found(
          'posthog-sandboxes',
          `PostHog has no sandbox environment ${lacking.join(', ')}`,
          names === ''
            ? `Make them in PostHog, or take them out of ${setBy}.`
            : `Set ${setBy} to some of ${names}.`,
        )
  })
}

export async function checkCoverage(examined: CheckContext, repositories: readonly string[]): Promise<Check> {
  const request = <T>(of: Call<T>) => call(examined.settings, of, examined.now)
  const integrations = await integrationsOf(examined)
  if (!Array.isArray(integrations)) return integrations
  const covered = new Set<string>()
  for (const id of integrations)
    for (const name of (await orUndefined(() => repositoriesOf(request, id))) ?? []) covered.add(name)
  const missing = repositories.filter(name => !covered.has(name.toLowerCase()))
  if (missing.length > 0) {
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
    const some = `${missing.slice(0, 5).join(', ')}${more}`
    return found('posthog-github', `PostHog’s GitHub App has no access to ${some}`, install)
  }
  const all = repositories.length === 1 ? 'the repository' : `all ${repositories.length} repositories`
  return passed('posthog-github', `has access to ${all} of this bot`)
}

const get = async <T>(
  { settings, now }: CheckContext,
  path: string,
  query: Record<string, string>,
  schema: z.ZodType<T>,
): Promise<T> => (await call(settings, { method: 'GET', path, query, schema }, now)).data

async function refusalOf(request: () => Promise<unknown>): Promise<unknown> {
  try {
    await request()
    return undefined
  } catch (error) {
    return error
  }
}

async function orUndefined<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request()
  } catch {
    return undefined
  }
}
