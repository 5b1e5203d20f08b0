/**
 * One call to PostHog, with a time limit; failures become errors of `core/model/errors`. Nothing is repeated, as
 * PostHog has no idempotency keys.
 */
import type { z } from 'zod'
import type { CallBudget, LimitGate } from '../core/model/call-budget.ts'
import { asRead, assertPrompt, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import { faultOf, retryAt, silence } from '../core/model/faults.ts'
import { type CallMeter, routeOf } from '../core/model/meter.ts'
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

const defaultTimeoutMs = 15_000

const blockedWords = wordSet(
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
  gate.pass()
  if (request.method !== 'GET') assertPrompt('posthog', since, now())
  if (!request.counted) budget?.spend(1).catch(() => {})
  const route = routeOf(request.path, blockedWords)
  let status: number | undefined
  try {
    const response = await fetchOnce(settings, request)
    status = response.status
    return await answerIn(response, request, { redact: settings.redact, now })
  } catch (error) {
    if (isOfTheKey(error)) gate.remember(error)
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
    const at = retryAt(headers.get('retry-after'), now())
    const fault = faultIn(status, withStrings(ErrorBody.parse(body), redact), { now: now(), at })
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
      signal: AbortSignal.timeout(request.within ?? defaultTimeoutMs),
    })
  } catch (cause) {
    throw silence('posthog', cause)
  }
}

async function bodyIn(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause: unknown) => {
    throw silence('posthog', cause)
  })
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @param at what the header says */
export function faultIn(
  status: number,
  body: ErrorBody,
  { now, at }: { now: number; at: number | undefined },
): Rejected | RetryLater | NoResponse {
  const said = body.detail ?? body.error
  const code = body.type === 'billing_limit' ? body.type : body.code
  return faultOf(
    { service: 'posthog', status, code, field: body.attr, said, until: untilIn(body, now) ?? at },
    now,
  )
}

/** The body says it better than the header. */
function untilIn({ reset_at: reset, detail, error }: ErrorBody, now: number) {
  // ISO text, or seconds since the epoch.
  const at = typeof reset === 'number' ? reset * 1000 : Date.parse(reset ?? '')
  if (!Number.isNaN(at)) return at
  const seconds = /available in (\d+(?:\.\d+)?) second/i.exec(detail ?? error ?? '')?.[1]
  return seconds === undefined ? undefined : now + Math.ceil(Number(seconds)) * 1000
}
