import { stagingIsLost } from '../../core/model/attachment.ts'
import { NoResponse, Rejected, ResultPending, RetryLater, type Service } from '../../core/model/errors.ts'
import { backoff } from '../../core/model/time.ts'
import { agentIsToBeSeenTo, cancelKey, leftAlone } from '../../core/record/agent-end.ts'
import { refusedWords } from '../../core/record/messages.ts'
import { type ActingStep, steps, withoutIntent } from '../../core/record/next-step.ts'
import { removableBranch } from '../../core/record/own-pull-request.ts'
import {
  afterPassing,
  isFinal,
  type Passing,
  retriedAt,
  retryOf,
  triedRetry,
  withRetry,
} from '../../core/record/retries.ts'
import {
  type ChangeOf,
  changed,
  type Outcome,
  type Retry,
  type Run,
  resumedSession,
} from '../../core/record/run.ts'
import { limits } from '../../core/record/timing.ts'
import { moment } from '../../core/text/phrases.ts'
import { failureOf } from '../../core/words/service-refusals.ts'
import { laterInThread } from './closing-comment.ts'
import { allAnnounced, failed, onlyNeeded } from './outcome.ts'
import { Cancelled, type RunContext } from './step-context.ts'

/** What a fault may change: not the schedule. */
type Learned = ChangeOf<'attempts' | 'retries' | 'result' | 'session' | 'report' | 'mailbox' | 'workspace'>

const learned = (run: Run, ...changes: readonly Learned[]): Run => changed(run, ...changes)

/** @throws what is not one of our errors, so that the queue tries again */
export function afterFault(context: RunContext, step: ActingStep, error: unknown): Run {
  const { run, deps } = context
  if (error instanceof Cancelled) return learned(run, withoutIntent(run, step))
  if (error instanceof ResultPending) {
    const { service } = steps[step.kind]
    return passing(context, service === 'none' ? 'github' : service, error)
  }
  if (error instanceof RetryLater && error.why === 'not-ready') return notTaken(context, step, error)
  if (error instanceof RetryLater && error.why === 'usage-limit' && isMessage(step))
    return messageRefused(context, step, `${error.message} until ${moment(error.until, deps.now())}`)
  if (error instanceof RetryLater) return passing(context, error.service, error)
  if (error instanceof NoResponse) {
    deps.log.warn({ step: step.kind, err: error }, 'no usable answer')
    const { service, message } = error
    const after = passing(context, service, error)
    if (service !== 'posthog' || !isMessage(step)) return after
    // Looks go first then, and show whether only the agent takes nothing.
    const until = (retryOf(after, service)?.until ?? 0) + 1
    return notTaken({ ...context, run: after }, step, { message, until }, retryOf(run, service))
  }
  if (!(error instanceof Rejected)) throw error
  deps.log.warn({ step: step.kind, err: error }, 'refused')
  const isRead = error.of === 'read' || steps[step.kind].call === 'read'
  return isRead ? afterRefusedRead(context, error) : afterRefusal(context, step, error)
}

const passing = ({ run, deps }: RunContext, service: Service, fault: Passing, why?: string): Run =>
  withRetry(run, service, afterPassing(run, service, fault, { now: deps.now(), why }))

type MessageStep = Extract<ActingStep, { kind: 'deliver' | 'answer-permission' }>

/** Such a step is about a message: its refusal settles the message, and never the Run. */
const isMessage = (step: ActingStep): step is MessageStep =>
  step.kind === 'deliver' || step.kind === 'answer-permission'

/** Offered again for a while, unless PostHog as a whole is away. */
function notTaken(
  context: RunContext,
  step: ActingStep,
  { message: why, until }: Pick<RetryLater, 'message' | 'until'>,
  elsewhere?: Retry,
): Run {
  const now = context.deps.now()
  const before = triedRetry(context.run, 'agent', now)
  const since = before && !elsewhere ? before.since : now
  const count = (before?.count ?? 0) + 1
  const offeredAgain = Math.max(until, now + backoff(count - 1))
  if (now - since <= limits.notTaken)
    return withRetry(context.run, 'agent', { why, since, count, until: offeredAgain })
  const run = withRetry(context.run, 'agent', undefined)
  if (isMessage(step)) return messageRefused({ ...context, run }, step, why)
  const { earlier } = run.session
  // It is ended, and a new one resumes it.
  return earlier
    ? learned(run, withoutIntent(run, step), { session: { earlier: { ...earlier, may: undefined } } })
    : run
}

/** Tells who sent it. The Run goes on. */
function messageRefused({ run: before }: Pick<RunContext, 'run'>, step: MessageStep, because: string): Run {
  const run = learned(before, withoutIntent(before, step))
  const [followUp] = run.mailbox.pendingFollowUps
  if (step.kind === 'deliver')
    return refusedWords(run, { kind: 'refused', because, words: followUp?.text.slice(0, 200) })
  const request = run.session.sessionLog?.permissionRequest
  if (!request) return run
  const { id, title } = request
  return learned(run, {
    session: { permission: { id, title, allowed: false, untaken: 'refused' } },
    mailbox: {
      answers: [
        ...run.mailbox.answers,
        {
          id: `permission-${id}`,
          to: run.request.by,
          source: { trigger: '', command: 0, last: false },
          reply: { kind: 'permission-refused', title, because },
        },
      ],
    },
  })
}

function afterRefusedRead(context: RunContext, error: Rejected): Run {
  const { run, deps } = context
  const now = deps.now()
  const failure = failureOf(error, run)
  const after = passing(context, error.service, error, failure.reason)
  const outage = retryOf(after, error.service)
  if (!outage || !isFinal(outage, error, run.session.taskRun !== undefined, now)) return after
  const known: Run = withRetry(run, error.service, undefined)
  return run.result.outcome ? withoutHope(known) : endedWith({ ...context, run: known }, failure)
}

const withoutHope = (run: Run): Run =>
  agentIsToBeSeenTo(run)
    ? learned(run, leftAlone)
    : learned(run, {
        attempts: { intent: undefined },
        report: { announced: allAnnounced },
        mailbox: { answers: [], releaseThread: true },
        result: { claimedPulls: [], untended: [] },
      })

const endedWith = (context: Pick<RunContext, 'run' | 'deps'>, outcome: Outcome): Run =>
  onlyNeeded(learned(context.run, failed(context, outcome)))

/** PostHog resumes a session only on branches that it knows; on another one a new session begins. */
const isBranchRefused = (run: Run, { status, field, message }: Rejected): boolean =>
  status === 400 &&
  resumedSession(run) !== undefined &&
  (field === undefined ? /\bbranch\b/i.test(message) : field === 'branch')

function afterRefusal(context: RunContext, step: ActingStep, error: Rejected): Run {
  const { deps } = context
  const run: Run = learned(context.run, withoutIntent(context.run, step))
  switch (step.kind) {
    case 'post-status':
      return unposted({ ...context, run }, error)
    case 'edit-status':
      return learned(run, laterInThread(run, error, deps.now()))
    case 'cancel': {
      const key = cancelKey(run)
      const now = deps.now()
      const wait = { why: error.message, until: now + backoff(retryOf(run, key)?.count ?? 0) }
      return withRetry(run, key, retriedAt(run, key, now, wait))
    }
    case 'start-run':
      // PostHog keeps staged files for a day: after that they are staged again, once.
      if (stagingIsLost(error))
        return learned(run, {
          workspace: {
            restaged: true,
            attachments: run.workspace.restaged ? { ids: [], failed: [] } : undefined,
          },
        })
      if (isBranchRefused(run, error))
        return learned(run, { session: { earlier: undefined }, workspace: { attachments: undefined } })
      return endedWith({ ...context, run }, failureOf(error, run))
    case 'deliver':
    case 'answer-permission':
      return messageRefused({ run }, step, failureOf(error, run).reason)
    case 'find-branch':
    case 'create-task':
      // A step beside this one may have failed first.
      return endedWith({ ...context, run }, failureOf(error, run))
    default:
      return run.result.outcome ? withoutHope(run) : endedWith({ ...context, run }, failureOf(error, run))
  }
}

function unposted(context: RunContext, error: Rejected): Run {
  const now = context.deps.now()
  const run = learned(context.run, laterInThread(context.run, error, now))
  if (run.session.taskRun && !run.result.outcome) return run
  if (now - (retryOf(run, 'thread')?.since ?? now) < limits.refusedBefore) return run
  const over: Run = run.result.outcome ? run : endedWith({ ...context, run }, failureOf(error, run))
  return learned(over, {
    retries: { thread: undefined },
    report: {
      readOnlyThread: true,
      announced: { ...allAnnounced, branch: removableBranch(run) === undefined },
    },
  })
}
