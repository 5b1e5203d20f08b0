import { bool, char, choice, json, list, nullable, readBody } from './fields.ts'
import { makeRun } from './new-run.ts'
import { page, presentRun, presentTask } from './present.ts'
import { isObject } from './python.ts'
import { badDetail, error, ok, type Reply } from './reply.ts'
import type { ApiRequest, Route } from './route.ts'
import type { FinalStatus, Run } from './run.ts'
import { readBootstrapRun } from './run-input.ts'

const runs = 'tasks/:task/runs'
const run = `${runs}/:run`

export const runRoutes: Route[] = [
  { name: 'list-runs', method: 'GET', path: runs, scope: 'task:read', handle: listRuns },
  { name: 'create-run', method: 'POST', path: runs, scope: 'task:write', handle: createRun },
  { name: 'get-run', method: 'GET', path: run, scope: 'task:read', handle: getRun },
  { name: 'update-run', method: 'PATCH', path: run, scope: 'task:write', handle: updateRun },
  { name: 'start', method: 'POST', path: `${run}/start`, scope: 'task:write', handle: startRun },
  { name: 'cancel', method: 'POST', path: `${run}/cancel`, scope: 'task:write', handle: cancelRun },
  {
    name: 'resume-in-cloud',
    method: 'POST',
    path: `${run}/resume_in_cloud`,
    scope: 'task:write',
    handle: resumeInCloud,
  },
]

function listRuns(request: ApiRequest): Reply {
  const { world, staleMs } = request
  const task = world.taskOfRuns(request)
  const listed = world.listedRuns(task, staleMs)
  return ok(page(request, listed.reverse(), one => presentRun(one, request.origin)))
}

async function createRun(request: ApiRequest): Promise<Reply> {
  const { world } = request
  const task = world.taskOfRuns(request)
  const input = readBootstrapRun(request.body(), world.settings.version)
  const made = await makeRun(request, task, input, 'not_started')
  world.record(request, 'run', task, made.id)
  return ok(presentRun(made, request.origin), 201)
}

function getRun(request: ApiRequest): Reply {
  return ok(presentRun(request.world.run(request), request.origin))
}

const updateFields = {
  status: choice(['not_started', 'queued', 'in_progress', 'completed', 'failed', 'cancelled']),
  branch: nullable(char()),
  stage: nullable(char()),
  output: nullable(json()),
  state: json(),
  state_remove_keys: list(char()),
  error_message: nullable(char({ blank: true })),
  environment: choice(['local']),
}

const protectedState = ['pr_authorship_mode', 'run_source', 'resume_from_run_id', 'sandbox_environment_id']

function updateRun(request: ApiRequest): Reply {
  const found = request.world.run(request)
  const input = readBody(request.body(), updateFields)
  const { state, output, status, error_message: message } = input
  for (const key of input.state_remove_keys ?? []) delete found.state[key]
  if (!found.terminal && isObject(state))
    for (const [key, value] of Object.entries(state))
      if (!protectedState.includes(key)) found.state[key] = value
  if (isObject(output)) found.addOutput(output)
  found.change({
    ...(input.branch === undefined ? {} : { branch: input.branch }),
    ...(input.stage === undefined ? {} : { stage: input.stage }),
    ...(input.environment === undefined ? {} : { environment: input.environment }),
    ...(message === undefined ? {} : { errorMessage: message }),
  })
  if (isFinal(status)) found.finish(status, message ?? found.errorMessage)
  else if (status !== undefined) found.change({ status })
  return ok(presentRun(found, request.origin))
}

const isFinal = (status: string | undefined): status is FinalStatus =>
  status === 'completed' || status === 'failed' || status === 'cancelled'

const startFields = {
  pending_user_message: char({ blank: true }),
  pending_user_artifact_ids: list(char({ max: 128 })),
}

function startRun(request: ApiRequest): Reply {
  const { world } = request
  const found = world.run(request)
  const input = readBody(request.body(), startFields)
  if (found.environment !== 'cloud') return error(400, 'Only cloud runs can be started via this endpoint')
  if (found.status !== 'queued' && found.status !== 'not_started')
    return error(
      400,
      `Only queued or not_started cloud runs can be started (current status: ${found.status})`,
    )
  takeArtifacts(request, found, input.pending_user_artifact_ids ?? [])
  if (input.pending_user_message) {
    found.prompt = input.pending_user_message
    found.state.pending_user_message = input.pending_user_message
  }
  world.record(request, 'start', found.task, found.id)
  if (found.status === 'not_started') {
    found.change({ status: 'queued' })
    world.agent.start(found)
  }
  return ok(presentTask(found.task, world, request.origin))
}

function takeArtifacts({ world }: ApiRequest, found: Run, ids: string[]): void {
  const missing = ids.filter(id => !found.artifacts.some(artifact => artifact.id === id))
  const staged = world.staged(found.task, missing)
  if (staged.missing.length > 0)
    throw badDetail('Some pending_user_artifact_ids are invalid for this run', {
      missing_artifact_ids: staged.missing,
    })
  found.artifacts.push(...staged.found.map(({ entry }) => entry))
  world.artifacts.consume(missing)
}

const cancelFields = {
  reason: nullable(char({ max: 500, blank: true })),
  only_if_awaiting_first_message: bool(),
}

/** 202 is a promise: the run reads `in_progress` until its workflow obeys. */
function cancelRun(request: ApiRequest): Reply {
  const { world } = request
  const found = world.run(request)
  const { reason } = readBody(request.body(), cancelFields)
  if (found.terminal) return ok(presentRun(found, request.origin))
  if (found.environment !== 'cloud') return error(400, 'Only cloud runs can be cancelled via this endpoint')
  world.record(request, 'cancel', found.task, found.id)
  if (!found.cancelling) {
    found.cancelling = true
    world.later(world.settings.timing.cancel, () => found.finish('cancelled', reason || 'Stopped by user'))
  }
  return ok(presentRun(found, request.origin), 202)
}

function resumeInCloud(request: ApiRequest): Reply {
  const { world } = request
  const found = world.run(request)
  if (found.environment === 'cloud' && !found.terminal) return error(400, 'Run is already active in cloud')
  found.revive()
  world.record(request, 'start', found.task, found.id)
  world.agent.start(found)
  return ok(presentRun(found, request.origin))
}
