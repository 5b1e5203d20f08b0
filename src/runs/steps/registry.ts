/** Has the code of every step, by its kind: a kind without a step does not compile. */
import type { StepKind } from '../../core/record/next-step.ts'
import type { RunChange } from '../../core/record/run.ts'
import { adoptPull } from './adopt-pull.ts'
import { answerMessage } from './answer-message.ts'
import { respondToPermission } from './answer-permission.ts'
import { awaitAdmission } from './await-admission.ts'
import { answerInline, conclude, editLastWord, putQuestion } from './closing-comment.ts'
import { deliver } from './deliver.ts'
import { dropBranch } from './drop-branch.ts'
import { endEarlier, rejoin } from './earlier-session.ts'
import { findBranch } from './find-branch.ts'
import { findResult } from './find-result.ts'
import { askCost, cancel, catchUp, poll } from './follow-task-run.ts'
import { gatherContext } from './gather-context.ts'
import { react } from './reaction.ts'
import { readNeeds } from './read-needs.ts'
import { findFixed, resolveThreads } from './resolve-threads.ts'
import { stageForRun } from './stage-attachments.ts'
import { createTask, startRun } from './start-run.ts'
import { editStatus, minimizeStatus, postStatus, showState, unlabel } from './status-comment.ts'
import type { RunContext, Step, StepOf } from './step-context.ts'
import { tendPull } from './tend-pull.ts'

export const registry: Readonly<{ [Kind in StepKind]: Step<Kind> }> = {
  'catch-up': catchUp,
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
  'read-needs': readNeeds,
  'tend-pull': tendPull,
  conclude,
  'edit-last-word': editLastWord,
  'put-question': putQuestion,
  'answer-inline': answerInline,
  'find-fixed': findFixed,
  'resolve-threads': resolveThreads,
  'answer-message': answerMessage,
  react,
  unlabel,
  'show-state': showState,
  'drop-branch': dropBranch,
  'ask-cost': askCost,
  'minimize-status': minimizeStatus,
}

export const take = <Kind extends StepKind>(
  context: RunContext,
  step: StepOf<Kind>,
): RunChange | Promise<RunChange> => {
  const { do: act }: Step<Kind> = registry[step.kind as Kind]
  return act(context, step)
}
