/** The body of a task as its serializer checks it, in the fields and values that the bot sends; others are ignored or refused. */

import { randomUUID } from 'node:crypto'
import { bool, char, checked, choice, fail, nullable, readBody, relation } from './fields.ts'
import { catalogue } from './models.ts'
import { makeRun, readRun } from './new-run.ts'
import { covers } from './options.ts'
import { page, presentRun, presentTask } from './present.ts'
import { invalid, ok, type Reply } from './reply.ts'
import { type ApiRequest, type Route, route } from './route.ts'
import type { Task } from './run.ts'

export const taskRoutes: Route[] = [
  route('list-tasks', ['GET', 'tasks'], 'task:read', listTasks),
  route('create-task', ['POST', 'tasks'], 'task:write', createTask),
  route('get-task', ['GET', 'tasks/:task'], 'task:read', getTask),
  route('run', ['POST', 'tasks/:task/run'], 'task:write', runTask),
  route('usage', ['GET', 'tasks/:task/usage'], 'task:read', usage),
  route('models', ['GET', 'tasks/models'], 'task:read', () => ok({ models: catalogue })),
]

function listTasks(request: ApiRequest): Reply {
  const { world, query, caller } = request
  const shown = world.tasks.filter(
    task => task.createdBy === caller.userId && isListed(task, request),
  )
  const found = shown.filter(task => mentions(task, query.get('search') ?? '')).reverse()
  return ok(page(request, found, task => presentTask(task, world, request.staleMs)))
}

const isListed = (task: Task, { staleMs }: ApiRequest) =>
  task.listedFrom <= Date.now() &&
  (staleMs === 0 || task.createdAt.getTime() <= Date.now() - staleMs)

function mentions(task: Task, wanted: string): boolean {
  const text = wanted.toLowerCase()
  return (
    task.title.toLowerCase().includes(text) ||
    task.description.toLowerCase().includes(text) ||
    String(task.number) === text
  )
}

function createTask(request: ApiRequest): Reply {
  const { world, caller } = request
  const { settings } = world
  const input = readTask(
    request.body(),
    settings.githubIntegrations.map(({ id }) => id),
  )
  const repository = input.repository || null
  const { github_integration: integration } = input
  // Missing access is an error at once where the integration is named; else the clone of the run fails [R].
  if (typeof integration === 'number' && repository && !covers(settings, integration, repository))
    throw invalid('repository', `Not accessible via the selected GitHub integration: ${repository}`)
  const task = newTask(
    {
      number: world.tasks.length + 1,
      title: input.title || titleFor(input.description ?? ''),
      titleManuallySet: input.title_manually_set ?? false,
      description: input.description ?? '',
      repository,
      githubIntegration: integration ?? settings.githubIntegrations[0]?.id ?? null,
      createdBy: caller.userId,
    },
    request.staleMs,
  )
  world.tasks.push(task)
  request.record('task', task)
  return ok(presentTask(task, world), 201)
}

const titleFor = (description: string) =>
  description.split('\n')[0]?.slice(0, 60) || 'Untitled task'

function getTask(request: ApiRequest): Reply {
  const { world, staleMs } = request
  return ok(presentTask(request.task(), world, staleMs))
}

async function runTask(request: ApiRequest): Promise<Reply> {
  const { world } = request
  const task = request.task()
  const input = readRun(request.body())
  const run = await makeRun(request, task, input)
  request.record('run', task, run)
  world.agent.start(run)
  const shown = presentTask(task, world)
  if (!world.settings.namesCreatedRun) return ok(shown)
  return ok({ ...shown, run: presentRun(run), run_error: null })
}

function usage(request: ApiRequest): Reply {
  const task = request.task()
  const cents = request.world.runsOf(task).reduce((sum, run) => sum + Math.round(run.cost * 100), 0)
  const compute = Math.round(cents * 0.3)
  return ok({
    token_cost_usd: (cents - compute) / 100,
    compute_cost_usd: compute / 100,
    total_cost_usd: cents / 100,
  })
}

type NewTask = Pick<
  Task,
  | 'title'
  | 'titleManuallySet'
  | 'description'
  | 'repository'
  | 'githubIntegration'
  | 'createdBy'
  | 'number'
>

function newTask(given: NewTask, staleMs: number): Task {
  const now = new Date()
  return {
    ...given,
    id: randomUUID(),
    createdAt: now,
    updatedAt: now,
    listedFrom: now.getTime() + staleMs,
  }
}

const repository = checked(char({ max: 255, blank: true }), name => {
  const [owner, repo, ...more] = name.split('/')
  if (name === '' || (owner && repo && more.length === 0)) return name.toLowerCase()
  return fail('Repository must be in the format organization/repository')
})

const readTask = (body: unknown, integrations: readonly number[]) =>
  readBody(body, {
    title: char({ max: 255, blank: true }),
    title_manually_set: bool(),
    description: char({ blank: true }),
    origin_product: choice(['user_created']),
    repository: nullable(repository),
    github_integration: relation(integrations),
  })

// Runs, once they are there.

const runs = 'tasks/:task/runs'
const run = `${runs}/:run`

export const runRoutes: Route[] = [
  route('list-runs', ['GET', runs], 'task:read', listRuns),
  route('get-run', ['GET', run], 'task:read', getRun),
  route('cancel', ['POST', `${run}/cancel`], 'task:write', cancelRun),
]

function listRuns(request: ApiRequest): Reply {
  const { world, staleMs } = request
  const task = request.taskOfRuns()
  const listed = world.listedRuns(task, staleMs)
  return ok(page(request, listed.reverse(), one => presentRun(one)))
}

function getRun(request: ApiRequest): Reply {
  return ok(presentRun(request.run()))
}

const cancelFields = {
  reason: nullable(char({ max: 500, blank: true })),
  only_if_awaiting_first_message: bool(),
}

/** 202 is a promise: the run reads `in_progress` until its workflow obeys. */
function cancelRun(request: ApiRequest): Reply {
  const { world } = request
  const found = request.run()
  const { reason } = readBody(request.body(), cancelFields)
  if (found.terminal) return ok(presentRun(found))
  request.record('cancel', found.task, found)
  if (!found.cancelling) {
    found.cancelling = true
    world.later(world.settings.timing.cancel, () =>
      found.finish('cancelled', reason || 'Stopped by user'),
    )
  }
  return ok(presentRun(found), 202)
}
