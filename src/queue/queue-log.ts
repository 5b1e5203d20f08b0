import type { Log } from '../core/model/ports.ts'

export type QueueLog = Pick<Log, 'warn' | 'error'>

export const SILENT: QueueLog = { warn: () => {}, error: () => {} }

const MOST_MESSAGES = 100

/**
 * Logs each connection error once per `everyMs`, by message only: Redis errors carry command arguments, AUTH's too.
 */
export function errorReporter(log: QueueLog, everyMs = 10_000): (error: Error) => void {
  const lastSaid = new Map<string, number>()
  return error => {
    const message = describe(error)
    const now = Date.now()
    if (now - (lastSaid.get(message) ?? 0) < everyMs) return
    if (lastSaid.size >= MOST_MESSAGES) lastSaid.clear()
    lastSaid.set(message, now)
    log.warn({ error: message }, 'trouble with the queue')
  }
}

/** Node's error for a host with several addresses has an empty message. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : error.name
  return error.message || code
}
