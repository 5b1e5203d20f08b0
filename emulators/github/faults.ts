/** A script of misfortunes: what happens to the next calls that match. */

import { Arms, type Counted } from '../armed.ts'
import { type Answer, type ApiRequest, answer, failure, notFound } from './http.ts'
import { textAt } from './json.ts'

/** `store`: GitHub did the work and only the answer was lost. */
export type Fault =
  | {
      kind: 'status'
      code: number
      body?: unknown
      headers?: Record<string, string>
      store?: boolean
    }
  | { kind: 'reset'; store?: boolean }
  /** Without `ms` it never answers. */
  | { kind: 'hang'; ms?: number; store?: boolean }
  | { kind: 'delay'; ms: number }
  /** So long from the question to the answer, the work included. */
  | { kind: 'takes'; ms: number }
  /** Let through when this resolves: for who decides which calls are under way together. */
  | { kind: 'held'; until(call: Pick<ApiRequest, 'method' | 'path' | 'body'>): Promise<unknown> }
  | { kind: 'primary-limit'; resetInSeconds: number }
  | { kind: 'secondary-limit'; retryAfter?: number }
  /** GraphQL tells of its own with 200. */
  | { kind: 'graphql-limit'; resetInSeconds: number }
  | { kind: 'not-found' }

export interface FaultRule extends Counted {
  method?: string
  /** A string matches anywhere in the path. */
  path: RegExp | string
  /** The name of a GraphQL operation. */
  operation?: RegExp
  /** What stands in the body. */
  asks?: RegExp
  /** Default `bot`, which includes its calls as the App. */
  actor?: 'bot' | 'any'
  fault: Fault
}

export class Faults extends Arms<FaultRule> {
  take(request: ApiRequest): Fault | undefined {
    const armed = this.all.find(
      each => each.isLive && matches(each.rule, request) && each.strikes(),
    )
    return armed?.rule.fault
  }
}

function matches(
  { method, path, operation, asks, actor = 'bot' }: FaultRule,
  request: ApiRequest,
): boolean {
  if (asks && !asks.test(JSON.stringify(request.body))) return false
  if (
    operation &&
    !operation.test(/^\s*(?:query|mutation)\s+(\w+)/.exec(textAt(request.body, 'query'))?.[1] ?? '')
  )
    return false
  if (actor === 'bot' && request.actor.kind !== 'bot' && request.actor.kind !== 'app') return false
  if (method && method.toUpperCase() !== request.method) return false
  return typeof path === 'string' ? request.path.includes(path) : path.test(request.path)
}

/** Undefined: this fault does not answer by itself. */
export function faultAnswer(fault: Fault): Answer | undefined {
  switch (fault.kind) {
    case 'status':
      return answer(fault.code, fault.body ?? { message: 'Server Error' }, fault.headers)
    case 'primary-limit':
      return primaryLimit(fault.resetInSeconds)
    case 'secondary-limit':
      return secondaryLimit(fault.retryAfter)
    case 'graphql-limit':
      return graphqlLimit(fault.resetInSeconds)
    case 'not-found':
      return notFound()
    case 'reset':
    case 'hang':
    case 'delay':
    case 'takes':
    case 'held':
      return undefined
  }
}

export const doesTheWork = (fault: Fault): boolean =>
  ['delay', 'takes', 'held'].includes(fault.kind) || ('store' in fault && fault.store === true)

const exceeded = 'API rate limit exceeded for installation ID 1001.'

const primaryLimit = (resetInSeconds: number): Answer =>
  withNothingLeft(failure(403, exceeded), 'core', resetInSeconds)

const graphqlLimit = (resetInSeconds: number): Answer =>
  withNothingLeft(
    answer(200, { errors: [{ type: 'RATE_LIMITED', message: exceeded }] }),
    'graphql',
    resetInSeconds,
  )

function withNothingLeft(refused: Answer, resource: string, resetInSeconds: number): Answer {
  refused.headers['x-ratelimit-limit'] = '5000'
  refused.headers['x-ratelimit-remaining'] = '0'
  refused.headers['x-ratelimit-used'] = '5000'
  refused.headers['x-ratelimit-resource'] = resource
  refused.headers['x-ratelimit-reset'] = String(Math.ceil(Date.now() / 1000) + resetInSeconds)
  return refused
}

function secondaryLimit(retryAfter: number | undefined): Answer {
  const refused = failure(
    403,
    'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  )
  if (retryAfter !== undefined) refused.headers['retry-after'] = String(retryAfter)
  return refused
}
