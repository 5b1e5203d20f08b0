/**
 * GitHub delivers again what failed. A first delivery may be under way, and the endpoint may be down for days. Once
 * anything arrives, all that is missed is due.
 */
import { Rejected } from '../core/model/errors.ts'
import type { Log } from '../core/model/ports.ts'
import { hour, minute, second } from '../core/model/time.ts'
import {
  type Attempt,
  type DeliveryLog,
  delayBefore,
  firstMissed,
  type MissedDelivery,
  type Remedy,
  triedAt,
} from './read-deliveries.ts'

const redeliverDelays = [minute, 15 * minute, 3 * hour, 6 * hour]

export const redeliverEvery = minute

interface Redelivering {
  deliveries: Pick<DeliveryLog, 'redeliver'>
  log: Log
}

export const redelivering = ({ deliveries, log }: Redelivering): Remedy => ({
  every: redeliverEvery,
  sideBySide: 1,
  // GitHub asks for a second between writes.
  pause: second,
  delays: redeliverDelays,
  missed: withFailed,
  async act({ id, guid: delivery, event, times }) {
    try {
      await deliveries.redeliver(id)
      log.info({ delivery, event, times: times + 1 }, 'requested the webhook again')
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
      log.warn({ delivery, event, err: error }, 'GitHub will not send this webhook again')
    }
    return false
  },
})

function withFailed(
  before: readonly MissedDelivery[],
  attempts: readonly Attempt[],
): MissedDelivery[] {
  const missed = new Map(before.map(each => [each.guid, each]))
  for (const attempt of attempts) {
    const { guid, at, ok, redelivery } = attempt
    const known = missed.get(guid)
    if (ok) missed.delete(guid)
    else if (!known && !redelivery) missed.set(guid, firstMissed(attempt, redeliverDelays))
    // One that failed before it was due is the one that was requested last.
    else if (known && redelivery && at >= known.dueAt)
      missed.set(guid, triedAt(known, at, redeliverDelays))
  }
  const arrivedAt = Math.max(...attempts.filter(({ ok }) => ok).map(({ at }) => at))
  return [...missed.values()].map(each => hurried(each, arrivedAt))
}

/** Only once, as it may be what fails, and not within a minute: what was requested may be under way. */
function hurried(missed: MissedDelivery, arrivedAt: number): MissedDelivery {
  const { times, dueAt } = missed
  const tried = dueAt - delayBefore(times, redeliverDelays)
  if (missed.hurried || times === 0 || arrivedAt < tried) return missed
  return { ...missed, dueAt: Math.min(dueAt, tried + redeliverEvery), hurried: true }
}
