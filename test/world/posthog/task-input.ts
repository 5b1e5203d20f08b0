/** The body of a task, as its serializer checks it. */
import { bool, char, choice, integer, json, list, nullable, readBody, uuid } from './fields.ts'
import { efforts, newestEfforts, type ServerVersion } from './models.ts'
import { badDetail, invalid, Refusal } from './reply.ts'

const olderOrigins = [
  'onboarding',
  'error_tracking',
  'eval_clusters',
  'user_created',
  'automation',
  'slack',
  'support_queue',
  'session_summaries',
  'posthog_ai',
  'experiments',
  'signal_report',
  'signals_scout',
  'support_reply',
  'hogdesk',
  'review_hog',
  'image_builder',
  'loop',
  'mcp_analytics',
] as const
const newestOrigins = [...olderOrigins, 'signals_chat', 'workflow', 'linear'] as const

const reservedOrigins: readonly string[] = [
  'image_builder',
  'experiments',
  'signals_scout',
  'support_reply',
  'onboarding',
  'signals_chat',
  'workflow',
]

const olderFields = {
  title: char({ max: 255, blank: true }),
  title_manually_set: bool(),
  description: char({ blank: true }),
  repository: nullable(char({ max: 255, blank: true })),
  github_integration: nullable(integer()),
  github_user_integration: nullable(uuid()),
  signal_report: nullable(uuid()),
  signal_report_task_relationship: char({ max: 200 }),
  json_schema: nullable(json()),
  archived: bool(),
  ci_prompt: nullable(char({ blank: true })),
  runtime: choice(['acp', 'pi']),
}

const fieldsOf = {
  older: { ...olderFields, origin_product: choice(olderOrigins), repositories: ignored() },
  newest: {
    ...olderFields,
    origin_product: choice(newestOrigins),
    repositories: list(char({ max: 255 }), { max: 10 }),
    branch: nullable(char({ max: 255, blank: true })),
    runtime_adapter: nullable(choice(['claude', 'codex'])),
    model: nullable(char()),
    reasoning_effort: nullable(choice([...efforts, ...newestEfforts])),
    pending_user_message: nullable(char({ blank: true })),
    pending_user_artifact_ids: list(char({ max: 128 })),
    auto_publish: nullable(bool()),
    channel: nullable(uuid()),
  },
}

/** An older server does not know the field, so anything passes and nothing is kept. */
function ignored() {
  return { required: false, read: (): string[] | undefined => undefined }
}

export type TaskInput = ReturnType<typeof readTask>

export function readTask(body: unknown, version: ServerVersion, integrations: readonly number[]) {
  const read = version === 'newest' ? readBody(body, fieldsOf.newest) : readBody(body, fieldsOf.older)
  if (read.origin_product && reservedOrigins.includes(read.origin_product))
    throw invalid(
      'origin_product',
      `origin_product '${read.origin_product}' is reserved for server-created tasks`,
    )
  const repository = read.repository ? repositoryName('repository', read.repository) : read.repository
  const repositories = read.repositories?.map(name => repositoryName('repositories', name))
  const { github_integration: integration } = read
  if (typeof integration === 'number' && !integrations.includes(integration))
    throw invalid(
      'github_integration',
      `Invalid pk "${integration}" - object does not exist.`,
      'does_not_exist',
    )
  checkRepositories(repository, repositories, integration)
  checkSignalReport(read.origin_product, read.signal_report, repository)
  if (read.runtime === 'pi') throw piIsGated()
  return { ...read, repository, repositories }
}

function repositoryName(attr: string, name: string): string {
  const parts = name.split('/')
  if (parts.length !== 2 || !parts[0] || !parts[1])
    throw invalid(attr, 'Repository must be in the format organization/repository')
  return name.toLowerCase()
}

function checkRepositories(
  repository: string | null | undefined,
  repositories: string[] | undefined,
  integration: number | null | undefined,
): void {
  if (!repositories) return
  if (new Set(repositories).size !== repositories.length)
    throw invalid('repositories', 'Repositories must be unique')
  if (repository !== undefined && (repository || undefined) !== repositories[0])
    throw invalid('repositories', 'Conflicts with repository')
  if (repositories.length > 0 && typeof integration !== 'number')
    throw invalid('github_integration', 'Required when repositories are configured')
}

function checkSignalReport(origin: string | undefined, report: unknown, repository: unknown): void {
  if (origin !== 'signal_report') return
  if (!report) throw invalid('signal_report', 'This field is required.', 'required')
  if (repository) throw badDetail('Repository cannot be set for signal report tasks')
}

const piIsGated = () =>
  new Refusal({
    status: 403,
    body: {
      type: 'authentication_error',
      code: 'permission_denied',
      detail: 'The Pi runtime is not available for your account.',
      attr: null,
    },
  })
