/** `labels.state`: how a Run stands, as one label of its thread. */
import { asksBack } from './open-question.ts'
import { openQuestion } from './permission-request.ts'
import { retryOf, services } from './retries.ts'
import type { Run } from './run.ts'

/** As the repository has them, if nobody made them otherwise. */
export const stateLabels = {
  working: { color: 'fbca04', description: 'Codex works here' },
  'needs-you': { color: 'd93f0b', description: 'Codex asks something, or could not do it' },
  done: { color: '0e8a16', description: 'Codex has ended here' },
} as const

export type State = keyof typeof stateLabels
export const states = Object.keys(stateLabels).filter(isState)

export function isState(name: string): name is State {
  return Object.hasOwn(stateLabels, name)
}

/** None while it waits to begin, and when somebody stopped it. */
export function stateOf(run: Run): State | undefined {
  const { outcome } = run.result
  switch (outcome?.kind) {
    case 'pull':
    case 'pushed':
    case 'answer':
    case 'nothing':
      return asksBack(run) ? 'needs-you' : 'done'
    case 'failed':
    case 'unfinished':
      return 'needs-you'
    case 'stopped':
      return undefined
    case undefined:
      if (openQuestion(run) || services.some(service => retryOf(run, service)?.setup)) return 'needs-you'
      return run.schedule.admitted && !run.mailbox.stop ? 'working' : undefined
  }
}

export const showsOtherState = (run: Run): boolean =>
  run.baseline.settings.labels.state && run.report.state !== stateOf(run)
