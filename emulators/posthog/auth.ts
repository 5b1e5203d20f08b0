/** Who calls, whether they may, and whether they called too often. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ApiKey, RateRules, Settings } from './options.ts'
import { authenticationFailed, notAuthenticated, scopeMissing, throttled } from './reply.ts'
import type { Scope } from './route.ts'

export function authenticate(headers: IncomingHttpHeaders, settings: Settings): ApiKey {
  const token = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  if (!token) throw notAuthenticated(settings.authStatus)
  const found = settings.apiKeys.find(({ key }) => key === token)
  if (!found) throw authenticationFailed(settings.authStatus)
  return found
}

export function authorize(caller: ApiKey, scope: Scope): void {
  const written = scope.replace(/:read$/, ':write')
  const held = caller.scopes.some(have => have === '*' || have === scope || have === written)
  if (!held) throw scopeMissing(scope)
}

const minute = 60_000

export class RateLimit {
  readonly #rules: RateRules | 'off'
  readonly #calls = new Map<string, number[]>()

  constructor(rules: RateRules | 'off') {
    this.#rules = rules
  }

  /** Refused calls don't count. */
  admit(key: string): void {
    if (this.#rules === 'off') return
    const now = Date.now()
    const calls = (this.#calls.get(key) ?? []).filter(at => at > now - 60 * minute)
    this.#calls.set(key, calls)
    refuseAbove(calls, this.#rules.perMinute, minute, now)
    refuseAbove(calls, this.#rules.perHour, 60 * minute, now)
    calls.push(now)
  }
}

function refuseAbove(calls: number[], limit: number, windowMs: number, now: number): void {
  const recent = calls.filter(at => at > now - windowMs)
  const [oldest] = recent
  if (recent.length < limit || oldest === undefined) return
  throw throttled(Math.ceil((windowMs - (now - oldest)) / 1000))
}
