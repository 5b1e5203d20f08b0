/** JSON-RPC into a run. `user_message` goes through the workflow's queue; the rest is proxied to the sandbox. */
import { randomUUID } from 'node:crypto'
import { choice, dict, json, nullable, readBody, required } from './fields.ts'
import { error, invalid, ok, type Reply } from './reply.ts'
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
  'side_question',
  'credential_response',
] as const

type CommandMethod = (typeof methods)[number]
type Params = Record<string, unknown>

interface Command {
  method: CommandMethod
  params: Params
  id: string | number | undefined
}

const commandFields = {
  jsonrpc: required(choice(['2.0'])),
  method: required(choice(methods)),
  params: dict(),
  id: nullable(json()),
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
  const { method = 'user_message', params = {}, id } = readBody(body, commandFields)
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number')
    throw invalid('id', 'id must be a string or number')
  if (method === 'user_message') checkMessage(params)
  if (method === 'permission_response') for (const key of ['requestId', 'optionId']) checkText(params, key)
  if (method === 'set_config_option') for (const key of ['configId', 'value']) checkText(params, key)
  return { method, params, id: id ?? undefined }
}

function checkText(params: Params, key: string): void {
  const value = params[key]
  if (typeof value === 'string' && value.trim()) return
  throw invalid('params', `${key} is required and must be a non-empty string`)
}

function checkMessage({ content, artifact_ids: ids, steer }: Params): void {
  if (steer !== undefined && steer !== null && typeof steer !== 'boolean')
    throw invalid('params', 'steer must be a boolean when provided')
  if (content !== undefined && content !== null && typeof content !== 'string')
    throw invalid('params', 'content must be a string when provided')
  if (ids !== undefined && ids !== null && !isTextList(ids))
    throw invalid('params', 'artifact_ids must be a list of non-empty strings')
  const hasText = typeof content === 'string' && content.trim() !== ''
  if (!hasText && !(isTextList(ids) && ids.length > 0))
    throw invalid('params', 'user_message requires a non-empty content string, artifact_ids, or both')
}

const isTextList = (raw: unknown): raw is string[] =>
  Array.isArray(raw) && raw.every(item => typeof item === 'string' && item.trim() !== '')

function userMessage(request: ApiRequest, run: Run, { params, id }: Command): Reply {
  const { world } = request
  const ids = isTextList(params.artifact_ids) ? params.artifact_ids : []
  const missing = ids.filter(wanted => !run.artifacts.some(artifact => artifact.id === wanted))
  if (missing.length > 0)
    return error(400, 'Some artifact_ids are invalid for this run', { missing_artifact_ids: missing })
  if (!hasWorkflow(run)) return workflowEnded(world)
  // The id is the message's dedupe key: a repeat is answered alike and reaches nobody.
  const known = world.settings.dedupesMessages && id !== undefined && run.seenMessages.has(id)
  if (!known) deliver(request, world, run, { text: String(params.content ?? '').trim(), id })
  return ok({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), result: { queued: true } })
}

const workflowEnded = ({ settings }: World): Reply =>
  settings.endedWorkflow === 409
    ? error(409, 'Task run workflow has ended')
    : error(502, 'Failed to queue user message for task run')

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
  if (run.terminal || !run.sandboxUp)
    return {
      status: 400,
      body: {
        type: 'runtime_unavailable',
        code: 'sandbox_not_ready',
        error: 'No active sandbox for this task run',
      },
    }
  request.world.record(request, 'command', run.task, run.id)
  return ok({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), ...obey(run, method, params) })
}

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
