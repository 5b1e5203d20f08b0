/** From a checked body to a stored run: what `run_task` refuses, inherits and writes into `state`. */

import { bool, char, choice, fail, list, nullable, readWhole, uuid } from './fields.ts'
import {
  allPermissionModes,
  catalogue,
  efforts,
  permissionModes,
  supportedEfforts,
} from './models.ts'
import { badDetail, githubAuthorizationRequired } from './reply.ts'
import type { ApiRequest } from './route.ts'
import { Run, type Task } from './run.ts'

const inherited = [
  'sandbox_environment_id',
  'pr_authorship_mode',
  'auto_publish',
  'run_source',
  'runtime_adapter',
  'model',
  'reasoning_effort',
] as const

const kept = [...inherited, 'initial_permission_mode'] as const

export async function makeRun(request: ApiRequest, task: Task, input: RunInput): Promise<Run> {
  const { world } = request
  const previous = resumedRun(request, task, input)
  checkSandbox(request, input)
  const artifactIds = input.pending_user_artifact_ids ?? []
  const artifacts = stagedArtifacts(request, task, artifactIds)
  checkBranch(input, previous)
  const authorship = authorshipOf(request, task, input, previous)
  const branch = input.branch ?? (await inheritedBranch(request, task, previous))
  const run = new Run({
    task,
    branch,
    prompt: input.pending_user_message ?? (previous ? '' : task.description),
    state: stateOf(task, input, previous, authorship, branch),
    artifacts,
    resumedFrom: previous,
    staleMs: request.staleMs,
    maxFrames: world.settings.stream.maxLength,
    logMs: world.settings.timing.log,
  })
  world.artifacts.consume(artifactIds)
  world.runs.push(run)
  return run
}

function resumedRun({ world }: ApiRequest, task: Task, input: RunInput): Run | undefined {
  const id = input.resume_from_run_id
  if (id === undefined) return undefined
  const found = world.runsOf(task).find(run => run.id === id)
  if (!found) throw badDetail('Invalid resume_from_run_id')
  return found
}

/** Without `attr` and `code` [R]. One that the run worked on passes, and its base stays what it was. */
function checkBranch({ branch }: RunInput, previous: Run | undefined): void {
  if (!previous || !branch) return
  if (previous.branchesOfSession().includes(branch)) return
  throw badDetail('A resumed run must use its previous base branch. Omit branch to resume.')
}

function checkSandbox({ world }: ApiRequest, input: RunInput): void {
  const id = input.sandbox_environment_id
  if (id === undefined || world.settings.sandboxEnvironments.some(known => known.id === id)) return
  throw badDetail('Invalid sandbox_environment_id')
}

function stagedArtifacts({ world }: ApiRequest, task: Task, ids: string[]) {
  const { found, missing } = world.staged(task, ids)
  if (missing.length > 0)
    throw badDetail('Some pending_user_artifact_ids are invalid or expired', {
      missing_artifact_ids: missing,
    })
  return found.map(({ entry }) => entry)
}

function authorshipOf(
  request: ApiRequest,
  task: Task,
  input: RunInput,
  previous: Run | undefined,
): 'user' | 'bot' {
  const { caller, world } = request
  if (input.run_source === 'signal_report') return 'bot'
  const before = previous?.state.pr_authorship_mode
  const asked =
    input.pr_authorship_mode ?? (before === 'user' || before === 'bot' ? before : undefined)
  if ((asked ?? 'user') === 'bot') return 'bot'
  if (input.github_user_token !== undefined) return 'user'
  if (caller.userId !== task.createdBy)
    throw githubAuthorizationRequired(
      'User-authored runs must be started by the task creator, or provide github_user_token.',
    )
  // This user linked no GitHub account: the downgrade says nothing, and shows only in the run's state.
  if (world.settings.githubIntegrations.length > 0) return 'bot'
  throw githubAuthorizationRequired(
    'Link a GitHub account with repo access before running user-authored cloud tasks.',
  )
}

async function inheritedBranch({ world }: ApiRequest, task: Task, previous: Run | undefined) {
  const base = previous?.state.pr_base_branch
  if (typeof base !== 'string') return null
  const exists = await world.settings.hands
    .branchExists(task.repository ?? '', base)
    .catch(() => false)
  return exists ? base : null
}

function stateOf(
  task: Task,
  input: RunInput,
  previous: Run | undefined,
  authorship: 'user' | 'bot',
  branch: string | null,
): Record<string, unknown> {
  const state: Record<string, unknown> = { mode: input.mode ?? 'background' }
  for (const name of inherited)
    if (previous?.state[name] !== undefined) state[name] = previous.state[name]
  for (const name of kept) {
    const value = input[name]
    if (value !== undefined && value !== null) state[name] = value
  }
  state.pr_authorship_mode = authorship
  if (branch !== null) state.pr_base_branch = branch
  if (previous) state.resume_from_run_id = previous.id
  if (task.repository) state.repository = task.repository
  if (input.pending_user_message !== undefined)
    state.pending_user_message = input.pending_user_message
  if (input.pending_user_artifact_ids?.length)
    state.pending_user_artifact_ids = input.pending_user_artifact_ids
  return state
}

// The body of a run. The published schema is a union per runtime, but the server checks one flat serializer in which
// nothing is required; these are its fields, in its order, and its cross-field rules. Of runtimes there is Codex.

const fields = {
  mode: choice(['interactive', 'background']),
  branch: nullable(char({ max: 255 })),
  resume_from_run_id: uuid(),
  pending_user_message: char({ blank: true }),
  pending_user_artifact_ids: list(char({ max: 128 })),
  sandbox_environment_id: uuid(),
  pr_authorship_mode: choice(['user', 'bot']),
  auto_publish: nullable(bool()),
  run_source: choice(['manual', 'signal_report', 'agent']),
  signal_report_id: char(),
  runtime_adapter: choice(['codex']),
  model: char(),
  reasoning_effort: choice(efforts),
  github_user_token: char(),
  initial_permission_mode: choice(allPermissionModes),
}

export type RunInput = ReturnType<typeof readRun>

/** `POST …/run/` */
export const readRun = (body: unknown) =>
  readWhole(body, fields, input => {
    const {
      runtime_adapter: named,
      model,
      reasoning_effort: effort,
      initial_permission_mode: mode,
    } = input
    const refuse = (attr: string, detail: string): never => fail(detail, 'invalid_input', attr)
    const adapter =
      named ?? catalogue.find(known => known.model === model?.toLowerCase())?.runtime_adapter
    if (adapter === undefined && model !== undefined)
      refuse('model', 'Unknown model. Use tasks-models-retrieve to list available models.')
    if (mode !== undefined && adapter !== undefined && !isOneOf(permissionModes, mode)) {
      const supported = permissionModes.map(name => `'${name}'`).join(', ')
      const detail = `Invalid choice '${mode}' for runtime_adapter '${adapter}'. Supported values: ${supported}.`
      refuse('initial_permission_mode', detail)
    }
    const needs = 'This field is required when selecting a cloud runtime.'
    if (effort !== undefined && adapter === undefined) refuse('runtime_adapter', needs)
    if (adapter !== undefined && model === undefined) refuse('model', needs)
    const supported = supportedEfforts(model ?? '')
    if (effort !== undefined && !isOneOf(supported, effort))
      refuse(
        'reasoning_effort',
        `Reasoning effort '${effort}' is not supported for runtime_adapter '${adapter}' and model '${model}'. Supported values: ${supported.join(', ')}.`,
      )
    return {
      ...input,
      runtime_adapter: adapter,
      pending_user_message: input.pending_user_message || undefined,
    }
  })

const isOneOf = (known: readonly string[], value: string): boolean => known.includes(value)
