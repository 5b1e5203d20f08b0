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
 * The row of a run is true before its event is sent. The stored log comes after: the agent writes it half a
 * second after its last event (PostHog's `session-log-writer.ts`), so that what stands only there takes a
 * second look to be seen.
 */
const looks = { none: 0, row: 1, log: 2 } as const

/** A reader of one run's events: how many looks each is worth. */
export function newsReader(): (data: string) => number {
  let before: string | undefined
  return data => {
    const frame = frameOf(data)
    switch (frame?.type) {
      case 'task_run_state': {
        const state = JSON.stringify([frame.status, frame.output])
        const same = state === before
        before = state
        return same ? looks.none : looks.row
      }
      case 'permission_request':
        return looks.row
      case 'notification':
        return looksFor(frame.notification)
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

const told = /posthog\/(?:progress|turn_complete|error)$/

function looksFor(notification: Frame['notification']): number {
  if (!notification) return looks.none
  const { method, params, result } = notification
  // Agents that do not announce the end of a turn end it with the answer to its prompt.
  if (result || (method !== undefined && told.test(method))) return looks.log
  // One look must do for these: they are many, and the end of the turn comes after them.
  return params?.update?.sessionUpdate === 'agent_message' ? looks.row : looks.none
}

export interface Bell {
  /** Rings at once if it was quiet for the gap, and as many times as `looks` says, a gap apart. */
  ring(looks: number): void
  /** For good. */
  still(): void
}

/** Whatever is rung for in a gap is one more ring at its end, so that the last of a flood counts too. */
export function bellOf(ring: () => void, gap: number): Bell {
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
