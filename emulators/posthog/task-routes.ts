import { catalogue } from './models.ts'
import { makeRun } from './new-run.ts'
import { covers } from './options.ts'
import { page, presentRun, presentTask } from './present.ts'
import { invalid, ok, type Reply } from './reply.ts'
import type { ApiRequest, Route } from './route.ts'
import { readRun } from './run-input.ts'
import { newTask, type Task } from './task.ts'
import { readTask, type TaskInput } from './task-input.ts'
import type { World } from './world.ts'

export const taskRoutes: Route[] = [
  { name: 'list-tasks', method: 'GET', path: 'tasks', scope: 'task:read', handle: listTasks },
  { name: 'create-task', method: 'POST', path: 'tasks', scope: 'task:write', handle: createTask },
  { name: 'get-task', method: 'GET', path: 'tasks/:task', scope: 'task:read', handle: getTask },
  { name: 'update-task', method: 'PATCH', path: 'tasks/:task', scope: 'task:write', handle: updateTask },
  { name: 'update-task', method: 'PUT', path: 'tasks/:task', scope: 'task:write', handle: updateTask },
  { name: 'delete-task', method: 'DELETE', path: 'tasks/:task', scope: 'task:write', handle: deleteTask },
  { name: 'run', method: 'POST', path: 'tasks/:task/run', scope: 'task:write', handle: runTask },
  { name: 'usage', method: 'GET', path: 'tasks/:task/usage', scope: 'task:read', handle: usage },
  {
    name: 'repositories',
    method: 'GET',
    path: 'tasks/repositories',
    scope: 'task:read',
    handle: repositories,
  },
]

/** Older servers lack it, so that `models` reads as the id of a task there. */
export const modelsRoute: Route = {
  name: 'models',
  method: 'GET',
  path: 'tasks/models',
  scope: 'task:read',
  handle: ({ world }) => ok({ models: catalogue(world.settings.version) }),
}

function listTasks(request: ApiRequest): Reply {
  const { world, query, caller } = request
  const shown = world.tasks.filter(task => world.sees(caller, task) && isListed(task, request))
  const found = shown.filter(task => fitsFilters(task, query, world)).sort(ordering(query, world))
  return ok(page(request, found, task => presentTask(task, world, request.origin, request.staleMs)))
}

const isListed = (task: Task, { staleMs }: ApiRequest) =>
  task.listedFrom <= Date.now() && (staleMs === 0 || task.createdAt.getTime() <= Date.now() - staleMs)

function fitsFilters(task: Task, query: URLSearchParams, world: World): boolean {
  const latest = () => world.latestRun(task)
  const filters: Record<string, (wanted: string) => boolean> = {
    origin_product: wanted => task.originProduct === wanted,
    repository: wanted => task.repository === wanted.toLowerCase(),
    created_by: wanted => String(task.createdBy) === wanted,
    status: wanted => latest()?.status === wanted,
    stage: wanted => latest()?.stage === wanted,
    search: wanted => mentions(task, wanted),
    internal: wanted => wanted !== 'true',
    archived: wanted => wanted === 'all' || (task.archivedAt !== null) === (wanted === 'true'),
  }
  if (!query.has('archived') && task.archivedAt !== null) return false
  return Object.entries(filters).every(([name, fits]) => {
    const wanted = query.get(name)
    return wanted === null || wanted === '' || fits(wanted)
  })
}

function mentions(task: Task, wanted: string): boolean {
  const text = wanted.toLowerCase()
  return (
    task.title.toLowerCase().includes(text) ||
    task.description.toLowerCase().includes(text) ||
    String(task.number) === text
  )
}

function ordering(query: URLSearchParams, world: World): (a: Task, b: Task) => number {
  const wanted = query.get('ordering') ?? '-created_at'
  const sign = wanted.startsWith('-') ? -1 : 1
  const activity = (task: Task) => (world.latestRun(task)?.updatedAt ?? task.updatedAt).getTime()
  if (wanted.endsWith('last_activity_at'))
    return (a, b) => sign * (activity(a) - activity(b) || a.number - b.number)
  return (a, b) => sign * (a.number - b.number)
}

function createTask(request: ApiRequest): Reply {
  const { world, caller } = request
  const input = readInput(request)
  const title = input.title || titleFor(input.description ?? '')
  const repository = (input.repository || input.repositories?.[0]) ?? null
  checkAccess(world, input, repository)
  const task = newTask(
    {
      number: world.tasks.length + 1,
      title,
      titleManuallySet: input.title_manually_set ?? false,
      description: input.description ?? '',
      originProduct: input.origin_product ?? 'user_created',
      repository,
      repositories: input.repositories ?? (repository ? [repository] : []),
      githubIntegration: input.github_integration ?? world.settings.githubIntegrations[0]?.id ?? null,
      jsonSchema: input.json_schema ?? null,
      ciPrompt: input.ci_prompt ?? null,
      runtime: 'acp',
      createdBy: caller.userId,
    },
    request.staleMs,
  )
  world.tasks.push(task)
  world.record(request, 'task', task)
  return ok(presentTask(task, world, request.origin), 201)
}

/** Missing access is an error at once where the integration is named; else the clone of the run fails [R]. */
function checkAccess(
  world: World,
  { github_integration: id, repositories = [] }: TaskInput,
  repository: string | null,
): void {
  if (id === undefined || id === null) return
  const missing = [...repositories, ...(repository ? [repository] : [])].filter(
    name => !covers(world.settings, id, name),
  )
  if (missing.length > 0)
    throw invalid(
      repositories.length > 0 ? 'repositories' : 'repository',
      `Not accessible via the selected GitHub integration: ${missing.join(', ')}`,
    )
}

function readInput(request: ApiRequest): TaskInput {
  const { settings } = request.world
  return readTask(
    request.body(),
    settings.version,
    settings.githubIntegrations.map(({ id }) => id),
  )
}

const titleFor = (description: string) => description.split('\n')[0]?.slice(0, 60) || 'Untitled task'

function getTask(request: ApiRequest): Reply {
  const { world, origin, staleMs } = request
  return ok(presentTask(world.task(request), world, origin, staleMs))
}

function updateTask(request: ApiRequest): Reply {
  const { world } = request
  const task = world.task(request)
  const input = readInput(request)
  if (input.runtime !== undefined && input.runtime !== task.runtime)
    throw invalid('runtime', 'Runtime cannot be changed after task creation.')
  if (input.title !== undefined) task.title = input.title
  if (input.description !== undefined) task.description = input.description
  if (input.repository !== undefined) task.repository = input.repository || null
  if (input.title_manually_set !== undefined) task.titleManuallySet = input.title_manually_set
  if (input.ci_prompt !== undefined) task.ciPrompt = input.ci_prompt
  if (input.archived !== undefined) task.archivedAt = input.archived ? new Date() : null
  task.updatedAt = new Date()
  return ok(presentTask(task, world, request.origin))
}

function deleteTask(request: ApiRequest): Reply {
  const task = request.world.task(request)
  task.deleted = true
  for (const run of request.world.runsOf(task)) run.life.abort()
  return { status: 204 }
}

async function runTask(request: ApiRequest): Promise<Reply> {
  const { world } = request
  const task = world.task(request)
  const input = readRun(request.body(), world.settings.version)
  const run = await makeRun(request, task, input, 'queued')
  world.record(request, 'run', task, run.id)
  world.agent.start(run)
  const shown = presentTask(task, world, request.origin)
  if (!world.settings.namesCreatedRun) return ok(shown)
  return ok({ ...shown, run: presentRun(run, request.origin), run_error: null })
}

function usage(request: ApiRequest): Reply {
  const task = request.world.task(request)
  const cents = request.world.runsOf(task).reduce((sum, run) => sum + Math.round(run.cost * 100), 0)
  const compute = Math.round(cents * 0.3)
  return ok({
    token_cost_usd: (cents - compute) / 100,
    compute_cost_usd: compute / 100,
    total_cost_usd: cents / 100,
  })
}

function repositories({ world, caller }: ApiRequest): Reply {
  const names = world.tasks.filter(task => world.sees(caller, task)).flatMap(task => task.repositories)
  return ok({ repositories: [...new Set(names)].sort() })
}
