/** Tasks and runs as the API shows them. */
import type { ApiRequest } from './route.ts'
import type { Run, Task } from './run.ts'
import type { World } from './world.ts'

export function presentRun(run: Run) {
  const {
    runtime_adapter: adapter = null,
    model = null,
    reasoning_effort: effort = null,
  } = run.state
  return {
    id: run.id,
    task: run.task.id,
    stage: null,
    branch: run.branch,
    status: run.shownStatus ?? run.status,
    environment: 'cloud',
    runtime_adapter: adapter,
    provider: adapter === null ? null : 'openai',
    model,
    reasoning_effort: effort,
    log_url: null,
    error_message: run.errorMessage,
    output: run.output,
    state: run.state,
    artifacts: run.artifacts,
    task_summary: run.summary,
    created_at: run.createdAt.toISOString(),
    updated_at: run.updatedAt.toISOString(),
    completed_at: run.completedAt?.toISOString() ?? null,
  }
}

/** @param staleMs shows the runs as they were so long ago */
export function presentTask(task: Task, world: World, staleMs = 0) {
  const latest = world.listedRuns(task, staleMs).at(-1)
  return {
    id: task.id,
    task_number: task.number,
    title: task.title,
    title_manually_set: task.titleManuallySet,
    description: task.description,
    origin_product: 'user_created',
    repository: task.repository,
    github_integration: task.githubIntegration,
    latest_run: latest ? presentRun(latest) : null,
    created_at: task.createdAt.toISOString(),
    updated_at: task.updatedAt.toISOString(),
    created_by: { id: task.createdBy, distinct_id: `user-${task.createdBy}` },
  }
}

export function page<T>(request: ApiRequest, all: readonly T[], present: (item: T) => unknown) {
  const limit = Math.min(wholeNumber(request.query.get('limit'), 1) ?? 50, 100)
  const offset = wholeNumber(request.query.get('offset'), 0) ?? 0
  const link = (at: number) => {
    const url = new URL(request.url)
    url.searchParams.set('limit', String(limit))
    if (at > 0) url.searchParams.set('offset', String(at))
    else url.searchParams.delete('offset')
    return url.href
  }
  return {
    count: all.length,
    next: offset + limit < all.length ? link(offset + limit) : null,
    previous: offset > 0 ? link(Math.max(0, offset - limit)) : null,
    results: all.slice(offset, offset + limit).map(present),
  }
}

function wholeNumber(text: string | null, min: number): number | undefined {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isInteger(value) && value >= min ? value : undefined
}
