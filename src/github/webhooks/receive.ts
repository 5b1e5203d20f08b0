import type { Log } from '../../core/model/ports.ts'
import type { Trigger } from '../../core/model/trigger.ts'
import { withStrings } from '../../core/text/redact.ts'
import type { AppIdentity, Delivery, Passed } from './event.ts'
import { normalise } from './normalise.ts'

export interface ReceivingDeps {
  app: AppIdentity
  redact(text: string): string
  log: Pick<Log, 'debug' | 'info'>
  /** Claims the trigger by its id and enqueues it, in one step; `known` when it was there already. */
  enqueue(trigger: Trigger): Promise<'added' | 'known'>
}

export type Received = Passed | { kind: 'added' | 'known'; id: string }

export type Receive = (delivery: Delivery) => Promise<Received>

export const receiver =
  ({ app, redact, log, enqueue }: ReceivingDeps): Receive =>
  async delivery => {
    const { id, event } = delivery
    const read = normalise(delivery, app)
    if (read.kind === 'ignored') {
      log.debug({ delivery: id, event, why: read.why }, 'ignored')
      return read
    }
    const trigger = withoutSecrets(read.trigger, redact)
    const outcome = await enqueue(trigger)
    log.info({ delivery: id, event, trigger: trigger.id, outcome }, 'queued')
    return { kind: outcome, id: trigger.id }
  }

const wordsOf = new Set(['text', 'before', 'title', 'body', 'hunk', 'path'])

/** Text by people and file names; names and addresses in use stay. */
const withoutSecrets = (trigger: Trigger, redact: (text: string) => string): Trigger =>
  withStrings(trigger, (text, field) => (wordsOf.has(field) ? redact(text) : text))
