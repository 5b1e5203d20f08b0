import { neverStarted, wentSilent } from '../../comments/failures.ts'
import { outageOf } from '../outage.ts'
import { permissionToAnswer, questionToAsk } from '../permission-request.ts'
import { hasNewPull, isTerminal, type Run } from '../run.ts'
import { limits } from '../timing.ts'
import { mayGoOn, standingOf } from '../turn.ts'
import { contextIsDue } from '../words-to-say.ts'
import { beginning } from './beginning.ts'
import { giveUp } from './ending.ts'
import { canComment, claims, type Due, keepPolling, meanwhile, type Now, replies } from './polling.ts'
import { stepTable } from './step-entry.ts'
import type { Step } from './step-registry.ts'

export const workingSteps = stepTable({
  'answer-permission': {
    service: 'posthog',
    call: 'effect',
    toAgent: true,
    posthog: ['respondToPermission'],
    writes: ['session', 'schedule'],
  },
  deliver: {
    service: 'posthog',
    call: 'effect',
    toAgent: true,
    github: ['attachments'],
    posthog: ['addArtifact', 'sendMessage', 'respondToPermission', 'poll'],
    writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  },
  poll: {
    service: 'posthog',
    call: 'read',
    posthog: ['poll', 'summary'],
    writes: ['session', 'schedule', 'mailbox', 'result'],
  },
  'adopt-pull': {
    service: 'github',
    call: 'both',
    github: ['pull', 'isDescendant', 'settle'],
    writes: ['result', 'report'],
  },
  'find-result': {
    service: 'github',
    call: 'both',
    github: ['pullsFrom', 'branch', 'commitsSince', 'isDescendant', 'openPull', 'settle'],
    writes: ['result'],
  },
  'resume-turn': { service: 'none', call: 'read', writes: ['session', 'workspace', 'mailbox', 'result'] },
  'settle-outcome': { service: 'none', call: 'read', writes: ['result'] },
})

export function* working(run: Run, now: Now): Due {
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
