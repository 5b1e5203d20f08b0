/**
 * The one place where a Run moves on. Timers, webhooks and restarts only say "look now"; each call reads
 * what was said, decides one step after another, does it, writes the result, and parks.
 */
import { stagingIsLost } from '../core/attachments.ts'
import { ComeBack, Refused, type Service, Unanswered } from '../core/faults.ts'
import { nextStep, type Step } from '../core/next-step.ts'
import { readNotes } from '../core/notes.ts'
import { outcomeOf } from '../core/observe.ts'
import { backoff, limits, soonestLook } from '../core/pace.ts'
import { failureOf } from '../core/refusals.ts'
import { type Outcome, type Run, resumedSession } from '../core/run.ts'
import type { Held, Verdict } from './edges.ts'
import { NotSettled } from './not-settled.ts'
import { dropBranch, failed, findBranch } from './run-steps/branch.ts'
import { gatherContext } from './run-steps/context.ts'
import { CalledOff, type Hand, handOf, type RunDeps } from './run-steps/hand.ts'
import { adoptPull, findResult } from './run-steps/result.ts'
import {
  answerPermission,
  askCost,
  cancel,
  createTask,
  deliver,
  endEarlier,
  look,
  rejoin,
  resumeWork,
  stageForRun,
  startRun,
} from './run-steps/session.ts'
import {
  answerInline,
  conclude,
  difference,
  editStatus,
  postStatus,
  react,
  unlabel,
} from './run-steps/tell-thread.ts'
import { takeTurn } from './run-steps/turn.ts'

export const advanceRun =
  (deps: RunDeps) =>
  async (job: Held<Run>): Promise<Verdict> => {
    const hand = handOf(deps, job)
    const opened = givenUp(hand, readNotes(job.data, await job.inbox()))
    if (opened !== job.data) await hand.save(opened)
    hand.run = await lookingSoon(hand)
    for (;;) {
      if (job.signal.aborted) return { do: 'park', ms: 0 }
      const step = nextStep(hand.run, { at: deps.now(), text: difference(hand) })
      if (step.do === 'wait') return { do: 'park', ms: step.ms }
      if (step.do === 'end') {
        if (!(await finished(hand))) continue
        if (hand.run.taskRun) deps.stream.unwatch(hand.run.taskRun.id)
        deps.reached('before the end')
        return { do: 'end' }
      }
      await take(hand, step)
    }
  }

/**
 * Whoever woke the Run before its time had a reason: the look is brought forward, as far as the budget of
 * calls allows.
 */
async function lookingSoon({ run, deps }: Hand): Promise<Run> {
  const { lastLookAt, nextLookAt } = run
  if (lastLookAt === undefined || nextLookAt === undefined || nextLookAt <= deps.now()) return run
  return { ...run, nextLookAt: Math.min(nextLookAt, lastLookAt + soonestLook(await deps.liveRuns())) }
}

/** Something may have been said while the last step was under way. */
async function finished(hand: Hand): Promise<boolean> {
  const heard = readNotes(hand.run, await hand.job.inbox())
  const quiet = heard.notesRead === hand.run.notesRead
  if (!quiet) await hand.save(heard)
  return quiet
}

/** A Run whose every step kills the process, or throws, is ended with a word instead of tried for ever. */
function givenUp(hand: Hand, run: Run): Run {
  const { stalls, failures } = hand.job
  if (run.outcome || (stalls - run.stallsSeen < limits.stalls && failures < limits.stalls)) return run
  return { ...failed({ ...hand, run }, crashed), stallsSeen: stalls }
}

const crashed: Outcome = {
  is: 'failed',
  class: 'lost',
  reason: 'The bot itself failed at this ten times in a row',
  fix: 'Tell an admin of this bot; its log names the run. `/codex retry` tries again.',
}

type Doing = Exclude<Step, { do: 'wait' } | { do: 'end' }>

/** Whose answer a step depends on; `undefined` for those that ask nobody. */
const asks: Record<Doing['do'], Service | undefined> = {
  'post-status': 'github',
  'edit-status': 'github',
  'take-turn': 'github',
  'find-branch': 'github',
  'gather-context': 'github',
  'stage-attachments': 'posthog',
  'create-task': 'posthog',
  rejoin: 'posthog',
  'end-earlier': 'posthog',
  'start-run': 'posthog',
  deliver: 'posthog',
  'answer-permission': 'posthog',
  cancel: 'posthog',
  look: 'posthog',
  'adopt-pull': 'github',
  'find-result': 'github',
  'settle-outcome': undefined,
  'give-up': undefined,
  conclude: 'github',
  'answer-inline': 'github',
  react: 'github',
  unlabel: 'github',
  'drop-branch': 'github',
  'resume-work': undefined,
  'ask-cost': undefined,
  'let-go': undefined,
}

async function take(hand: Hand, step: Doing): Promise<void> {
  try {
    const run = await act(hand, step)
    const calm = run.trouble && run.trouble.service === asks[step.do] ? { ...run, trouble: undefined } : run
    await hand.save({ ...calm, stallsSeen: hand.job.stalls })
  } catch (error) {
    await hand.save(afterFault(hand, step, error))
  }
}

function act(hand: Hand, step: Doing): Promise<Run> | Run {
  switch (step.do) {
    case 'post-status':
      return postStatus(hand)
    case 'edit-status':
      return editStatus(hand)
    case 'take-turn':
      return takeTurn(hand)
    case 'find-branch':
      return findBranch(hand)
    case 'gather-context':
      return gatherContext(hand)
    case 'stage-attachments':
      return stageForRun(hand)
    case 'create-task':
      return createTask(hand)
    case 'rejoin':
      return rejoin(hand)
    case 'end-earlier':
      return endEarlier(hand)
    case 'start-run':
      return startRun(hand)
    case 'deliver':
      return deliver(hand)
    case 'answer-permission':
      return answerPermission(hand, step.option)
    case 'cancel':
      return cancel(hand)
    case 'look':
      return look(hand)
    case 'adopt-pull':
      return adoptPull(hand, step.url)
    case 'find-result':
      return findResult(hand)
    case 'settle-outcome':
      return { ...hand.run, outcome: outcomeOf(hand.run), concludedAt: hand.deps.now() }
    case 'give-up':
      return failed(hand, step.outcome)
    case 'conclude':
      return conclude(hand)
    case 'answer-inline':
      return answerInline(hand)
    case 'react':
      return react(hand)
    case 'unlabel':
      return unlabel(hand)
    case 'drop-branch':
      return dropBranch(hand)
    case 'resume-work':
      return resumeWork(hand)
    case 'ask-cost':
      return askCost(hand)
    case 'let-go':
      return { ...hand.run, trouble: undefined, intent: undefined, yielding: true, mute: true, told: allTold }
  }
}

/** What the Run knows after a step failed. Anything unexpected is thrown on, and the queue tries again. */
function afterFault(hand: Hand, step: Doing, error: unknown): Run {
  const { run, deps } = hand
  if (error instanceof CalledOff) return { ...run, intent: undefined }
  if (error instanceof NotSettled)
    return waiting(hand, {
      service: asks[step.do] ?? 'github',
      why: error.message,
      until: error.until,
      failed: 0,
    })
  if (error instanceof ComeBack) return waiting(hand, { ...told(error), until: error.until, failed: 1 })
  if (error instanceof Unanswered) {
    deps.log.warn({ run: run.id, step: step.do, err: error }, 'no usable answer')
    const until = deps.now() + backoff(run.trouble?.count ?? 0)
    return waiting(hand, { ...told(error), until, failed: 1 })
  }
  if (!(error instanceof Refused)) throw error
  deps.log.warn({ run: run.id, step: step.do, err: error }, 'refused')
  return afterRefusal(hand, step, error)
}

const told = ({ service, message }: ComeBack | Unanswered) => ({ service, why: message })

interface Wait {
  service: Service
  why: string
  until: number
  /** How many attempts failed just now; looking for the trace of one is none. */
  failed: 0 | 1
}

/** The other service's wait, if there is one, is not cut short. */
function waiting({ run, deps }: Hand, { service, why, until, failed }: Wait): Run {
  const same = run.trouble?.service === service ? run.trouble : undefined
  const other = same ? 0 : (run.trouble?.until ?? 0)
  const trouble = {
    service,
    why,
    since: same?.since ?? deps.now(),
    until: Math.max(until, other),
    count: (same?.count ?? 0) + failed,
  }
  return { ...run, trouble }
}

const allTold = { comment: true, inline: Number.MAX_SAFE_INTEGER, reaction: true, label: true, branch: true }

/** A session may only be resumed on branches that it knows: on another one everything begins afresh. */
const isBranchRefused = (run: Run, { status, field, message }: Refused): boolean =>
  status === 400 &&
  resumedSession(run) !== undefined &&
  (field === undefined ? /\bbranch\b/i.test(message) : field === 'branch')

function afterRefusal(hand: Hand, step: Doing, error: Refused): Run {
  const run: Run = { ...hand.run, intent: undefined }
  switch (step.do) {
    // A thread that takes no comment can't be told anything: locked, deleted, transferred or uninstalled.
    case 'post-status':
      return {
        ...failed(hand, failureOf(error)),
        mute: true,
        told: allTold,
      }
    case 'edit-status':
      return { ...run, status: undefined, mute: true }
    case 'start-run':
      // Staged files are kept for a day: a run that waited longer has them staged again, once.
      if (stagingIsLost(error))
        return { ...run, restaged: true, attachments: run.restaged ? { ids: [], failed: [] } : undefined }
      if (isBranchRefused(run, error)) return { ...run, earlier: undefined, attachments: undefined }
      return failed(hand, failureOf(error))
    default:
      // Nothing is left to be told, nor to be waited for.
      return run.outcome
        ? { ...run, told: allTold, claimedPulls: [], yielding: true }
        : failed(hand, failureOf(error))
  }
}
