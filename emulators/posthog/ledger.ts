/** What the emulator accepted and did, and every call it saw: the two things a test counts. */
import type { RouteName } from './route.ts'

export type LedgerKind = 'task' | 'run' | 'message' | 'command' | 'cancel' | 'start' | 'artifact'

export interface LedgerEntry {
  kind: LedgerKind
  /** Epoch milliseconds. */
  at: number
  taskId: string
  runId?: string
  /** Exactly as it was sent. */
  body: unknown
  keyUserId: number
  accepted: true
}

export interface Call {
  method: string
  path: string
  query: Record<string, string>
  route: RouteName | undefined
  /** 0 when the caller got no answer. */
  status: number
  at: number
  headers: Record<string, string>
  faults: string[]
}

const loggedHeaders = ['user-agent', 'content-type', 'accept', 'last-event-id']

export function safeHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of loggedHeaders) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  return kept
}
