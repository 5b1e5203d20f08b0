import type { Outcome, Unfinished } from '../record/result-part.ts'
import { beginningSteps } from './beginning.ts'
import { endingSteps } from './ending.ts'
import type { StepEntry } from './step-entry.ts'
import { tellingSteps } from './telling.ts'
import { workingSteps } from './working.ts'

const table = { ...tellingSteps, ...beginningSteps, ...workingSteps, ...endingSteps }

export type StepTable = typeof table
export type StepKind = keyof StepTable

export const steps: Record<StepKind, StepEntry> = table

interface About {
  'answer-permission': { option: string }
  'adopt-pull': { url: string }
  'give-up': { outcome: Outcome }
  'resume-turn': { why: Unfinished }
}

export type ActingStep = {
  [Kind in StepKind]: { kind: Kind } & (Kind extends keyof About ? About[Kind] : unknown)
}[StepKind]

export type Step = ActingStep | { kind: 'wait'; ms: number } | { kind: 'end' }
