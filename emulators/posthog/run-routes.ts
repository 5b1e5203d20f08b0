import { bool, char, nullable, readBody } from './fields.ts'
import { page, presentRun } from './present.ts'
import { ok, type Reply } from './reply.ts'
import { type ApiRequest, type Route, route } from './route.ts'

const runs = 'tasks/:task/runs'
const run = `${runs}/:run`

export const runRoutes: Route[] = [
  route('list-runs', ['GET', runs], 'task:read', listRuns),
  route('get-run', ['GET', run], 'task:read', getRun),
  route('cancel', ['POST', `${run}/cancel`], 'task:write', cancelRun),
]

function listRuns(request: ApiRequest): Reply {
  const { world, staleMs } = request
  const task = world.taskOfRuns(request)
  const listed = world.listedRuns(task, staleMs)
  return ok(page(request, listed.reverse(), one => presentRun(one)))
}

function getRun(request: ApiRequest): Reply {
  return ok(presentRun(request.world.run(request)))
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
  if (found.terminal) return ok(presentRun(found))
  world.record(request, 'cancel', found.task, found.id)
  if (!found.cancelling) {
    found.cancelling = true
    world.later(world.settings.timing.cancel, () => found.finish('cancelled', reason || 'Stopped by user'))
  }
  return ok(presentRun(found), 202)
}
