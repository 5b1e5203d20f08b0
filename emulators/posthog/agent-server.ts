/**
 * What the server around the agent logs and patches, in its order: as `test/data/agent-recordings` shows it, to which
 * `recordings.test.ts` holds this. Where its source is named, that is `@posthog/agent` 2.4.187.
 */
import { randomUUID } from 'node:crypto'
import { type Message, type Run, spoken } from './run.ts'

/** Which words began the turn. */
export type Phase = 'initial' | 'resume' | 'followup'

export function bootSession(run: Run): void {
  const { sessionId, id: runId, task, state } = run
  const initialize = run.ask('initialize', { protocolVersion: 1, clientCapabilities: {} })
  const agentInfo = { name: 'codex', title: 'Codex (app-server)', version: '0.1.0' }
  run.answer(initialize, { result: { protocolVersion: 1, agentInfo, authMethods: [] } })
  const { mode, model = 'gpt-5.5', initial_permission_mode: permissionMode = 'auto' } = state
  const meta = {
    taskRunId: runId,
    taskId: task.id,
    environment: 'cloud',
    mode,
    model,
    permissionMode,
  }
  const begun = run.ask('session/new', { cwd: '/tmp/workspace', mcpServers: [], _meta: meta })
  run.update({ sessionUpdate: 'config_option_update', configOptions: [] })
  run.update({ sessionUpdate: 'available_commands_update', availableCommands: [] })
  run.note('_posthog/sdk_session', { taskRunId: runId, sessionId, adapter: 'codex' })
  run.answer(begun, { result: { sessionId, configOptions: [] } })
  run.console('Session initialized successfully')
  run.note('_posthog/run_started', { sessionId, runId, taskId: task.id, steering: 'native' })
  run.progress('agent', 'completed', 'Started agent')
}

/** @returns the id of the prompt, which its answer has, too */
export function sendPrompt(
  run: Run,
  { text, id }: Message,
  phase: Phase,
  isShown = text !== '',
): number {
  const { sessionId } = run
  run.cost += 0.1
  if (phase === 'followup') {
    run.console('Received user_message command')
    run.console(`Processing user message (detectedPrUrl=none): ${text.slice(0, 100)}...`)
  } else {
    run.console('Built pending user prompt')
    run.console(phase === 'resume' ? 'Sending resume message' : 'Sending initial task message')
    run.note('_posthog/agent_command_dispatched', {})
  }
  const history = phase === 'resume' ? `${resumes}${text === '' ? '' : newWords(text)}` : text
  const prompt = [{ type: 'text', text: history }]
  const _meta = id === undefined ? undefined : { messageId: String(id) }
  const asked = run.ask('session/prompt', { sessionId, prompt, _meta })
  if (isShown) run.update(spoken('user_message_chunk', text))
  return asked
}

/** Words that come before the first turn has begun are refused, and the run with them [P]. */
export function refuseEarly(run: Run, message: Message): void {
  const id = sendPrompt(run, message, 'followup', false)
  const details = 'prompt() called while a turn is already in progress'
  run.answer(id, { error: { code: -32603, message: 'Internal error', data: { details } } })
  reportFailure(run, undefined, 'followup')
}

const resumes =
  'You are resuming a previous conversation. Use the current workspace contents together with the preserved conversation history below.\n\n'
const newWords = (text: string) =>
  `The user has sent a new message:\n\n${text}\n\nRespond to the user's new message above.`

/** Words during the first turn: their prompt is answered at once, and the turn, which goes on, reads them. */
export function steerTurn(run: Run, message: Message): void {
  const id = sendPrompt(run, message, 'followup')
  run.answer(id, { result: { stopReason: 'end_turn', _meta: { steer: true } } })
  run.console('User message completed {"stopReason":"end_turn"}')
  run.note('_posthog/turn_complete', { sessionId: run.sessionId, stopReason: 'end_turn' })
  run.store()
  run.console('No agent message found for Slack relay')
  reportBranch(run)
}

/** What is checked out, `main` included: no proof of a push. */
function reportBranch(run: Run): void {
  const branch = run.working?.name ?? run.checkedOut
  if (branch === undefined || run.output?.head_branch === branch) return
  run.change({ branch })
  run.addOutput({ head_branch: branch })
}

/** After each answer of the model. */
export function spend(run: Run): void {
  const usage = { used: 120, size: 258_400 }
  run.update({ sessionUpdate: 'usage_update', ...usage })
  run.note('_posthog/usage_update', { sessionId: run.sessionId, ...usage, usage: tokens })
  run.console('Extension notification {"method":"_posthog/usage_update"}')
}

const tokens = { inputTokens: 100, outputTokens: 20, cachedReadTokens: 10, totalTokens: 120 }
const noTokens = { inputTokens: 0, outputTokens: 0, cachedReadTokens: 0, totalTokens: 0 }

function completeTurn(run: Run, stopReason: string): void {
  const usage = run.answered ? tokens : noTokens
  run.note('_posthog/turn_complete', { sessionId: run.sessionId, stopReason, usage })
  run.console('Extension notification {"method":"_posthog/turn_complete"}')
  if (!run.answered) return
  run.note('_posthog/usage_update', { sessionId: run.sessionId, breakdown: { conversation: 0 } })
  run.console('Extension notification {"method":"_posthog/usage_update"}')
}

const names = {
  initial: 'Initial task message',
  resume: 'Resume message',
  followup: 'User message',
} as const

/** A prompt has its one answer. What comes after it in the log belongs to it. */
export function answerPrompt(run: Run, id: number, stopReason: string, phase: Phase): void {
  run.cost += 0.32
  completeTurn(run, stopReason)
  run.answer(id, { result: { stopReason, usage: run.answered ? tokens : undefined } })
  run.console(`${names[phase]} completed {"stopReason":"${stopReason}"}`)
  forgetPending(run)
}

/** Of `/goal`, which no model answers. */
export function answerCommand(run: Run, id: number): void {
  run.answer(id, { result: { stopReason: 'end_turn' } })
  run.console('User message completed {"stopReason":"end_turn"}')
  run.note('_posthog/turn_complete', { sessionId: run.sessionId, stopReason: 'end_turn' })
  run.store()
}

/** `close` in the middle of a turn [P: a result, no `turn_complete`; no recording is here]. */
export function closeSession(run: Run, id: number): void {
  run.console('Close requested')
  run.answer(id, { result: { stopReason: 'cancelled' } })
  run.console('Cleaning up session')
  run.store()
}

function forgetPending(run: Run): void {
  const keys = ['pending_user_message', 'pending_user_message_id']
  if (keys.some(key => key in run.state)) run.setState({}, keys)
}

/** What it cost and left is on the row. Only a turn that ended well has its log stored at once [P]. */
export function reportTurn(run: Run, stopReason: string): void {
  if (stopReason === 'end_turn') run.store()
  reportUsage(run)
  if (stopReason === 'end_turn') reportBranch(run)
}

function reportUsage(run: Run): void {
  if (run.answered)
    run.setState({ token_usage: { total_tokens: 120 * run.turns, turns: run.turns } })
}

/** Source: `classifyAgentError`. */
const classes: readonly [RegExp, string][] = [
  [/socket connection (?:was )?closed/i, 'upstream_stream_terminated'],
  [/This agent run reached its spend limit/i, 'task_spend_limit'],
  [/unexpected status\s*(?:429|5\d\d)\b/i, 'upstream_provider_failure'],
  [/usage limit/i, 'subscription_usage_limit'],
]

export function faultOf(said: string) {
  const classification = classes.find(([pattern]) => pattern.test(said))?.[1] ?? 'agent_error'
  const isUpstream = classification.startsWith('upstream_')
  const status = /\bunexpected status\s+(\d{3})\b/i.exec(said)?.[1]
  const words = isUpstream ? classification : said.slice(0, 400)
  const cause = status ? `unexpected status ${status}` : words
  return {
    classification,
    isUpstream,
    cause,
    message: `The agent stopped before completing this request: ${said}`,
  }
}

const upstreamFailed =
  'The upstream AI provider failed to process the request. Please retry the task in a few minutes.'

/** The prompt is answered with an error. The server asks again by itself when the provider failed. */
export function refusePrompt(run: Run, id: number, said: string): void {
  const { classification, isUpstream, cause, message } = faultOf(said)
  if (!isUpstream) completeTurn(run, 'refusal')
  const data = { classification, result: cause, madeProgress: run.answered }
  run.answer(id, { error: { code: -32603, message, data } })
}

/** The prompt again, hidden. @returns its id */
export function promptAgain(run: Run, text: string): number {
  run.console('Turn hit a transient upstream failure; retrying after a short delay', 'warn')
  const prompt = [{ type: 'text', text, _meta: { ui: { hidden: true } } }]
  return run.ask('session/prompt', { sessionId: run.sessionId, prompt })
}

/** Codex itself is gone. */
export function breakPrompt(run: Run, id: number): void {
  const details = 'codex app-server exited before the turn completed'
  run.answer(id, { error: { code: -32603, message: 'Internal error', data: { details } } })
}

/** Ends the row, but for a hiccup of the provider in a follow-up of an interactive run [R: `handleTurnFailure`]. */
export function reportFailure(run: Run, said: string | undefined, phase: Phase): void {
  const { classification, isUpstream, ...known } =
    said === undefined ? { ...internal, isUpstream: false } : faultOf(said)
  const message = isUpstream ? upstreamFailed : known.message
  run.store()
  reportUsage(run)
  if (phase !== 'followup') {
    run.console(`Failed to send initial task message {"message":"${known.message}"}`, 'error')
    forgetPending(run)
  }
  run.console(`send_${phase}_task_message_failed {"classification":"${classification}"}`, 'error')
  run.update({ sessionUpdate: 'error', errorType: classification, message })
  if (isUpstream && phase === 'followup' && run.state.mode === 'interactive') {
    run.note('_posthog/turn_complete', {
      sessionId: run.sessionId,
      stopReason: 'error_recoverable',
    })
    return
  }
  const kept = isUpstream ? upstreamFailed : known.cause
  const error = {
    message: kept,
    error: kept,
    errorCategory: classification,
    error_category: classification,
  }
  run.note('_posthog/error', { source: 'agent_server', stopReason: 'error', ...error })
  run.store()
  run.close('failed', `${classification}: ${kept}`)
  run.console('Task completion signaled {"status":"failed","stopReason":"error"}')
}

const internal = {
  classification: 'agent_error',
  message: 'Internal error',
  cause: 'Internal error',
}

interface ToolCall {
  title: string
  kind: string
  locations?: { path: string }[]
  [more: string]: unknown
}

/** @returns its id */
export function beginCall(run: Run, call: ToolCall): string {
  run.answered = true
  const toolCallId = `call_${randomUUID().slice(0, 8)}`
  run.update({ sessionUpdate: 'tool_call', toolCallId, ...call, status: 'in_progress' })
  return toolCallId
}

export function endCall(run: Run, toolCallId: string, said = '', status = 'completed'): void {
  const content =
    said === '' ? undefined : [{ type: 'content', content: { type: 'text', text: said } }]
  run.update({ sessionUpdate: 'tool_call_update', toolCallId, status, content })
}

export function runCommand(run: Run, command: string, output = ''): void {
  const title = `/bin/bash -lc '${command}'`
  endCall(
    run,
    beginCall(run, { title, kind: 'execute', locations: [{ path: '/tmp/workspace' }] }),
    output,
  )
  spend(run)
}

export function editFiles(run: Run, paths: readonly string[]): void {
  for (const path of paths)
    endCall(run, beginCall(run, { title: path, kind: 'edit', locations: [{ path }] }))
  if (paths.length > 0) spend(run)
}
