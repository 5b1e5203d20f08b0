import type { Run } from '../core/run/run.ts'
import { type Decision, reject } from './command.ts'

export function inTheWay(live: Run, command: 'retry' | 'approve'): Decision {
  if (live.result.outcome) return { kind: 'take-over', run: live }
  const soon =
    live.mailbox.stop ||
    live.session.sessionLog?.idle ||
    (command === 'approve' && live.request.what === 'plan')
  return soon ? { kind: 'wait' } : reject({ kind: 'still-going', command })
}
