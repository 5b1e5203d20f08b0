/** Tasks and runs as the API shows them. */
import type { ApiKey } from './options.ts'
import type { ApiRequest } from './route.ts'
import type { Run } from './run.ts'
import type { Task } from './task.ts'
import type { World } from './world.ts'

const providers: Record<string, string> = { codex: 'openai', claude: 'anthropic' }

export function presentRun(run: Run, origin: string) {
  const { runtime_adapter: adapter = null, model = null, reasoning_effort: effort = null } = run.state
  return {
    id: run.id,
    task: run.task.id,
    stage: run.stage,
    branch: run.branch,
    status: run.shownStatus ?? run.status,
    environment: run.environment,
    runtime_adapter: adapter,
    provider: typeof adapter === 'string' ? (providers[adapter] ?? null) : null,
    model,
    reasoning_effort: effort,
    log_url: run.log.length === 0 ? null : `${origin}/__s3/logs/${run.id}.jsonl?X-Amz-Signature=emulated`,
    error_message: run.errorMessage,
    output: run.output,
    state: run.state,
    artifacts: run.artifacts,
    created_at: run.createdAt.toISOString(),
    updated_at: run.updatedAt.toISOString(),
    completed_at: run.completedAt?.toISOString() ?? null,
  }
}

/** @param staleMs shows the runs as they were so long ago */
export function presentTask(task: Task, world: World, origin: string, staleMs = 0) {
  const latest = world.listedRuns(task, staleMs).at(-1)
  return {
    id: task.id,
    task_number: task.number,
    slug: `TAS-${task.number}`,
    title: task.title,
    title_manually_set: task.titleManuallySet,
    task_summary: task.summary,
    description: task.description,
    origin_product: task.originProduct,
    runtime: task.runtime,
    repository: task.repository,
    repositories: task.repositories,
    github_integration: task.githubIntegration,
    github_user_integration: null,
    signal_report: null,
    json_schema: task.jsonSchema,
    internal: false,
    archived: task.archivedAt !== null,
    archived_at: task.archivedAt?.toISOString() ?? null,
    latest_run: latest ? presentRun(latest, origin) : null,
    created_at: task.createdAt.toISOString(),
    updated_at: task.updatedAt.toISOString(),
    last_activity_at: (latest?.updatedAt ?? task.updatedAt).toISOString(),
    created_by: presentUser(task.createdBy),
    ci_prompt: task.ciPrompt,
    channel: null,
    slack_thread_references: [],
  }
}

const presentUser = (userId: number) => ({
  id: userId,
  uuid: userUuid(userId),
  distinct_id: `user-${userId}`,
  first_name: `User ${userId}`,
  last_name: '',
  email: `user-${userId}@example.com`,
  is_email_verified: true,
  hedgehog_config: null,
  role_at_organization: null,
})

export const presentMe = (caller: ApiKey, projectId: number) => ({
  ...presentUser(caller.userId),
  team: { id: projectId, uuid: userUuid(projectId), name: 'Emulated project' },
  organization: { id: userUuid(0), name: 'Emulated organization', slug: 'emulated' },
})

const userUuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

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
