import { type Service, serviceNames } from '../model/errors.ts'
import { agentIsToBeSeenTo } from './agent-end.ts'
import { isTooLong, outageOf } from './outage.ts'
import type { Outage } from './record/attempts-part.ts'
import type { Run } from './run.ts'
import { type Failure, giveUp, leaving, seeingTo, seenToUntil, stopping } from './steps/ending.ts'
import { type Due, isHeard, type Now, unsettled, waiting } from './steps/looking.ts'
import { type ActingStep, type Step, steps } from './steps/step-registry.ts'
import { afterOutcome } from './steps/telling.ts'
import { working } from './steps/working.ts'

export function nextStep(run: Run, now: Now): Step {
  let heldUntil = agentIsToBeSeenTo(run) ? seenToUntil(run) + 1 : Number.POSITIVE_INFINITY
  let service: Service | undefined
  for (const step of due(run, now)) {
    if (step.kind === 'wait')
      return lasting(run, now, service) ?? waiting(Math.min(now.at + step.ms, heldUntil), now)
    if (step.kind === 'end' && service) break
    const until = step.kind === 'end' ? undefined : heldBack(run, step, now)
    if (until === undefined) return step
    service = (step.kind === 'end' ? undefined : serviceOf(step)) ?? service
    heldUntil = Math.min(heldUntil, until)
  }
  return lasting(run, now, service) ?? waiting(heldUntil, now)
}

function serviceOf({ kind }: ActingStep): Service | undefined {
  const { service } = steps[kind]
  return service === 'none' ? undefined : service
}

function heldBack(run: Run, step: ActingStep, now: Now): number | undefined {
  const service = serviceOf(step)
  const outage = service && outageOf(run, service)
  if (!outage || now.at >= outage.until) return undefined
  const tells = step.kind === 'edit-status' && outage.refusedSince !== undefined
  return tells ? undefined : outage.until
}

function lasting(run: Run, now: Now, service: Service | undefined): Step | undefined {
  const outage = service && outageOf(run, service)
  if (!outage || !isTooLong(outage, now.at) || agentIsToBeSeenTo(run)) return undefined
  return run.result.outcome ? { kind: 'let-go' } : giveUp(tooLong(service, outage))
}

function* due(run: Run, now: Now): Due {
  if (run.mailbox.stop && !run.result.outcome && !run.session.taskRun && !run.attempts.intent)
    return yield { kind: 'settle-outcome' }
  if (agentIsToBeSeenTo(run)) return yield* seeingTo(run, now)
  if (run.mailbox.accessLost) return yield* leaving(run, now)
  if (run.attempts.intent) return yield* unsettled(run, run.attempts.intent, now)
  if (!run.report.status && !run.report.readOnlyThread) {
    if (isHeard(run, now)) yield { kind: 'post-status' }
    if (!run.session.taskRun && !run.result.outcome)
      return yield waiting(run.report.threadBlocked?.until ?? Number.POSITIVE_INFINITY, now)
  }
  if (run.result.outcome) yield* afterOutcome(run, now)
  else if (run.mailbox.stop) yield* stopping(run, now)
  else yield* working(run, now)
}

const tooLong = (service: Service, { why }: Outage): Failure => ({
  class: 'network',
  reason: `${serviceNames[service]} could not be used for a day: ${why}`,
  fix: '`/codex retry` tries again.',
})
