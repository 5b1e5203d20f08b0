import { outOfUse } from '../comments/failures.ts'
import type { Service } from '../model/errors.ts'
import { agentIsToBeSeenTo } from './agent-end.ts'
import { openIntents } from './intents.ts'
import { isInForce, isTooLong, outageOf } from './outage.ts'
import type { Outage } from './record/attempts-part.ts'
import type { Run } from './run.ts'
import { giveUp, leaving, seeingTo, seenToUntil, stopping } from './steps/ending.ts'
import { canComment, type Due, type Now, unsettled, waiting } from './steps/polling.ts'
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

/**
 * Steps that run beside `step`, as neither needs the other. An agent starts only when status, branch and task are
 * there.
 */
export function besides(run: Run, step: ActingStep, now: Now): ActingStep[] {
  const steps = preparing(run, now)
  if (!steps.some(({ kind }) => kind === step.kind)) return []
  return steps.filter(({ kind }) => kind !== step.kind).filter(each => heldBack(run, each, now) === undefined)
}

function* statusDue(run: Run, now: Now): Generator<ActingStep> {
  if (!run.report.status && !run.report.readOnlyThread && canComment(run, now)) yield { kind: 'post-status' }
}

function preparing(run: Run, now: Now): ActingStep[] {
  const { schedule, mailbox, result, session, workspace } = run
  if (!schedule.admitted || mailbox.stop || mailbox.accessLost || result.outcome || session.taskRun) return []
  return [
    ...statusDue(run, now),
    ...(workspace.branch ? [] : [{ kind: 'find-branch' as const }]),
    ...(session.taskId === undefined ? [{ kind: 'create-task' as const }] : []),
  ]
}

function serviceOf({ kind }: ActingStep): Service | undefined {
  const { service } = steps[kind]
  return service === 'none' ? undefined : service
}

function heldBack(run: Run, step: ActingStep, now: Now): number | undefined {
  const service = serviceOf(step)
  const outages = [
    service && outageOf(run, service),
    steps[step.kind].toAgent && outageOf(run, 'agent'),
  ].filter(outage => outage && isInForce(outage, now.at) && !mayTellOf(outage, step))
  return outages.length === 0 ? undefined : Math.max(...outages.map(outage => (outage ? outage.until : 0)))
}

const mayTellOf = ({ refusedSince }: Outage, { kind }: ActingStep): boolean =>
  kind === 'edit-status' && refusedSince !== undefined

function lasting(run: Run, now: Now, service: Service | undefined): Step | undefined {
  const outage = service && outageOf(run, service)
  if (!outage || !isTooLong(outage, now.at) || agentIsToBeSeenTo(run)) return undefined
  return run.result.outcome ? { kind: 'let-go' } : giveUp(outOfUse(service, outage.why))
}

function* due(run: Run, now: Now): Due {
  const intents = openIntents(run)
  if (run.mailbox.stop && !run.result.outcome && !run.session.taskRun && intents.length === 0)
    return yield { kind: 'settle-outcome' }
  if (agentIsToBeSeenTo(run)) return yield* seeingTo(run, now)
  if (run.mailbox.accessLost) return yield* leaving(run, now)
  if (intents.length > 0) return yield* unsettled(run, intents, now)
  if (!run.report.status && !run.report.readOnlyThread) {
    const begins = !run.session.taskRun && !run.result.outcome
    // Admission comes from our own index, so it is asked before the status is posted.
    if (begins && !hasAskedForAdmission(run) && !outageOf(run, 'github')) yield { kind: 'await-admission' }
    yield* statusDue(run, now)
    if (begins) return yield waiting(run.report.threadBlocked?.until ?? Number.POSITIVE_INFINITY, now)
  }
  if (run.result.outcome) yield* afterOutcome(run, now)
  else if (run.mailbox.stop) yield* stopping(run, now)
  else yield* working(run, now)
}

const hasAskedForAdmission = ({ schedule: { admitted, ahead, waitsUntil } }: Run): boolean =>
  admitted || ahead !== undefined || waitsUntil !== undefined
