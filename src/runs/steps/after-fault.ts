/** What a Run knows after a step failed. */

import { failureOf } from '../../core/comments/service-refusals.ts'
import { ComeBack, Refused, type Service, Unanswered } from '../../core/model/errors.ts'
import { NotSettled } from '../../core/model/result-pending.ts'
import { type Doing, steps } from '../../core/run/next-step.ts'
import { isAnswer, outageOf, withOutage } from '../../core/run/outage.ts'
import { type Outage, type Run, resumedSession } from '../../core/run/run.ts'
import { backoff, limits } from '../../core/run/timing.ts'
import { stagingIsLost } from '../../core/text/attachment-links.ts'
import { failed } from './find-branch.ts'
import { allTold, CalledOff, type Hand } from './step-context.ts'
import { unheard } from './tell-thread.ts'

/** Anything unexpected is thrown on, and the queue tries again. */
export function afterFault(hand: Hand, step: Doing, error: unknown): Run {
  const { run, deps } = hand
  if (error instanceof CalledOff) return { ...run, intent: undefined }
  if (error instanceof NotSettled) {
    const service = steps[step.do].asks ?? 'github'
    return awaiting(hand, service, { why: error.message, until: error.until, failed: 0 })
  }
  if (error instanceof ComeBack) {
    const promised = error.why === 'usage-limit' ? { promised: error.until } : {}
    return awaiting(hand, error.service, { why: error.message, until: error.until, failed: 1, ...promised })
  }
  if (error instanceof Unanswered) {
    deps.log.warn({ run: run.id, step: step.do, err: error }, 'no usable answer')
    const until = deps.now() + backoff(outageOf(run, error.service)?.count ?? 0)
    return awaiting(hand, error.service, { why: error.message, until, failed: 1 })
  }
  if (!(error instanceof Refused)) throw error
  deps.log.warn({ run: run.id, step: step.do, err: error }, 'refused')
  const isRead = error.of === 'read' || steps[step.do].kind === 'read'
  return isRead ? afterRefusedRead(hand, error) : afterRefusal(hand, step, error)
}

interface Wait extends Pick<Outage, 'why' | 'until' | 'promised' | 'refusedSince'> {
  /** How many attempts failed just now; looking for the trace of one is none. */
  failed: 0 | 1
}

/** The other service's wait, if there is one, goes on beside it. */
function awaiting({ run, deps }: Hand, service: Service, { failed: more, ...wait }: Wait): Run {
  const before = outageOf(run, service)
  const count = (before?.count ?? 0) + more
  return withOutage(run, service, { since: before?.since ?? deps.now(), count, ...wait })
}

/** What could not be read is read again: one no says nothing about the run, nor does a minute of them. */
function afterRefusedRead(hand: Hand, error: Refused): Run {
  const { run, deps } = hand
  const now = deps.now()
  const before = outageOf(run, error.service)
  const failure = failureOf(error, run)
  const after = awaiting(hand, error.service, {
    why: failure.reason,
    until: now + backoff(before?.count ?? 0),
    failed: 1,
    refusedSince: before?.refusedSince ?? now,
  })
  const outage = outageOf(after, error.service)
  if (!outage || !isAnswer(outage, error, run, now)) return after
  // The effort of looking for what is left ends with the Run's patience; its agent is seen to as far as that goes.
  const known: Run = withOutage(run, error.service, undefined)
  return run.outcome ? lettingGo(known) : failed({ ...hand, run: known }, failure)
}

/** Nothing is left to be told, nor to be waited for. */
const lettingGo = (run: Run): Run => ({
  ...run,
  intent: undefined,
  told: allTold,
  claimedPulls: [],
  unseenPulls: {},
  yielding: true,
})

/** A session may only be resumed on branches that it knows: on another one everything begins afresh. */
const isBranchRefused = (run: Run, { status, field, message }: Refused): boolean =>
  status === 400 &&
  resumedSession(run) !== undefined &&
  (field === undefined ? /\bbranch\b/i.test(message) : field === 'branch')

/** The effect did not happen, and will not by trying again. */
function afterRefusal(hand: Hand, step: Doing, error: Refused): Run {
  const { deps } = hand
  const run: Run = { ...hand.run, intent: undefined }
  switch (step.do) {
    case 'post-status':
      return unposted({ ...hand, run }, error)
    case 'edit-status':
      return unheard(run, deps.now())
    case 'cancel':
      return uncancelled(run, deps.now())
    case 'start-run':
      // Staged files are kept for a day: a run that waited longer has them staged again, once.
      if (stagingIsLost(error))
        return { ...run, restaged: true, attachments: run.restaged ? { ids: [], failed: [] } : undefined }
      if (isBranchRefused(run, error)) return { ...run, earlier: undefined, attachments: undefined }
      return failed({ ...hand, run }, failureOf(error, run))
    default:
      return run.outcome ? lettingGo(run) : failed({ ...hand, run }, failureOf(error, run))
  }
}

/** A Run that nobody would hear of does not begin. One whose agent works goes on and is heard of when that can be. */
function unposted(hand: Hand, error: Refused): Run {
  const now = hand.deps.now()
  const run = unheard(hand.run, now)
  if (run.taskRun && !run.outcome) return run
  if (now - (run.unheard?.since ?? now) < limits.refusedBefore) return run
  const over: Run = run.outcome ? run : failed({ ...hand, run }, failureOf(error, run))
  return { ...over, unheard: undefined, mute: true, told: allTold }
}

function uncancelled(run: Run, now: number): Run {
  const { cancel } = run
  if (!cancel) return run
  return {
    ...run,
    cancel: { ...cancel, refused: cancel.refused + 1, until: now + backoff(cancel.refused) },
  }
}
