/** What each step does. What it asks of whom stands beside the decision, in `core/next-step`. */

import { leftAlone } from '../../core/run/agent-end.ts'
import { outcomeOf } from '../../core/run/apply-snapshot.ts'
import type { ActingStep } from '../../core/run/next-step.ts'
import { changed, type Run } from '../../core/run/run.ts'
import { answerMessage } from './answer-message.ts'
import { awaitAdmission } from './await-admission.ts'
import { dropBranch, failed, findBranch } from './find-branch.ts'
import { adoptPull, findResult, tendPull } from './find-result.ts'
import { gatherContext } from './gather-context.ts'
import { allAnnounced, type StepContext } from './step-context.ts'
import {
  answerPermission,
  askCost,
  cancel,
  createTask,
  deliver,
  endEarlier,
  poll,
  rejoin,
  resumeWork,
  stageForRun,
  startRun,
} from './task-run.ts'
import {
  answerInline,
  conclude,
  editStatus,
  minimizeStatus,
  postStatus,
  react,
  unlabel,
} from './tell-thread.ts'

type Act<D extends ActingStep['kind']> = (
  context: StepContext,
  step: Extract<ActingStep, { kind: D }>,
) => Promise<Run> | Run

const acts: { [D in ActingStep['kind']]: Act<D> } = {
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
  'answer-permission': (context, { option }) => answerPermission(context, option),
  deliver,
  cancel,
  poll,
  'adopt-pull': (context, { url }) => adoptPull(context, url),
  'find-result': findResult,
  'tend-pull': tendPull,
  'settle-outcome': ({ run, deps }) =>
    changed(run, { result: { outcome: outcomeOf(run), concludedAt: deps.now() } }),
  'give-up': (context, { outcome }) => failed(context, outcome),
  'leave-agent': ({ run }) => leftAlone(run),
  conclude,
  'answer-inline': answerInline,
  'answer-message': answerMessage,
  react,
  unlabel,
  'drop-branch': dropBranch,
  'resume-work': resumeWork,
  'ask-cost': askCost,
  'minimize-status': minimizeStatus,
  'let-go': ({ run }) =>
    changed(run, {
      attempts: { outages: {}, intent: undefined },
      report: { threadBlocked: undefined, readOnlyThread: true, announced: allAnnounced },
      result: { untended: [] },
      mailbox: { releaseThread: true, answers: [] },
    }),
}

export const act = <D extends ActingStep['kind']>(
  context: StepContext,
  step: Extract<ActingStep, { kind: D }>,
): Promise<Run> | Run => {
  const doing: Act<D> = acts[step.kind as D]
  return doing(context, step)
}
