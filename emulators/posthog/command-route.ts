/**
 * JSON-RPC into a run, the methods that the bot uses. `user_message` goes through the workflow's queue,
 * `permission_response` is proxied to the sandbox.
 */
import { randomUUID } from 'node:crypto'
import { checked, choice, dict, fail, json, readWhole, required } from './fields.ts'
import { error as errorReply, ok, type Reply } from './reply.ts'
import { type ApiRequest, type Route, route } from './route.ts'
import type { Run } from './run.ts'
import type { World } from './world.ts'

const methods = ['user_message', 'permission_response'] as const

type Params = Record<string, unknown>

interface Command {
  method: (typeof methods)[number]
  params: Params
  id: string | number | boolean | undefined
}

const commandFields = {
  jsonrpc: required(choice(['2.0'])),
  method: required(choice(methods)),
  params: dict(),
  id: checked(json(), id =>
    ['string', 'number', 'boolean'].includes(typeof id)
      ? id
      : fail('id must be a string or number'),
  ),
}

const path = 'tasks/:task/runs/:run/command'

export const commandRoute: Route = route('command', ['POST', path], 'task:write', request => {
  const run = request.run()
  const command = readCommand(request.body())
  return handlers[command.method](request, run, command)
})

type Handle = (request: ApiRequest, run: Run, command: Command) => Reply | Promise<Reply>

const handlers: Record<Command['method'], Handle> = {
  user_message: userMessage,
  permission_response: permissionResponse,
}

function readCommand(body: unknown): Command {
  return readWhole(body, commandFields, ({ method = 'user_message', params = {}, id }) => {
    if (method === 'user_message') checkMessage(params)
    else checkAnswer(params)
    return { method, params, id: isId(id) ? id : undefined }
  })
}

const isId = (raw: unknown): raw is string | number | boolean => raw !== undefined && raw !== null

const refuse = (detail: string): never => fail(detail, 'invalid_input', 'params')

function checkAnswer(params: Params): void {
  for (const key of ['requestId', 'optionId']) {
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

const isTextList = (raw: unknown): raw is string[] =>
  Array.isArray(raw) && raw.every(item => typeof item === 'string' && item.trim() !== '')

function userMessage(request: ApiRequest, run: Run, { params, id }: Command): Reply {
  const { world } = request
  const ids = isTextList(params.artifact_ids) ? params.artifact_ids : []
  const missing = ids.filter(wanted => !run.artifacts.some(artifact => artifact.id === wanted))
  if (missing.length > 0)
    return errorReply(400, 'Some artifact_ids are invalid for this run', {
      missing_artifact_ids: missing,
    })
  if (!hasWorkflow(run)) return workflowEnded(world)
  if (run.cancelling) return notQueued
  // The id is the message's dedupe key: a repeat is answered alike and reaches nobody.
  const known = id !== undefined && run.seenMessages.has(id)
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
  request.record('message', run.task, run)
  world.agent.receive(run, message)
}

const hasWorkflow = (run: Run) => !run.terminal && !run.workflowGone

/** The agent's own refusals come with 200, as errors of JSON-RPC [R]. */
function permissionResponse(
  request: ApiRequest,
  run: Run,
  command: Command,
): Reply | Promise<Reply> {
  const { agent } = request.world
  const { params, id } = command
  if (run.terminal)
    return errorReply(409, 'The run of this permission request has ended', {
      code: 'permission_target_ended',
    })
  if (!run.sandboxUp) return sandboxNotReady
  request.record('command', run.task, run)
  if (agent.passOn) return agent.passOn(run, command)
  const said = { jsonrpc: '2.0', ...(id === undefined ? {} : { id }) }
  const permission = run.permissions.get(String(params.requestId))
  if (!permission)
    return ok({
      ...said,
      error: {
        code: -32000,
        message: `No pending permission request found for id: ${params.requestId}`,
      },
    })
  if (permission.offers?.includes(String(params.optionId)) === false) {
    const message = `Option "${params.optionId}" was not offered for permission request ${params.requestId}`
    return ok({ ...said, error: { code: -32000, message } })
  }
  permission.answer(String(params.optionId))
  return ok({ ...said, result: { resolved: true } })
}

const sandboxNotReady: Reply = {
  ...errorReply(503, 'No active sandbox for this task run', {
    type: 'runtime_unavailable',
    code: 'sandbox_not_ready',
  }),
  headers: { 'retry-after': '2' },
}
