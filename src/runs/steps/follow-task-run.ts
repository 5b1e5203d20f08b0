/**
 * The steps that follow the agent's work at PostHog: `poll` reads its status and log, `cancel` ends it.
 * `ask-cost` asks what the session has cost, `catch-up` what happened before the queue was put back.
 * They leave what they learned in the session, and in the schedule when to look next.
 */
import { threadName } from '../../core/model/thread.ts'
import { Pull } from '../../core/model/views.ts'
import { agentIsToEnd, cancelledAt } from '../../core/record/agent-end.ts'
import { logOffset, observe } from '../../core/record/apply-snapshot.ts'
import { instructionSent } from '../../core/record/ledger.ts'
import { markerOf } from '../../core/record/marker.ts'
import { type Backup, isOwnTaskRun, restored } from '../../core/record/recovery-record.ts'
import { retryOf } from '../../core/record/retries.ts'
import { isTerminal, type Run, sessionOf } from '../../core/record/run.ts'
import { sets } from '../../core/record/run-index.ts'
import {
  callsPerPoll,
  deadlinesOf,
  limits,
  pollInterval,
  pollIntervalUntil,
  pollIntervalWithStream,
} from '../../core/record/timing.ts'
import { agentWorks, finalPollAt, lateLog } from '../../core/record/turn.ts'
import { commentWith, ownSince } from '../../core/words/say.ts'
import { type StepContext, step } from './step-context.ts'

export const cancel = step('cancel', {
  posthog: ['cancel'],
  writes: ['session', 'schedule'],
  async do(context) {
    const { run, deps, posthog } = context
    const session = sessionOf(run)
    if (!session) return {}
    await context.job.assertLocked()
    const { stop } = run.mailbox
    const why = stop ? `Stopped by ${stop.by.login} on` : 'Given up on'
    await posthog.cancel(session, `${why} ${threadName(run.thread)}`)
    return {
      session: { cancelled: { taskRun: session.taskRunId, at: deps.now() } },
      schedule: { nextPollAt: undefined },
    }
  },
})

export const poll = step('poll', {
  posthog: ['poll'],
  writes: ['session', 'schedule', 'mailbox', 'report', 'result'],
  async do(context) {
    const { run, deps, posthog } = context
    const session = sessionOf(run)
    if (!session) return {}
    const later = await waitForBudget(context)
    if (later !== undefined) {
      deps.stream.expectPoll(session, run.id, later)
      return { schedule: { nextPollAt: later } }
    }
    // Its answer may be as old as its request, however late it came.
    const lastPollAt = deps.now()
    const [snapshot, live] = await Promise.all([
      posthog.poll(session, logOffset(run)),
      deps.liveRuns(),
    ])
    const now = deps.now()
    const streamedAt =
      run.schedule.streamedSince === undefined ? undefined : run.schedule.lastPollAt
    const streams = !isTerminal(snapshot.status) && deps.stream.watch(session, run, streamedAt)
    const seen = observe(run, snapshot, now)
    const { session: after, mailbox, report, result } = seen
    const streamedSince = streams ? (run.schedule.streamedSince ?? now) : undefined
    const nextPollAt = now + pauseAfterPoll(seen, { now, live, streamedSince })
    deps.stream.expectPoll(session, run.id, nextPollAt)
    return {
      session: after,
      result,
      mailbox,
      report,
      schedule: { lastPollAt, nextPollAt, streamedSince },
    }
  },
})

/** If the budget is out of reach, the intervals alone keep within it. */
async function waitForBudget({ run, deps }: StepContext) {
  const reservation = {
    owner: run.thread.owner.toLowerCase(),
    id: run.id,
    calls: callsPerPoll,
    isAwaited: agentIsToEnd(run) || !agentWorks(run) || undefined,
  }
  const later = await deps.budget.reserve(reservation).catch(() => undefined)
  return later === undefined ? undefined : deps.now() + later
}

function pauseAfterPoll(
  run: Run,
  { now, live, streamedSince }: { now: number; live: number; streamedSince: number | undefined },
): number {
  const age = now - run.request.at
  const usual =
    streamedSince === undefined
      ? pollInterval(age, live)
      : pollIntervalWithStream(now - streamedSince, live)
  const cancelled = agentIsToEnd(run) ? cancelledAt(run) : undefined
  const stopping =
    cancelled === undefined ? usual : pollIntervalUntil(limits.stopping, now - cancelled)
  const deadlines = [...deadlinesOf(run), finalPollAt(run) ?? 0].flatMap(at =>
    at > now ? [at - now] : [],
  )
  const { taskRun } = run.session
  if (taskRun && isTerminal(taskRun.status))
    return Math.min(pollIntervalUntil(lateLog(run), now - taskRun.changedAt), ...deadlines)
  return Math.min(usual, stopping, ...deadlines)
}

/** PostHog is asked even after a failed call, as the last word needs it, but never before a time that PostHog named. */
export const askCost = step('ask-cost', {
  posthog: ['cost'],
  writes: ['session'],
  async do({ run, deps, job, posthog }) {
    const { taskId, costBefore = 0 } = run.session
    const isLimited = deps.now() < (retryOf(run, 'posthog')?.promised ?? 0)
    const cost = taskId === undefined || isLimited ? undefined : await posthog.cost(taskId)
    if (taskId === undefined || typeof cost !== 'number') return { session: { cost: null } }
    const ofSameTask = await deps.index.listed([sets.task(taskId)], { kind: 'last', count: 100 })
    const others = ofSameTask.flatMap(({ id, data: { session } }) =>
      id === job.id ? [] : [session.cost ?? session.costBefore ?? 0],
    )
    return { session: { cost, costBefore: Math.max(costBefore, ...others) } }
  },
})

/** A Run whose record may lag reads its own status in the thread, and goes on from there if that knows more. */
export const catchUp = step('catch-up', {
  github: ['comments.own', 'pulls.find'],
  writes: ['attempts', 'schedule', 'session', 'workspace', 'result', 'report', 'mailbox'],
  async do(context) {
    const { run, deps, github } = context
    const attempts = { caughtUpAt: run.attempts.lagsSince }
    const comments = await ownSince(github, run.request.at)
    const status = commentWith(deps.signer, comments, markerOf(run, 'status'))
    const marker =
      status && deps.signer.read(status.body, run.thread).find(({ as }) => as === 'status')
    const backup = marker?.backup
    if (!status || !backup) return { attempts }
    const { round } = backup
    const lastWord = commentWith(deps.signer, comments, { ...markerOf(run, 'closing'), round })
    const taskRunId = isOwnTaskRun(marker, backup) ? marker.taskRun : undefined
    const isQuiet = backup.quiet || taskRunId === undefined
    const closed = backup.outcome !== undefined && (isQuiet || lastWord !== undefined)
    if (!isAhead(run, { round, taskRunId, closed, backup })) return { attempts }
    const { pulls } = run.result
    const unknown =
      closed && pulls.every(({ number }) => number !== marker.pull) ? marker.pull : undefined
    const pull = unknown === undefined ? undefined : await github.pulls.find(unknown)
    const { session, schedule, workspace, result, report, mailbox } = restored(
      {
        id: run.id,
        backup,
        made: marker.made,
        thread: run.thread,
        snapshot: run.baseline.snapshot,
        settings: run.baseline.settings,
        untended: [],
        pulls: pull ? [...pulls, Pull.parse(pull)] : pulls,
        commentId: status.id,
        session: { taskId: marker.task, taskRunId },
        closed,
      },
      deps.now(),
    )
    deps.log.warn({ status: status.id }, 'its status knew more of the run than the queue did')
    const { words, requesters, releaseThread } = mailbox
    const others = run.mailbox.words.filter(({ id }) => words.every(known => known.id !== id))
    const { tenant } = run.session
    return {
      attempts,
      workspace,
      result,
      report,
      schedule: { ...schedule, waits: schedule.waits },
      session: { ...session, tenant },
      mailbox: { words: [...words, ...others], requesters, releaseThread },
    }
  },
})

interface KnownRound {
  round: number
  /** Its own. */
  taskRunId: string | undefined
  /** What is known stands in a last word. */
  closed: boolean
  backup: Backup
}

function isAhead(
  { result, session, mailbox }: Run,
  { round, taskRunId, closed, backup }: KnownRound,
): boolean {
  if (round !== result.round) return round > result.round
  if (result.outcome) return false
  const { taskRun, earlier } = session
  const isAnother =
    taskRunId !== undefined && taskRunId !== earlier?.taskRunId && taskRunId !== taskRun?.id
  const isBegun = instructionSent({ mailbox: backup }) && !instructionSent({ mailbox })
  return closed || isAnother || (!taskRun && isBegun)
}
