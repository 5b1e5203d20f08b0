/**
 * Rules for every request to GitHub. Reads and reactions are repeated twice without a response, writes never. Limits
 * become `RetryLater` for all calls of the installation.
 */
import type { Octokit } from '@octokit/rest'
import { asRead, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { LimitGate } from '../core/model/limit-gate.ts'
import type { CallMeter } from '../core/model/meter.ts'
import { metered } from './metered.ts'
import { faultOf, httpError, refuseLimited, refusePage } from './response-faults.ts'
import { swapName } from './settle-thread.ts'

const timeLimit = 15_000

export interface Watch {
  now: () => number
  meter: CallMeter | undefined
  whose: string
  gate: LimitGate
}

export function limited(
  client: Octokit,
  watch: Watch,
  token?: (refresh: boolean) => Promise<string>,
): Octokit {
  client.hook.wrap('request', async (request, options) => {
    const once = async (refresh: boolean) => {
      await watch.gate.pass()
      if (token) options.headers.authorization = `token ${await token(refresh)}`
      // Another call may have met a limit meanwhile.
      await watch.gate.pass()
      options.request = { ...options.request, signal: AbortSignal.timeout(timeLimit) }
      const response = await metered(watch, options, { send: () => request(options), failed: httpError })
      refuseLimited(response)
      refusePage(response)
      return response
    }
    const repeats = isRepeatable(options) ? [300, 1_000] : []
    for (let refresh = false; ; ) {
      try {
        return await once(refresh)
      } catch (error) {
        const met = faultOf(error, watch.now())
        const fault = isRead(options) ? asRead(met) : met
        if (fault instanceof RetryLater && fault !== error) await rememberLimit(watch, fault)
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

async function rememberLimit({ meter, gate }: Watch, limit: RetryLater): Promise<void> {
  meter?.toldToWait(limit.service, limit.why)
  await gate.remember(limit)
}

interface Request {
  method: string
  url: string
  content?: unknown
  query?: unknown
}

const isRead = ({ method, query }: Request): boolean =>
  method === 'GET' || (typeof query === 'string' && /^\s*(?:query\b|\{)/.test(query))

/** Not the eyes: set late, they would stay after the end. */
const isRepeatable = ({ method, url, content, query }: Request): boolean =>
  isRead({ method, query, url }) ||
  (/\/reactions(?:\/|$)/.test(url) && content !== 'eyes') ||
  (typeof query === 'string' && query.startsWith(`mutation ${swapName}(`))
