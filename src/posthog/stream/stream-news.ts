import { z } from 'zod'

const Frame = z.object({
  type: z.string(),
  status: z.unknown().optional(),
  output: z.unknown().optional(),
  notification: z
    .object({
      method: z.string().optional().catch(undefined),
      params: z
        .object({ update: z.object({ sessionUpdate: z.string() }).optional().catch(undefined) })
        .nullish()
        .catch(undefined),
      result: z.object({ stopReason: z.string() }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
})
type Frame = z.infer<typeof Frame>

/**
 * PostHog stores its own changes before it sends them; the agent's log half a second after its last event
 * (`session-log-writer.ts` of PostHog/code).
 */
export type News =
  | 'stored'
  /** The end of a turn: poll when the log should have it, and again until it does. */
  | 'turn-over'
  /** Text for people: poll when the log has it. */
  | 'said'
  | 'done'

export function newsReader(): (data: string) => News | undefined {
  let before: string | undefined
  let ended = false
  return data => {
    const frame = frameOf(data)
    switch (frame?.type) {
      case 'task_run_state': {
        const state = JSON.stringify([frame.status, frame.output])
        const same = state === before
        before = state
        return same ? undefined : 'stored'
      }
      case 'permission_request':
        return 'stored'
      case 'notification': {
        const news = newsIn(frame.notification)
        const again = ended && news === 'turn-over'
        if (news === 'turn-over') ended = true
        else if (frame.notification?.params?.update) ended = false
        return again ? undefined : news
      }
      default:
        return undefined
    }
  }
}

function frameOf(data: string): Frame | undefined {
  try {
    return Frame.safeParse(JSON.parse(data)).data
  } catch {
    return undefined
  }
}

const stored = /posthog\/(?:progress|permission_request)$/
const late = /posthog\/(?:\w*turn_complete|error)$/
/** Whole messages only: their pieces are not logged. */
const said = /^(?:agent_message|plan|user_message(?:_chunk)?)$/

function newsIn(notification: Frame['notification']): News | undefined {
  if (!notification) return undefined
  const { method = '', params, result } = notification
  // Agents without an event for it end a turn with a response to its prompt.
  if (result || late.test(method)) return 'turn-over'
  if (stored.test(method)) return 'stored'
  const update = params?.update?.sessionUpdate ?? ''
  if (said.test(update) || method.endsWith('posthog/permission_resolved')) return 'said'
  return update.startsWith('tool_call') ? 'done' : undefined
}
