/** JSON-RPC into a run. `user_message` goes through the workflow's queue; the rest is proxied to the sandbox. */
import { randomUUID } from 'node:crypto'
import { checked, choice, dict, fail, json, readWhole, required } from './fields.ts'
import { dumpedLength, isObject } from './python.ts'
import { error as errorReply, ok, type Reply } from './reply.ts'
import type { ApiRequest, Route } from './route.ts'
import type { Run } from './run.ts'
import type { World } from './world.ts'

const methods = [
  'user_message',
  'cancel',
  'close',
  'permission_response',
  'set_config_option',
  'mcp_response',
  'pi/rpc',
  'queue_get',
  'queue_clear',
] as const

type CommandMethod = (typeof methods)[number]
type Params = Record<string, unknown>

interface Command {
  method: CommandMethod
  params: Params
  id: string | number | boolean | undefined
}

const commandFields = {
  jsonrpc: required(choice(['2.0'])),
  method: required(choice(methods)),
  params: dict(),
  id: checked(json(), id =>
    ['string', 'number', 'boolean'].includes(typeof id) ? id : fail('id must be a string or number'),
  ),
}

export const commandRoute: Route = {
  name: 'command',
  method: 'POST',
  path: 'tasks/:task/runs/:run/command',
  scope: 'task:write',
  handle: request => {
    const run = request.world.run(request)
    const command = readCommand(request.body())
    return command.method === 'user_message'
      ? userMessage(request, run, command)
      : proxied(request, run, command)
  },
}

function readCommand(body: unknown): Command {
  return readWhole(body, commandFields, ({ method = 'user_message', params = {}, id }) => {
    checkParams[method]?.(params, id)
    return { method, params, id: isId(id) ? id : undefined }
  })
}

const isId = (raw: unknown): raw is string | number | boolean => raw !== undefined && raw !== null

const refuse = (detail: string, attr = 'params'): never => fail(detail, 'invalid_input', attr)

const checkParams: Partial<Record<CommandMethod, (params: Params, id: unknown) => void>> = {
  user_message: checkMessage,
  'pi/rpc': checkPi,
  permission_response: params => checkTexts(params, ['requestId', 'optionId']),
  set_config_option: params => checkTexts(params, ['configId', 'value']),
  mcp_response: checkMcpResponse,
}

function checkTexts(params: Params, keys: readonly string[]): void {
  for (const key of keys) {
    const value = params[key]
    if (typeof value !== 'string' || !value.trim())
      refuse(`${key} is required and must be a non-empty string`)
  }
}

function checkMessage({ content, artifact_ids: ids, steer }: Params): void {
  if (isId(steer) && typeof steer !== 'boolean') refuse('steer must be a boolean when provided')
  if (isId(content) && typeof content !== 'string') refuse('content must be a string when provided')
  if (isId(ids) && !isTextList(ids)) refuse('artifact_ids must be a list of non-empty strings')
  const hasText = typeof content === 'string' && content.trim() !== ''
  if (!hasText && !(isTextList(ids) && ids.length > 0))
    refuse('user_message requires a non-empty content string, artifact_ids, or both')
}

function checkPi({ command: sent }: Params, id: unknown): void {
  const command = isObject(sent) ? sent : refuse('command must be an object')
  for (const key of ['type', 'id'])
    if (typeof command[key] !== 'string' || command[key] === '')
      refuse(`command.${key} must be a non-empty string`)
  if (command.id !== id) refuse('id must match params.command.id', 'id')
}

function checkMcpResponse(params: Params): void {
  checkTexts(params, ['requestId', 'server'])
  const { payload = null, error = null } = params
  if ((payload === null) === (error === null)) refuse('mcp_response requires exactly one of payload or error')
  if (payload !== null && !isObject(payload)) refuse('payload must be an object')
  const isError = isObject(error) && Number.isInteger(error.code) && typeof error.message === 'string'
  if (error !== null && !isError) refuse('error must be an object with an integer code and a string message')
  if (dumpedLength(params) > 300_000) refuse('mcp_response params exceed the 300 KB limit')
}

const isTextList = (raw: unknown): raw is string[] =>
  Array.isArray(raw) && raw.every(item => typeof item === 'string' && item.trim() !== '')

function userMessage(request: ApiRequest, run: Run, { params, id }: Command): Reply {
  const { world } = request
  const ids = isTextList(params.artifact_ids) ? params.artifact_ids : []
  const missing = ids.filter(wanted => !run.artifacts.some(artifact => artifact.id === wanted))
  if (missing.length > 0)
    return errorReply(400, 'Some artifact_ids are invalid for this run', { missing_artifact_ids: missing })
  if (!hasWorkflow(run)) return workflowEnded(world)
  if (run.cancelling && world.settings.version === 'newest') return notQueued
  // The id is the message's dedupe key: a repeat is answered alike and reaches nobody.
  const known = world.settings.dedupesMessages && id !== undefined && run.seenMessages.has(id)
  if (!known) deliver(request, world, run, { text: String(params.content ?? '').trim(), id })
  return ok({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), result: { queued: true } })
}

const notQueued = errorReply(502, 'Failed to queue user message for task run')

const workflowEnded = ({ settings }: World): Reply =>
  settings.endedWorkflow === 409
    ? errorReply(409, 'Task run workflow has ended', { code: 'run_ended' })
    : notQueued

function deliver(
  request: ApiRequest,
  world: World,
  run: Run,
  message: { text: string; id: Command['id'] },
): void {
  run.seenMessages.add(message.id ?? randomUUID())
  world.record(request, 'message', run.task, run.id)
  world.agent.receive(run, message)
}

const hasWorkflow = (run: Run) =>
  !run.terminal && !run.workflowGone && run.environment === 'cloud' && run.status !== 'not_started'

function proxied(request: ApiRequest, run: Run, { method, params, id }: Command): Reply {
  const isNewest = request.world.settings.version === 'newest'
  if (isNewest && run.terminal && method === 'permission_response')
    return errorReply(409, 'The run of this permission request has ended', {
      code: 'permission_target_ended',
    })
  if (run.terminal || !run.sandboxUp) return sandboxNotReady(isNewest)
  request.world.record(request, 'command', run.task, run.id)
  return ok({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), ...obey(run, method, params) })
}

/** Older servers say so with 400 and no time to come back [R]. */
const sandboxNotReady = (isNewest: boolean): Reply => ({
  ...errorReply(isNewest ? 503 : 400, 'No active sandbox for this task run', {
    type: 'runtime_unavailable',
    code: 'sandbox_not_ready',
  }),
  ...(isNewest ? { headers: { 'retry-after': '2' } } : {}),
})

/** The agent's own refusals come with 200, as errors of JSON-RPC [R]. */
function obey(run: Run, method: CommandMethod, params: Params): { result: object } | { error: object } {
  if (method !== 'permission_response') return { result: done(run, method) }
  if (run.permission?.requestId !== params.requestId)
    return {
      error: { code: -32000, message: `No pending permission request found for id: ${params.requestId}` },
    }
  run.permission?.answer(String(params.optionId))
  return { result: { resolved: true } }
}

function done(run: Run, method: CommandMethod): object {
  if (method === 'cancel') {
    run.turnStop?.abort()
    return { cancelled: true }
  }
  if (method === 'close') {
    run.finish('completed')
    return { closed: true }
  }
  return {}
}
