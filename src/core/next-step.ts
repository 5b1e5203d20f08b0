/** Decides the one thing to do next for a Run. Pure: no clock, no service, no queue. */
import { turnIsOver } from './observe.ts'
import { limits } from './pace.ts'
import { optionByRights } from './permission-request.ts'
import { isTerminal, type Outcome, type Run, resumedSession, wantedRights } from './run.ts'
import { mayServe } from './session.ts'

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

export interface Now {
  at: number
  /** How the rendered status comment differs from the one last sent. */
  text: 'same' | 'details' | 'phase'
}

export function nextStep(run: Run, now: Now): Step {
  if (run.trouble && now.at < run.trouble.until) return inTrouble(run, run.trouble, now)
  if (run.accessLost) return leaving(run, now)
  if (run.intent) return { do: run.intent.effect === 'open-pull' ? 'find-result' : run.intent.effect }
  if (!run.status && !run.mute) return { do: 'post-status' }
  if (run.outcome) return afterOutcome(run, now)
  return run.stop ? stopping(run, now) : working(run, now)
}

/** While one service is out of reach, the thread can still be told so on the other. */
function inTrouble(run: Run, trouble: NonNullable<Run['trouble']>, now: Now): Step {
  // Nothing has begun yet that a stop would have to be told of.
  if (run.stop && !run.outcome && !run.taskRun && !run.intent) return { do: 'settle-outcome' }
  if (run.outcome && now.at - trouble.since > limits.trouble) return { do: 'let-go' }
  if (!run.outcome && now.at - trouble.since > limits.trouble)
    return { do: 'give-up', outcome: failure(tooLong(trouble)) }
  const canTell = run.status && trouble.service === 'posthog' && now.text === 'phase'
  return canTell ? { do: 'edit-status' } : { do: 'wait', ms: trouble.until - now.at }
}

function working(run: Run, now: Now): Step {
  if (!run.turn) return keepLooking(run, now, { do: 'take-turn' })
  if (!run.branch) return { do: 'find-branch' }
  if (!run.taskId) return { do: 'create-task' }
  if (!run.taskRun) return towardsRun(run, now)
  const claimed = run.claimedPulls[0]
  if (claimed !== undefined) return { do: 'adopt-pull', url: claimed }
  if (run.undelivered.length > 0) return { do: 'deliver' }
  const option = permissionToAnswer(run)
  if (option !== undefined) return { do: 'answer-permission', option }
  if (run.pulls.length > run.reported) return { do: 'settle-outcome' }
  if (turnIsOver(run, now.at)) {
    if (!lookedSinceIdle(run)) return { do: 'look' }
    return run.resultChecked ? { do: 'settle-outcome' } : { do: 'find-result' }
  }
  return lost(run, now.at) ?? keepLooking(run, now)
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

function towardsRun(run: Run, now: Now): Step {
  if (run.earlier && !run.earlier.over)
    return mayServe(run.earlier, wantedRights(run)) && run.earlier.resumes !== false
      ? { do: 'rejoin' }
      : endEarlier(run, run.earlier, now)
  // A session that goes on has read the thread already.
  if (!run.context && !resumedSession(run)) return { do: 'gather-context' }
  return run.attachments ? { do: 'start-run' } : { do: 'stage-attachments' }
}

/**
 * The earlier task run may not do what is asked now, or not only that. It is ended even when it is idle: PostHog may
 * put it to work again by itself, and two runs of one task must not work side by side.
 */
function endEarlier(run: Run, { cancelledAt }: NonNullable<Run['earlier']>, now: Now): Step {
  const over = cancelledAt !== undefined && now.at - cancelledAt > limits.stopping
  return over
    ? { do: 'give-up', outcome: failure(earlierGoesOn) }
    : keepLooking(run, now, { do: 'end-earlier' })
}

/** A stop that found nothing at PostHog is done at once; else PostHog has to confirm it. */
function stopping(run: Run, now: Now): Step {
  if (!run.taskRun) return { do: 'settle-outcome' }
  const claimed = run.claimedPulls[0]
  if (claimed !== undefined) return { do: 'adopt-pull', url: claimed }
  if (isTerminal(run.taskRun.status))
    return run.resultChecked ? { do: 'settle-outcome' } : { do: 'find-result' }
  if (!run.stop?.asked) return { do: 'cancel' }
  if (now.at - run.stop.at > limits.stopping) return { do: 'give-up', outcome: failure(unconfirmedStop) }
  return keepLooking(run, now)
}

/** GitHub can't be told anything any more: the agent is seen to, and that is all. */
function leaving(run: Run, now: Now): Step {
  if (run.outcome) return { do: 'end' }
  if (run.intent && run.intent.effect !== 'open-pull') return { do: run.intent.effect }
  if (!run.taskRun || isTerminal(run.taskRun.status)) return { do: 'settle-outcome' }
  if (!run.stop?.asked) return { do: 'cancel' }
  if (now.at - run.stop.at > limits.stopping) return { do: 'give-up', outcome: failure(unconfirmedStop) }
  const due = run.nextLookAt ?? now.at
  return due <= now.at ? { do: 'look' } : { do: 'wait', ms: due - now.at }
}

function keepLooking(run: Run, now: Now, look: Step = { do: 'look' }): Step {
  if (run.nextLookAt === undefined || now.at >= run.nextLookAt) return look
  if (now.text === 'phase') return { do: 'edit-status' }
  const sinceEdit = now.at - (run.status?.at ?? 0)
  if (now.text === 'details' && sinceEdit >= limits.editEvery) return { do: 'edit-status' }
  const untilEdit = now.text === 'details' ? limits.editEvery - sinceEdit : Number.POSITIVE_INFINITY
  return {
    do: 'wait',
    ms: Math.max(1, Math.min(run.nextLookAt - now.at, untilEdit, untilIdleCounts(run, now.at))),
  }
}

/** The moment at which the end of a turn counts needs no further look. */
function untilIdleCounts(run: Run, now: number): number {
  if (!run.heard?.idle) return Number.POSITIVE_INFINITY
  const since = run.heard.idleSince ?? now
  const due = [limits.settle, limits.settleAfterNote].map(wait => since + wait - now).filter(ms => ms > 0)
  return Math.min(...due, Number.POSITIVE_INFINITY)
}

function lost(run: Run, now: number): Step | undefined {
  if (!run.taskRun) return undefined
  const silent = now - run.taskRun.changedAt
  const queued = run.taskRun.status === 'queued' || run.taskRun.status === 'not_started'
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
  fix: 'Look at the run in PostHog; it may still be working.',
}

const earlierGoesOn: Failure = {
  class: 'lost',
  reason:
    'The session of before may not do what is asked now, and PostHog did not confirm its end within 5 minutes',
  fix: 'Look at the run in PostHog and stop it there, then `/codex retry`.',
}

const tooLong = ({ service, why }: NonNullable<Run['trouble']>): Failure => ({
  class: 'network',
  reason: `${service === 'github' ? 'GitHub' : 'PostHog'} could not be used for a day: ${why}`,
  fix: '`/codex retry` tries again.',
})

/** The thread is told first, then what was lent is given back; a pull request's Run stays for the rest of its turn. */
function afterOutcome(run: Run, now: Now): Step {
  if (run.undelivered.length > 0 && canGoOn(run)) return { do: 'resume-work' }
  if (now.text === 'phase') return { do: 'edit-status' }
  if (!run.told.comment) return { do: 'conclude' }
  if (run.told.inline < inlineToAnswer(run)) return { do: 'answer-inline' }
  if (!run.told.reaction) return { do: 'react' }
  if (!run.told.label) return { do: 'unlabel' }
  if (!run.told.branch) return { do: 'drop-branch' }
  if (run.cost === undefined && run.taskRun) return { do: 'ask-cost' }
  const claimed = run.claimedPulls[0]
  if (claimed !== undefined) return { do: 'adopt-pull', url: claimed }
  if (inTail(run, now.at)) return keepLooking(run, now)
  return now.text === 'same' ? { do: 'end' } : { do: 'edit-status' }
}

/** The inline comments of a review each get their answer; a lone one has the last word in its own thread. */
const inlineToAnswer = ({ ask: { origin, inline } }: Run): number =>
  origin.by === 'comment' && origin.place.in === 'review' ? (inline?.length ?? 0) : 0

/** Words that wait behind a refusal would be refused, too: they go back to their command, which starts over. */
const canGoOn = (run: Run): boolean =>
  run.taskId !== undefined && run.branch !== undefined && (run.outcome?.is !== 'failed' || agentEnded(run))

const agentEnded = ({ taskRun }: Run): boolean => taskRun !== undefined && isTerminal(taskRun.status)

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
