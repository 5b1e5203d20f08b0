/** Without an address, the payload of each delivery is read in GitHub's log, and enqueued as if it had come to the door. */
import { QueueUnavailable, Rejected, RetryLater } from '../core/model/errors.ts'
import type { WebhookMeter, WebhookResult } from '../core/model/meter.ts'
import type { Log } from '../core/model/ports.ts'
import { hour, minute, second } from '../core/model/time.ts'
import { firstMissed, type Remedy } from './read-deliveries.ts'

interface SentDelivery {
  id: string
  event: string
  payload: object
}

export interface LogReading {
  deliveries: {
    /** @throws Rejected if it can't be taken, now or ever */
    sent(id: string): Promise<SentDelivery>
  }
  receive(delivery: SentDelivery): Promise<{ kind: 'added' | 'known' | 'ignored' }>
  /** Whether the thread shows it. */
  wasAnswered(delivery: SentDelivery): Promise<boolean>
  looked(): void
  log: Log
  meter?: WebhookMeter
}

/** GitHub has it no more, or it is too large. */
const lost = new Set([404, 410, 413, 422])

const readDelays = [0, minute, 15 * minute, 3 * hour, 6 * hour]

/** What is read here costs 720 calls of the 5,000 that GitHub lets an App make in an hour, and one for each webhook. */
export const takingFromLog = (deps: LogReading): Remedy => ({
  every: 5 * second,
  // GitHub takes 900 calls a minute.
  sideBySide: 5,
  pause: 400,
  delays: readDelays,
  looked: deps.looked,
  missed(before, attempts) {
    const all = [...attempts.map(attempt => firstMissed(attempt, readDelays)), ...before]
    return [...new Map(all.map(each => [each.id, each])).values()]
  },
  async act({ id, guid: delivery, event, since }, beganAt) {
    const { deliveries, receive, log, meter } = deps
    const countResult = (result: WebhookResult): void => meter?.answered(event, result)
    try {
      const sent = await deliveries.sent(id)
      const isDone = since < beganAt && (await deps.wasAnswered(sent))
      const { kind } = isDone ? ({ kind: 'known' } as const) : await receive(sent)
      countResult(kind === 'added' ? 'queued' : kind)
      return true
    } catch (error) {
      // One that can't be had now is no reason to keep the others waiting.
      if (error instanceof RetryLater || error instanceof QueueUnavailable) throw error
      const isLost = error instanceof Rejected && lost.has(error.status)
      log.warn({ delivery, event, isLost, err: error }, 'a webhook in GitHub’s log was not taken')
      countResult(isLost ? 'refused' : 'unavailable')
      return isLost
    }
  },
})
