/** Parses lines of the agent's log. */
import { messagesIn } from '../core/agent/prompt.ts'
import type { LogEntry } from '../core/run/apply-snapshot.ts'
import type { PermissionRequest } from '../core/run/permission-request.ts'
import { type AgentUpdate, actOf, maxMessage } from './agent-updates.ts'
import { begunWords } from './bounds.ts'
import { LogLine } from './schemas.ts'

export function logEntry(line: unknown): LogEntry[] {
  const parsed = LogLine.safeParse(line)
  if (!parsed.success) return []
  const at = Date.parse(parsed.data.timestamp)
  const what = meaning(parsed.data)
  return Number.isNaN(at) || !what ? [] : [{ at, what }]
}

const over = new Set(['completed', 'complete', 'done', 'success', 'succeeded', 'finished'])
const agentActs = /^(?:agent_message_chunk|agent_thought)/

/** Console output and housekeeping are no entries: they also come after a turn. */
function meaning({ notification: { method = '', params, result } }: LogLine): LogEntry['what'] | undefined {
  if (/^_?posthog\/turn_complete$/.test(method) || result)
    return { kind: 'turn-over', stopReason: params?.stopReason ?? result?.stopReason }
  if (method.endsWith('posthog/progress') && params?.step !== undefined)
    return {
      kind: 'progress',
      step: params.step,
      label: params.label ?? params.step,
      done: over.has(params.status ?? ''),
      ...(params.status === 'failed' ? { failed: true } : {}),
    }
  if (method.endsWith('posthog/permission_request') && params?.requestId !== undefined)
    return { kind: 'asks', request: requestOf(params.requestId, params) }
  if (method.endsWith('posthog/permission_resolved') && params?.requestId !== undefined)
    return { kind: 'permitted', id: params.requestId }
  const update = params?.update
  if (method !== 'session/update' || !update) return undefined
  if (update.sessionUpdate === 'agent_message') return messageOf(update.content)
  if (update.sessionUpdate.startsWith('user_message')) return wordsOf(update.content)
  return actOf(update) ?? (agentActs.test(update.sessionUpdate) ? { kind: 'activity' } : undefined)
}

/** A question is marked so, or has no rejecting option. */
function requestOf(
  id: string,
  { toolCall, options }: NonNullable<LogLine['notification']['params']>,
): PermissionRequest {
  const marked = toolCall?._meta?.codeToolKind === 'question'
  const { items = [], more = 0 } = options ?? {}
  const rejects = items.some(({ kind }) => kind.startsWith('reject'))
  return {
    id,
    title: toolCall?.title ?? 'a permission',
    question: marked || !rejects,
    options: items.map(({ optionId, name, kind }) => ({ id: optionId, name, kind })),
    ...(more > 0 ? { more } : {}),
  }
}

const textOf = (content: AgentUpdate['content']): string =>
  begunWords((content ?? []).map(({ text }) => text).join('\n'), maxMessage)

function wordsOf(content: AgentUpdate['content']): LogEntry['what'] {
  const text = textOf(content)
  return text === '' ? { kind: 'activity' } : { kind: 'words', messages: messagesIn(text).slice(0, 100) }
}

function messageOf(content: AgentUpdate['content']): LogEntry['what'] {
  const text = textOf(content)
  return text.trim() === '' ? { kind: 'activity' } : { kind: 'message', text: text.trim() }
}
