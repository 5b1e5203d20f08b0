/** One endpoint: its name (also the handle for faults), its path, its scope, its handler. */
import type { IncomingHttpHeaders } from 'node:http'
import { METHOD_NAME_ALL } from 'hono/router'
import { PatternRouter } from 'hono/router/pattern-router'
import { mapParams, matches, type Params } from '../serving.ts'
import type { ApiKey } from './options.ts'
import { malformedJson, type Reply, unsupportedMediaType } from './reply.ts'
import type { World } from './world.ts'

export type RouteName =
  | 'list-tasks'
  | 'create-task'
  | 'get-task'
  | 'run'
  | 'models'
  | 'usage'
  | 'list-runs'
  | 'get-run'
  | 'cancel'
  | 'command'
  | 'session-logs'
  | 'stream'
  | 'prepare-staged'
  | 'finalize-staged'
  | 'prepare-artifact'
  | 'finalize-artifact'
  | 'sandbox-environments'
  | 'integrations'
  | 'github-repos'

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

export class ApiRequest {
  readonly world: World
  readonly caller: ApiKey
  readonly params: Params
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly raw: Buffer
  /** How long what this request makes stays missing from lists, or how young a list hides things. */
  readonly staleMs: number

  constructor(
    given: Pick<ApiRequest, 'world' | 'caller' | 'params' | 'url' | 'headers' | 'raw' | 'staleMs'>,
  ) {
    this.world = given.world
    this.caller = given.caller
    this.params = given.params
    this.url = given.url
    this.headers = given.headers
    this.raw = given.raw
    this.staleMs = given.staleMs
  }

  get query(): URLSearchParams {
    return this.url.searchParams
  }

  get origin(): string {
    return this.url.origin
  }

  param(name: string): string {
    return this.params[name] ?? ''
  }

  /** An empty body reads as `{}`, whatever its content type. */
  body(): unknown {
    if (this.raw.length === 0) return {}
    const type = this.headers['content-type'] ?? ''
    if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json') throw unsupportedMediaType(type)
    try {
      return JSON.parse(this.raw.toString('utf8'))
    } catch {
      throw malformedJson()
    }
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
    return exact.map(([route, params]) => ({ route, params: mapParams(params, decodeURIComponent) }))
  }
}

const parameters = ({ path }: Route): number => path.split('/:').length
