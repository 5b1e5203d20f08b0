/** The function of each step. What it may touch, and when it is due: `core/run/steps`. */
import { leftAlone } from '../../core/record/agent-end.ts'
import type { RunChange } from '../../core/record/run.ts'
import type { ActingStep, StepKind } from '../../core/record/steps.ts'
import { outcomeOf } from '../../core/record/turn.ts'
import { failed } from './after-fault.ts'
import { answerMessage } from './answer-message.ts'
import { awaitAdmission } from './await-admission.ts'
import { answerInline, conclude, putQuestion } from './closing-comment.ts'
import { createTask } from './create-task.ts'
import { deliver, respondToPermission, resumeTurn, resumeWork } from './deliver.ts'
import { endEarlier, rejoin } from './earlier-session.ts'
import { findBranch } from './find-branch.ts'
import { adoptPull, findResult } from './find-result.ts'
import { askCost, cancel, poll } from './follow-task-run.ts'
import { gatherContext } from './gather-context.ts'
import { react, unlabel } from './markers.ts'
import { stageForRun } from './stage-attachments.ts'
import { startRun } from './start-run.ts'
import { editStatus, minimizeStatus, postStatus } from './status-comment.ts'
import { allAnnounced, type RunContext, type StepFunctions } from './step-context.ts'
import { dropBranch, tendPull } from './tend-pull.ts'

const functions: StepFunctions<StepKind> = {
  'post-status': postStatus,
  'edit-status': editStatus,
  'await-admission': awaitAdmission,
  'find-branch': findBranch,
  'gather-context': gatherContext,
  'stage-attachments': stageForRun,
  'create-task': createTask,
  rejoin,
  'end-earlier': endEarlier,
  'start-run': startRun,
  'answer-permission': respondToPermission,
  deliver,
  cancel,
  poll,
  'adopt-pull': adoptPull,
  'find-result': findResult,
  'tend-pull': tendPull,
  'settle-outcome': ({ run, deps }) => ({
    result: { outcome: outcomeOf(run, deps.now()), concludedAt: deps.now() },
  }),
  'give-up': (context, { outcome }) => failed(context, outcome),
  'leave-agent': () => leftAlone,
  conclude,
  'put-question': putQuestion,
  'answer-inline': answerInline,
  'answer-message': answerMessage,
  react,
  unlabel,
  'drop-branch': dropBranch,
  'resume-work': resumeWork,
  'resume-turn': resumeTurn,
  'ask-cost': askCost,
  'minimize-status': minimizeStatus,
  'let-go': () => ({
    attempts: { outages: {}, intent: undefined },
    report: { threadBlocked: undefined, readOnlyThread: true, announced: allAnnounced },
    result: { untended: [] },
    mailbox: { releaseThread: true, answers: [] },
  }),
}

export const take = <Kind extends StepKind>(
  context: RunContext,
  step: Extract<ActingStep, { kind: Kind }>,
): RunChange | Promise<RunChange> => {
  const doing: StepFunctions<Kind>[Kind] = functions[step.kind as Kind]
  return doing(context, step)
}
