/** Decides the one thing to do next for a Run. Pure: no clock, no service, no queue. */

import { type CallKind, type Service, serviceNames } from '../model/errors.ts'
import { agentIsToBeSeenTo, cancelledAt, mayHaveBegun, refusedCancel } from './agent-end.ts'
import { turnIsOver } from './apply-snapshot.ts'
import { isTooLong, outageOf } from './outage.ts'
import { optionByRights } from './permission-request.ts'
import {
  type Intent,
  isTerminal,
  type Outage,
  type Outcome,
  type Run,
  resumedSession,
  wantedRights,
} from './run.ts'
import { mayServe } from './session.ts'
import { limits } from './timing.ts'

export type Step =
  | { do: 'post-status' }
  | { do: 'edit-status' }
  | { do: 'take-turn' }
  | { do: 'find-branch' }
  | { do: 'gather-context' }
  | { do: 'stage-attachments' }
  | { do: 'create-task' }
  | { do: 'rejoin' }
  | { do: 'end-earlier' }
  | { do: 'start-run' }
  | { do: 'deliver' }
  | { do: 'answer-permission'; option: string }
  | { do: 'cancel' }
  | { do: 'look' }
  | { do: 'adopt-pull'; url: string }
  | { do: 'find-result' }
  | { do: 'settle-outcome' }
  | { do: 'give-up'; outcome: Outcome }
  | { do: 'leave-agent' }
  | { do: 'conclude' }
  | { do: 'answer-inline' }
  | { do: 'react' }
  | { do: 'unlabel' }
  | { do: 'drop-branch' }
  | { do: 'resume-work' }
  | { do: 'ask-cost' }
  | { do: 'let-go' }
  | { do: 'wait'; ms: number }
  | { do: 'end' }

export type Doing = Exclude<Step, { do: 'wait' } | { do: 'end' }>

/** Whose answer a step needs, nobody's when it is undefined; and whether it only reads, only acts, or reads first. */
export const steps: Record<Doing['do'], { asks: Service | undefined; kind: CallKind | 'both' }> = {
  'post-status': { asks: 'github', kind: 'effect' },
  'edit-status': { asks: 'github', kind: 'effect' },
  'take-turn': { asks: 'github', kind: 'read' },
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
  look: { asks: 'posthog', kind: 'read' },
  'adopt-pull': { asks: 'github', kind: 'both' },
  'find-result': { asks: 'github', kind: 'both' },
  'settle-outcome': { asks: undefined, kind: 'read' },
  'give-up': { asks: undefined, kind: 'read' },
  'leave-agent': { asks: undefined, kind: 'read' },
  conclude: { asks: 'github', kind: 'effect' },
  'answer-inline': { asks: 'github', kind: 'effect' },
  react: { asks: 'github', kind: 'effect' },
  unlabel: { asks: 'github', kind: 'effect' },
  'drop-branch': { asks: 'github', kind: 'both' },
  'resume-work': { asks: undefined, kind: 'read' },
  'ask-cost': { asks: undefined, kind: 'read' },
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
  let held: Service | undefined
  for (const step of due(run, now)) {
    if (step.do === 'wait')
      return lasting(run, now, held) ?? waiting(Math.min(now.at + step.ms, heldUntil), now)
    if (step.do === 'end' && held) break
    const until = step.do === 'end' ? undefined : heldBack(run, step, now)
    if (until === undefined) return step
    held = (step.do === 'end' ? undefined : steps[step.do].asks) ?? held
    heldUntil = Math.min(heldUntil, until)
  }
  return lasting(run, now, held) ?? waiting(heldUntil, now)
}

const waiting = (until: number, now: Now): Step => ({ do: 'wait', ms: Math.max(1, until - now.at) })

/** Until when the service of a step can't be used. */
function heldBack(run: Run, step: Doing, now: Now): number | undefined {
  const { asks } = steps[step.do]
  const outage = asks && outageOf(run, asks)
  if (!outage || now.at >= outage.until) return undefined
  // Where only reading is refused, the thread can still be told so.
  const tells = step.do === 'edit-status' && outage.refusedSince !== undefined
  return tells ? undefined : outage.until
}

/** What is held back by the same service for a day is given up. */
function lasting(run: Run, now: Now, held: Service | undefined): Step | undefined {
  const outage = held && outageOf(run, held)
  if (!outage || !isTooLong(outage, now.at) || agentIsToBeSeenTo(run)) return undefined
  return run.outcome ? { do: 'let-go' } : { do: 'give-up', outcome: failure(tooLong(held, outage)) }
}

type Due = Generator<Step, void>

/** The steps that are due, in order. What comes after one is done when that one can't be now. */
function* due(run: Run, now: Now): Due {
  // Nothing has begun yet that a stop would have to be told of.
  if (run.stop && !run.outcome && !run.taskRun && !run.intent) return yield { do: 'settle-outcome' }
  if (agentIsToBeSeenTo(run)) return yield* seeingTo(run, now)
  if (run.accessLost) return yield* leaving(run, now)
  if (run.intent) return yield* unsettled(run, run.intent, now)
  if (!run.status && !run.mute) {
    if (isHeard(run, now)) yield { do: 'post-status' }
    // A Run that nobody hears of does not begin.
    if (!run.taskRun && !run.outcome)
      return yield waiting(run.unheard?.until ?? Number.POSITIVE_INFINITY, now)
  }
  if (run.outcome) yield* afterOutcome(run, now)
  else if (run.stop) yield* stopping(run, now)
  else yield* working(run, now)
}

/** An effect whose result is not known comes first. Reading of the run meanwhile does no harm, nor does its end. */
function* unsettled(run: Run, { effect }: Intent, now: Now): Due {
  yield { do: effect === 'open-pull' ? 'find-result' : effect }
  if (run.taskRun && run.stop && cancelledAt(run) === undefined) yield { do: 'cancel' }
  yield* meanwhile(run, now)
}

const isHeard = ({ unheard, accessLost }: Run, now: Now): boolean =>
  !accessLost && (unheard === undefined || now.at >= unheard.until)

/** What can be done for a Run that can't go on: its agent is followed, and the thread is told. */
function* meanwhile(run: Run, now: Now): Due {
  if (run.taskRun && !isTerminal(run.taskRun.status)) return yield* keepLooking(run, now)
  if (run.status && now.text === 'phase' && isHeard(run, now)) yield { do: 'edit-status' }
}

function* working(run: Run, now: Now): Due {
  if (!run.turn) return yield* keepLooking(run, now, { do: 'take-turn' })
  if (!run.branch || !run.taskId || !run.taskRun) return yield* beginning(run, now)
  yield* claims(run, now)
  if (run.undelivered.length > 0) {
    yield { do: 'deliver' }
    return yield* keepLooking(run, now)
  }
  const option = permissionToAnswer(run)
  if (option !== undefined) yield { do: 'answer-permission', option }
  if (run.pulls.length > run.reported) return yield { do: 'settle-outcome' }
  if (turnIsOver(run, now.at)) return yield* turnEnd(run, now)
  const end = lost(run)
  if (end) return yield end
  yield* keepLooking(run, now)
}

/** A pull request that GitHub does not show yet is asked for again, beside everything else. */
function* claims(run: Run, now: Now): Due {
  const url = run.claimedPulls.find(claimed => now.at >= (run.unseenPulls[claimed]?.until ?? 0))
  if (url !== undefined) yield { do: 'adopt-pull', url }
}

function* turnEnd(run: Run, now: Now): Due {
  if (!lookedSinceIdle(run)) {
    yield { do: 'look' }
    return yield* meanwhile(run, now)
  }
  if (run.claimedPulls.length > 0) return yield* keepLooking(run, now)
  if (run.resultChecked) return yield { do: 'settle-outcome' }
  yield { do: 'find-result' }
  yield* meanwhile(run, now)
}

/**
 * The look that saw the end of a turn read the run first and its log then, so that the pull request of that very
 * turn may be missing in it.
 */
const lookedSinceIdle = ({ heard, lastLookAt, taskRun }: Run): boolean =>
  (taskRun !== undefined && isTerminal(taskRun.status)) ||
  lastLookAt === undefined ||
  heard?.idleSince === undefined ||
  lastLookAt > heard.idleSince

function permissionToAnswer(run: Run): string | undefined {
  const asks = run.heard?.asks
  return asks && asks.id !== run.permission?.id ? optionByRights(asks, run) : undefined
}

function* beginning(run: Run, now: Now): Due {
  const { branch, taskId, earlier } = run
  if (branch && taskId && earlier && !earlier.over && !mayBeRejoined(run, earlier))
    return yield* endingEarlier(run, earlier, now)
  yield towardsRun(run)
  yield* meanwhile(run, now)
}

type Earlier = NonNullable<Run['earlier']>

const mayBeRejoined = (run: Run, earlier: Earlier): boolean =>
  mayServe(earlier, wantedRights(run)) && earlier.resumes !== false

function towardsRun(run: Run): Doing {
  if (!run.branch) return { do: 'find-branch' }
  if (!run.taskId) return { do: 'create-task' }
  if (run.earlier && !run.earlier.over) return { do: 'rejoin' }
  // A session that goes on has read the thread already.
  if (!run.context && !resumedSession(run)) return { do: 'gather-context' }
  return run.attachments ? { do: 'start-run' } : { do: 'stage-attachments' }
}

/**
 * The earlier task run may not do what is asked now, or not only that. It is ended even when it is idle: PostHog may
 * put it to work again by itself, and two runs of one task must not work side by side.
 */
function* endingEarlier(run: Run, { cancelledAt: asked }: Earlier, now: Now): Due {
  const isLate = asked !== undefined && (run.lastLookAt ?? 0) - asked > limits.stopping
  if (isLate) return yield { do: 'give-up', outcome: failure(earlierGoesOn) }
  yield* keepLooking(run, now, { do: 'end-earlier' })
}

/** GitHub can't be told anything any more: the agent is seen to, and that is all. */
function* leaving(run: Run, now: Now): Due {
  if (run.outcome) return yield { do: 'end' }
  if (run.intent && run.intent.effect !== 'open-pull') return yield { do: run.intent.effect }
  if (!run.taskRun || isTerminal(run.taskRun.status)) return yield { do: 'settle-outcome' }
  yield* ending(run, now, { do: 'give-up', outcome: failure(unconfirmedStop) })
}

/** PostHog has to confirm a stop. */
function* stopping(run: Run, now: Now): Due {
  if (!run.taskRun) return yield { do: 'settle-outcome' }
  yield* claims(run, now)
  if (!isTerminal(run.taskRun.status))
    return yield* ending(run, now, { do: 'give-up', outcome: failure(unconfirmedStop) })
  if (run.claimedPulls.length > 0) return yield* keepLooking(run, now)
  if (run.resultChecked) return yield { do: 'settle-outcome' }
  yield { do: 'find-result' }
}

const seenToUntil = ({ concludedAt = 0 }: Run): number => concludedAt + limits.seeingTo

/** The agent of a Run that failed, for a bounded time; what may have begun is found first. */
function* seeingTo(run: Run, now: Now): Due {
  if (now.at > seenToUntil(run)) return yield { do: 'leave-agent' }
  if (run.intent && mayHaveBegun(run)) return yield* unsettled(run, run.intent, now)
  yield* ending(run, now, { do: 'leave-agent' })
}

/** PostHog is asked to end the agent, and looked at until it has; that it has not, only a look after the limit says. */
function* ending(run: Run, now: Now, unconfirmed: Step): Due {
  const asked = cancelledAt(run)
  if (asked !== undefined) {
    if ((run.lastLookAt ?? 0) - asked > limits.stopping) return yield unconfirmed
    return yield* keepLooking(run, now)
  }
  const refused = refusedCancel(run)
  if (!refused || now.at >= refused.until) yield { do: 'cancel' }
  if (refused && now.at - refused.since > limits.seeingTo) return yield unconfirmed
  yield* keepLooking(run, now)
}

function* keepLooking(run: Run, now: Now, look: Doing = { do: 'look' }): Due {
  const { nextLookAt } = run
  const isDue = nextLookAt === undefined || now.at >= nextLookAt
  if (isDue) yield look
  const sinceEdit = now.at - (run.status?.at ?? 0)
  if (isHeard(run, now) && now.text !== 'same' && sinceEdit >= editAfter[now.text])
    yield { do: 'edit-status' }
  const times = [
    isDue ? Number.POSITIVE_INFINITY : nextLookAt,
    now.at + editAfter[now.text] - sinceEdit,
    now.text === 'same' ? Number.POSITIVE_INFINITY : (run.unheard?.until ?? Number.POSITIVE_INFINITY),
    refusedCancel(run)?.until ?? Number.POSITIVE_INFINITY,
    ...run.claimedPulls.map(url => run.unseenPulls[url]?.until ?? Number.POSITIVE_INFINITY),
    idleCounts(run, now.at),
  ]
  yield waiting(Math.min(...times.filter(at => at > now.at), Number.POSITIVE_INFINITY), now)
}

/** The moment at which the end of a turn counts needs no further look. */
function idleCounts(run: Run, now: number): number {
  if (!run.heard?.idle) return Number.POSITIVE_INFINITY
  const since = run.heard.idleSince ?? now
  const due = [limits.settle, limits.settleAfterNote].map(wait => since + wait).filter(at => at > now)
  return Math.min(...due, Number.POSITIVE_INFINITY)
}

/** That nothing was heard of a run, only a look after the limit says: with many live Runs the next one may be late. */
function lost({ taskRun, lastLookAt = 0 }: Run): Step | undefined {
  if (!taskRun) return undefined
  const silent = lastLookAt - taskRun.changedAt
  const queued = taskRun.status === 'queued' || taskRun.status === 'not_started'
  if (queued && silent > limits.queued) return { do: 'give-up', outcome: failure(neverStarted) }
  if (silent > limits.silent) return { do: 'give-up', outcome: failure(wentSilent) }
  return undefined
}

type Failure = Omit<Outcome & { is: 'failed' }, 'is'>
const failure = (of: Failure): Outcome => ({ is: 'failed', ...of })

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
  if (run.undelivered.length > 0 && canGoOn(run)) return yield { do: 'resume-work' }
  const heard = isHeard(run, now)
  if (heard && now.text === 'phase') yield { do: 'edit-status' }
  if (heard && !run.told.comment) yield { do: 'conclude' }
  if (run.told.inline < inlineToAnswer(run)) yield { do: 'answer-inline' }
  if (!run.told.reaction) yield { do: 'react' }
  if (!run.told.label) yield { do: 'unlabel' }
  if (!run.told.branch) yield { do: 'drop-branch' }
  if (run.cost === undefined && run.taskRun) yield { do: 'ask-cost' }
  yield* claims(run, now)
  if (inTail(run, now.at)) return yield* keepLooking(run, now)
  const unseen = run.yielding ? [] : run.claimedPulls.map(url => run.unseenPulls[url]?.until ?? now.at)
  const untold = heard ? [] : [run.unheard?.until ?? now.at]
  if (unseen.length + untold.length > 0) return yield waiting(Math.min(...unseen, ...untold), now)
  yield now.text === 'same' || now.text === 'time' ? { do: 'end' } : { do: 'edit-status' }
}

/** The inline comments of a review each get their answer; a lone one has the last word in its own thread. */
const inlineToAnswer = ({ ask: { origin, inline } }: Run): number =>
  origin.by === 'comment' && origin.place.in === 'review' ? (inline?.length ?? 0) : 0

/** Words that wait behind a refusal would be refused, too: they go back to their command, which starts over. */
const canGoOn = (run: Run): boolean =>
  run.taskId !== undefined && run.branch !== undefined && (run.outcome?.is !== 'failed' || agentEnded(run))

/** By itself: not because it was seen to. */
const agentEnded = (run: Run): boolean =>
  run.taskRun !== undefined && isTerminal(run.taskRun.status) && cancelledAt(run) === undefined

function inTail(run: Run, now: number): boolean {
  if (
    run.outcome?.is !== 'pull' ||
    !run.taskRun ||
    isTerminal(run.taskRun.status) ||
    run.stop ||
    run.yielding
  )
    return false
  return !run.heard?.idle && now - (run.concludedAt ?? now) < limits.tail
}
