/** One endpoint: its name (also the handle for faults), its path, its scope, its handler. */
import type { IncomingHttpHeaders } from 'node:http'
import { METHOD_NAME_ALL } from 'hono/router'
import { PatternRouter } from 'hono/router/pattern-router'
import { mapParams, matches, type Params } from '../serving.ts'
import type { RouteName } from './fault.ts'
import type { ApiKey } from './options.ts'
import { malformedJson, notFound, type Reply, unsupportedMediaType } from './reply.ts'
import type { Run, Task } from './run.ts'
import type { LedgerKind, World } from './world.ts'

type Method = 'GET' | 'POST'
export type Scope = 'task:read' | 'task:write' | 'integration:read'

export interface Route {
  name: RouteName
  method: Method
  path: string
  scope: Scope
  handle: Handle
}

type Handle = (request: ApiRequest) => Reply | Promise<Reply>

/** @param path below `/api/projects/{id}/`; `:name` is a parameter */
export const route = (
  name: RouteName,
  [method, path]: readonly [Method, path: string],
  scope: Scope,
  handle: Handle,
): Route => ({ name, method, path: `/api/projects/:project/${path}`, scope, handle })

/** One call of the API by somebody who may make it. */
interface Asked {
  world: World
  caller: ApiKey
  params: Params
  url: URL
  headers: IncomingHttpHeaders
  raw: Buffer
  /** How long what this request makes stays missing from lists, or how young a list hides things. */
  staleMs: number
}

export type ApiRequest = ReturnType<typeof apiRequest>

export function apiRequest(asked: Asked) {
  const { world, caller, params } = asked
  const body = () => bodyOf(asked)
  /** Another user's task is not there at all. The run views word a missing one differently. */
  const task = (missing?: string): Task => {
    const id = params.task?.toLowerCase()
    const found = world.tasks.find(known => known.id === id && known.createdBy === caller.userId)
    if (!found) throw notFound(missing)
    return found
  }
  const taskOfRuns = () => task('Task not found')
  return {
    ...asked,
    query: asked.url.searchParams,
    body,
    task,
    taskOfRuns,
    run(): Run {
      const id = params.run?.toLowerCase()
      const found = world.runsOf(taskOfRuns()).find(known => known.id === id)
      if (!found) throw notFound()
      return found
    },
    /** Something came of it. */
    record: (kind: LedgerKind, of: Task, run?: Run) =>
      world.ledger.push({
        kind,
        at: Date.now(),
        taskId: of.id,
        body: body(),
        ...(run && { runId: run.id }),
      }),
  }
}

/** An empty body reads as `{}`, whatever its content type. */
function bodyOf({ raw, headers }: Asked): unknown {
  if (raw.length === 0) return {}
  const type = headers['content-type'] ?? ''
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw unsupportedMediaType(type)
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    throw malformedJson()
  }
}

export interface Found {
  route: Route
  params: Params
}

/** The routes of the most exact path that fits: without any it is an unknown endpoint, without the method a 405. */
export function matcherOf(routes: readonly Route[]): (path: string) => Found[] {
  const router = new PatternRouter<Route>()
  // A fixed path (`tasks/models`) is tried before one with a parameter in its place.
  for (const route of routes.toSorted((a, b) => parameters(a) - parameters(b)))
    router.add(METHOD_NAME_ALL, route.path, route)
  return path => {
    const plain = `/${path.split('/').filter(Boolean).join('/')}`
    const found = matches(router, METHOD_NAME_ALL, plain)
    const exact = found.filter(([route]) => route.path === found[0]?.[0].path)
    return exact.map(([route, params]) => ({
      route,
      params: mapParams(params, decodeURIComponent),
    }))
  }
}

const parameters = ({ path }: Route): number => path.split('/:').length
