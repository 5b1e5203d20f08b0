/**
 * Says what a Run does when one of its steps throws.
 * It waits and tries again, tells a sender that their words were refused, or gives up.
 * The fault leaves a retry, a reply that is due, or an outcome in the record.
 */
import {
  asRead,
  isOfService,
  Rejected,
  ResultPending,
  RetryLater,
  type Service,
} from '../../core/model/errors.ts'
import { backoff } from '../../core/model/time.ts'
import { agentIsToBeSeenTo, cancelKey } from '../../core/record/agent-end.ts'
import { failureOf } from '../../core/record/failures.ts'
import type { OwedReply } from '../../core/record/mailbox-part.ts'
import { refusedWords } from '../../core/record/messages.ts'
import { type ActingStep, stepNeeds, withoutIntent } from '../../core/record/next-step.ts'
import { agentLeft, failed, nothingLeft, onlyNeeded } from '../../core/record/outcome.ts'
import {
  afterPassing,
  isFinal,
  type Passing,
  passes,
  retriedAt,
  retryOf,
  withRetry,
} from '../../core/record/retries.ts'
import { changed, type Outcome, type Run, resumedSession } from '../../core/record/run.ts'
import { limits } from '../../core/record/timing.ts'
import { moment } from '../../core/text/phrases.ts'
import { laterInThread } from './closing-comment.ts'
import { none } from './stage-attachments.ts'
import { Cancelled, type RunContext } from './step-context.ts'

/** @throws what is not one of our errors, so that the queue tries again */
export function afterFault(context: RunContext, step: ActingStep, error: unknown): Run {
  const { run, deps } = context
  const { call, service: asked } = stepNeeds[step.kind]
  if (error instanceof Cancelled) return changed(run, withoutIntent(run, step))
  const fault = call === 'read' ? asRead(error) : error
  if (fault instanceof ResultPending)
    return passing(context, asked === 'none' ? 'github' : asked, fault)
  if (fault instanceof RetryLater) {
    if (fault.why === 'not-ready') return whenNotTaken(context, step, fault)
    if (fault.why !== 'usage-limit' || !isMessage(step))
      return passing(context, fault.service, fault)
    return messageRefused(run, step, `${fault.message} until ${moment(fault.until, deps.now())}`)
  }
  if (!isOfService(fault)) throw error
  const isRefused = fault instanceof Rejected
  deps.log.warn({ step: step.kind, err: error }, isRefused ? 'refused' : 'no usable answer')
  if (isRefused)
    return passes(fault) ? afterRefusedRead(context, fault) : afterRefusal(context, step, fault)
  const { service, message } = fault
  const after = passing(context, service, fault)
  if (service !== 'posthog' || !isMessage(step)) return after
  // Looks go first then, and show whether only the agent takes nothing.
  const until = (retryOf(after, service)?.until ?? 0) + 1
  return whenNotTaken(
    { ...context, run: after },
    step,
    { message, until },
    retryOf(run, service) !== undefined,
  )
}

const passing = ({ run, deps }: RunContext, service: Service, fault: Passing, why?: string) =>
  withRetry(run, service, afterPassing(run, service, fault, { now: deps.now(), why }))

type MessageStep = ActingStep & { kind: 'deliver' | 'answer-permission' }

/** Such a step is about a message: its refusal settles the message, and never the Run. */
const isMessage = (step: ActingStep): step is MessageStep =>
  step.kind === 'deliver' || step.kind === 'answer-permission'

/** Offered again for a while, unless PostHog as a whole is away. */
function whenNotTaken(
  context: RunContext,
  step: ActingStep,
  { message: why, until }: Pick<RetryLater, 'message' | 'until'>,
  isAway = false,
) {
  const now = context.deps.now()
  const offeredAgain = Math.max(until, now + backoff(retryOf(context.run, 'agent')?.count ?? 0))
  const retry = retriedAt(context.run, 'agent', now, { why, until: offeredAgain })
  const since = isAway ? now : retry.since
  if (now - since <= limits.notTaken) return withRetry(context.run, 'agent', { ...retry, since })
  const run = withRetry(context.run, 'agent', undefined)
  if (isMessage(step)) return messageRefused(run, step, why)
  const { earlier } = run.session
  // It is ended, and a new one resumes it.
  return earlier
    ? changed(run, withoutIntent(run, step), {
        session: { earlier: { ...earlier, may: undefined } },
      })
    : run
}

/** Tells who sent it. The Run goes on. */
function messageRefused(before: Run, step: MessageStep, because: string): Run {
  const run = changed(before, withoutIntent(before, step))
  if (step.kind === 'deliver') return refusedWords(run, because)
  const request = run.session.sessionLog?.permissionRequest
  if (!request) return run
  const { id, title } = request
  const answer: OwedReply = {
    id: `permission-${id}`,
    to: run.request.by,
    source: { trigger: '', command: 0, last: false },
    reply: { kind: 'permission-refused', title, because },
  }
  return changed(run, {
    session: { permission: { id, title, allowed: false, untaken: 'refused' } },
    mailbox: { answers: [...run.mailbox.answers, answer] },
  })
}

function afterRefusedRead(context: RunContext, error: Rejected) {
  const { run, deps } = context
  const now = deps.now()
  const failure = failureOf(error, run)
  const after = passing(context, error.service, error, failure.reason)
  const outage = retryOf(after, error.service)
  if (!outage || !isFinal(outage, error, run.session.taskRun !== undefined, now)) return after
  const known: Run = withRetry(run, error.service, undefined)
  return run.result.outcome ? withoutHope(known) : endedWith(known, failure, now)
}

const withoutHope = (run: Run) =>
  agentIsToBeSeenTo(run)
    ? changed(run, agentLeft)
    : changed(run, {
        attempts: { intent: undefined },
        report: nothingLeft(run),
        mailbox: { answers: [], releaseThread: true },
        result: { claimedPulls: [], untended: [] },
      })

const endedWith = (run: Run, outcome: Outcome, now: number) =>
  onlyNeeded(changed(run, failed(run, outcome, now)))

/** Whether PostHog dropped the staged files, as it does after a day. */
export const isStagingLost = ({ service, status, message }: Rejected): boolean =>
  service === 'posthog' && status === 400 && message.includes('pending_user_artifact_ids')

/** PostHog resumes a session only on branches that it knows; on another one a new session begins. */
const isBranchRefused = (run: Run, { status, field, message }: Rejected) =>
  status === 400 &&
  resumedSession(run) !== undefined &&
  (field === undefined ? /\bbranch\b/i.test(message) : field === 'branch')

function afterRefusal({ run: before, deps }: RunContext, step: ActingStep, error: Rejected): Run {
  const run: Run = changed(before, withoutIntent(before, step))
  const now = deps.now()
  if (isMessage(step)) return messageRefused(run, step, failureOf(error, run).reason)
  switch (step.kind) {
    case 'post-status':
      return unposted(run, error, now)
    case 'edit-status':
      return changed(run, laterInThread(run, error, now))
    case 'cancel': {
      const key = cancelKey(run)
      const wait = { why: error.message, until: now + backoff(retryOf(run, key)?.count ?? 0) }
      return withRetry(run, key, retriedAt(run, key, now, wait))
    }
    case 'start-run':
      // PostHog keeps staged files for a day: after that they are staged again, once.
      if (isStagingLost(error)) {
        const attachments = run.workspace.restaged ? none : undefined
        return changed(run, { workspace: { restaged: true, attachments } })
      }
      if (isBranchRefused(run, error))
        return changed(run, {
          session: { earlier: undefined },
          workspace: { attachments: undefined },
        })
      return endedWith(run, failureOf(error, run), now)
    case 'find-branch':
    case 'create-task':
      // A step beside this one may have failed first.
      return endedWith(run, failureOf(error, run), now)
    default:
      return run.result.outcome ? withoutHope(run) : endedWith(run, failureOf(error, run), now)
  }
}

function unposted(before: Run, error: Rejected, now: number) {
  const run = changed(before, laterInThread(before, error, now))
  if (run.session.taskRun && !run.result.outcome) return run
  if (now - (retryOf(run, 'thread')?.since ?? now) < limits.refusedBefore) return run
  const over: Run = run.result.outcome ? run : endedWith(run, failureOf(error, run), now)
  return changed(over, {
    retries: { thread: undefined },
    report: { readOnlyThread: true, ...nothingLeft(run), done: ['conclude', 'react'] },
  })
}
