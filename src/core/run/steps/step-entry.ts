import type { CallKind, Service } from '../../model/errors.ts'
import type { TasksClient, ThreadClient } from '../../model/ports.ts'
import type { RunPart } from '../run.ts'

export interface StepEntry {
  service: Service | 'none'
  call: CallKind | 'both'
  /** Speaks to an agent, which may take nothing while PostHog is well. */
  toAgent?: true
  github?: readonly (keyof ThreadClient)[]
  posthog?: readonly (keyof TasksClient)[]
  writes: readonly RunPart[]
}

export const stepTable = <const T extends Readonly<Record<string, StepEntry>>>(table: T): T => table
