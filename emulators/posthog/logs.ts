/**
 * Server-sent events of a run: at-least-once, resumable by id, closed by the server now and then. Only `stream-end`
 * says that the run is over.
 */
import type { ServerResponse } from 'node:http'
import { integer, readBody } from './fields.ts'
import type { Settings, StreamRules } from './options.ts'
import { timerMs } from './pause.ts'
import { ok, type Reply } from './reply.ts'
import { type ApiRequest, type Route, route } from './route.ts'
import type { Frame, Notification, Run } from './run.ts'

type Cursor = Pick<Frame, 'ms' | 'n'>

const start: Cursor = { ms: -1, n: 0 }

function streamRun(request: ApiRequest): Reply {
  const run = request.run()
  const { stream: rules } = request.world.settings
  const lastId = request.headers['last-event-id']
  const latest = request.query.get('start') === 'latest'
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    },
    stream: response => {
      if (isOver(run, rules))
        replayLog(response, run, typeof lastId === 'string' ? lastId : undefined)
      else new Reader(response, run, rules, cursorFor(run, lastId, latest)).begin()
    },
  }
}

const isOver = (run: Run, rules: StreamRules) =>
  run.completedAt !== null && Date.now() - run.completedAt.getTime() > rules.keptMs

function cursorFor(run: Run, lastId: string | string[] | undefined, latest: boolean): Cursor {
  if (typeof lastId === 'string') return parseId(lastId)
  return latest ? (run.frames.at(-1) ?? start) : start
}

function parseId(id: string): Cursor {
  const [ms, n] = id.split('-').map(Number)
  return Number.isFinite(ms) && ms !== undefined ? { ms, n: n ?? 0 } : start
}

const isAfter = (frame: Frame, cursor: Cursor) =>
  frame.ms > cursor.ms || (frame.ms === cursor.ms && frame.n > cursor.n)

class Reader {
  readonly #response: ServerResponse
  readonly #run: Run
  readonly #rules: StreamRules
  #cursor: Cursor
  #sent = 0
  #timers: NodeJS.Timeout[] = []

  constructor(response: ServerResponse, run: Run, rules: StreamRules, cursor: Cursor) {
    this.#response = response
    this.#run = run
    this.#rules = rules
    this.#cursor = cursor
  }

  begin(): void {
    this.#run.listeners.add(this.#pump)
    this.#response.on('close', () => this.#stop())
    this.#timers = [
      setInterval(
        () => send(this.#response, { type: 'keepalive' }, { event: 'keepalive' }),
        timerMs(this.#rules.keepaliveMs),
      ),
      setTimeout(() => this.#end('end', { type: 'rotated' }), timerMs(this.#rules.rotateMs)),
    ]
    for (const timer of this.#timers) timer.unref()
    this.#pump()
  }

  readonly #pump = (): void => {
    for (const frame of this.#run.frames.filter(frame => isAfter(frame, this.#cursor)))
      this.#deliver(frame)
    if (this.#run.terminal) this.#end('stream-end', { status: 'complete' })
  }

  #deliver(frame: Frame): void {
    this.#cursor = frame
    this.#sent += 1
    const id = `${frame.ms}-${frame.n}`
    send(this.#response, frame.data, { id })
    const every = this.#rules.duplicateEvery
    if (every > 0 && this.#sent % every === 0) send(this.#response, frame.data, { id })
  }

  #end(event: string, data: object): void {
    this.#stop()
    send(this.#response, data, { event })
    this.#response.end()
  }

  #stop(): void {
    this.#run.listeners.delete(this.#pump)
    for (const timer of this.#timers) clearTimeout(timer)
  }
}

/** When Redis has let go of the frames, the stored log is all there is. */
function replayLog(response: ServerResponse, run: Run, lastId: string | undefined): void {
  const seen = Number(/^log-(\d+)$/.exec(lastId ?? '')?.[1] ?? -1)
  for (const [index, entry] of run.log.entries())
    if (index > seen) send(response, entry, { id: `log-${index}` })
  send(response, { status: 'complete' }, { event: 'stream-end' })
  response.end()
}

function send(
  response: ServerResponse,
  data: object,
  { event, id }: { event?: string; id?: string },
): void {
  const lines = [event && `event: ${event}`, id && `id: ${id}`, `data: ${JSON.stringify(data)}`]
  response.write(`${lines.filter(Boolean).join('\n')}\n\n`)
}

const run = 'tasks/:task/runs/:run'

export const logRoutes: Route[] = [
  route('session-logs', ['GET', `${run}/session_logs`], 'task:read', sessionLogs),
  route('stream', ['GET', `${run}/stream`], 'task:read', streamRun),
]

/** The logs of the runs it was resumed from come first, oldest first, at most ten deep. */
function wholeLog(found: Run): Notification[] {
  const chain: Run[] = []
  for (let at: Run | undefined = found; at && chain.length < 10; at = at.resumedFrom)
    chain.unshift(at)
  return chain.flatMap(({ log, logShown }) => log.slice(0, logShown))
}

const queryFields = { limit: integer({ min: 1, max: 5_000 }), offset: integer({ min: 0 }) }

function sessionLogs(request: ApiRequest): Reply {
  const found = request.run()
  const { limit = 1_000, offset = 0 } = readBody(Object.fromEntries(request.query), queryFields)
  const all = wholeLog(found)
  const shown = pageOf(all.slice(offset, offset + limit), request.world.settings.logPage)
  return {
    ...ok(shown),
    headers: {
      'x-matching-count': String(all.length),
      'x-has-more': String(offset + shown.length < all.length),
      'cache-control': 'no-cache',
    },
  }
}

/** Cut at a number of entries, and at a number of bytes of which only a single entry may be larger [R, E]. */
function pageOf(
  entries: Notification[],
  { entries: most, bytes }: Settings['logPage'],
): Notification[] {
  let size = 0
  const fitting = entries.slice(0, most).findIndex((entry, index) => {
    size += Buffer.byteLength(JSON.stringify(entry))
    return index > 0 && size > bytes
  })
  return entries.slice(0, fitting === -1 ? most : fitting)
}
