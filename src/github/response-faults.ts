/** Turns GitHub's failures into wait, retry or refusal. */
import { z } from 'zod'
import { isNotFound, lacksPermission, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'

interface HttpError {
  status: number
  message: string
  headers: Record<string, unknown>
}

export function httpError(error: unknown): HttpError | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined
  const response = 'response' in error ? error.response : undefined
  if (typeof response !== 'object' || response === null) return undefined
  const headers = 'headers' in response && typeof response.headers === 'object' ? response.headers : undefined
  return { status: error.status, message: error.message, headers: { ...headers } }
}

/** Octokit gives status 500 to errors without a response. */
export function faultOf(error: unknown, now: number): Rejected | RetryLater | NoResponse {
  if (error instanceof Rejected || error instanceof RetryLater || error instanceof NoResponse) return error
  const http = httpError(error)
  if (!http)
    return new NoResponse('github', `GitHub did not answer (${whyUnanswered(error)})`, { cause: error })
  const limit = limitOf(http, now)
  if (limit) return limit
  if (http.status >= 500) return new NoResponse('github', `GitHub answered ${http.status}`, { cause: error })
  return new Rejected('github', http.status, '', http.message)
}

function whyUnanswered(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given'
  const { name } = error.cause instanceof Error ? error.cause : error
  return name === 'TimeoutError' || name === 'AbortError' ? 'time limit' : error.message
}

export function limitOf(http: HttpError, now: number): RetryLater | undefined {
  const until = limitEnd(http, now)
  return until === undefined
    ? undefined
    : new RetryLater('github', until, 'rate-limit', 'GitHub’s rate limit is reached')
}

/**
 * When to come back, ms since the epoch, if this is a limit: `retry-after`, else the reset of an exhausted
 * primary limit, else a minute for a secondary one. Source: GitHub's best practices for the REST API.
 */
function limitEnd({ status, message, headers }: HttpError, now: number): number | undefined {
  if (status !== 403 && status !== 429) return undefined
  const retryAfter = Number(headers['retry-after'])
  if (headers['retry-after'] !== undefined && Number.isFinite(retryAfter)) return now + retryAfter * 1000
  const reset = Number(headers['x-ratelimit-reset'])
  if (headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset))
    return Math.max(now + 1000, reset * 1000)
  return status === 429 || /rate limit|abuse/i.test(message) ? now + 60_000 : undefined
}

/**
 * GitHub's API speaks JSON. A page, or half of an answer, is of something before it, whatever its status.
 * @throws NoResponse
 */
export function refusePage({ status, data }: { status: number; data: unknown }): void {
  if (typeof data !== 'string' || status === 204 || status === 205) return
  throw new NoResponse('github', `GitHub answered ${status} with something else than JSON`)
}

const LimitedResponse = z.object({
  data: z.null().optional(),
  errors: z.array(z.object({ type: z.string().optional(), message: z.string() })).min(1),
})

/**
 * GraphQL reports a limit with status 200. Source: GitHub GraphQL, "Exceeding the rate limit".
 * @throws what REST would answer
 */
export function refuseLimited(url: string, { data, headers }: { data: unknown; headers: object }): void {
  if (!url.endsWith('/graphql')) return
  const refused = LimitedResponse.safeParse(data).data?.errors.find(
    ({ type, message }) => type === 'RATE_LIMITED' || /secondary rate limit/i.test(message),
  )
  if (refused) throw Object.assign(new Error(refused.message), { status: 403, response: { headers } })
}

const PartlyRefused = z.object({ errors: z.array(z.object({ message: z.string() })) })

/** GraphQL says so beside what it gives. */
export const lacksPermissionIn = (data: unknown): boolean =>
  PartlyRefused.safeParse(data).data?.errors.some(lacksPermission) ?? false

export async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

export function unlessLimited(error: unknown): void {
  if (error instanceof RetryLater) throw error
}

export function unlessRejected(error: unknown): undefined {
  if (!(error instanceof Rejected)) throw error
}
