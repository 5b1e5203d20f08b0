/** What in the stream of a run is worth a look, and how often looks are asked for. */
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
 * PostHog stores its own changes and steps before it sends them. What the agent says stands in the log only
 * later: it writes there half a second after its last event (`session-log-writer.ts` of PostHog/code), so
 * the end of a turn, with nothing after it, takes a second look to be seen.
 */
const looks = { none: 0, stored: 1, late: 2 } as const

/** A reader of one run's events: how many looks each is worth. */
export function newsReader(): (data: string) => number {
  let before: string | undefined
  // An agent tells of the end of a turn up to three times.
  let ended = false
  return data => {
    const frame = frameOf(data)
    switch (frame?.type) {
      case 'task_run_state': {
        const state = JSON.stringify([frame.status, frame.output])
        const same = state === before
        before = state
        return same ? looks.none : looks.stored
      }
      case 'permission_request':
        return looks.stored
      case 'notification': {
        const worth = looksFor(frame.notification)
        const again = ended && worth === looks.late
        if (worth === looks.late) ended = true
        else if (frame.notification?.params?.update) ended = false
        return again ? looks.none : worth
      }
      default:
        return looks.none
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

function looksFor(notification: Frame['notification']): number {
  if (!notification) return looks.none
  const { method = '', params, result } = notification
  // Agents that do not announce the end of a turn end it with the answer to its prompt.
  if (result || late.test(method)) return looks.late
  // A message is late too, but the end of its turn comes after it.
  const message = params?.update?.sessionUpdate === 'agent_message'
  return message || stored.test(method) ? looks.stored : looks.none
}

export interface Throttle {
  /** Rings at once if it was quiet for the gap, and as many times as `looks` says, a gap apart. */
  ring(looks: number): void
  /** For good. */
  still(): void
}

/** Whatever is rung for in a gap is one more ring at its end, so that the last of a flood counts too. */
export function throttleOf(ring: () => void, gap: number): Throttle {
  let owed = 0
  let timer: NodeJS.Timeout | undefined
  let stilled = false
  const next = (): void => {
    timer = undefined
    if (owed === 0) return
    owed -= 1
    timer = setTimeout(next, gap).unref()
    ring()
  }
  return {
    ring(looks) {
      if (stilled) return
      owed = Math.max(owed, looks)
      if (!timer) next()
    },
    still() {
      stilled = true
      clearTimeout(timer)
    },
  }
}
