/**
 * One call to PostHog, with a time limit; failures become errors of `core/model/errors`. Nothing is repeated, as
 * PostHog has no idempotency keys. How long to wait is in `Retry-After`, in `reset_at` or in the text.
 */
import type { z } from 'zod'
import type { CallBudget, LimitGate } from '../core/model/call-budget.ts'
import { asRead, assertPrompt, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import { type CallMeter, routeOf } from '../core/model/meter.ts'
import { hour, minute } from '../core/model/time.ts'
import { sendable } from '../core/text/invisible.ts'
import { wordSet } from '../core/text/phrases.ts'
import { type Redact, withStrings } from '../core/text/redact.ts'
import { ErrorBody } from './schemas.ts'

export interface PostHogSettings {
  host: string
  projectId: string
  apiKey: string
  /** Redacts all that PostHog says: an agent may repeat a secret in any string. */
  redact: Redact
  meter?: CallMeter
  gate: LimitGate
  budget?: CallBudget
  /** If it is left out, a refusal of the key is a refusal of the call. */
  standing?: Standing
}

/** Whether PostHog takes the key and the project. */
export interface Standing {
  /** @throws RetryLater while it is known that it does not */
  pass(): Promise<void>
  /** @returns RetryLater if it is the key or the project that was refused, and not the call */
  judge(refusal: Rejected): Promise<Rejected | RetryLater>
}

export interface Call<T> {
  method: 'GET' | 'POST'
  /** Below `/api/projects/<id>/`, with the trailing slash that PostHog needs. */
  path: string
  query?: Record<string, string>
  body?: unknown
  schema: z.ZodType<T>
  /** ms */
  within?: number
  counted?: boolean
  /** The response is used at once and kept nowhere, such as a signed address. */
  unredacted?: boolean
}

export interface PostHogResponse<T> {
  data: T
  headers: Headers
}

export type Request = <T>(request: Call<T>) => Promise<PostHogResponse<T>>

export type Get = <T>(
  path: string,
  schema: z.ZodType<T>,
  more?: Pick<Call<T>, 'query' | 'within' | 'counted'>,
) => Promise<T>

export const getter =
  (settings: PostHogSettings, now: () => number): Get =>
  async (path, schema, more) =>
    (await call(settings, { method: 'GET', path, schema, ...more }, now)).data

const defaultLimit = 15_000

const words = wordSet(
  'artifacts cancel command finalize_upload github_repos integrations models prepare_upload run runs sandbox_environments session_logs staged_artifacts tasks',
)

/** @throws Rejected | RetryLater | NoResponse */
export async function call<T>(
  settings: PostHogSettings,
  request: Call<T>,
  now: () => number,
): Promise<PostHogResponse<T>> {
  const { meter, gate, budget, standing } = settings
  const since = now()
  await standing?.pass()
  await gate.pass()
  if (request.method !== 'GET') assertPrompt('posthog', since, now())
  if (!request.counted) budget?.spend(1).catch(() => {})
  const route = routeOf(request.path, words)
  let status: number | undefined
  try {
    const response = await fetchOnce(settings, request)
    status = response.status
    return await answerIn(response, request, { redact: settings.redact, now })
  } catch (error) {
    if (isOfTheKey(error)) await gate.remember(error)
    throw standing && error instanceof Rejected ? await standing.judge(error) : error
  } finally {
    meter?.called({ service: 'posthog', method: request.method, route, status })
  }
}

/** A usage limit concerns one task; a rate limit the whole key. */
export const isOfTheKey = (error: unknown): error is RetryLater =>
  error instanceof RetryLater && error.why === 'rate-limit'

async function answerIn<T>(
  response: Response,
  request: Call<T>,
  { redact, now }: { redact: Redact; now: () => number },
): Promise<PostHogResponse<T>> {
  const body = await bodyIn(response)
  const { ok, status, headers } = response
  // An HTML page comes from a proxy, not from PostHog's API.
  const isPage =
    (status >= 300 && status < 400) || /^text\/html\b/i.test(headers.get('content-type') ?? '')
  if (!ok && body === undefined && request.method === 'GET' && isPage)
    throw new NoResponse('posthog', `a server in front of PostHog answered ${status}`, {
      strange: status,
    })
  if (!ok) {
    const at = now()
    const moment = { now: at, retryAt: retryAt(headers.get('retry-after'), at) }
    const fault = faultOf(status, withStrings(ErrorBody.parse(body), redact), moment)
    throw request.method === 'GET' ? asRead(fault) : fault
  }
  const parsed = request.schema.safeParse(body)
  if (parsed.success) {
    const data = request.unredacted ? parsed.data : withStrings(parsed.data, redact)
    return { data, headers }
  }
  const issue = parsed.error.issues[0]
  const wrong = `${issue?.path.join('.')} ${issue?.message}`
  throw new NoResponse('posthog', `PostHog's answer could not be read: ${wrong}`, {
    strange: status,
  })
}

async function fetchOnce(settings: PostHogSettings, request: Call<unknown>): Promise<Response> {
  const url = new URL(`${settings.host}/api/projects/${settings.projectId}/${request.path}`)
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value)
  const clean = (_: string, value: unknown) => (typeof value === 'string' ? sendable(value) : value)
  const body = request.body === undefined ? undefined : JSON.stringify(request.body, clean)
  try {
    return await fetch(url, {
      method: request.method,
      headers: {
        authorization: `Bearer ${settings.apiKey}`,
        accept: 'application/json',
        'user-agent': 'codex-task-bot',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body,
      // It is not 'error', as Node 20 then drops the time limit while reading the body (undici issue 4627).
      redirect: 'manual',
      signal: AbortSignal.timeout(request.within ?? defaultLimit),
    })
  } catch (cause) {
    throw new NoResponse('posthog', `PostHog did not answer (${causeInWords(cause)})`, { cause })
  }
}

async function bodyIn(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw new NoResponse('posthog', `PostHog's answer broke off (${causeInWords(cause)})`, {
      cause,
    })
  })
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function causeInWords(cause: unknown): string {
  if (!(cause instanceof Error)) return 'no reason given'
  if (cause.name === 'TimeoutError') return 'time limit'
  const inner = cause.cause
  return inner instanceof Error && 'code' in inner ? String(inner.code) : cause.message
}

const billing = new Set(['billing_limit', 'posthog_code_billing_limit_exceeded'])

/** These refuse before anything is stored, so retrying is safe. */
const beforeEffect = new Set(['desktop_access_unavailable', 'warm_run_activation_unavailable'])

/** The agent takes nothing yet; older servers say the first of these with 400. */
const agentNotReady = new Set(['sandbox_not_ready', 'agent_session_not_ready'])

/** Both in ms since the epoch. */
interface Moment {
  now: number
  retryAt?: number
}

export function faultOf(
  status: number,
  body: ErrorBody,
  at: Moment,
): Rejected | RetryLater | NoResponse {
  const inWords = body.detail ?? body.error
  const said = inWords ?? `status ${status}`
  const code = body.code ?? ''
  const { now, retryAt } = at
  if (status === 429) return limitFault(body, said, at)
  if (agentNotReady.has(code))
    return new RetryLater('posthog', retryAt ?? now + 2_000, 'not-ready', said)
  if (status === 503 && beforeEffect.has(code))
    return new RetryLater(
      'posthog',
      retryAt ?? now + 30_000,
      'unavailable',
      'PostHog is not available',
    )
  if (status >= 500 || status === 408) {
    const message = `PostHog answered ${status}${inWords === undefined ? '' : `: ${inWords}`}`
    const own = body.error === undefined ? undefined : { status, error: body.error }
    return new NoResponse('posthog', message, { said: own, until: retryAt })
  }
  return new Rejected('posthog', status, code, said, body.attr ?? undefined)
}

function limitFault(
  body: ErrorBody,
  said: string,
  { now, retryAt }: Moment,
): Rejected | RetryLater {
  const code = body.code ?? ''
  if (billing.has(code) || billing.has(body.type ?? '') || code === 'signal_report_task_cap')
    return new Rejected('posthog', 429, code || 'billing_limit', said)
  if (code === 'usage_limit_exceeded') {
    const { reset_at: reset } = body
    // ISO text, or seconds since the epoch.
    const at = typeof reset === 'number' ? reset * 1000 : Date.parse(reset ?? '')
    const until = (Number.isNaN(at) ? retryAt : at) ?? now + 10 * minute
    return new RetryLater('posthog', until, 'usage-limit', 'PostHog’s usage limit is reached')
  }
  const seconds = /available in (\d+(?:\.\d+)?) second/i.exec(said)?.[1]
  const inText = seconds === undefined ? undefined : now + Math.ceil(Number(seconds)) * 1000
  const until = inText ?? retryAt ?? now + minute
  return new RetryLater('posthog', until, 'rate-limit', 'PostHog’s rate limit is reached')
}

const longestWait = hour

/**
 * `Retry-After`, in seconds or as a date, at most an hour from now: RFC 9110, 10.2.3.
 * @returns ms since the epoch
 */
export function retryAt(said: string | null | undefined, now: number): number | undefined {
  if (!said) return undefined
  const at = /^\d+$/.test(said) ? now + Number(said) * 1000 : Date.parse(said)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at, now), now + longestWait)
}
