/**
 * Our rules around every request to GitHub. A read is repeated twice when no answer came, and so is a reaction; a write
 * never, since GitHub may have done it. Limits are not slept through: they become `RetryLater`, for every call of the
 * installation until they are over, and the jobs wait parked.
 */
import type { Octokit } from '@octokit/rest'
import { asRead, NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { LimitGate } from '../core/model/limit-gate.ts'
import type { CallMeter } from '../core/model/meter.ts'
import { metered } from './metered.ts'
import { faultOf, httpError, refuseLimited } from './response-faults.ts'
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
      // While the token was minted, another call may have met a limit.
      await watch.gate.pass()
      options.request = { ...options.request, signal: AbortSignal.timeout(timeLimit) }
      const response = await metered(watch, options, { send: () => request(options), failed: httpError })
      refuseLimited(response)
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
        // A token may be revoked before its time; a new one is minted once.
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

/** A reaction set or taken back twice is so once; but the eyes, set late, would stay when all is over. */
const isRepeatable = ({ method, url, content, query }: Request): boolean =>
  isRead({ method, query, url }) ||
  (/\/reactions(?:\/|$)/.test(url) && content !== 'eyes') ||
  (typeof query === 'string' && query.startsWith(`mutation ${swapName}(`))
