/**
 * The body of a run. The published schema is a union per runtime, but the server checks one flat serializer in which
 * nothing is required; these are its fields, in its order, and its cross-field rules.
 */
import { bool, char, choice, dict, list, nested, nullable, readBody, required, uuid } from './fields.ts'
import {
  type Adapter,
  allPermissionModes,
  efforts,
  newestEfforts,
  permissionModes,
  type ServerVersion,
  supportedEfforts,
} from './models.ts'
import { invalid } from './reply.ts'

const mode = choice(['interactive', 'background'])
const environment = choice(['local', 'cloud'])
const branch = nullable(char({ max: 255 }))
const serverName = nested({ name: required(char({ max: 64 })) })

const started = {
  resume_from_run_id: uuid(),
  pending_user_message: char({ blank: true }),
  pending_user_artifact_ids: list(char({ max: 128 })),
}

const common = {
  sandbox_environment_id: uuid(),
  pr_authorship_mode: choice(['user', 'bot']),
  run_source: choice(['manual', 'signal_report']),
  signal_report_id: char(),
  runtime_adapter: choice(['claude', 'codex']),
  model: char(),
}

const last = {
  github_user_token: char(),
  initial_permission_mode: choice(allPermissionModes),
}

const newestFields = {
  imported_mcp_servers: nullable(list(dict(), { max: 20 })),
  relayed_mcp_servers: nullable(list(serverName, { max: 20 })),
  mode,
  branch,
  ...started,
  custom_image_id: uuid(),
  auto_publish: nullable(bool()),
  ...common,
  reasoning_effort: choice(newestEfforts),
  context_window: choice(['200k', '1m']),
  fast_mode: nullable(bool()),
  ...last,
  rtk_enabled: nullable(bool()),
}

const olderFields = { mode, branch, ...started, ...common, reasoning_effort: choice(efforts), ...last }

export type RunInput = ReturnType<typeof readNewest> & { environment?: 'local' | 'cloud' }

const readNewest = (body: unknown) => readBody(body, newestFields)

/** `POST …/run/` */
export function readRun(body: unknown, version: ServerVersion): RunInput {
  const input = version === 'newest' ? readNewest(body) : readBody(body, olderFields)
  checkTogether(input, version)
  const message = input.pending_user_message
  if (message === '') delete input.pending_user_message
  return input
}

/** `POST …/runs/`: no resuming and no first message; those come with `start/`. */
export function readBootstrapRun(body: unknown, version: ServerVersion): RunInput {
  const {
    resume_from_run_id: _,
    pending_user_message: __,
    pending_user_artifact_ids: ___,
    ...fields
  } = newestFields
  const input =
    version === 'newest'
      ? readBody(body, { environment, ...fields })
      : readBody(body, { environment, mode, branch, ...common, reasoning_effort: choice(efforts), ...last })
  checkTogether(input, version)
  return input
}

function checkTogether(input: RunInput, version: ServerVersion): void {
  checkPermissionMode(input, version)
  const chosen = [
    input.runtime_adapter,
    input.model,
    input.reasoning_effort,
    input.context_window,
    input.fast_mode,
  ]
  if (chosen.every(value => value === undefined || value === null)) return
  for (const name of ['runtime_adapter', 'model'] as const)
    if (input[name] === undefined)
      throw invalid(name, 'This field is required when selecting a cloud runtime.')
  checkEffort(input, version)
}

function checkPermissionMode(input: RunInput, version: ServerVersion): void {
  const { initial_permission_mode: wanted, runtime_adapter: adapter } = input
  if (wanted === undefined) return
  if (adapter === undefined)
    throw invalid('initial_permission_mode', 'This field requires runtime_adapter to be set.')
  const modes = permissionModes(adapter, version)
  if (modes.includes(wanted)) return
  const supported = modes.map(name => `'${name}'`).join(', ')
  throw invalid(
    'initial_permission_mode',
    `Invalid choice '${wanted}' for runtime_adapter '${adapter}'. Supported values: ${supported}.`,
  )
}

function checkEffort(input: RunInput, version: ServerVersion): void {
  const { reasoning_effort: effort, runtime_adapter: adapter, model } = input
  if (effort === undefined || adapter === undefined || model === undefined) return
  const supported = supportedEfforts(adapter satisfies Adapter, model, version)
  if (supported.includes(effort)) return
  throw invalid(
    'reasoning_effort',
    `Reasoning effort '${effort}' is not supported for runtime_adapter '${adapter}' and model '${model}'. ` +
      `Supported values: ${supported.join(', ')}.`,
  )
}
