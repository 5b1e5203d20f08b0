/** Makes a trigger of each delivery and enqueues it, or says why nothing is done. It calls nobody but the queue. */
import type { Log } from '../../core/model/ports.ts'
import { onceAMinute } from '../../core/model/time.ts'
import { type Trigger, withTexts } from '../../core/model/trigger.ts'
import type { Receive, TriggerOf } from './event.ts'
import type { MayLeave } from './fair-share.ts'
import { normalise } from './normalise.ts'

export interface ReceivingDeps {
  triggerOf: TriggerOf
  redact(text: string): string
  log: Pick<Log, 'debug' | 'info'>
  /** Claims the trigger by its id and enqueues it, in one step; `known` when it was there already. */
  enqueue(trigger: Trigger): Promise<'added' | 'known'>
  mayLeave?: MayLeave
}

export const receiver = ({ triggerOf, redact, log, enqueue, mayLeave }: ReceivingDeps): Receive => {
  const tellOfTooMuch = onceAMinute(Date.now)
  return async delivery => {
    const { id, event } = delivery
    const read = normalise(delivery, triggerOf)
    if (read.kind === 'ignored') {
      log.debug({ delivery: id, event, why: read.why }, 'ignored')
      return read
    }
    const trigger = withTexts(read.trigger, redact)
    for (const also of read.also ?? []) await enqueue(withTexts(also, redact))
    if (mayLeave?.(trigger) === false) {
      const why = 'too much by one account'
      const { id: account, login: by } = trigger.sender
      tellOfTooMuch(`${account}`, () => log.info({ delivery: id, event, by }, `ignored: ${why}`))
      return { kind: 'ignored', why }
    }
    const outcome = await enqueue(trigger)
    // Nobody asked for news, and each push of a fork is some.
    const level = trigger.kind === 'pull-news' ? 'debug' : 'info'
    log[level]({ delivery: id, event, trigger: trigger.id, outcome }, 'queued')
    return { kind: outcome, id: trigger.id }
  }
}
