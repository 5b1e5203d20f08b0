/** The stored log of a run, always read to its end. */
import { z } from 'zod'
import { NoResponse, Rejected } from '../core/model/errors.ts'
import type { LogEntry, PermissionRequest } from '../core/model/task-run.ts'
import { hashOf } from '../core/model/thread.ts'
import type { Session } from '../core/record/request-part.ts'
import type { PostHogResponse, Request } from './posthog-http.ts'
import { type AgentUpdate, actOf, begunWords, LogLine, maxMessage, namesIn } from './schemas.ts'

export const runPath = ({ taskId, taskRunId }: Session): string =>
  `tasks/${taskId}/runs/${taskRunId}/`

/** PostHog's maximum; it gives less when entries are large. */
const pageLength = 5_000

/** Keeps of each entry what says something, and not what it is wrapped in. */
const LogEntries = z.array(z.unknown().transform(logEntry))
type Page = PostHogResponse<LogEntry[][]>

export function sessionLog(request: Request) {
  let served = false

  async function page(
    session: Session,
    query: Record<string, string>,
    counted = false,
  ): Promise<Page | undefined> {
    try {
      const path = `${runPath(session)}session_logs/`
      const read = await request({ method: 'GET', path, query, schema: LogEntries, counted })
      served = true
      return read
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      const { status, message } = error
      // Older servers have no such log.
      const isWithout = status === 405 || (status === 404 && message === 'Endpoint not found.')
      if (!served && isWithout) return undefined
      const fault = `PostHog did not give the log of a run: ${message}`
      throw new NoResponse('posthog', fault, { cause: error })
    }
  }

  /**
   * All entries after the first `offset`; `undefined` if the server has no logs. Its first page is part of the poll's
   * budget.
   */
  async function after(session: Session, offset: number): Promise<LogEntry[][] | undefined> {
    const entries: LogEntry[][] = []
    for (;;) {
      const from = String(offset + entries.length)
      const read = await page(
        session,
        { limit: String(pageLength), offset: from },
        entries.length === 0,
      )
      if (!read) return undefined
      entries.push(...read.data)
      const said = read.headers.get('x-has-more')
      const hasMore = said === null ? read.data.length >= pageLength : said.toLowerCase() === 'true'
      if (!hasMore) return entries
      if (read.data.length === 0)
        throw new NoResponse('posthog', 'PostHog held back a part of a log')
    }
  }

  /** It takes one call if the server counts entries, else one a page. */
  async function length(session: Session) {
    const read = await page(session, { limit: '1', offset: '0' })
    if (!read) return 0
    const count = read.headers.get('x-matching-count') ?? ''
    return /^\d+$/.test(count) ? Number(count) : ((await after(session, 0)) ?? []).length
  }

  return { after, length }
}

export function logEntry(line: unknown): LogEntry[] {
  const parsed = LogLine.safeParse(line)
  if (!parsed.success) return []
  const { timestamp } = parsed.data
  const what = meaning(parsed.data)
  if (!what) return []
  const isKnown = timestamp !== undefined && !repeatable.has(what.kind)
  const known = isKnown ? hashOf(10, JSON.stringify([timestamp, what])) : undefined
  return [{ at: Date.parse(timestamp ?? '') || 0, line: known, what }]
}

const repeatable: ReadonlySet<LogEntry['what']['kind']> = new Set(['acts', 'plan', 'activity'])

const agentActs = /^(?:agent_message_chunk|agent_thought)/
/** Console output and housekeeping are no entries: they also come after a turn. */
function meaning({ notification }: LogLine): LogEntry['what'] | undefined {
  const { method = '', id, params, result, error } = notification
  if (id !== undefined && result) return answerOf(id, result)
  if (id !== undefined && error) return { kind: 'error', id, fault: error }
  if (method === 'initialize') return { kind: 'begins' }
  if (method === 'session/prompt' && id !== undefined) return promptEntry(id, params)
  if (method === 'session/update') return params?.update && updateOf(params.update)
  const { requestId, comm, errorCategory, message: text = '' } = params ?? {}
  switch (method.split('posthog/')[1]) {
    case 'background_turn_started':
      return { kind: 'goes-on' }
    case 'turn_complete':
      return { kind: 'gives-up' }
    case 'error':
      return { kind: 'gives-up', fault: { class: errorCategory, text } }
    case 'permission_request':
      return params && requestId
        ? { kind: 'asks', request: permissionAsked(requestId, params) }
        : undefined
    case 'permission_resolved':
      return requestId ? { kind: 'permitted', id: requestId } : undefined
    case 'process_killed':
      return { kind: 'acts', killed: comm }
    default:
      return undefined
  }
}

type RpcResult = NonNullable<LogLine['notification']['result']>
type Params = NonNullable<LogLine['notification']['params']>

/**
 * PostHog goes on by itself in words of its own, or in those of the task (`ci_prompt`): they come without an id, and with
 * what its agent is told of the pull request (`agent-server.ts` of @posthog/agent).
 */
function promptEntry(id: string, params: Params | undefined): LogEntry['what'] {
  const { messages = [], reenters = false } = params?.prompt ?? {}
  const { prContext, messageId } = params?._meta ?? {}
  const isNobodys = prContext !== undefined && messageId === undefined && messages.length === 0
  return { kind: 'prompt', id, messages, byPostHog: reenters || isNobodys || undefined }
}

/** The agent asks permissions by ids of its own; their answers have no reason to stop. */
function answerOf(id: string, { stopReason, _meta }: RpcResult): LogEntry['what'] | undefined {
  if (stopReason === undefined) return undefined
  return { kind: 'answer', id, stopReason, steer: _meta?.steer === true || undefined }
}

/** The server's words, in those of its agent. Source: `codex-app-server-agent.ts` of @posthog/agent. */
const compacted = '\n\nContext compacted.'

const finishTool = /^posthog-code-tools\/finish$/

function updateOf(update: AgentUpdate): LogEntry['what'] | undefined {
  const { sessionUpdate, title = '' } = update
  const text = begunWords((update.content ?? []).map(part => part.text).join('\n'), maxMessage)
  if (sessionUpdate === 'agent_message') {
    const said = text.replaceAll(compacted, '\n\n').trim()
    return said === '' ? { kind: 'activity' } : { kind: 'message', text: said }
  }
  if (sessionUpdate.startsWith('user_message')) {
    return text === '' ? { kind: 'activity' } : { kind: 'words', messages: namesIn(text) }
  }
  if (sessionUpdate === 'tool_call' && finishTool.test(title)) {
    const { status, reason = '' } = update.rawInput ?? {}
    return { kind: 'finishes', gaveUp: status === 'completed' ? undefined : reason }
  }
  return actOf(update) ?? (agentActs.test(sessionUpdate) ? { kind: 'activity' } : undefined)
}

/** A question is marked so, or has no rejecting option. */
function permissionAsked(id: string, { toolCall, options }: Params): PermissionRequest {
  const marked = toolCall?._meta?.codeToolKind === 'question'
  const { items = [], more = 0 } = options ?? {}
  const rejects = items.some(({ kind }) => kind.startsWith('reject'))
  return {
    id,
    title: toolCall?.title ?? 'a permission',
    question: marked || !rejects,
    options: items.map(({ optionId, name, kind }) => ({ id: optionId, name, kind })),
    more: more > 0 ? more : undefined,
  }
}
