const LIMIT = 5_000
const HOUR_MS = 3_600_000

/** The primary limit's headers, counted for each token. It is never enforced here: a fault does that. */
export class RateLimits {
  readonly #used = new Map<string, { count: number; resetsAt: number }>()

  count(authorization = 'anonymous', isCounted: boolean): Record<string, string> {
    const now = Date.now()
    const known = this.#used.get(authorization)
    const window = known && known.resetsAt > now ? known : { count: 0, resetsAt: now + HOUR_MS }
    if (isCounted) window.count++
    this.#used.set(authorization, window)
    return {
      'x-ratelimit-limit': String(LIMIT),
      'x-ratelimit-remaining': String(Math.max(0, LIMIT - window.count)),
      'x-ratelimit-used': String(window.count),
      'x-ratelimit-reset': String(Math.ceil(window.resetsAt / 1000)),
      'x-ratelimit-resource': 'core',
    }
  }
}
