/** From a checked body to a stored run: what `run_task` refuses, inherits and writes into `state`. */
import { badDetail, githubAuthorizationRequired } from './reply.ts'
import type { ApiRequest } from './route.ts'
import { Run } from './run.ts'
import type { RunInput } from './run-input.ts'
import type { Task } from './task.ts'

const inherited = [
  'sandbox_environment_id',
  'custom_image_id',
  'pr_authorship_mode',
  'auto_publish',
  'run_source',
  'runtime_adapter',
  'model',
  'reasoning_effort',
] as const

const kept = [...inherited, 'context_window', 'fast_mode', 'rtk_enabled', 'initial_permission_mode'] as const

export async function makeRun(
  request: ApiRequest,
  task: Task,
  input: RunInput,
  status: 'not_started' | 'queued',
): Promise<Run> {
  const { world } = request
  const previous = resumedRun(request, task, input)
  checkSandbox(request, input)
  const artifactIds = input.pending_user_artifact_ids ?? []
  const artifacts = stagedArtifacts(request, task, artifactIds)
  checkBranch(request, input, previous)
  const authorship = authorshipOf(request, task, input, previous)
  const branch = input.branch ?? (await inheritedBranch(request, task, previous))
  const run = new Run({
    task,
    status,
    environment: input.environment ?? (status === 'queued' ? 'cloud' : 'local'),
    branch,
    prompt: input.pending_user_message ?? (previous ? '' : task.description),
    state: stateOf(task, input, previous, authorship, branch),
    artifacts,
    resumedFrom: previous,
    staleMs: request.staleMs,
    maxFrames: world.settings.stream.maxLength,
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
function checkBranch({ world }: ApiRequest, { branch }: RunInput, previous: Run | undefined): void {
  if (world.settings.resumesOn === 'any' || !previous || !branch) return
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
  const asked = input.pr_authorship_mode ?? (before === 'user' || before === 'bot' ? before : undefined)
  const userOrigin = task.originProduct === 'user_created' || task.originProduct === 'slack'
  if ((asked ?? (userOrigin ? 'user' : 'bot')) === 'bot') return 'bot'
  if (input.github_user_token !== undefined) return 'user'
  if (caller.userId !== task.createdBy)
    throw githubAuthorizationRequired(
      'User-authored runs must be started by the task creator, or provide github_user_token.',
    )
  if (caller.githubLinked) return 'user'
  // The downgrade says nothing; it shows only in the run's state.
  if (world.settings.githubIntegrations.length > 0) return 'bot'
  throw githubAuthorizationRequired(
    'Link a GitHub account with repo access before running user-authored cloud tasks.',
  )
}

async function inheritedBranch({ world }: ApiRequest, task: Task, previous: Run | undefined) {
  const base = previous?.state.pr_base_branch
  if (typeof base !== 'string') return null
  const exists = await world.settings.hands.branchExists(task.repository ?? '', base).catch(() => false)
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
  for (const name of inherited) if (previous?.state[name] !== undefined) state[name] = previous.state[name]
  for (const name of kept) {
    const value = input[name]
    if (value !== undefined && value !== null) state[name] = value
  }
  state.pr_authorship_mode = authorship
  if (branch !== null) state.pr_base_branch = branch
  if (previous) state.resume_from_run_id = previous.id
  if (task.repository) state.repository = task.repository
  if (input.pending_user_message !== undefined) state.pending_user_message = input.pending_user_message
  if (input.pending_user_artifact_ids?.length)
    state.pending_user_artifact_ids = input.pending_user_artifact_ids
  return state
}
