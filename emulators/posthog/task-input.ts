/** The body of a task, as its serializer checks it. */
import {
  bool,
  char,
  checked,
  choice,
  fail,
  json,
  list,
  nullable,
  nullableBool,
  readWhole,
  uuid,
} from './fields.ts'
import { efforts, newestEfforts, type ServerVersion } from './models.ts'
import { numericKey, relation, uuidKey } from './relation.ts'
import { Refusal } from './reply.ts'

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

const serverOnlyRelationships = ['research', 'repo_selection', 'scout']

/** Rows of other kinds than tasks and runs: there are none of them here, but for the given integrations. */
const noSuchRow = () => relation(uuidKey, [])

const originOf = <T extends string>(origins: readonly T[]) =>
  checked(choice(origins), origin =>
    reservedOrigins.includes(origin)
      ? fail(`origin_product '${origin}' is reserved for server-created tasks`)
      : origin,
  )

const repository = checked(char({ max: 255, blank: true }), repositoryName)

const repositories = checked(list(char({ max: 255 }), { max: 10 }), names => {
  const lower = names.map(repositoryName)
  return new Set(lower).size === lower.length ? lower : fail('Repositories must be unique')
})

function repositoryName(name: string): string {
  const [owner, repo, ...more] = name.split('/')
  if (name === '' || (owner && repo && more.length === 0)) return name.toLowerCase()
  return fail('Repository must be in the format organization/repository')
}

const relationship = checked(char({ max: 200 }), label => {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(label))
    fail(
      'Must contain only lowercase letters, numbers, underscores, or hyphens, and start with a lowercase letter or number.',
    )
  return serverOnlyRelationships.includes(label)
    ? fail(`Relationship '${label}' is reserved for server-created tasks.`)
    : label
})

const named = {
  title: char({ max: 255, blank: true }),
  title_manually_set: bool(),
  description: char({ blank: true }),
}

const linked = (integrations: readonly number[]) => ({
  github_integration: relation(numericKey, integrations),
  github_user_integration: noSuchRow(),
  signal_report: noSuchRow(),
  signal_report_task_relationship: relationship,
  json_schema: nullable(json()),
  archived: bool(),
  ci_prompt: nullable(char({ blank: true })),
})

/** What a warm sandbox is looked for by; kept nowhere. */
const warmHints = {
  branch: nullable(char({ max: 255, blank: true })),
  runtime_adapter: nullable(choice(['claude', 'codex'])),
  model: nullable(char()),
  reasoning_effort: nullable(choice([...efforts, ...newestEfforts])),
  pending_user_message: nullable(char({ blank: true })),
  pending_user_artifact_ids: list(char({ max: 128 })),
  auto_publish: nullableBool(),
}

const runtime = choice(['acp', 'pi'])

const newestFields = (integrations: readonly number[]) => ({
  ...named,
  origin_product: originOf(newestOrigins),
  repository: nullable(repository),
  repositories,
  ...linked(integrations),
  ...warmHints,
  channel: noSuchRow(),
  sandbox_environment_id: nullable(uuid()),
  custom_image_id: nullable(uuid()),
  runtime,
})

const olderFields = (integrations: readonly number[]) => ({
  ...named,
  origin_product: originOf(olderOrigins),
  repository: nullable(repository),
  repositories: ignored(),
  ...linked(integrations),
  runtime,
})

/** An older server does not know the field, so anything passes and nothing is kept. */
function ignored() {
  return { required: false, read: (): string[] | undefined => undefined }
}

export type TaskInput = ReturnType<typeof readTask>

export function readTask(body: unknown, version: ServerVersion, integrations: readonly number[]) {
  const read =
    version === 'newest'
      ? readWhole(body, newestFields(integrations), together)
      : readWhole(body, olderFields(integrations), together)
  if (read.runtime === 'pi') throw piIsGated()
  return read
}

interface Together {
  origin_product?: string
  repository?: string | null
  repositories?: string[] | undefined
  github_integration?: number | null
  github_user_integration?: string | null
  signal_report?: string | null
  signal_report_task_relationship?: string
}

function together<T extends Together>(read: T): T {
  checkRepositories(read)
  checkSignalReport(read)
  return read
}

const refuse = (attr: string, detail: string): never => fail(detail, 'invalid_input', attr)

function checkRepositories({ repository, repositories, github_integration: integration }: Together): void {
  if (!repositories) return
  if (repository !== undefined && (repository || undefined) !== repositories[0])
    refuse('repositories', 'Conflicts with repository')
  if (repositories.length > 0 && typeof integration !== 'number')
    refuse('github_integration', 'Required when repositories are configured')
}

function checkSignalReport(read: Together): void {
  const isSignal = read.origin_product === 'signal_report'
  if (read.signal_report_task_relationship !== undefined) {
    if (!read.signal_report) refuse('signal_report_task_relationship', 'Requires signal_report when set.')
    if (!isSignal)
      refuse('signal_report_task_relationship', 'Requires origin_product signal_report when set.')
  }
  if (!isSignal) return
  if (read.github_user_integration)
    refuse('github_user_integration', 'Signal report tasks use the team GitHub integration.')
  if (read.repository || read.repositories?.length)
    refuse('repository', 'Signal report tasks resolve their repository server-side.')
  if (!read.signal_report) refuse('signal_report', 'Requires signal_report when set.')
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
