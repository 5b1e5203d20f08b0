/** What is counted of triggers and Runs. Every label value is from a fixed set. */
import type { CallMeter, WebhookMeter } from '../model/meter.ts'
import type { Trigger } from '../model/trigger.ts'
import type { Run } from './run.ts'

export interface FlowMeter {
  handled(kind: Trigger['kind'], outcome: HandledOutcome): void
  moved(before: Run, after: Run): void
  swept(sweep: { result: SweepResult; redelivered: number }): void
}

export type HandledOutcome = 'started' | 'answered' | 'refused' | 'noted' | 'news' | 'given-up'
type SweepResult = 'done' | 'limited' | 'failed'

export type Meter = WebhookMeter & CallMeter & FlowMeter
