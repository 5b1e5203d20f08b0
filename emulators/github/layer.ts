/** What the routes stand on: emulate, what it forgets, and the way past it. */
import type { Params } from '../serving.ts'
import type { Webhooks } from './deliveries.ts'
import type { Events } from './events.ts'
import type { Actor } from './http.ts'
import { type Answer, type ApiRequest, type Route, route } from './http.ts'
import type { Installations } from './installations.ts'
import type { KnownRepository, Memory } from './memory.ts'
import type { ReactionBook } from './reactions.ts'
import type { Upstream } from './upstream.ts'

export interface Layer {
  url: string
  upstream: Upstream
  memory: Memory
  installations: Installations
  reactions: ReactionBook
  events: Events
  webhooks: Webhooks
  /** To emulate, under the caller's own token. */
  forward(request: ApiRequest, changes?: { path?: string; body?: unknown }): Promise<Answer>
  /** Something else for the same caller, by the layer's own rules. */
  serve(request: ApiRequest, to: { method: string; path: string; body: unknown }): Promise<Answer>
  maySee(actor: Actor, repository: KnownRepository): Promise<boolean>
}

/** What its path says; the repository by its full name. */
export type At = Params & { repository: string }

type Handle = (layer: Layer, request: ApiRequest, at: At) => Promise<Answer | undefined>

/** One row of a table: below `/repos/:owner/:name`. */
export type Rule = readonly [method: string, rest: string, handle: Handle]

export const routeOf =
  (layer: Layer) =>
  ([method, rest, handle]: Rule): Route =>
    route(method, `/repos/:owner/:name${rest}`, (request, params) =>
      handle(layer, request, { ...params, repository: `${params.owner}/${params.name}` }),
    )
