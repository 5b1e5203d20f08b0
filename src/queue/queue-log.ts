/** How the queue logs its errors: each message only now and then, and without what could be secret. */
import { describe } from '../core/model/errors.ts'
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
