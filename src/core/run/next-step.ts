/** Decides the one thing to do next for a Run. Pure: no clock, no service, no queue. */

import { type CallKind, type Service, serviceNames } from '../model/errors.ts'
import { agentIsToBeSeenTo, cancelledAt, mayHaveBegun, refusedCancel } from './agent-end.ts'
import { turnIsOver } from './apply-snapshot.ts'
import { isSuperseded } from './last-word.ts'
import { isTooLong, outageOf } from './outage.ts'
import { optionByRights } from './permission-request.ts'
import type { Intent, Outage } from './record/attempts-part.ts'
import type { Outcome } from './record/result-part.ts'
import { isTerminal, type Run, resumedSession, wantedRights } from './run.ts'
import { mayServe } from './session.ts'
import { limits } from './timing.ts'

export type Step =
  | { kind: 'post-status' }
  | { kind: 'edit-status' }
  | { kind: 'await-admission' }
  | { kind: 'find-branch' }
  | { kind: 'gather-context' }
  | { kind: 'stage-attachments' }
  | { kind: 'create-task' }
  | { kind: 'rejoin' }
  | { kind: 'end-earlier' }
  | { kind: 'start-run' }
  | { kind: 'deliver' }
  | { kind: 'answer-permission'; option: string }
  | { kind: 'cancel' }
  | { kind: 'poll' }
  | { kind: 'adopt-pull'; url: string }
  | { kind: 'find-result' }
  | { kind: 'tend-pull' }
  | { kind: 'settle-outcome' }
  | { kind: 'give-up'; outcome: Outcome }
  | { kind: 'leave-agent' }
  | { kind: 'conclude' }
  | { kind: 'answer-inline' }
  | { kind: 'answer-message' }
  | { kind: 'react' }
  | { kind: 'unlabel' }
  | { kind: 'drop-branch' }
  | { kind: 'resume-work' }
  | { kind: 'ask-cost' }
  | { kind: 'minimize-status' }
  | { kind: 'let-go' }
  | { kind: 'wait'; ms: number }
  | { kind: 'end' }

export type ActingStep = Exclude<Step, { kind: 'wait' } | { kind: 'end' }>

/** Whose answer a step needs, nobody's when it is undefined; and whether it only reads, only acts, or reads first. */
export const steps: Record<ActingStep['kind'], { asks: Service | undefined; kind: CallKind | 'both' }> = {
  'post-status': { asks: 'github', kind: 'effect' },
  'edit-status': { asks: 'github', kind: 'effect' },
  'await-admission': { asks: 'github', kind: 'read' },
  'find-branch': { asks: 'github', kind: 'both' },
  'gather-context': { asks: 'github', kind: 'read' },
  'stage-attachments': { asks: 'posthog', kind: 'effect' },
  'create-task': { asks: 'posthog', kind: 'effect' },
  rejoin: { asks: 'posthog', kind: 'both' },
  'end-earlier': { asks: 'posthog', kind: 'both' },
  'start-run': { asks: 'posthog', kind: 'effect' },
  'answer-permission': { asks: 'posthog', kind: 'effect' },
  deliver: { asks: 'posthog', kind: 'effect' },
  cancel: { asks: 'posthog', kind: 'effect' },
  poll: { asks: 'posthog', kind: 'read' },
  'adopt-pull': { asks: 'github', kind: 'both' },
  'find-result': { asks: 'github', kind: 'both' },
  'tend-pull': { asks: 'github', kind: 'both' },
  'settle-outcome': { asks: undefined, kind: 'read' },
  'give-up': { asks: undefined, kind: 'read' },
  'leave-agent': { asks: undefined, kind: 'read' },
  conclude: { asks: 'github', kind: 'effect' },
  'answer-inline': { asks: 'github', kind: 'effect' },
  'answer-message': { asks: 'github', kind: 'effect' },
  react: { asks: 'github', kind: 'effect' },
  unlabel: { asks: 'github', kind: 'effect' },
  'drop-branch': { asks: 'github', kind: 'both' },
  'resume-work': { asks: undefined, kind: 'read' },
  'ask-cost': { asks: undefined, kind: 'read' },
  'minimize-status': { asks: 'github', kind: 'effect' },
  'let-go': { asks: undefined, kind: 'read' },
}

export interface Now {
  at: number
  /** How the rendered status comment differs from the one last sent. */
  text: 'same' | 'time' | 'details' | 'phase'
}

/** How long after the last edit a difference is worth one. */
const editAfter: Record<Now['text'], number> = {
  phase: 0,
  details: limits.editEvery,
  time: limits.editForTimeEvery,
  same: Number.POSITIVE_INFINITY,
}

/** The first step that is due and whose service can be used; what can't be done now is waited for beside it. */
export function nextStep(run: Run, now: Now): Step {
  let heldUntil = agentIsToBeSeenTo(run) ? seenToUntil(run) + 1 : Number.POSITIVE_INFINITY
  let service: Service | undefined
  for (const step of due(run, now)) {
    if (step.kind === 'wait')
      return lasting(run, now, service) ?? waiting(Math.min(now.at + step.ms, heldUntil), now)
    if (step.kind === 'end' && service) break
    const until = step.kind === 'end' ? undefined : heldBack(run, step, now)
    if (until === undefined) return step
    service = (step.kind === 'end' ? undefined : steps[step.kind].asks) ?? service
    heldUntil = Math.min(heldUntil, until)
  }
  return lasting(run, now, service) ?? waiting(heldUntil, now)
}

const waiting = (until: number, now: Now): Step => ({ kind: 'wait', ms: Math.max(1, until - now.at) })

/** Until when the service of a step can't be used. */
function heldBack(run: Run, step: ActingStep, now: Now): number | undefined {
  const { asks } = steps[step.kind]
  const outage = asks && outageOf(run, asks)
  if (!outage || now.at >= outage.until) return undefined
  // Where only reading is refused, the thread can still be told so.
  const tells = step.kind === 'edit-status' && outage.refusedSince !== undefined
  return tells ? undefined : outage.until
}

/** What is held back by the same service for a day is given up. */
function lasting(run: Run, now: Now, service: Service | undefined): Step | undefined {
  const outage = service && outageOf(run, service)
  if (!outage || !isTooLong(outage, now.at) || agentIsToBeSeenTo(run)) return undefined
  return run.result.outcome
    ? { kind: 'let-go' }
    : { kind: 'give-up', outcome: failure(tooLong(service, outage)) }
}

type Due = Generator<Step, void>

/** The steps that are due, in order. What comes after one is done when that one can't be now. */
function* due(run: Run, now: Now): Due {
  // Nothing has begun yet that a stop would have to be told of.
  if (run.mailbox.stop && !run.result.outcome && !run.session.taskRun && !run.attempts.intent)
    return yield { kind: 'settle-outcome' }
  if (agentIsToBeSeenTo(run)) return yield* seeingTo(run, now)
  if (run.mailbox.accessLost) return yield* leaving(run, now)
  if (run.attempts.intent) return yield* unsettled(run, run.attempts.intent, now)
  if (!run.report.status && !run.report.readOnlyThread) {
    if (isHeard(run, now)) yield { kind: 'post-status' }
    // A Run that nobody hears of does not begin.
    if (!run.session.taskRun && !run.result.outcome)
      return yield waiting(run.report.threadBlocked?.until ?? Number.POSITIVE_INFINITY, now)
  }
  if (run.result.outcome) yield* afterOutcome(run, now)
  else if (run.mailbox.stop) yield* stopping(run, now)
  else yield* working(run, now)
}

/** An effect whose result is not known comes first. Reading of the run meanwhile does no harm, nor does its end. */
function* unsettled(run: Run, { kind: effect }: Intent, now: Now): Due {
  yield { kind: effect === 'open-pull' ? 'find-result' : effect }
  if (run.session.taskRun && run.mailbox.stop && cancelledAt(run) === undefined) yield { kind: 'cancel' }
  yield* meanwhile(run, now)
}

const isHeard = ({ report: { threadBlocked }, mailbox: { accessLost } }: Run, now: Now): boolean =>
  !accessLost && (threadBlocked === undefined || now.at >= threadBlocked.until)

/** Whoever said something is told what became of it, beside everything else. */
function* answers(run: Run, now: Now): Due {
  const [next] = run.mailbox.answers
  // A reaction can be given again; words are an effect of their own, one at a time.
  if (next && isHeard(run, now) && (!next.reply || !run.attempts.intent)) yield { kind: 'answer-message' }
}

/** What can be done for a Run that can't go on: its agent is followed, and the thread is told. */
function* meanwhile(run: Run, now: Now): Due {
  yield* answers(run, now)
  if (run.session.taskRun && !isTerminal(run.session.taskRun.status)) return yield* keepLooking(run, now)
  if (run.report.status && now.text === 'phase' && isHeard(run, now)) yield { kind: 'edit-status' }
}

function* working(run: Run, now: Now): Due {
  yield* answers(run, now)
  if (!run.schedule.admitted) return yield* keepLooking(run, now, { kind: 'await-admission' })
  if (!run.workspace.branch || !run.session.taskId || !run.session.taskRun) return yield* beginning(run, now)
  yield* claims(run, now)
  if (run.mailbox.pendingFollowUps.length > 0) {
    yield { kind: 'deliver' }
    return yield* keepLooking(run, now)
  }
  const option = permissionToAnswer(run)
  if (option !== undefined) yield { kind: 'answer-permission', option }
  if (run.result.pulls.length > run.result.reported) return yield { kind: 'settle-outcome' }
  if (turnIsOver(run, now.at)) return yield* turnEnd(run, now)
  const end = lost(run)
  if (end) return yield end
  yield* keepLooking(run, now)
}

/** A pull request that GitHub does not show yet is asked for again, beside everything else. */
function* claims(run: Run, now: Now): Due {
  const url = run.result.claimedPulls.find(claimed => now.at >= (run.result.unseenPulls[claimed]?.until ?? 0))
  if (url !== undefined) yield { kind: 'adopt-pull', url }
}

function* turnEnd(run: Run, now: Now): Due {
  if (!lookedSinceIdle(run)) {
    yield { kind: 'poll' }
    return yield* meanwhile(run, now)
  }
  if (run.result.claimedPulls.length > 0) return yield* keepLooking(run, now)
  if (run.result.resultChecked) return yield { kind: 'settle-outcome' }
  yield { kind: 'find-result' }
  yield* meanwhile(run, now)
}

/**
 * The look that saw the end of a turn read the run first and its log then, so that the pull request of that very
 * turn may be missing in it.
 */
const lookedSinceIdle = ({ session: { sessionLog, taskRun }, schedule: { lastPollAt } }: Run): boolean =>
  (taskRun !== undefined && isTerminal(taskRun.status)) ||
  lastPollAt === undefined ||
  sessionLog?.idleSince === undefined ||
  lastPollAt > sessionLog.idleSince

function permissionToAnswer(run: Run): string | undefined {
  const asks = run.session.sessionLog?.permissionRequest
  return asks && asks.id !== run.session.permission?.id ? optionByRights(asks, run) : undefined
}

function* beginning(run: Run, now: Now): Due {
  const {
    workspace: { branch },
    session: { taskId, earlier },
  } = run
  if (branch && taskId && earlier && !earlier.over && !mayBeRejoined(run, earlier))
    return yield* endingEarlier(run, earlier, now)
  yield towardsRun(run)
  yield* meanwhile(run, now)
}

type Earlier = NonNullable<Run['session']['earlier']>

const mayBeRejoined = (run: Run, earlier: Earlier): boolean =>
  mayServe(earlier, wantedRights(run)) && earlier.resumes !== false

function towardsRun(run: Run): ActingStep {
  if (!run.workspace.branch) return { kind: 'find-branch' }
  if (!run.session.taskId) return { kind: 'create-task' }
  if (run.session.earlier && !run.session.earlier.over) return { kind: 'rejoin' }
  // A session that goes on has read the thread already.
  if (!run.workspace.threadContext && !resumedSession(run)) return { kind: 'gather-context' }
  return run.workspace.attachments ? { kind: 'start-run' } : { kind: 'stage-attachments' }
}

/**
 * The earlier task run may not do what is asked now, or not only that. It is ended even when it is idle: PostHog may
 * put it to work again by itself, and two runs of one task must not work side by side.
 */
function* endingEarlier(run: Run, { cancelledAt: asked }: Earlier, now: Now): Due {
  const isLate = asked !== undefined && (run.schedule.lastPollAt ?? 0) - asked > limits.stopping
  if (isLate) return yield { kind: 'give-up', outcome: failure(earlierGoesOn) }
  yield* keepLooking(run, now, { kind: 'end-earlier' })
}

/** GitHub can't be told anything any more: the agent is seen to, and that is all. */
function* leaving(run: Run, now: Now): Due {
  if (run.result.outcome) return yield { kind: 'end' }
  if (run.attempts.intent && run.attempts.intent.kind !== 'open-pull')
    return yield { kind: run.attempts.intent.kind }
  if (!run.session.taskRun || isTerminal(run.session.taskRun.status)) return yield { kind: 'settle-outcome' }
  yield* ending(run, now, { kind: 'give-up', outcome: failure(unconfirmedStop) })
}

/** PostHog has to confirm a stop. */
function* stopping(run: Run, now: Now): Due {
  if (!run.session.taskRun) return yield { kind: 'settle-outcome' }
  if (isTerminal(run.session.taskRun.status)) yield* answers(run, now)
  yield* claims(run, now)
  if (!isTerminal(run.session.taskRun.status))
    return yield* ending(run, now, { kind: 'give-up', outcome: failure(unconfirmedStop) })
  if (run.result.claimedPulls.length > 0) return yield* keepLooking(run, now)
  if (run.result.resultChecked) return yield { kind: 'settle-outcome' }
  yield { kind: 'find-result' }
}

const seenToUntil = ({ result: { concludedAt = 0 } }: Run): number => concludedAt + limits.seeingTo

/** The agent of a Run that failed, for a bounded time; what may have begun is found first. */
function* seeingTo(run: Run, now: Now): Due {
  if (now.at > seenToUntil(run)) return yield { kind: 'leave-agent' }
  if (run.attempts.intent && mayHaveBegun(run)) return yield* unsettled(run, run.attempts.intent, now)
  yield* ending(run, now, { kind: 'leave-agent' })
}

/** PostHog is asked to end the agent, and looked at until it has; that it has not, only a look after the limit says. */
function* ending(run: Run, now: Now, unconfirmed: Step): Due {
  const asked = cancelledAt(run)
  if (asked !== undefined) {
    yield* answers(run, now)
    if ((run.schedule.lastPollAt ?? 0) - asked > limits.stopping) return yield unconfirmed
    return yield* keepLooking(run, now)
  }
  const refused = refusedCancel(run)
  if (!refused || now.at >= refused.until) yield { kind: 'cancel' }
  if (refused && now.at - refused.since > limits.seeingTo) return yield unconfirmed
  yield* keepLooking(run, now)
}

function* keepLooking(run: Run, now: Now, look: ActingStep = { kind: 'poll' }): Due {
  const { nextPollAt } = run.schedule
  const isDue = nextPollAt === undefined || now.at >= nextPollAt
  if (isDue) yield look
  const sinceEdit = now.at - (run.report.status?.at ?? 0)
  if (isHeard(run, now) && now.text !== 'same' && sinceEdit >= editAfter[now.text])
    yield { kind: 'edit-status' }
  const times = [
    isDue ? Number.POSITIVE_INFINITY : nextPollAt,
    now.at + editAfter[now.text] - sinceEdit,
    now.text === 'same'
      ? Number.POSITIVE_INFINITY
      : (run.report.threadBlocked?.until ?? Number.POSITIVE_INFINITY),
    refusedCancel(run)?.until ?? Number.POSITIVE_INFINITY,
    ...run.result.claimedPulls.map(url => run.result.unseenPulls[url]?.until ?? Number.POSITIVE_INFINITY),
    idleCounts(run, now.at),
  ]
  yield waiting(Math.min(...times.filter(at => at > now.at), Number.POSITIVE_INFINITY), now)
}

/** The moment at which the end of a turn counts needs no further look. */
function idleCounts(run: Run, now: number): number {
  if (!run.session.sessionLog?.idle) return Number.POSITIVE_INFINITY
  const since = run.session.sessionLog.idleSince ?? now
  const due = [limits.settle, limits.settleAfterNote].map(wait => since + wait).filter(at => at > now)
  return Math.min(...due, Number.POSITIVE_INFINITY)
}

/** That nothing was heard of a run, only a look after the limit says: with many live Runs the next one may be late. */
function lost({ session: { taskRun }, schedule: { lastPollAt = 0 } }: Run): Step | undefined {
  if (!taskRun) return undefined
  const silent = lastPollAt - taskRun.changedAt
  const queued = taskRun.status === 'queued' || taskRun.status === 'not_started'
  if (queued && silent > limits.queued) return { kind: 'give-up', outcome: failure(neverStarted) }
  if (silent > limits.silent) return { kind: 'give-up', outcome: failure(wentSilent) }
  return undefined
}

type Failure = Omit<Outcome & { kind: 'failed' }, 'kind'>
const failure = (of: Failure): Outcome => ({ kind: 'failed', ...of })

const neverStarted: Failure = {
  class: 'lost',
  reason: 'PostHog took the run but did not start it within 15 minutes',
  fix: 'Check that Tasks are enabled for the PostHog project, then `/codex retry`.',
}
const wentSilent: Failure = {
  class: 'lost',
  reason: 'Nothing was heard of the run for three hours',
  fix: 'Look at the run in PostHog, then `/codex retry`.',
}
const unconfirmedStop: Failure = {
  class: 'lost',
  reason: 'PostHog was asked to stop the run but did not confirm it within 5 minutes',
  fix: 'Look at the run in PostHog, then `/codex retry`.',
}

const earlierGoesOn: Failure = {
  class: 'lost',
  reason:
    'The session of before may not do what is asked now, and PostHog did not confirm its end within 5 minutes',
  fix: 'Look at the run in PostHog and stop it there, then `/codex retry`.',
}

const tooLong = (service: Service, { why }: Outage): Failure => ({
  class: 'network',
  reason: `${serviceNames[service]} could not be used for a day: ${why}`,
  fix: '`/codex retry` tries again.',
})

/** The thread is told first, then what was lent is given back; a pull request's Run stays for the rest of its turn. */
function* afterOutcome(run: Run, now: Now): Due {
  yield* answers(run, now)
  if (run.mailbox.pendingFollowUps.length > 0 && canGoOn(run)) return yield { kind: 'resume-work' }
  const heard = isHeard(run, now)
  if (heard && now.text === 'phase') yield { kind: 'edit-status' }
  if (run.session.cost === undefined && run.session.taskRun) yield { kind: 'ask-cost' }
  if (!run.report.announced.comment && mayHaveSaidMore(run)) return yield* keepLooking(run, now)
  if (heard && !run.report.announced.comment) yield { kind: 'conclude' }
  if (run.result.untended.length > 0) yield { kind: 'tend-pull' }
  if (run.report.announced.inline < inlineToAnswer(run)) yield { kind: 'answer-inline' }
  if (!run.report.announced.reaction) yield { kind: 'react' }
  if (!run.report.announced.label) yield { kind: 'unlabel' }
  if (!run.report.announced.branch) yield { kind: 'drop-branch' }
  yield* claims(run, now)
  if (inTail(run, now.at)) return yield* keepLooking(run, now)
  const unseen = run.mailbox.releaseThread
    ? []
    : run.result.claimedPulls.map(url => run.result.unseenPulls[url]?.until ?? now.at)
  const untold = heard ? [] : [run.report.threadBlocked?.until ?? now.at]
  if (unseen.length + untold.length > 0) return yield waiting(Math.min(...unseen, ...untold), now)
  if (now.text !== 'same' && now.text !== 'time') yield { kind: 'edit-status' }
  if (isSuperseded(run) || run.report.supersedes.length > 0) yield { kind: 'minimize-status' }
  yield { kind: 'end' }
}

/** GitHub's webhook came before PostHog's log was looked at, which costs the last word nothing but a moment. */
const mayHaveSaidMore = (run: Run): boolean =>
  run.result.lookBeforeLastWord === true &&
  run.result.outcome?.kind === 'pull' &&
  run.session.taskRun !== undefined &&
  !isTerminal(run.session.taskRun.status) &&
  outageOf(run, 'posthog') === undefined

/** The status that nothing will be added to any more. */
export const foldable = (run: Run, now: number): string | undefined =>
  isSuperseded(run) && !inTail(run, now) && run.result.untended.length <= 1
    ? run.report.status?.nodeId
    : undefined

/** The inline comments of a review each get their answer; a lone one has the last word in its own thread. */
const inlineToAnswer = ({ request: { origin, inline } }: Run): number =>
  origin.kind === 'comment' && origin.commentRef.kind === 'review' ? (inline?.length ?? 0) : 0

/** Words that wait behind a refusal would be refused, too: they are asked again when this Run has ended. */
const canGoOn = (run: Run): boolean =>
  run.session.taskId !== undefined &&
  run.workspace.branch !== undefined &&
  (run.result.outcome?.kind !== 'failed' || agentEnded(run))

/** By itself: not because it was seen to. */
const agentEnded = (run: Run): boolean =>
  run.session.taskRun !== undefined &&
  isTerminal(run.session.taskRun.status) &&
  cancelledAt(run) === undefined

function inTail(run: Run, now: number): boolean {
  if (
    run.result.outcome?.kind !== 'pull' ||
    !run.session.taskRun ||
    isTerminal(run.session.taskRun.status) ||
    run.mailbox.stop ||
    run.mailbox.releaseThread
  )
    return false
  return !run.session.sessionLog?.idle && now - (run.result.concludedAt ?? now) < limits.tail
}
