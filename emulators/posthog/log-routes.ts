import { char, datetime, integer, readBody } from './fields.ts'
import type { Settings } from './options.ts'
import { ok, type Reply } from './reply.ts'
import type { ApiRequest, Route } from './route.ts'
import type { Notification, Run } from './run.ts'
import { streamRun } from './stream.ts'

const run = 'tasks/:task/runs/:run'

export const logRoutes: Route[] = [
  { name: 'logs', method: 'GET', path: `${run}/logs`, scope: 'task:read', handle: logs },
  {
    name: 'session-logs',
    method: 'GET',
    path: `${run}/session_logs`,
    scope: 'task:read',
    handle: sessionLogs,
  },
  { name: 'stream', method: 'GET', path: `${run}/stream`, scope: 'task:read', handle: streamRun },
  {
    name: 'stream-token',
    method: 'GET',
    path: `${run}/stream_token`,
    scope: 'task:read',
    handle: streamToken,
  },
]

/** The logs of the runs it was resumed from come first, oldest first, at most ten deep; both endpoints show them. */
export function wholeLog(found: Run, { timing }: Settings): Notification[] {
  const chain: Run[] = []
  for (let at: Run | undefined = found; at && chain.length < 10; at = at.resumedFrom) chain.unshift(at)
  const stored = Date.now() - timing.log
  return chain.flatMap(({ log, logShown }) =>
    log.slice(0, logShown).filter(({ timestamp }) => Date.parse(timestamp) <= stored),
  )
}

export const asJsonLines = (log: Notification[]) => log.map(entry => `${JSON.stringify(entry)}\n`).join('')

function logs(request: ApiRequest): Reply {
  const text = asJsonLines(wholeLog(request.world.run(request), request.world.settings))
  return { status: 200, text, headers: { 'content-type': 'application/jsonl', 'cache-control': 'no-cache' } }
}

const queryFields = {
  after: datetime(),
  event_types: char(),
  exclude_types: char(),
  limit: integer({ min: 1, max: 5_000 }),
  offset: integer({ min: 0 }),
}

function sessionLogs(request: ApiRequest): Reply {
  const found = request.world.run(request)
  const query = readBody(Object.fromEntries(request.query), queryFields)
  const { limit = 1_000, offset = 0, after } = query
  const wanted = names(query.event_types)
  const unwanted = names(query.exclude_types)
  const all = wholeLog(found, request.world.settings)
  const matching = all.filter(entry => {
    if (after && new Date(entry.timestamp) <= after) return false
    const type = eventType(entry)
    return (wanted.length === 0 || wanted.includes(type)) && !unwanted.includes(type)
  })
  const shown = pageOf(matching.slice(offset, offset + limit), request.world.settings.logPage)
  return {
    ...ok(shown),
    headers: {
      'x-total-count': String(all.length),
      'x-filtered-count': String(matching.length),
      'x-matching-count': String(matching.length),
      'x-has-more': String(offset + shown.length < matching.length),
      'cache-control': 'no-cache',
    },
  }
}

/** Cut at a number of entries, and at a number of bytes of which only a single entry may be larger [R, E]. */
function pageOf(entries: Notification[], { entries: most, bytes }: Settings['logPage']): Notification[] {
  let size = 0
  const fitting = entries.slice(0, most).findIndex((entry, index) => {
    size += Buffer.byteLength(JSON.stringify(entry))
    return index > 0 && size > bytes
  })
  return entries.slice(0, fitting === -1 ? most : fitting)
}

const names = (text = '') =>
  text
    .split(',')
    .map(name => name.trim())
    .filter(Boolean)

/** The method, except that a `session/update` goes by the kind of its update. */
function eventType({ notification: { method, params } }: Notification): string {
  if (method !== 'session/update') return method
  const { update } = params
  if (typeof update !== 'object' || update === null || !('sessionUpdate' in update)) return method
  return String(update.sessionUpdate)
}

function streamToken(request: ApiRequest): Reply {
  const found = request.world.run(request)
  return ok({ token: `emulated.${found.id}.token`, stream_base_url: null })
}
