import { type Failure, unconfirmedStop } from '../../comments/failures.ts'
import { cancelledAt, refusedCancel } from '../agent-end.ts'
import { beginsAgent, openIntents } from '../intents.ts'
import { isTerminal, type Run } from '../run.ts'
import { limits } from '../timing.ts'
import { claims, type Due, keepPolling, type Now, replies, unsettled } from './polling.ts'
import { stepTable } from './step-entry.ts'
import type { ActingStep, Step } from './step-registry.ts'

export const endingSteps = stepTable({
  cancel: { service: 'posthog', call: 'effect', posthog: ['cancel'], writes: ['session', 'schedule'] },
  'give-up': { service: 'none', call: 'read', writes: ['result', 'session'] },
  'leave-agent': { service: 'none', call: 'read', writes: ['session', 'attempts'] },
  'let-go': { service: 'none', call: 'read', writes: ['report', 'result', 'mailbox', 'attempts'] },
})

export const giveUp = (outcome: Failure): ActingStep => ({ kind: 'give-up', outcome })

export function* leaving(run: Run, now: Now): Due {
  if (run.result.outcome) return yield { kind: 'end' }
  const [intent] = openIntents(run)
  if (intent && intent.kind !== 'open-pull') return yield { kind: intent.kind }
  if (!run.session.taskRun || isTerminal(run.session.taskRun.status)) return yield { kind: 'settle-outcome' }
  yield* ending(run, now, giveUp(unconfirmedStop))
}

export function* stopping(run: Run, now: Now): Due {
  if (!run.session.taskRun) return yield { kind: 'settle-outcome' }
  if (isTerminal(run.session.taskRun.status)) yield* replies(run, now)
  yield* claims(run, now)
  if (!isTerminal(run.session.taskRun.status)) return yield* ending(run, now, giveUp(unconfirmedStop))
  if (run.result.claimedPulls.length > 0) return yield* keepPolling(run, now)
  if (run.result.resultChecked) return yield { kind: 'settle-outcome' }
  yield { kind: 'find-result' }
}

export const seenToUntil = ({ result: { concludedAt = 0 } }: Run): number => concludedAt + limits.seeingTo

export function* seeingTo(run: Run, now: Now): Due {
  if (now.at > seenToUntil(run)) return yield { kind: 'leave-agent' }
  const begun = openIntents(run).filter(({ kind }) => beginsAgent(kind))
  if (begun.length > 0) return yield* unsettled(run, begun, now)
  yield* ending(run, now, { kind: 'leave-agent' })
}

/**
 * Asks PostHog to cancel, then polls until the agent has ended. Only a poll after the time limit proves that it has
 * not.
 */
function* ending(run: Run, now: Now, unconfirmed: Step): Due {
  const requestedAt = cancelledAt(run)
  if (requestedAt !== undefined) {
    yield* replies(run, now)
    if ((run.schedule.lastPollAt ?? 0) - requestedAt > limits.stopping) return yield unconfirmed
    return yield* keepPolling(run, now)
  }
  const refused = refusedCancel(run)
  if (!refused || now.at >= refused.until) yield { kind: 'cancel' }
  if (refused && now.at - refused.since > limits.seeingTo) return yield unconfirmed
  yield* keepPolling(run, now)
}
