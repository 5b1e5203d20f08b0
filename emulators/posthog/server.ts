/** From a socket to an answer: faults first, then PostHog's own order of checks. */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { readAll } from '../serving.ts'
import { artifactRoutes, serveObject } from './artifacts.ts'
import { commandRoute } from './command-route.ts'
import { cutShort, type Fault, faultReply } from './fault.ts'
import { logRoutes } from './logs.ts'
import { neighbourRoutes } from './neighbour-routes.ts'
import type { ApiKey, RateRules, Settings } from './options.ts'
import { forever, Interrupted, pause } from './pause.ts'
import {
  authenticationFailed,
  methodNotAllowed,
  notAuthenticated,
  notFound,
  Refusal,
  type Reply,
  scopeMissing,
  serverError,
  throttled,
} from './reply.ts'
import { apiRequest, type Found, matcherOf, type Scope } from './route.ts'
import { runRoutes, taskRoutes } from './tasks.ts'
import type { Call, World } from './world.ts'

interface Incoming {
  method: string
  url: URL
  request: IncomingMessage
  raw: Buffer
  found: Found[]
}

export class Server {
  readonly #world: World
  readonly #match: (path: string) => Found[]
  readonly #rate: RateLimit

  constructor(world: World) {
    this.#world = world
    this.#rate = new RateLimit(world.settings.rate)
    const routes = [
      ...taskRoutes,
      ...runRoutes,
      commandRoute,
      ...logRoutes,
      ...artifactRoutes,
      ...neighbourRoutes,
    ]
    this.#match = matcherOf(routes)
  }

  readonly listen = (request: IncomingMessage, response: ServerResponse): void => {
    this.#serve(request, response).catch((thrown: unknown) => {
      if (!(thrown instanceof Interrupted)) console.error('posthog emulator:', thrown)
      response.destroy()
    })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await readAll(request)
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`)
    const method = request.method ?? 'GET'
    if (url.pathname.startsWith('/__s3/'))
      return send(response, await serveObject(this.#world, method, url, request.headers, raw))
    return this.#serveApi({ method, url, request, raw, found: this.#match(url.pathname) }, response)
  }

  async #serveApi(incoming: Incoming, response: ServerResponse): Promise<void> {
    const { method, url, found } = incoming
    const route = found.find(one => one.route.method === method)?.route
    const faults = this.#world.faults.strike(method, url.pathname, route?.name)
    const call: Call = {
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      route: route?.name,
      status: 0,
      at: Date.now(),
      lastEventId: incoming.request.headers['last-event-id']?.toString(),
      faults: faults.map(({ kind }) => kind),
    }
    this.#world.calls.push(call)
    const reply = await this.#answerThrough(faults, incoming, call)
    if (!reply) return void incoming.request.socket.destroy()
    call.status = reply.status
    send(response, reply)
  }

  /** Nothing means that the connection is torn down. */
  async #answerThrough(
    faults: Fault[],
    incoming: Incoming,
    call: Call,
  ): Promise<Reply | undefined> {
    const { signal } = this.#world.closing
    let staleMs = 0
    let broken: Fault | undefined
    for (const fault of faults) {
      if (fault.kind === 'delay') await pause(fault.ms, signal)
      else if (fault.kind === 'held')
        await fault.until({ method: incoming.method, path: incoming.url.pathname })
      else if (fault.kind === 'stale') staleMs = fault.ms
      else broken = fault
    }
    if (!broken) return this.#answer(incoming, staleMs)
    if (broken.kind === 'half-json') return cutShort(await this.#answer(incoming, staleMs))
    if ('store' in broken && broken.store) await this.#answer(incoming, staleMs)
    if (broken.kind === 'hang')
      await (broken.ms === undefined ? forever(signal) : pause(broken.ms, signal))
    return faultReply(broken, call.route)
  }

  async #answer(incoming: Incoming, staleMs: number): Promise<Reply> {
    try {
      return await this.#handle(incoming, staleMs)
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.reply
      if (thrown instanceof Interrupted) throw thrown
      console.error('posthog emulator:', thrown)
      return serverError
    }
  }

  async #handle({ method, url, request, raw, found }: Incoming, staleMs: number): Promise<Reply> {
    const world = this.#world
    const [first] = found
    if (!first) throw notFound('Endpoint not found.')
    const caller = authenticate(request.headers, world.settings)
    const project = first.params.project
    if (
      project !== undefined &&
      project !== '@current' &&
      project !== String(world.settings.projectId)
    )
      throw notFound('Project not found.')
    const match = found.find(({ route }) => route.method === method)
    if (match) authorize(caller, match.route.scope)
    this.#rate.admit(caller.key)
    if (!match) throw methodNotAllowed(method)
    const { route, params } = match
    return route.handle(
      apiRequest({ world, caller, params, url, headers: request.headers, raw, staleMs }),
    )
  }
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply.stream) {
    response.writeHead(reply.status, reply.headers)
    response.flushHeaders()
    reply.stream(response)
    return
  }
  const isJson = reply.text === undefined && reply.body !== undefined
  response.writeHead(reply.status, {
    ...(isJson ? { 'content-type': 'application/json' } : {}),
    ...reply.headers,
  })
  response.end(isJson ? JSON.stringify(reply.body) : reply.text)
}

// Who calls, whether they may, and whether they called too often.

function authenticate(headers: IncomingHttpHeaders, settings: Settings): ApiKey {
  const token = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (!token) throw notAuthenticated
  const found = settings.apiKeys.find(({ key }) => key === token)
  if (!found) throw authenticationFailed
  return found
}

function authorize(caller: ApiKey, scope: Scope): void {
  const written = scope.replace(/:read$/, ':write')
  const held = caller.scopes.some(have => have === '*' || have === scope || have === written)
  if (!held) throw scopeMissing(scope)
}

const minute = 60_000

export class RateLimit {
  readonly #rules: RateRules | 'off'
  readonly #calls = new Map<string, number[]>()

  constructor(rules: RateRules | 'off') {
    this.#rules = rules
  }

  /** Refused calls don't count. */
  admit(key: string): void {
    if (this.#rules === 'off') return
    const now = Date.now()
    const calls = (this.#calls.get(key) ?? []).filter(at => at > now - 60 * minute)
    this.#calls.set(key, calls)
    refuseAbove(calls, this.#rules.perMinute, minute, now)
    refuseAbove(calls, this.#rules.perHour, 60 * minute, now)
    calls.push(now)
  }
}

function refuseAbove(calls: number[], limit: number, windowMs: number, now: number): void {
  const recent = calls.filter(at => at > now - windowMs)
  const [oldest] = recent
  if (recent.length < limit || oldest === undefined) return
  throw throttled(Math.ceil((windowMs - (now - oldest)) / 1000))
}
