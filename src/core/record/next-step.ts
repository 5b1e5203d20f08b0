/**
 * What a Run does next, decided from its record alone: a step that calls somebody (`runs/steps` has what it does), or what
 * the Run becomes without one.
 *
 * What is due has an order, and the first that nothing holds back is next:
 * 1. An agent whose Run failed is ended.
 * 2. An effect whose result is not known is looked for.
 * 3. The thread gets its status, and people are called.
 * 4. If somebody stopped the Run, its agent is ended.
 * 5. Otherwise the Run is admitted and begins. Then it passes words on, and looks how the agent's turn ended.
 * 6. After the outcome, what is left to do is done in the order of `closingOrder`.
 *
 * What a step needs holds it back while that does not answer. If no step can be done, the Run waits, or gives up.
 */
import type { CallKind, Service } from '../model/errors.ts'
import { agentIsToBeSeenTo, cancelKey, cancelledAt } from './agent-end.ts'
import * as failures from './failures.ts'
import { turnResumed, workResumed } from './going-on.ts'
import { beginsAgent, onlyIntents, openIntents } from './intents.ts'
import { isSuperseded, isUndone, isWordOutdated } from './last-word.ts'
import { isBooting, pending } from './ledger.ts'
import { inlineAsked, inlinePlace, lineAnswersIn, resolvesThreads } from './open-question.ts'
import { agentLeft, failed, letGo, withOutcome } from './outcome.ts'
import { permissionToAnswer, questionToAsk } from './permission-request.ts'
import { hasChanged } from './pull-end.ts'
import { mayServe } from './request-part.ts'
import { isHeld, isTooLong, type RetryKey, retryOf, services } from './retries.ts'
import {
  type ChangeOf,
  hasNewPull,
  type Intent,
  isDone,
  isQueued,
  isTerminal,
  type Run,
  type RunChange,
  showsStatus,
  wantedRights,
} from './run.ts'
import { showsOtherState } from './situation.ts'
import { limits } from './timing.ts'
import { mayGoOn, turnOf } from './turn.ts'
import { contextIsDue, nextWords } from './words-to-say.ts'

export interface StepNeeds {
  service: Service | 'none'
  call: CallKind | 'both'
  /** The receiver may take nothing even while the service is well. */
  to?: 'agent' | 'thread'
}

const calls =
  (call: StepNeeds['call']) =>
  (service: StepNeeds['service'], to?: StepNeeds['to']): StepNeeds => ({ service, call, to })
const reads = calls('read')
const changes = calls('effect')
const readsAndChanges = calls('both')

export const stepNeeds = {
  'await-admission': reads('github'),
  'find-branch': readsAndChanges('github'),
  'gather-context': reads('github'),
  'stage-attachments': changes('posthog'),
  'create-task': changes('posthog'),
  rejoin: readsAndChanges('posthog', 'agent'),
  'end-earlier': readsAndChanges('posthog'),
  'start-run': changes('posthog'),
  'answer-permission': changes('posthog', 'agent'),
  deliver: changes('posthog', 'agent'),
  poll: reads('posthog'),
  'adopt-pull': readsAndChanges('github'),
  'find-result': readsAndChanges('github'),
  'catch-up': reads('github'),
  'post-status': changes('github', 'thread'),
  'edit-status': changes('github', 'thread'),
  conclude: changes('github', 'thread'),
  'edit-last-word': changes('github'),
  'read-needs': reads('github'),
  'tend-pull': readsAndChanges('github'),
  'put-question': changes('github', 'thread'),
  'answer-inline': changes('github'),
  'find-fixed': reads('github'),
  'resolve-threads': changes('github'),
  'answer-message': changes('github', 'thread'),
  react: changes('github'),
  unlabel: changes('github'),
  'show-state': changes('github'),
  'drop-branch': readsAndChanges('github'),
  'minimize-status': changes('github'),
  'ask-cost': reads('none'),
  cancel: changes('posthog'),
}

export type StepKind = keyof typeof stepNeeds

type PlainStep = Exclude<StepKind, 'answer-permission' | 'adopt-pull'>

export type ActingStep =
  | { kind: PlainStep }
  | { kind: 'answer-permission'; option: string }
  | { kind: 'adopt-pull'; url: string }

/** It follows from the record alone: nobody is called. */
export interface Becoming {
  kind: 'become'
  change: RunChange
}

export type Step = ActingStep | Becoming | { kind: 'wait'; ms: number } | { kind: 'end' }

const become = (change: RunChange): Becoming => ({ kind: 'become', change })

/** Over these a Run that may lag behind its status reads that first: it may have begun or ended since. */
const writesOver = new Set<StepKind>(['edit-status', 'conclude'])

const afterCatchingUp = (run: Run, step: ActingStep): ActingStep =>
  writesOver.has(step.kind) && lagsBehindStatus(run) ? { kind: 'catch-up' } : step

const lagsBehindStatus = ({ attempts: { lagsSince, caughtUpAt }, report }: Run) =>
  lagsSince !== caughtUpAt && report.status !== undefined

export interface Now {
  at: number
  /** How the status would differ. */
  text: 'same' | 'details' | 'phase'
}

export function nextStep(run: Run, now: Now): Step {
  const seesToAgent = agentIsToBeSeenTo(run)
  let until = seesToAgent ? agentEndUntil(run) + 1 : Number.POSITIVE_INFINITY
  const held = new Set<RetryKey>()
  for (const step of seesToAgent ? agentEndSteps(run, now) : dueSteps(run, now)) {
    if (step.kind === 'wait') until = Math.min(until, now.at + step.ms)
    if (step.kind === 'wait' || (step.kind === 'end' && held.size > 0)) break
    if (step.kind === 'end' || step.kind === 'become') return step
    if (run.mailbox.accessLost && stepNeeds[step.kind].to === 'thread') continue
    const keys = unmetNeeds(run, step, now)
    if (keys.length === 0) return afterCatchingUp(run, step)
    for (const key of keys) held.add(key)
    until = Math.min(until, Math.max(...keys.map(key => retryOf(run, key)?.until ?? 0)))
  }
  const last = seesToAgent ? undefined : longOutage(run, now, held)
  if (last) return last
  // The search for lost runs reads only what was changed lately.
  const { status } = run.report
  const isShown = status && !status.minimized && !run.result.outcome && !run.mailbox.accessLost
  const shownUntil = isShown ? status.at + limits.editAtLeastEvery : Number.POSITIVE_INFINITY
  const edit = { kind: 'edit-status' } as const
  if (now.at < shownUntil) return waitUntil(Math.min(until, shownUntil), now)
  const canEdit = now.text !== 'same' && unmetNeeds(run, edit, now).length === 0
  return canEdit ? afterCatchingUp(run, edit) : waitUntil(until, now)
}

const ifLater = (at: number, now: Now) => (at > now.at ? at : Number.POSITIVE_INFINITY)

const waitUntil = (until: number, now: Now): Step => ({
  kind: 'wait',
  ms: Math.max(1, until - now.at),
})

/** Nothing that comes later may be done. */
const goNoFurther: Step = { kind: 'wait', ms: Number.POSITIVE_INFINITY }

/** What a step needs and does not answer now. */
function unmetNeeds(run: Run, step: ActingStep, { at }: Pick<Now, 'at'>) {
  const { service, to } = stepNeeds[step.kind]
  const needed: (RetryKey | undefined)[] = [
    service === 'none' ? undefined : service,
    to,
    step.kind === 'cancel' ? cancelKey(run) : undefined,
    step.kind === 'adopt-pull' ? `pull ${step.url}` : undefined,
  ]
  // The status may say that reads are refused.
  const mayTell = (key: RetryKey) =>
    step.kind === 'edit-status' && retryOf(run, key)?.refusedSince !== undefined
  return needed.flatMap(key => (key && isHeld(run, key, at) && !mayTell(key) ? [key] : []))
}

function longOutage(run: Run, now: Now, held: ReadonlySet<RetryKey>) {
  for (const service of services.filter(each => held.has(each))) {
    const outage = retryOf(run, service)
    if (outage && isTooLong(outage, now.at))
      return run.result.outcome
        ? become(letGo(run, now.at))
        : givingUp(
            run,
            outage.setup ? failures.notMended(outage.why) : failures.outOfUse(service, outage.why),
            now,
          )
  }
  return undefined
}

type Steps = Generator<Step, void>

function* dueSteps(run: Run, now: Now): Steps {
  const { mailbox, report, result, schedule, session } = run
  const intents = openIntents(run)
  const begins = !session.taskRun && !result.outcome
  if (begins && mailbox.stop && intents.length === 0) yield become(withOutcome(run, now.at))
  else if (mailbox.accessLost) yield* lostAccessSteps(run, now)
  else if (intents.length > 0) yield* openEffectSteps(run, intents, now)
  else {
    if (!report.status && !report.readOnlyThread) {
      // Admission comes from our own index, so it is asked before the status is posted.
      const hasAsked = schedule.admitted || schedule.waits !== undefined
      if (begins && !hasAsked && !retryOf(run, 'github')) yield { kind: 'await-admission' }
      if (showsStatus(run)) {
        yield { kind: 'post-status' }
        if (begins) return yield goNoFurther
      }
    }
    if (begins && lagsBehindStatus(run)) {
      yield { kind: 'catch-up' }
      return yield goNoFurther
    }
    if (result.outcome) yield* closingSteps(run, now)
    else if (mailbox.stop) yield* stopSteps(run, now)
    else yield* workSteps(run, now)
  }
}

const givingUp = (run: Run, outcome: failures.Failure, now: Now) =>
  become(failed(run, outcome, now.at))

const isOver = ({ session: { taskRun } }: Run) =>
  taskRun !== undefined && isTerminal(taskRun.status)

function* lostAccessSteps(run: Run, now: Now): Steps {
  const [intent] = openIntents(run)
  if (run.result.outcome) yield { kind: 'end' }
  else if (intent) yield { kind: stepFor(intent) }
  else if (!run.session.taskRun || isOver(run)) yield become(withOutcome(run, now.at))
  else yield* cancelSteps(run, now, givingUp(run, failures.unconfirmedStop, now))
}

const agentEndUntil = ({ result: { concludedAt = 0 } }: Run) => concludedAt + limits.seeingTo

function* agentEndSteps(run: Run, now: Now): Steps {
  const begun = openIntents(run).filter(({ kind }) => beginsAgent(kind))
  if (now.at > agentEndUntil(run)) yield become(agentLeft)
  else if (begun.length > 0) yield* openEffectSteps(run, begun, now)
  else yield* cancelSteps(run, now, become(agentLeft))
}

function* openEffectSteps(run: Run, intents: readonly Intent[], now: Now): Steps {
  const isOld = !run.result.outcome && isRightOld(run, now)
  for (const intent of intents)
    yield { kind: isOld && saysWords.has(intent.kind) ? 'await-admission' : stepFor(intent) }
  if (run.session.taskRun && run.mailbox.stop && cancelledAt(run) === undefined)
    yield { kind: 'cancel' }
  yield* sideSteps(run, now)
}

function* stopSteps(run: Run, now: Now): Steps {
  if (isOver(run)) yield* replySteps(run)
  yield* adoptionSteps(run)
  if (!isOver(run)) yield* cancelSteps(run, now, givingUp(run, failures.unconfirmedStop, now))
  else yield* outcomeSteps(run, now)
}

/**
 * Asks PostHog to cancel, then polls until the agent has ended. Only a poll after the time limit proves that it has
 * not.
 */
function* cancelSteps(run: Run, now: Now, unconfirmed: Step): Steps {
  const acceptedAt = cancelledAt(run)
  if (acceptedAt === undefined) yield { kind: 'cancel' }
  yield* replySteps(run)
  const isLate =
    acceptedAt === undefined
      ? now.at - (retryOf(run, cancelKey(run))?.since ?? now.at) > limits.seeingTo
      : (run.schedule.lastPollAt ?? 0) - acceptedAt > limits.stopping
  if (isLate) yield unconfirmed
  yield* pollSteps(run, now)
}

function* workSteps(run: Run, now: Now): Steps {
  const { schedule, session, workspace } = run
  yield* replySteps(run)
  if (!schedule.admitted) return yield* pollSteps(run, now, { kind: 'await-admission' })
  if (!workspace.branch || !session.taskId || !session.taskRun) return yield* startSteps(run, now)
  yield* adoptionSteps(run)
  if (hasNewPull(run) && now.text === 'phase') yield { kind: 'edit-status' }
  const hasWords = pending(run).length > 0
  const turn = turnOf(run)
  const goesOn = turn.kind === 'unfinished' && mayGoOn(run, turn.why)
  // The log may yet show that words were read. Those that were not are said again with the ones that wait.
  if (turn.kind === 'late-log') return yield* pollSteps(run, now)
  if (goesOn) yield become(turnResumed(run, turn.why, now.at))
  if (hasWords && !isBooting(run)) return yield* deliverySteps(run, now)
  const option = permissionToAnswer(run)
  const question = questionToAsk(run)
  if (option !== undefined) yield { kind: 'answer-permission', option }
  if (turn.kind !== 'working') {
    yield* outcomeSteps(run, now)
    return yield* sideSteps(run, now)
  }
  if (question) yield { kind: 'put-question' }
  // Silence counts only up to the last poll: with many live Runs the next poll may itself be late.
  const { status, changedAt } = session.taskRun
  const silent = (schedule.lastPollAt ?? 0) - changedAt
  if (isQueued(status) && silent > limits.queued) yield givingUp(run, failures.neverStarted, now)
  if (silent > limits.silent) yield givingUp(run, failures.wentSilent, now)
  yield* pollSteps(run, now)
}

function* startSteps(run: Run, now: Now): Steps {
  const { schedule, session, workspace } = run
  const earlier = session.earlier?.over === false ? session.earlier : undefined
  const rejoins = earlier && mayServe(earlier, wantedRights(run)) && earlier.resumes !== false
  const readsThread = contextIsDue(run)
  if (!workspace.branch) yield { kind: 'find-branch' }
  else if (!session.taskId) yield { kind: 'create-task' }
  else if (earlier && !rejoins) {
    // Even an idle session is ended: PostHog may resume it, and two runs must not work on one task.
    const since = earlier.cancelledAt ?? Number.POSITIVE_INFINITY
    if ((schedule.lastPollAt ?? 0) - since > limits.stopping)
      yield givingUp(run, failures.earlierGoesOn, now)
    yield* pollSteps(run, now, { kind: 'end-earlier' })
  } else if (readsThread) yield { kind: 'gather-context' }
  else if (!rejoins && !workspace.attachments) yield { kind: 'stage-attachments' }
  else if (isRightOld(run, now)) yield { kind: 'await-admission' }
  else yield { kind: rejoins ? 'rejoin' : 'start-run' }
  yield* sideSteps(run, now)
}

/** Who wrote what goes out next may have lost the right meanwhile. It matters once PostHog takes their words. */
const isRightOld = (run: Run, { at }: Now) =>
  at - Math.max(nextWords(run).at, run.schedule.rightAskedAt ?? 0) > limits.rightHolds &&
  !isHeld(run, 'posthog', at)

const saysWords = new Set<Intent['kind']>(['start-run', 'rejoin', 'deliver'])

/** Words wait a little for what was written beside them. The next ones bring it then. */
function* deliverySteps(run: Run, now: Now): Steps {
  const since = retryOf(run, 'github')?.since ?? now.at
  const readsThread = contextIsDue(run)
  if (isRightOld(run, now)) yield { kind: 'await-admission' }
  else {
    if (readsThread) yield { kind: 'gather-context' }
    if (!readsThread || now.at - since > limits.withoutContext) yield { kind: 'deliver' }
  }
  yield* pollSteps(run, now)
}

/** The agent is done: what came of it is looked for, and is the outcome. */
function* outcomeSteps(run: Run, now: Now): Steps {
  const { claimedPulls, resultChecked } = run.result
  if (claimedPulls.length > 0) yield* pollSteps(run, now)
  else yield resultChecked ? become(withOutcome(run, now.at)) : { kind: 'find-result' }
}

function* closingSteps(run: Run, now: Now): Steps {
  const { mailbox, report, result, session, workspace } = run
  yield* replySteps(run)
  // Follow-ups behind a refusal would be refused too: they are queued again once this Run has ended.
  const isRefusal =
    result.outcome?.kind === 'failed' && (!isOver(run) || cancelledAt(run) !== undefined)
  const canGoOn = session.taskId !== undefined && workspace.branch !== undefined && !isRefusal
  if (pending(run).length > 0 && canGoOn) yield become(workResumed(run))
  // Otherwise the edit goes along with what is done about the pull request, right after the last word.
  const isAlone = result.untended.length === 0 || report.status?.nodeId === undefined
  if (isAlone && now.text === 'phase') yield { kind: 'edit-status' }
  for (const { kind, isDue } of closingOrder) if (isDue(run)) yield { kind }
  const { releaseThread } = mailbox
  yield* adoptionSteps(run, url => !releaseThread || !isHeld(run, `pull ${url}`, now.at))
  if (result.claimedPulls.length > 0 && !releaseThread) yield goNoFurther
  if (now.text !== 'same') yield { kind: 'edit-status' }
  else if (isSuperseded(run) || report.supersedes.length > 0) yield { kind: 'minimize-status' }
  yield { kind: 'end' }
}

const owesLines = (run: Run) => run.report.inlineAnswered < inlineAsked(run).length

/** Until its answers and its last word stand on the lines, their comments look as if nobody had seen to them. */
const owesAnswers = (run: Run) =>
  owesLines(run) || (inlinePlace(run) !== undefined && !isDone(run, 'conclude'))

/** What is left to do at the end, in its order. The last word says what is known by then. */
const closingOrder = [
  {
    kind: 'ask-cost',
    isDue: ({ session }) => session.cost === undefined && session.taskRun !== undefined,
  },
  {
    kind: 'read-needs',
    isDue: run => run.result.hinted === true && hasChanged(run) && !owesAnswers(run),
  },
  { kind: 'conclude', isDue: run => !isDone(run, 'conclude') },
  { kind: 'edit-last-word', isDue: isWordOutdated },
  { kind: 'tend-pull', isDue: ({ result }) => result.untended.length > 0 },
  { kind: 'find-fixed', isDue: mayHaveFixed },
  { kind: 'answer-inline', isDue: owesLines },
  {
    kind: 'resolve-threads',
    isDue: ({ result: { fixed } }) => fixed !== undefined && !fixed.resolved,
  },
  { kind: 'react', isDue: run => !isDone(run, 'react') },
  { kind: 'unlabel', isDue: ({ report }) => report.labels.length > 0 },
  { kind: 'show-state', isDue: showsOtherState },
  { kind: 'drop-branch', isDue: run => !isDone(run, 'drop-branch') },
] as const satisfies readonly { kind: StepKind; isDue(run: Run): boolean }[]

/** Its agent says what it did about single comments, and nobody has looked at that yet. */
function mayHaveFixed(run: Run) {
  const { outcome, fixed } = run.result
  if (!resolvesThreads(run) || isUndone(outcome) || fixed) return false
  return lineAnswersIn(run).lineAnswers.length > 0
}

function* replySteps(run: Run): Steps {
  const [next] = run.mailbox.answers
  if (next && (!next.reply || openIntents(run).length === 0)) yield { kind: 'answer-message' }
}

function* sideSteps(run: Run, now: Now): Steps {
  yield* replySteps(run)
  if (run.session.taskRun && !isOver(run)) yield* pollSteps(run, now)
  if (run.report.status && now.text === 'phase') yield { kind: 'edit-status' }
}

function* adoptionSteps(
  { result: { claimedPulls } }: Run,
  isTaken = (_url: string) => true,
): Steps {
  for (const url of claimedPulls) if (isTaken(url)) yield { kind: 'adopt-pull', url }
}

function* pollSteps(run: Run, now: Now, poll: ActingStep = { kind: 'poll' }): Steps {
  const { nextPollAt = 0, admitted, waits } = run.schedule
  if (now.at >= nextPollAt) yield poll
  if (showsOtherState(run)) yield { kind: 'show-state' }
  const isInLine = now.text === 'details' && !admitted && waits !== undefined
  const editAt =
    (run.report.status?.at ?? 0) + (isInLine ? limits.editInLineEvery : editAfter[now.text])
  if (now.at >= editAt) yield { kind: 'edit-status' }
  yield waitUntil(Math.min(ifLater(nextPollAt, now), ifLater(editAt, now)), now)
}

/** ms from the last edit to the next. */
const editAfter: Readonly<Record<Now['text'], number>> = {
  phase: 0,
  details: limits.editEvery,
  same: Number.POSITIVE_INFINITY,
}

const stepFor = ({
  kind,
}: Pick<Intent, 'kind'>): Exclude<Intent['kind'], 'open-pull'> | 'find-result' =>
  kind === 'open-pull' ? 'find-result' : kind

/** Removes the intent of a step that succeeded or was cancelled. */
export const withoutIntent = (run: Run, { kind }: ActingStep): ChangeOf<'attempts'> =>
  onlyIntents(run, each => stepFor({ kind: each }) !== kind)

/**
 * Steps that can run beside this one, as neither needs the other. An agent starts only when status, branch and task are
 * there.
 */
export function stepsBeside(run: Run, step: ActingStep, now: Now): ActingStep[] {
  const { schedule, mailbox, report, result, session, workspace } = run
  if (!schedule.admitted || mailbox.stop || mailbox.accessLost || result.outcome || session.taskRun)
    return []
  const missing = {
    'post-status': !report.status && showsStatus(run),
    'find-branch': !workspace.branch,
    'create-task': session.taskId === undefined,
  }
  const kinds = (['post-status', 'find-branch', 'create-task'] as const).filter(
    kind => missing[kind],
  )
  if (!kinds.some(kind => kind === step.kind)) return []
  return kinds.flatMap(kind =>
    kind === step.kind || unmetNeeds(run, { kind }, now).length > 0 ? [] : [{ kind }],
  )
}
