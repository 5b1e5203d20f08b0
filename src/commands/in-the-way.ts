import { isAtWork } from '../core/run/messages.ts'
import type { Run } from '../core/run/run.ts'
import { type Decision, reject } from './command.ts'

export function inTheWay(live: Run, command: 'retry' | 'approve'): Decision {
  if (live.result.outcome) return { kind: 'take-over', run: live }
  const soon =
    live.mailbox.stop ||
    live.session.sessionLog?.idle ||
    (command === 'approve' && live.request.what === 'plan')
  return soon ? { kind: 'wait', behind: live } : reject({ kind: 'still-going', command })
}

/** What a command that waits for a Run has to know of it: while it stays the same, so does the decision to wait. */
export const standingOf = (live: Run): string =>
  JSON.stringify([
    live.id,
    live.result.outcome !== undefined,
    isAtWork(live),
    live.mailbox.stop !== undefined,
    live.mailbox.releaseThread,
  ])
