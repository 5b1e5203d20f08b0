/** One request from door to door: who is it, what is scripted for it, what are the rules, what came of it. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PatternRouter } from 'hono/router/pattern-router'
import { matches } from '../serving.ts'
import { doesTheWork, type Fault, type Faults, faultAnswer } from './faults.ts'
import {
  type Actor,
  type Answer,
  type ApiRequest,
  answer,
  failure,
  notFound,
  type Route,
} from './http.ts'
import type { Installations } from './installations.ts'
import { isObject, parseJson, textAt } from './json.ts'
import type { Ledger } from './ledger.ts'
import { type KnownRepository, type Memory, threadKey } from './memory.ts'
import { undescribed } from './openapi.ts'
import type { Repairs } from './repairs.ts'
import { refuseArchived } from './repository-rules.ts'
import { roleOf, type Tokens } from './roles.ts'
import type { Upstream } from './upstream.ts'

export interface RawRequest {
  method: string
  /** Path and query. */
  url: string
  headers: Record<string, string>
  raw: Buffer
  /** Not in the ledger, and safe from faults: somebody only looks. */
  quiet?: boolean
}

export type Outcome =
  | { kind: 'answer'; answer: Answer }
  | { kind: 'reset' }
  | { kind: 'hang'; ms: number | undefined }

interface Parts {
  faults: Faults
  installations: Installations
  ledger: Ledger
  memory: Memory
  repairs: Repairs
  tokens: Tokens
  upstream: Upstream
  url: string
}

/** Questions in GraphQL and new tokens are sent by POST, too. */
const changesNothing = ({ method, url, raw }: RawRequest): boolean =>
  method === 'GET' ||
  url.startsWith('/app/') ||
  (url.endsWith('/graphql') && !raw.includes('mutation'))

function threadOf(url: string): string | undefined {
  const [, repository = '', number] =
    /^\/repos\/([^/]+\/[^/]+)\/(?:issues|pulls)\/(\d+)\b/.exec(url) ?? []
  return number === undefined ? undefined : threadKey(repository, Number(number))
}

const nobody: Actor = { kind: 'anonymous', login: '' }

export class Pipeline {
  readonly #parts: Parts
  readonly #router = new PatternRouter<Route>()
  readonly #rateLimits = new RateLimits()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Earlier routes are asked first. */
  add(...routes: Route[]): void {
    for (const route of routes) this.#router.add(route.method, route.path, route)
  }

  async handle(raw: RawRequest): Promise<Outcome> {
    if (changesNothing(raw)) return this.#handle(raw)
    const { memory } = this.#parts
    const thread = threadOf(raw.url)
    memory.changed(thread)
    try {
      return await this.#handle(raw)
    } finally {
      memory.changed(thread)
    }
  }

  async #handle(raw: RawRequest): Promise<Outcome> {
    const actor = this.#parts.tokens.whoIs(raw.headers.authorization)
    const request = this.#read(raw, actor ?? nobody)
    if (raw.quiet) return this.#outcome(request, await this.#serve(request), undefined)
    const call = this.#parts.ledger.begin(request)
    const why = isOurs(request) && isRest(request) ? undescribed(request) : undefined
    if (why !== undefined) {
      this.#parts.ledger.violated(request, why)
      call.status = 422
      return this.#outcome(
        request,
        failure(422, `GitHub does not describe this request: ${why}`),
        undefined,
      )
    }
    const fault = this.#parts.faults.take(request)
    let given: Answer | undefined
    if (!fault || doesTheWork(fault)) {
      if (fault?.kind === 'delay') await sleep(fault.ms)
      if (fault?.kind === 'held') await fault.until(request)
      const answered = fault?.kind === 'takes' ? sleep(fault.ms) : undefined
      given = actor ? await this.#serve(request) : failure(401, 'Bad credentials')
      await answered
      call.effect =
        raw.method !== 'GET' &&
        given.status < 300 &&
        !given.unchanged &&
        !/^\/app\//.test(request.path)
    }
    const outcome = this.#outcome(request, given, fault)
    const broken = outcome.kind === 'reset' ? 'reset' : 'hung'
    const seen = outcome.kind === 'answer' ? outcome.answer.status : broken
    this.#parts.ledger.ended(call, seen)
    return outcome
  }

  /** To emulate, under the caller's own token. Its answer is still as emulate gives it. */
  readonly forward = (
    request: ApiRequest,
    changes: { path?: string; body?: unknown } = {},
  ): Promise<Answer> => {
    const query = request.query.size > 0 && !changes.path ? `?${request.query}` : ''
    return this.#parts.upstream.send({
      method: request.method,
      path: (changes.path ?? request.path) + query,
      authorization: request.headers.authorization,
      accept: request.headers.accept,
      body: changes.body === undefined ? request.raw : JSON.stringify(changes.body),
    })
  }

  #read({ method, url, headers, raw }: RawRequest, actor: Actor): ApiRequest {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    // emulate compares times as text, and its own have milliseconds.
    const since = searchParams.get('since')
    if (since) searchParams.set('since', since.replace(/:(\d\d)Z$/, ':$1.000Z'))
    return {
      method,
      path: this.#canonical(pathname),
      query: searchParams,
      headers,
      raw,
      body: parseJson(raw),
      actor,
    }
  }

  /** Names on GitHub have no case; emulate's have. */
  #canonical(path: string): string {
    const named = path.replace(/^\/repositories\/(\d+)(?=\/|$)/, (whole, id: string) => {
      const known = this.#parts.memory.repositoryById(Number(id))
      return known ? `/repos/${known.fullName}` : whole
    })
    return named.replace(/^\/repos\/([^/]+\/[^/]+)/, (whole, name: string) => {
      const known = this.#parts.memory.repository(name)
      return known ? `/repos/${known.fullName}` : whole
    })
  }

  async #serve(request: ApiRequest): Promise<Answer> {
    const given = (await this.#refuse(request)) ?? (await this.#route(request))
    if (given.status >= 400) polishError(given, request)
    else {
      // What was delivered is shown as it was then.
      if (!request.path.startsWith('/app/hook/')) await this.#parts.repairs.apply(given.body)
    }
    if (textAt(given.body, 'token')) this.#rememberToken(request, given.body)
    return given
  }

  /** Something else for the same caller, by the same rules. */
  readonly serve = (
    request: ApiRequest,
    { method, path, body }: { method: string; path: string; body: unknown },
  ): Promise<Answer> => {
    const raw = Buffer.from(body === undefined ? '' : JSON.stringify(body))
    const other = { ...request, method, path, body, raw, query: new URLSearchParams() }
    return Promise.resolve(refuseArchived(this.#parts.memory, other) ?? this.#route(other))
  }

  async #route(request: ApiRequest): Promise<Answer> {
    for (const [route, params] of matches(this.#router, request.method, request.path)) {
      const given = await route.handle(request, params)
      if (given) return given
    }
    return this.forward(request)
  }

  async #refuse(request: ApiRequest): Promise<Answer | undefined> {
    const { installations, memory } = this.#parts
    const { actor } = request
    return (
      (actor.kind === 'bot' ? installations.refuseBot(request, actor) : undefined) ??
      (actor.kind === 'app' ? installations.refuseApp(request) : undefined) ??
      this.#redirect(request) ??
      (await this.#refuseHidden(request)) ??
      refuseArchived(memory, request)
    )
  }

  /** A repository that was renamed or transferred answers under its number. */
  #redirect({ method, path, query }: ApiRequest): Answer | undefined {
    const [, name = '', rest = ''] = /^\/repos\/([^/]+\/[^/]+)(.*)$/.exec(path) ?? []
    const moved = this.#parts.memory.movedTo(name)
    if (!moved) return undefined
    const location = `${this.#parts.url}/repositories/${moved.id}${rest}${query.size > 0 ? `?${query}` : ''}`
    const given = failure(method === 'GET' ? 301 : 307, 'Moved Permanently')
    return { ...given, headers: { location } }
  }

  /** What one may not see is not there, also for routes that the layer answers itself. */
  async #refuseHidden({ path, actor }: ApiRequest): Promise<Answer | undefined> {
    const name = /^\/repos\/([^/]+\/[^/]+)/.exec(path)?.[1]
    if (!name) return undefined
    const known = this.#parts.memory.repository(name)
    return known && (await this.maySee(actor, known)) ? undefined : notFound()
  }

  readonly maySee = async (actor: Actor, known: KnownRepository): Promise<boolean> => {
    if (!known.private || actor.kind === 'app') return true
    if (actor.kind === 'bot')
      return (
        actor.owner === known.fullName.split('/')[0] && !this.#parts.installations.isRemoved(known)
      )
    const role =
      actor.kind === 'person' ? await roleOf(this.#parts, known.fullName, actor.login) : undefined
    return role !== undefined && role !== 'none'
  }

  #rememberToken({ path }: ApiRequest, body: unknown): void {
    const id = Number(/^\/app\/installations\/(\d+)\/access_tokens$/.exec(path)?.[1])
    const owner = [...this.#parts.memory.installations].find(
      ([, installation]) => installation === id,
    )?.[0]
    if (!owner || !isObject(body)) return
    const permissions = Object.fromEntries(
      Object.entries(isObject(body.permissions) ? body.permissions : {}).map(([name, level]) => [
        name,
        String(level),
      ]),
    )
    const expiresAt = Date.parse(textAt(body, 'expires_at'))
    this.#parts.tokens.remember(textAt(body, 'token'), { owner, permissions, expiresAt })
  }

  #outcome(request: ApiRequest, given: Answer | undefined, fault: Fault | undefined): Outcome {
    if (fault?.kind === 'reset') return { kind: 'reset' }
    if (fault?.kind === 'hang') return { kind: 'hang', ms: fault.ms }
    const shown = (fault && faultAnswer(fault)) ?? conditional(request, given ?? notFound())
    const limits = this.#rateLimits.count(request.headers.authorization, shown.status !== 304)
    return {
      kind: 'answer',
      answer: { ...shown, headers: { ...limits, ...withoutLimits(shown, fault) } },
    }
  }
}

/** GraphQL has a schema of its own, and what people attached is no part of the API. */
const isRest = ({ path }: ApiRequest): boolean =>
  path !== '/graphql' && !/^(?:\/storage)?\/user-attachments\//.test(path)

/** The bot's, the App's, or with a token that the App was given for a person. */
const isOurs = ({ actor }: ApiRequest): boolean =>
  actor.kind === 'bot' || actor.kind === 'app' || (actor.kind === 'person' && actor.ofApp === true)

/** emulate counts the layer's calls too, and knows no 304; scripted limits stay as they are. */
function withoutLimits({ headers }: Answer, fault: Fault | undefined): Record<string, string> {
  if (fault && faultAnswer(fault)) return headers
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('x-ratelimit-')),
  )
}

function polishError(given: Answer, { actor }: ApiRequest): void {
  const { body } = given
  if (!isObject(body)) return
  if (body.message === 'Forbidden')
    body.message =
      actor.kind === 'bot'
        ? 'Resource not accessible by integration'
        : 'Must have rights to Repository.'
  if (body.message === 'Validation failed') body.message = 'Validation Failed'
  body.documentation_url = 'https://docs.github.com/rest'
  body.status = String(given.status)
}

/** 304 when the reader has it already. */
function conditional(request: ApiRequest, given: Answer): Answer {
  if (request.method !== 'GET' || given.status !== 200 || given.raw) return given
  const digest = createHash('sha256').update(JSON.stringify(given.body) ?? '')
  const etag = `W/"${digest.digest('hex')}"`
  if (request.headers['if-none-match'] === etag) return answer(304, undefined, { etag })
  return { ...given, headers: { ...given.headers, etag } }
}

const LIMIT = 5_000
const HOUR_MS = 3_600_000

/** The primary limit's headers, counted for each token. It is never enforced here: a fault does that. */
class RateLimits {
  readonly #used = new Map<string, { count: number; resetsAt: number }>()

  count(authorization = 'anonymous', isCounted: boolean): Record<string, string> {
    const now = Date.now()
    const known = this.#used.get(authorization)
    const window = known && known.resetsAt > now ? known : { count: 0, resetsAt: now + HOUR_MS }
    if (isCounted) window.count++
    this.#used.set(authorization, window)
    return {
      'x-ratelimit-limit': String(LIMIT),
      'x-ratelimit-remaining': String(Math.max(0, LIMIT - window.count)),
      'x-ratelimit-used': String(window.count),
      'x-ratelimit-reset': String(Math.ceil(window.resetsAt / 1000)),
      'x-ratelimit-resource': 'core',
    }
  }
}
