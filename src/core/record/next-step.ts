/** What a Run does next, decided from its record alone. What a step does: `runs/steps`. */
import type { CallKind, Service } from '../model/errors.ts'
import type { Unfinished } from '../model/task-run.ts'
import { agentIsToBeSeenTo, cancelledAt, refusedCancel } from './agent-end.ts'
import {
  earlierGoesOn,
  type Failure,
  neverStarted,
  outOfUse,
  unconfirmedStop,
  wentSilent,
} from './failures.ts'
import { beginsAgent, onlyIntents, openIntents } from './intents.ts'
import { inlineAsked, isSuperseded } from './last-word.ts'
import { isInForce, isTooLong, outageOf } from './outage.ts'
import { permissionToAnswer, questionToAsk } from './permission-request.ts'
import { mayServe } from './request-part.ts'
import {
  type ChangeOf,
  hasNewPull,
  type Intent,
  isTerminal,
  type Outage,
  type Outcome,
  type Run,
  wantedRights,
} from './run.ts'
import { limits } from './timing.ts'
import { mayGoOn, standingOf } from './turn.ts'
import { contextIsDue } from './words-to-say.ts'

export interface StepNeeds {
  service: Service | 'none'
  call: CallKind | 'both'
  /** Speaks to an agent, which may take nothing while PostHog is well. */
  toAgent?: true
}

const table = {
  'await-admission': { service: 'github', call: 'read' },
  'find-branch': { service: 'github', call: 'both' },
  'gather-context': { service: 'github', call: 'read' },
  'stage-attachments': { service: 'posthog', call: 'effect' },
  'create-task': { service: 'posthog', call: 'effect' },
  rejoin: { service: 'posthog', call: 'both', toAgent: true },
  'end-earlier': { service: 'posthog', call: 'both' },
  'start-run': { service: 'posthog', call: 'effect' },
  'answer-permission': { service: 'posthog', call: 'effect', toAgent: true },
  deliver: { service: 'posthog', call: 'effect', toAgent: true },
  poll: { service: 'posthog', call: 'read' },
  'adopt-pull': { service: 'github', call: 'both' },
  'find-result': { service: 'github', call: 'both' },
  'resume-turn': { service: 'none', call: 'read' },
  'settle-outcome': { service: 'none', call: 'read' },
  'post-status': { service: 'github', call: 'effect' },
  'edit-status': { service: 'github', call: 'effect' },
  conclude: { service: 'github', call: 'effect' },
  'tend-pull': { service: 'github', call: 'both' },
  'put-question': { service: 'github', call: 'effect' },
  'answer-inline': { service: 'github', call: 'effect' },
  'answer-message': { service: 'github', call: 'effect' },
  react: { service: 'github', call: 'effect' },
  unlabel: { service: 'github', call: 'effect' },
  'drop-branch': { service: 'github', call: 'both' },
  'minimize-status': { service: 'github', call: 'effect' },
  'resume-work': { service: 'none', call: 'read' },
  'ask-cost': { service: 'none', call: 'read' },
  cancel: { service: 'posthog', call: 'effect' },
  'give-up': { service: 'none', call: 'read' },
  'leave-agent': { service: 'none', call: 'read' },
  'let-go': { service: 'none', call: 'read' },
} satisfies Readonly<Record<string, StepNeeds>>

export type StepKind = keyof typeof table

export const steps: Readonly<Record<StepKind, StepNeeds>> = table

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

const giveUp = (outcome: Failure): ActingStep => ({ kind: 'give-up', outcome })

function* leaving(run: Run, now: Now): Due {
  if (run.result.outcome) return yield { kind: 'end' }
  const [intent] = openIntents(run)
  if (intent && intent.kind !== 'open-pull') return yield { kind: intent.kind }
  if (!run.session.taskRun || isTerminal(run.session.taskRun.status)) return yield { kind: 'settle-outcome' }
  yield* ending(run, now, giveUp(unconfirmedStop))
}

function* stopping(run: Run, now: Now): Due {
  if (!run.session.taskRun) return yield { kind: 'settle-outcome' }
  if (isTerminal(run.session.taskRun.status)) yield* replies(run, now)
  yield* claims(run, now)
  if (!isTerminal(run.session.taskRun.status)) return yield* ending(run, now, giveUp(unconfirmedStop))
  if (run.result.claimedPulls.length > 0) return yield* keepPolling(run, now)
  if (run.result.resultChecked) return yield { kind: 'settle-outcome' }
  yield { kind: 'find-result' }
}

const seenToUntil = ({ result: { concludedAt = 0 } }: Run): number => concludedAt + limits.seeingTo

function* seeingTo(run: Run, now: Now): Due {
  if (now.at > seenToUntil(run)) return yield { kind: 'leave-agent' }
  const begun = openIntents(run).filter(({ kind }) => beginsAgent(kind))
  if (begun.length > 0) return yield* unsettled(run, begun, now)
  yield* ending(run, now, { kind: 'leave-agent' })
}

/**
 * Asks PostHog to cancel, then polls until the agent has ended. Only a poll after the time limit proves that it has
 * not.
 */
function* ending(run: Run, now: Now, unconfirmed: Step): Due {
  const requestedAt = cancelledAt(run)
  if (requestedAt !== undefined) {
    yield* replies(run, now)
    if ((run.schedule.lastPollAt ?? 0) - requestedAt > limits.stopping) return yield unconfirmed
    return yield* keepPolling(run, now)
  }
  const refused = refusedCancel(run)
  if (!refused || now.at >= refused.until) yield { kind: 'cancel' }
  if (refused && now.at - refused.since > limits.seeingTo) return yield unconfirmed
  yield* keepPolling(run, now)
}

function* beginning(run: Run, now: Now): Due {
  const {
    workspace: { branch },
    session: { taskId, earlier },
  } = run
  if (branch && taskId && earlier && !earlier.over && !mayBeRejoined(run, earlier))
    return yield* endingEarlier(run, earlier, now)
  const step = towardsRun(run)
  const isStart = step.kind === 'start-run' || step.kind === 'rejoin'
  yield isStart && isRightOld(run, now) ? { kind: 'await-admission' } : step
  yield* meanwhile(run, now)
}

/** Of a Run that goes on, each sender was asked when their words came. */
function isRightOld(run: Run, now: Now): boolean {
  const { rightAskedAt } = run.schedule
  if (run.session.instructionSent || rightAskedAt === undefined) return false
  const away = outageOf(run, 'posthog')
  return now.at - rightAskedAt > limits.rightHolds && !(away && isInForce(away, now.at))
}

type Earlier = NonNullable<Run['session']['earlier']>

const mayBeRejoined = (run: Run, earlier: Earlier): boolean =>
  mayServe(earlier, wantedRights(run)) && earlier.resumes !== false

function towardsRun(run: Run): ActingStep {
  if (!run.workspace.branch) return { kind: 'find-branch' }
  if (!run.session.taskId) return { kind: 'create-task' }
  if (contextIsDue(run)) return { kind: 'gather-context' }
  if (run.session.earlier && !run.session.earlier.over) return { kind: 'rejoin' }
  return run.workspace.attachments ? { kind: 'start-run' } : { kind: 'stage-attachments' }
}

/** Even an idle session is ended: PostHog may resume it, and two runs must not work on one task. */
function* endingEarlier(run: Run, { cancelledAt: requestedAt }: Earlier, now: Now): Due {
  const isLate = requestedAt !== undefined && (run.schedule.lastPollAt ?? 0) - requestedAt > limits.stopping
  if (isLate) return yield giveUp(earlierGoesOn)
  yield* keepPolling(run, now, { kind: 'end-earlier' })
}

function* working(run: Run, now: Now): Due {
  yield* replies(run, now)
  if (!run.schedule.admitted) return yield* keepPolling(run, now, { kind: 'await-admission' })
  if (!run.workspace.branch || !run.session.taskId || !run.session.taskRun) return yield* beginning(run, now)
  yield* claims(run, now)
  if (hasNewPull(run) && now.text === 'phase' && canComment(run, now)) yield { kind: 'edit-status' }
  const stands = standingOf(run, now.at)
  if (stands.kind === 'settling') return yield* keepPolling(run, now)
  if (stands.kind === 'unfinished' && mayGoOn(run)) return yield { kind: 'resume-turn', why: stands.why }
  if (run.mailbox.pendingFollowUps.length > 0) {
    const isDue = contextIsDue(run)
    if (isDue) yield { kind: 'gather-context' }
    if (!isDue || isLongOut(run, now)) yield { kind: 'deliver' }
    return yield* keepPolling(run, now)
  }
  const option = permissionToAnswer(run)
  if (option !== undefined) yield { kind: 'answer-permission', option }
  if (stands.kind !== 'working') return yield* turnEnd(run, now)
  if (questionToAsk(run) && canComment(run, now)) yield { kind: 'put-question' }
  const end = lost(run)
  if (end) return yield end
  yield* keepPolling(run, now)
}

/** Words that came do not wait longer for what was written beside them: the next ones bring it. */
const isLongOut = (run: Run, now: Now): boolean =>
  now.at - (outageOf(run, 'github')?.since ?? now.at) > limits.withoutContext

function* turnEnd(run: Run, now: Now): Due {
  if (!polledSinceSettled(run)) {
    yield { kind: 'poll' }
    return yield* meanwhile(run, now)
  }
  if (run.result.claimedPulls.length > 0) return yield* keepPolling(run, now)
  if (run.result.resultChecked || hasNewPull(run)) return yield { kind: 'settle-outcome' }
  yield { kind: 'find-result' }
  yield* meanwhile(run, now)
}

/** PostHog may report the pull request of a turn just after its end. */
const polledSinceSettled = (run: Run): boolean => {
  const { sessionLog, taskRun } = run.session
  const { lastPollAt } = run.schedule
  return (
    hasNewPull(run) ||
    (taskRun !== undefined && isTerminal(taskRun.status)) ||
    lastPollAt === undefined ||
    sessionLog?.idleSince === undefined ||
    lastPollAt - sessionLog.idleSince >= limits.settle
  )
}

/** Silence counts only up to the last poll: with many live Runs the next poll may itself be late. */
function lost({ session: { taskRun }, schedule: { lastPollAt = 0 } }: Run): Step | undefined {
  if (!taskRun) return undefined
  const silent = lastPollAt - taskRun.changedAt
  const queued = taskRun.status === 'queued' || taskRun.status === 'not_started'
  if (queued && silent > limits.queued) return giveUp(neverStarted)
  if (silent > limits.silent) return giveUp(wentSilent)
  return undefined
}

function* afterOutcome(run: Run, now: Now): Due {
  yield* replies(run, now)
  if (run.mailbox.pendingFollowUps.length > 0 && canGoOn(run)) return yield { kind: 'resume-work' }
  const isOpen = canComment(run, now)
  // Else it goes along with what is done about the pull request, right after the last word.
  const isAlone = run.result.untended.length === 0 || run.report.status?.nodeId === undefined
  if (isOpen && isAlone && now.text === 'phase') yield { kind: 'edit-status' }
  if (run.session.cost === undefined && run.session.taskRun) yield { kind: 'ask-cost' }
  if (isOpen && !run.report.announced.comment) yield { kind: 'conclude' }
  if (run.result.untended.length > 0) yield { kind: 'tend-pull' }
  if (run.report.announced.inline < inlineAsked(run).length) yield { kind: 'answer-inline' }
  if (!run.report.announced.reaction) yield { kind: 'react' }
  if (!run.report.announced.label) yield { kind: 'unlabel' }
  if (!run.report.announced.branch) yield { kind: 'drop-branch' }
  yield* claims(run, now)
  const unseen = run.mailbox.releaseThread
    ? []
    : run.result.claimedPulls.map(url => run.result.unseenPulls[url]?.until ?? now.at)
  const untold = isOpen ? [] : [run.report.threadBlocked?.until ?? now.at]
  if (unseen.length + untold.length > 0) return yield waiting(Math.min(...unseen, ...untold), now)
  if (now.text !== 'same' && now.text !== 'time') yield { kind: 'edit-status' }
  if (isSuperseded(run) || run.report.supersedes.length > 0) yield { kind: 'minimize-status' }
  yield { kind: 'end' }
}

export const foldable = (run: Run): string | undefined =>
  isSuperseded(run) && run.result.untended.length <= 1 ? run.report.status?.nodeId : undefined

/** Follow-ups behind a refusal would be refused too: they are queued again once this Run has ended. */
const canGoOn = (run: Run): boolean =>
  run.session.taskId !== undefined &&
  run.workspace.branch !== undefined &&
  (run.result.outcome?.kind !== 'failed' || agentEnded(run))

const agentEnded = (run: Run): boolean =>
  run.session.taskRun !== undefined &&
  isTerminal(run.session.taskRun.status) &&
  cancelledAt(run) === undefined

export interface Now {
  at: number
  text: 'same' | 'time' | 'details' | 'phase'
}

/** ms from the last edit to the next. */
const editAfter = ({ schedule: { admitted, ahead } }: Run, text: Now['text']): number => {
  switch (text) {
    case 'phase':
      return 0
    case 'details':
      return !admitted && ahead !== undefined ? limits.editInLineEvery : limits.editEvery
    case 'time':
      return limits.editForTimeEvery
    case 'same':
      return Number.POSITIVE_INFINITY
  }
}

type Due = Generator<Step, void>

const waiting = (until: number, now: Now): Step => ({ kind: 'wait', ms: Math.max(1, until - now.at) })

const stepOf = ({ kind }: Pick<Intent, 'kind'>): Exclude<Intent['kind'], 'open-pull'> | 'find-result' =>
  kind === 'open-pull' ? 'find-result' : kind

/** Removes the intent of a step that succeeded or was cancelled. */
export const settled = (run: Run, { kind }: ActingStep): ChangeOf<'attempts'> =>
  onlyIntents(run, each => stepOf({ kind: each }) !== kind)

function* unsettled(run: Run, intents: readonly Intent[], now: Now): Due {
  for (const intent of intents) yield { kind: stepOf(intent) }
  if (run.session.taskRun && run.mailbox.stop && cancelledAt(run) === undefined) yield { kind: 'cancel' }
  yield* meanwhile(run, now)
}

export const canComment = (
  { report: { threadBlocked }, mailbox: { accessLost } }: Run,
  now: Pick<Now, 'at'>,
): boolean => !accessLost && (threadBlocked === undefined || now.at >= threadBlocked.until)

function* replies(run: Run, now: Now): Due {
  const [next] = run.mailbox.answers
  if (next && canComment(run, now) && (!next.reply || openIntents(run).length === 0))
    yield { kind: 'answer-message' }
}

function* meanwhile(run: Run, now: Now): Due {
  yield* replies(run, now)
  if (run.session.taskRun && !isTerminal(run.session.taskRun.status)) return yield* keepPolling(run, now)
  if (run.report.status && now.text === 'phase' && canComment(run, now)) yield { kind: 'edit-status' }
}

function* claims(run: Run, now: Now): Due {
  const url = run.result.claimedPulls.find(claimed => now.at >= (run.result.unseenPulls[claimed]?.until ?? 0))
  if (url !== undefined) yield { kind: 'adopt-pull', url }
}

function* keepPolling(run: Run, now: Now, poll: ActingStep = { kind: 'poll' }): Due {
  const { nextPollAt } = run.schedule
  const isDue = nextPollAt === undefined || now.at >= nextPollAt
  if (isDue) yield poll
  const sinceEdit = now.at - (run.report.status?.at ?? 0)
  if (canComment(run, now) && now.text !== 'same' && sinceEdit >= editAfter(run, now.text))
    yield { kind: 'edit-status' }
  const times = [
    isDue ? Number.POSITIVE_INFINITY : nextPollAt,
    now.at + editAfter(run, now.text) - sinceEdit,
    now.text === 'same'
      ? Number.POSITIVE_INFINITY
      : (run.report.threadBlocked?.until ?? Number.POSITIVE_INFINITY),
    refusedCancel(run)?.until ?? Number.POSITIVE_INFINITY,
    ...run.result.claimedPulls.map(url => run.result.unseenPulls[url]?.until ?? Number.POSITIVE_INFINITY),
    idleCounts(run, now.at),
  ]
  yield waiting(Math.min(...times.filter(at => at > now.at), Number.POSITIVE_INFINITY), now)
}

function idleCounts(run: Run, now: number): number {
  if (!run.session.sessionLog?.idle) return Number.POSITIVE_INFINITY
  const since = run.session.sessionLog.idleSince ?? now
  const due = [limits.settle, limits.settleUnread].map(wait => since + wait).filter(at => at > now)
  return Math.min(...due, Number.POSITIVE_INFINITY)
}
