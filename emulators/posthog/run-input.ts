/**
 * The body of a run. The published schema is a union per runtime, but the server checks one flat serializer in which
 * nothing is required; these are its fields, in its order, and its cross-field rules.
 */
import { char, choice, fail, list, nullable, nullableBool, readWhole, uuid } from './fields.ts'
import { checkCollision, importedServers, relayedServers } from './mcp-servers.ts'
import {
  type Adapter,
  allPermissionModes,
  efforts,
  newestEfforts,
  permissionModes,
  type ServerVersion,
  supportedEfforts,
} from './models.ts'

const mode = choice(['interactive', 'background'])
const environment = choice(['local', 'cloud'])
const branch = nullable(char({ max: 255 }))

const started = {
  resume_from_run_id: uuid(),
  pending_user_message: char({ blank: true }),
  pending_user_artifact_ids: list(char({ max: 128 })),
}

const source = { run_source: choice(['manual', 'signal_report']), signal_report_id: char() }
const runtime = { runtime_adapter: choice(['claude', 'codex']), model: char() }

const last = {
  github_user_token: char(),
  initial_permission_mode: choice(allPermissionModes),
}

const authorship = { pr_authorship_mode: choice(['user', 'bot']) }
const sandbox = { sandbox_environment_id: uuid() }

const servers = { imported_mcp_servers: importedServers, relayed_mcp_servers: relayedServers }
const newestRest = {
  ...sandbox,
  custom_image_id: uuid(),
  ...authorship,
  auto_publish: nullableBool(),
  ...source,
  ...runtime,
  reasoning_effort: choice(newestEfforts),
  context_window: choice(['200k', '1m']),
  fast_mode: nullableBool(),
  ...last,
  rtk_enabled: nullableBool(),
}
const olderRest = {
  ...sandbox,
  ...authorship,
  ...source,
  ...runtime,
  reasoning_effort: choice(efforts),
  ...last,
}

const newestFields = { ...servers, mode, branch, ...started, ...newestRest }
const olderFields = { mode, branch, ...started, ...olderRest }
const newestBootstrap = { ...servers, environment, mode, branch, ...newestRest }
const olderBootstrap = { environment, mode, branch, ...olderRest }

type Read = ReturnType<typeof readNewest>
export type RunInput = Read & { environment?: 'local' | 'cloud' }

const readNewest = (body: unknown) => readWhole(body, newestFields, values => values)

/** `POST …/run/` */
export function readRun(body: unknown, version: ServerVersion): RunInput {
  const check = (input: RunInput) => together(input, version)
  const input =
    version === 'newest' ? readWhole(body, newestFields, check) : readWhole(body, olderFields, check)
  if (input.pending_user_message === '') delete input.pending_user_message
  return input
}

/** `POST …/runs/`: no resuming and no first message; those come with `start/`. */
export function readBootstrapRun(body: unknown, version: ServerVersion): RunInput {
  const check = (input: RunInput) => together(input, version)
  return version === 'newest'
    ? readWhole(body, newestBootstrap, check)
    : readWhole(body, olderBootstrap, check)
}

function together(input: RunInput, version: ServerVersion): RunInput {
  checkCollision(input.relayed_mcp_servers, input.imported_mcp_servers)
  checkPermissionMode(input, version)
  const chosen = [
    input.runtime_adapter,
    input.model,
    input.reasoning_effort,
    input.context_window,
    input.fast_mode,
  ]
  if (chosen.every(value => value === undefined || value === null)) return input
  for (const name of ['runtime_adapter', 'model'] as const)
    if (input[name] === undefined)
      fail('This field is required when selecting a cloud runtime.', 'invalid_input', name)
  checkEffort(input, version)
  return input
}

function checkPermissionMode(input: RunInput, version: ServerVersion): void {
  const { initial_permission_mode: wanted, runtime_adapter: adapter } = input
  if (wanted === undefined) return
  const attr = 'initial_permission_mode'
  if (adapter === undefined) fail('This field requires runtime_adapter to be set.', 'invalid_input', attr)
  const modes = permissionModes(adapter, version)
  if (modes.includes(wanted)) return
  const supported = modes.map(name => `'${name}'`).join(', ')
  fail(
    `Invalid choice '${wanted}' for runtime_adapter '${adapter}'. Supported values: ${supported}.`,
    'invalid_input',
    attr,
  )
}

function checkEffort(input: RunInput, version: ServerVersion): void {
  const { reasoning_effort: effort, runtime_adapter: adapter, model } = input
  if (effort === undefined || adapter === undefined || model === undefined) return
  const supported = supportedEfforts(adapter satisfies Adapter, model, version)
  if (supported.includes(effort)) return
  fail(
    `Reasoning effort '${effort}' is not supported for runtime_adapter '${adapter}' and model '${model}'. ` +
      `Supported values: ${supported.join(', ') || 'none'}.`,
    'invalid_input',
    'reasoning_effort',
  )
}
