/**
 * Rules for every request to GitHub. Without a response, a read is sent again twice, and so is a write of which the
 * caller says so. Limits become `RetryLater` for all calls of the installation.
 */
import { Octokit } from '@octokit/rest'
import { z } from 'zod'
import type { LimitGate } from '../core/model/call-budget.ts'
import {
  asRead,
  assertPrompt,
  isNotFound,
  isOfService,
  lacksPermission,
  NoResponse,
  Rejected,
  RetryLater,
} from '../core/model/errors.ts'
import { faultOf, retryAt, silence } from '../core/model/faults.ts'
import { type CallMeter, routeOf } from '../core/model/meter.ts'
import { wordSet } from '../core/text/phrases.ts'

const timeLimit = 15_000

export interface Watch {
  now: () => number
  meter: CallMeter | undefined
  gate: LimitGate
  /** Is told when GitHub says that the token lacks a permission. */
  notGranted?: () => void
}

/** Its own log is silent: what is worth a line, ours says. */
export function newOctokit(apiUrl: string): Octokit {
  const silent = () => {}
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  return new Octokit({ log, baseUrl: apiUrl, userAgent: 'codex-task-bot' })
}

export function limited(
  client: Octokit,
  watch: Watch,
  token?: (refresh: boolean) => Promise<string>,
): Octokit {
  client.hook.wrap('request', async (request, options) => {
    const once = async (refresh: boolean) => {
      const since = watch.now()
      watch.gate.pass()
      if (token) options.headers.authorization = `token ${await token(refresh)}`
      // Another call may have met a limit meanwhile.
      watch.gate.pass()
      if (!isRead(options)) assertPrompt('github', since, watch.now())
      options.request = { ...options.request, signal: AbortSignal.timeout(timeLimit) }
      const response = await metered(watch, options, () => request(options))
      refuseLimited(options.url, response)
      if (WithErrors.safeParse(response.data).data?.errors.some(lacksPermission))
        watch.notGranted?.()
      refusePage(response)
      return response
    }
    const mayRepeat = isRead(options) || options.request?.mayRepeat === true
    const pauses = mayRepeat ? [300, 1_000] : []
    for (let refresh = false; ; ) {
      try {
        return await once(refresh)
      } catch (error) {
        const met = faultIn(error, watch.now())
        const fault = isRead(options) ? asRead(met) : met
        if (fault instanceof Rejected && lacksPermission(fault)) watch.notGranted?.()
        if (fault instanceof RetryLater && fault !== error) watch.gate.remember(fault)
        const pause = pauses.shift()
        // A revoked token is replaced once.
        if (fault instanceof Rejected && fault.status === 401 && token && !refresh) refresh = true
        else if (fault instanceof NoResponse && pause !== undefined)
          await new Promise(done => setTimeout(done, pause))
        else throw fault
      }
    }
  })
  return client
}

/** For a write that may be done twice. */
export const repeatable = { request: { mayRepeat: true } }

const isRead = ({ method, query }: { method: string; query?: unknown }) =>
  method === 'GET' || (typeof query === 'string' && /^\s*(?:query\b|\{)/.test(query))

/** Path segments kept in the `route` label. */
const words = wordSet(
  'access_tokens app attempts branches check-runs collaborators comments commits compare contents deliveries files git graphql hook installations issues labels members memberships orgs permission pulls reactions ref refs replies repos repositories reviews teams user users',
)

interface HttpResponse {
  status: number
  headers: object
}

async function metered<T extends HttpResponse>(
  { meter }: Watch,
  { method, url }: { method: string; url: string },
  send: () => T | Promise<T>,
): Promise<T> {
  let response: T | HttpError | undefined
  try {
    response = await send()
    return response
  } catch (error) {
    response = httpError(error)
    throw error
  } finally {
    meter?.called({
      service: 'github',
      method,
      route: routeOf(url, words),
      status: response?.status,
    })
  }
}

interface HttpError {
  status: number
  message: string
  headers: Record<string, unknown>
}

export function httpError(error: unknown): HttpError | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number')
    return undefined
  const response = 'response' in error ? error.response : undefined
  if (typeof response !== 'object' || response === null) return undefined
  const headers =
    'headers' in response && typeof response.headers === 'object' ? response.headers : undefined
  // Octokit puts the address of the call's documentation behind what GitHub says.
  const message = error.message.replace(/\s*- https:\/\/docs\.github\.com\S*$/, '')
  return { status: error.status, message, headers: { ...headers } }
}

/** Octokit gives status 500 to errors without a response. */
export function faultIn(error: unknown, now: number): Rejected | RetryLater | NoResponse {
  if (isOfService(error)) return error
  const http = httpError(error)
  if (!http) return silence('github', error)
  const { status, message, headers } = http
  const isExhausted = headers['x-ratelimit-remaining'] === '0'
  const resetAt = Number(headers['x-ratelimit-reset']) * 1000
  const filledAt = isExhausted && resetAt > 0 ? Math.max(now + 1000, resetAt) : undefined
  const until = retryAt(headers['retry-after'], now) ?? filledAt
  // What comes with a fault is often a page.
  const said = status >= 500 ? undefined : message
  return faultOf({ service: 'github', status, said, until, cause: error }, now)
}

/**
 * GitHub's API speaks JSON. A page, or half of an answer, is of something before it, whatever its status.
 * @throws NoResponse
 */
function refusePage({ status, data }: { status: number; data: unknown }) {
  if (typeof data !== 'string' || status === 204 || status === 205) return
  throw new NoResponse('github', `GitHub answered ${status} with something else than JSON`)
}

/** What GraphQL says beside, or instead of, what it gives. */
const WithErrors = z.object({
  data: z.unknown().optional(),
  errors: z.array(z.object({ type: z.string().optional(), message: z.string() })),
})

/**
 * GraphQL reports a limit with status 200. Source: GitHub GraphQL, "Exceeding the rate limit".
 * @throws what REST would answer
 */
function refuseLimited(url: string, { data, headers }: { data: unknown; headers: object }) {
  const said = url.endsWith('/graphql') ? WithErrors.safeParse(data).data : undefined
  if (!said || said.data) return
  const refused = said.errors.find(
    ({ type, message }) => type === 'RATE_LIMITED' || /secondary rate limit/i.test(message),
  )
  if (refused)
    throw Object.assign(new Error(refused.message), { status: 403, response: { headers } })
}

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

/** Reads no more of a body than that; nothing is returned of a longer one. */
export async function bodyUpTo(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Octokit would read any length. @param tooLong what stands for a longer response */
export const fetchUpTo =
  (maxBytes: number, tooLong: (response: Response) => Response): typeof fetch =>
  async (...request) => {
    const response = await fetch(...request)
    const body = await bodyUpTo(response.body, maxBytes)
    return body ? new Response(body, response) : tooLong(response)
  }
