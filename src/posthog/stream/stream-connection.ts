/** One connection to PostHog's event stream of a run, and what its events say. */
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { json } from 'node:stream/consumers'
import { createParser } from 'eventsource-parser'
import { z } from 'zod'
import { Rejected, RetryLater } from '../../core/model/errors.ts'
import { retryAt } from '../../core/model/faults.ts'
import { perhaps } from '../../core/model/schema-parts.ts'
import type { Session } from '../../core/record/request-part.ts'
import { readJson } from '../../core/text/json.ts'
import { faultIn, isOfTheKey, type PostHogSettings } from '../posthog-http.ts'
import { ErrorBody } from '../schemas.ts'

export interface Line {
  session: Session
  owner: string
  failures: number
  isDropped: boolean
  /** Ends what it waits for. */
  interrupt(): void
  /** The last event; without one, the stream begins with the next. */
  lastId: string | undefined
  opened(): void
  received(data: string | undefined): void
}

export type Ending =
  | { kind: 'rotated' }
  | { kind: 'over' }
  | { kind: 'refused'; status: number }
  /** `until`: ms since the epoch */
  | { kind: 'lost'; reason: string; until?: number }

/** @param silence ms after which it is dead */
export async function connect(
  settings: PostHogSettings,
  line: Line,
  silence: number,
): Promise<Ending> {
  try {
    settings.gate.pass()
    const reservation = {
      owner: line.owner.toLowerCase(),
      id: `stream ${line.session.taskRunId}`,
      calls: 1,
    }
    const later = await settings.budget?.reserve(reservation).catch(() => undefined)
    if (later !== undefined)
      return { kind: 'lost', reason: 'no calls left for it', until: Date.now() + later }
    if (line.isDropped) return { kind: 'over' }
    return await listenTo(settings, line, silence)
  } catch (error) {
    if (error instanceof RetryLater) return { kind: 'lost', reason: error.why, until: error.until }
    if (!(error instanceof Error)) return { kind: 'lost', reason: 'no reason given' }
    return { kind: 'lost', reason: 'code' in error ? String(error.code) : error.name }
  }
}

async function listenTo(settings: PostHogSettings, line: Line, silence: number): Promise<Ending> {
  const request = streamRequest(settings, line)
  let watchdog: NodeJS.Timeout | undefined
  const alive = (): void => void watchdog?.refresh()
  try {
    return await new Promise((resolve, reject) => {
      line.interrupt = () => resolve({ kind: 'over' })
      // Also while waiting for the response: some servers send headers only with the first event.
      watchdog = setTimeout(() => resolve({ kind: 'lost', reason: 'silence' }), silence).unref()
      request.on('error', reject)
      request.once('response', response => {
        alive()
        readResponse(settings, line, response, alive).then(resolve, reject)
      })
      request.end()
    })
  } finally {
    clearTimeout(watchdog)
    request.destroy()
  }
}

async function readResponse(
  settings: PostHogSettings,
  line: Line,
  response: IncomingMessage,
  alive: () => void,
): Promise<Ending> {
  const type = response.headers['content-type'] ?? ''
  const isStream = response.statusCode === 200 && /^text\/event-stream\b/i.test(type)
  if (!isStream) return unusableResponse(settings, response, Date.now())
  line.opened()
  return hearOut(line, response, alive)
}

/** Each stream has a connection, and all share one agent, to save memory. */
const httpAgent = new http.Agent({ keepAlive: false })
const secured = new https.Agent({ keepAlive: false, maxCachedSessions: 10 })

/** It does not use `fetch`, as Node 20 opens a spare connection for each aborted stream. A redirect is a refusal. */
function streamRequest(settings: PostHogSettings, { session, lastId }: Line): http.ClientRequest {
  const path = `tasks/${session.taskId}/runs/${session.taskRunId}/stream/`
  const url = new URL(`${settings.host}/api/projects/${settings.projectId}/${path}`)
  if (lastId === undefined) url.searchParams.set('start', 'latest')
  const headers = {
    authorization: `Bearer ${settings.apiKey}`,
    accept: 'text/event-stream',
    // A compressing proxy would buffer.
    'accept-encoding': 'identity',
    'user-agent': 'codex-task-bot',
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  }
  return url.protocol === 'http:'
    ? http.request(url, { headers, agent: httpAgent })
    : https.request(url, { headers, agent: secured })
}

async function unusableResponse(
  { gate }: PostHogSettings,
  response: IncomingMessage,
  now: number,
): Promise<Ending> {
  const { statusCode: status = 0 } = response
  if (status < 500 && status !== 408 && status !== 429) return { kind: 'refused', status }
  const body = status === 429 ? await json(response).catch(() => undefined) : undefined
  const at = retryAt(response.headers['retry-after'], now)
  const fault = faultIn(status, ErrorBody.parse(body), { now, at })
  if (isOfTheKey(fault)) gate.remember(fault)
  const until = fault instanceof Rejected ? undefined : fault.until
  return { kind: 'lost', reason: `status ${status}`, until }
}

const maxEvent = 1_000_000
/** Goes back as a header value. */
const usableId = /^[\x21-\x7e]{1,200}$/

function hearOut(line: Line, response: IncomingMessage, alive: () => void): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const parser = createParser({
      maxBufferSize: maxEvent,
      onEvent({ event, data, id }) {
        if (id !== undefined) line.lastId = usableId.test(id) ? id : undefined
        switch (event) {
          case 'end':
            finish({ kind: 'rotated' })
            break
          case 'stream-end':
            finish({ kind: 'over' })
            break
          case 'error':
            lose('the server reported an error')
            break
          default:
            line.received(event === 'keepalive' ? undefined : data)
        }
      },
      onComment: () => line.received(undefined),
      onError({ type }) {
        if (type === 'max-buffer-size-exceeded') lose('an event is too long')
      },
    })

    function finish(ending: Ending) {
      resolve(ending)
      response.destroy()
    }

    function lose(reason: string) {
      line.lastId = undefined
      finish({ kind: 'lost', reason })
    }

    const decoder = new TextDecoder()
    response.on('data', (bytes: Buffer) => {
      alive()
      parser.feed(decoder.decode(bytes, { stream: true }))
    })
    response.once('end', () => finish({ kind: 'lost', reason: 'closed by the server' }))
    response.once('error', reject)
  })
}

/** A part of an event. The event is bounded as a whole. */
const part = z.string().max(maxEvent)
const EventFrame = z.object({
  type: part,
  status: z.unknown().optional(),
  output: z.unknown().optional(),
  notification: perhaps(
    z.object({
      method: perhaps(part),
      params: perhaps(z.object({ update: perhaps(z.object({ sessionUpdate: part })) })),
      result: perhaps(z.object({ stopReason: part })),
    }),
  ),
})
type EventFrame = z.infer<typeof EventFrame>

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
  return data => {
    const frame = readJson(EventFrame, data)
    switch (frame?.type) {
      case 'task_run_state': {
        const state = JSON.stringify([frame.status, frame.output])
        const same = state === before
        before = state
        return same ? undefined : 'stored'
      }
      case 'permission_request':
        return 'stored'
      case 'notification':
        return newsIn(frame.notification)
      default:
        return undefined
    }
  }
}

const storedEvents = /posthog\/(?:progress|permission_request)$/
const late = /posthog\/(?:\w*turn_complete|error)$/
/** Whole messages only: their pieces are not logged. */
const said = /^(?:agent_message|plan|user_message(?:_chunk)?)$/

function newsIn(notification: EventFrame['notification']): News | undefined {
  if (!notification) return undefined
  const { method = '', params, result } = notification
  // Agents without an event for it end a turn with a response to its prompt.
  if (result || late.test(method)) return 'turn-over'
  if (storedEvents.test(method)) return 'stored'
  const update = params?.update?.sessionUpdate ?? ''
  if (said.test(update) || method.endsWith('posthog/permission_resolved')) return 'said'
  return update.startsWith('tool_call') ? 'done' : undefined
}
