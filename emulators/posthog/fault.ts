/** Everything that can go wrong between a client and PostHog, armed one rule at a time. */
import { Arms, type Counted } from '../armed.ts'
import {
  authenticationFailed,
  error,
  notFound,
  type Refusal,
  type Reply,
  scopeMissing,
  throttled,
} from './reply.ts'

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

export type Fault =
  /** With `store`, the request is carried out and only its answer is lost. */
  | {
      kind: 'status'
      code: number
      body?: unknown
      store?: boolean
      /** Seconds, in the header `Retry-After`. */
      retryAfter?: number
    }
  | { kind: 'reset'; store?: boolean }
  | { kind: 'hang'; ms?: number; store?: boolean }
  | { kind: 'delay'; ms: number }
  /** Let through when this resolves: for who decides which calls are under way together. */
  | { kind: 'held'; until(call: { method: string; path: string }): Promise<unknown> }
  | { kind: 'throttled'; seconds?: number }
  | { kind: 'usage-limit'; reset_at: string; limit_type?: 'burst' | 'sustained' }
  | { kind: 'billing-limit' }
  | { kind: 'gate403' }
  | { kind: 'unavailable503' }
  /** A page of a proxy or of a login in the place of an answer, whatever the status says. */
  | { kind: 'html'; code?: number }
  /** The request is carried out, and its answer cut in the middle. */
  | { kind: 'half-json' }
  /** On a create: the new thing is missing from lists for `ms`. On a list: things younger than `ms` are missing. */
  | { kind: 'stale'; ms: number }

export interface FaultRule extends Counted {
  method?: string
  route?: RouteName | RegExp
  fault: Fault
}

export class Faults extends Arms<FaultRule> {
  /** `delay`, `held` and `stale` add to others; of the rest only the first armed strikes. */
  strike(method: string, path: string, route: RouteName | undefined): Fault[] {
    const struck: Fault[] = []
    for (const armed of this.all) {
      if (!armed.isLive || !fits(armed.rule, method, path, route)) continue
      const additive = isAdditive(armed.rule.fault)
      if (!additive && struck.some(fault => !isAdditive(fault))) continue
      if (armed.strikes()) struck.push(armed.rule.fault)
    }
    return struck
  }
}

const isAdditive = ({ kind }: Fault) => kind === 'delay' || kind === 'held' || kind === 'stale'

function fits(
  rule: FaultRule,
  method: string,
  path: string,
  route: RouteName | undefined,
): boolean {
  if (rule.method && rule.method.toUpperCase() !== method) return false
  if (rule.route === undefined) return true
  return rule.route instanceof RegExp
    ? new RegExp(rule.route.source, rule.route.flags).test(path)
    : rule.route === route
}

export function cutShort({ body, text, ...reply }: Reply): Reply {
  const whole = text ?? JSON.stringify(body ?? {})
  const headers = { 'content-type': 'application/json', ...reply.headers }
  return { ...reply, headers, text: whole.slice(0, Math.ceil(whole.length / 2)) }
}

/** The answer a fault gives in the server's place, if it gives one. */
export function faultReply(fault: Fault, route: RouteName | undefined): Reply | undefined {
  switch (fault.kind) {
    case 'status':
      return {
        ...(fault.body === undefined
          ? plainly(fault.code)
          : { status: fault.code, body: fault.body }),
        ...(fault.retryAfter === undefined
          ? {}
          : { headers: { 'retry-after': String(fault.retryAfter) } }),
      }
    case 'throttled':
      return throttled(fault.seconds ?? 30).reply
    case 'usage-limit':
      return gate(
        429,
        'rate_limited',
        'usage_limit_exceeded',
        'You have reached your usage limit.',
        {
          is_pro: false,
          limit_type: fault.limit_type ?? 'burst',
          reset_at: fault.reset_at,
        },
      )
    case 'billing-limit':
      return gate(
        429,
        'billing_limit',
        'posthog_code_billing_limit_exceeded',
        'Your organization reached its PostHog Code billing limit.',
      )
    case 'gate403':
      return gate(
        403,
        'permission_denied',
        'code_access_required',
        'PostHog Code access is required.',
        {
          reason: 'startup_plan',
        },
      )
    case 'unavailable503':
      return unavailable(route)
    case 'html':
      return htmlPage(fault.code ?? 200)
    case 'half-json':
    case 'reset':
    case 'hang':
    case 'delay':
    case 'held':
    case 'stale':
      return undefined
  }
}

const gate = (
  status: number,
  type: string,
  code: string,
  message: string,
  extra: object = {},
): Reply => ({
  status,
  body: { type, code, error: message, ...extra },
})

function unavailable(route: RouteName | undefined): Reply {
  if (route === 'stream') return { status: 503, text: '', headers: { 'retry-after': '15' } }
  if (route === 'cancel') return error(503, "Could not reach the run's workflow; try again")
  return gate(
    503,
    'service_unavailable',
    'desktop_access_unavailable',
    'Access could not be checked; try again.',
  )
}

const plainRefusals: Partial<Record<number, Refusal>> = {
  401: authenticationFailed,
  403: scopeMissing('task:read'),
  404: notFound(),
}

/** From 500 on it is the proxy in front of PostHog that speaks. */
function plainly(code: number): Reply {
  if (code >= 500) return htmlPage(code)
  const body = { type: 'invalid_request', code: 'error', detail: 'Error.', attr: null }
  return plainRefusals[code]?.reply ?? { status: code, body }
}

function htmlPage(code: number): Reply {
  const text = `<html><head><title>${code}</title></head><body><center><h1>${code}</h1></center></body></html>`
  return { status: code, text, headers: { 'content-type': 'text/html' } }
}
