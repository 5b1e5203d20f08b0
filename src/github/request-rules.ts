/**
 * Rules for every request to GitHub. Reads and reactions are repeated twice without a response, writes never. Limits
 * become `RetryLater` for all calls of the installation.
 */
import { Octokit } from '@octokit/rest'
import type { LimitGate } from '../core/model/call-budget.ts'
import {
  asRead,
  assertPrompt,
  lacksPermission,
  NoResponse,
  Rejected,
  RetryLater,
} from '../core/model/errors.ts'
import { type CallMeter, routeOf } from '../core/model/meter.ts'
import { faultOf, httpError, lacksPermissionIn, refuseLimited, refusePage } from './response-faults.ts'
import { swapName } from './settle-thread.ts'

const timeLimit = 15_000

export interface Watch {
  now: () => number
  meter: CallMeter | undefined
  whose: string
  gate: LimitGate
  /** Is told when GitHub says that the token lacks a permission. */
  notGranted?: () => void
}

/** Its own log is silent: what is worth a line, ours says. */
export function newOctokit(apiUrl: string): Octokit {
  const silent = (): void => {}
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
      await watch.gate.pass()
      if (token) options.headers.authorization = `token ${await token(refresh)}`
      // Another call may have met a limit meanwhile.
      await watch.gate.pass()
      if (!isRead(options)) assertPrompt('github', since, watch.now())
      options.request = { ...options.request, signal: AbortSignal.timeout(timeLimit) }
      const response = await metered(watch, options, () => request(options))
      refuseLimited(options.url, response)
      if (lacksPermissionIn(response.data)) watch.notGranted?.()
      refusePage(response)
      return response
    }
    const { url, content, query } = options
    // Not the eyes: set late, they would stay after the end.
    const isReaction = /\/reactions$/.test(url) && content !== 'eyes'
    const isSwap = typeof query === 'string' && query.startsWith(`mutation ${swapName}(`)
    const repeats = isRead(options) || isReaction || isSwap ? [300, 1_000] : []
    for (let refresh = false; ; ) {
      try {
        return await once(refresh)
      } catch (error) {
        const met = faultOf(error, watch.now())
        const fault = isRead(options) ? asRead(met) : met
        if (fault instanceof Rejected && lacksPermission(fault)) watch.notGranted?.()
        if (fault instanceof RetryLater && fault !== error) {
          watch.meter?.toldToWait(fault.service, fault.why)
          await watch.gate.remember(fault)
        }
        const pause = repeats.shift()
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

const isRead = ({ method, query }: { method: string; query?: unknown }): boolean =>
  method === 'GET' || (typeof query === 'string' && /^\s*(?:query\b|\{)/.test(query))

/** Path segments kept in the `route` label. */
const words = new Set(
  (
    'access_tokens app attempts branches check-runs collaborators comments commits compare contents ' +
    'deliveries files git graphql hook installations issues labels markdown members memberships orgs permission pulls reactions ref refs replies ' +
    'repos repositories reviews teams user users'
  ).split(' '),
)

interface HttpResponse {
  status: number
  headers: object
}

/** Source of the budget's headers: GitHub REST, "Checking the status of your rate limit". */
async function metered<T extends HttpResponse>(
  { meter, whose }: Watch,
  { method, url }: { method: string; url: string },
  send: () => T | Promise<T>,
): Promise<T> {
  const began = performance.now()
  const tell = (response: HttpResponse | undefined): void => {
    const ms = performance.now() - began
    const route = routeOf(url, words)
    meter?.called({ service: 'github', method, route, status: response?.status, ms })
    const headers: Record<string, unknown> = { ...response?.headers }
    const left = Number(headers['x-ratelimit-remaining'] ?? Number.NaN)
    const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN)
    const resource = String(headers['x-ratelimit-resource'] ?? 'core')
    if (Number.isFinite(left + reset)) meter?.budget({ whose, resource, left, resetAt: reset * 1000 })
  }
  try {
    const response = await send()
    tell(response)
    return response
  } catch (error) {
    tell(httpError(error))
    throw error
  }
}
