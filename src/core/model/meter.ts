/** Ports that count what happens. Every label value is from a fixed set. */
import type { Service } from './errors.ts'

export interface WebhookMeter {
  answered(event: string, result: WebhookResult): void
}

export type WebhookResult = 'queued' | 'known' | 'ignored' | 'refused' | 'unavailable'

export interface CallMeter {
  called(call: {
    service: Service
    method: string
    route: string
    status: number | undefined
  }): void
}

/** `/repos/a/b/issues/7` becomes `/repos/~/issues/~`: only words that are known stay. */
export function routeOf(path: string, words: ReadonlySet<string>): string {
  const bare = path.replace(/^https?:\/\/[^/]*/, '').replace(/\{?[?#].*$/, '')
  const parts = bare
    .split('/')
    .filter(part => part !== '')
    .map(part => (words.has(part) ? part : '~'))
  return `/${parts.filter((part, n) => part !== '~' || parts[n - 1] !== '~').join('/')}`
}
