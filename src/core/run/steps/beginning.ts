import { earlierGoesOn } from '../../comments/failures.ts'
import { isInForce, outageOf } from '../outage.ts'
import type { Run } from '../run.ts'
import { wantedRights } from '../run.ts'
import { mayServe } from '../session.ts'
import { limits } from '../timing.ts'
import { contextIsDue } from '../words-to-say.ts'
import { giveUp } from './ending.ts'
import { type Due, keepPolling, meanwhile, type Now } from './polling.ts'
import { stepTable } from './step-entry.ts'
import type { ActingStep } from './step-registry.ts'

export const beginningSteps = stepTable({
  'await-admission': {
    service: 'github',
    call: 'read',
    github: [
      'permission',
      'isInTeam',
      'ownCommentsOfRepository',
      'file',
      'fileCommits',
      'closing',
      'pull',
      'pullsFrom',
    ],
    writes: ['schedule', 'mailbox', 'result', 'session'],
  },
  'find-branch': {
    service: 'github',
    call: 'both',
    github: ['branch', 'issueBranches', 'makeBranch', 'closing'],
    writes: ['workspace', 'schedule', 'result', 'session'],
  },
  'gather-context': {
    service: 'github',
    call: 'read',
    github: ['comments', 'permission', 'shown'],
    writes: ['workspace'],
  },
  'stage-attachments': {
    service: 'posthog',
    call: 'effect',
    github: ['attachments'],
    posthog: ['stageArtifact'],
    writes: ['workspace'],
  },
  'create-task': {
    service: 'posthog',
    call: 'effect',
    posthog: ['createTask', 'findTask'],
    writes: ['session'],
  },
  rejoin: {
    service: 'posthog',
    call: 'both',
    toAgent: true,
    github: ['attachments'],
    posthog: ['logLength', 'addArtifact', 'sendMessage', 'poll', 'sandboxes'],
    writes: ['session', 'workspace', 'schedule', 'mailbox', 'report', 'result'],
  },
  'end-earlier': {
    service: 'posthog',
    call: 'both',
    posthog: ['statusOf', 'cancel'],
    writes: ['session', 'workspace', 'schedule'],
  },
  'start-run': {
    service: 'posthog',
    call: 'effect',
    posthog: ['startRun', 'runIds', 'sandboxes'],
    writes: ['session', 'schedule', 'mailbox', 'report', 'workspace', 'result'],
  },
})

export function* beginning(run: Run, now: Now): Due {
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
