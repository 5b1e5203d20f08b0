/**
 * What an answer of GitHub or PostHog that is no good means, and silence: one table for both. A read without an answer is
 * sent again at once by the client. All else is asked again by who needs it: see `core/record/retries.ts`.
 */
import {
  NoResponse,
  Rejected,
  RetryLater,
  type Service,
  serviceNames,
  type WaitReason,
} from './errors.ts'
import { hour, minute, second } from './time.ts'

export interface BadResponse {
  service: Service
  status: number
  /** What PostHog calls it. */
  code?: string
  field?: string
  /** In the service's own words. */
  said?: string
  /** When the service asks to come back, ms since the epoch. */
  until?: number
  cause?: unknown
}

/** Money is not waited for. */
const spentCodes = new Set([
  'billing_limit',
  'posthog_code_billing_limit_exceeded',
  'signal_report_task_cap',
])

/** These refuse before anything is stored. */
const unavailableCodes = new Set(['desktop_access_unavailable', 'warm_run_activation_unavailable'])

/** The agent takes nothing yet; older servers say the first of these with 400. */
const notReadyCodes = new Set(['sandbox_not_ready', 'agent_session_not_ready'])

/** From the top: the first that fits counts. */
export function faultOf(
  { service, status, code = '', field, said, until, cause }: BadResponse,
  now: number,
): Rejected | RetryLater | NoResponse {
  const name = serviceNames[service]
  const why = said ?? `status ${status}`
  const later = (reason: WaitReason, usually: number, words: string) =>
    new RetryLater(service, until ?? now + usually, reason, words)

  if (spentCodes.has(code)) return new Rejected(service, status, code, why)
  if (code === 'usage_limit_exceeded')
    return later('usage-limit', 10 * minute, `${name}’s usage limit is reached`)
  // GitHub's secondary limits may say no time. Source: "Rate limits for the REST API".
  const isLimited = until !== undefined || /rate limit|abuse/i.test(why)
  if (status === 429 || (service === 'github' && status === 403 && isLimited))
    return later('rate-limit', minute, `${name}’s rate limit is reached`)
  if (notReadyCodes.has(code)) return later('not-ready', 2 * second, why)
  if (status === 503 && unavailableCodes.has(code))
    return later('unavailable', 30 * second, `${name} is not available`)
  if (status < 500 && status !== 408) return new Rejected(service, status, code, why, field)
  const message = [`${name} answered ${status}`, said ?? []].flat().join(': ')
  return new NoResponse(service, message, {
    cause,
    until,
    said: said === undefined ? said : status,
  })
}

/** Nothing came, or only a part of an answer. */
export function silence(service: Service, cause: unknown): NoResponse {
  const message = `${serviceNames[service]} did not answer (${reasonForSilence(cause)})`
  return new NoResponse(service, message, { cause })
}

function reasonForSilence(error: unknown) {
  if (!(error instanceof Error)) return 'no reason given'
  const inner = error.cause instanceof Error ? error.cause : error
  if (inner.name === 'TimeoutError' || inner.name === 'AbortError') return 'time limit'
  return 'code' in inner ? String(inner.code) : inner.message
}

/**
 * `Retry-After`, in seconds or as a date, at most an hour from now: RFC 9110, 10.2.3.
 * @returns ms since the epoch
 */
export function retryAt(header: unknown, now: number): number | undefined {
  const text = String(header ?? '')
  const at = /^\d+$/.test(text) ? now + Number(text) * 1000 : Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at, now), now + hour)
}
