/** What each step does. What it asks of whom stands beside the decision, in `core/next-step`. */

import { outcomeOf } from '../../core/run/apply-snapshot.ts'
import type { Doing } from '../../core/run/next-step.ts'
import type { Run } from '../../core/run/run.ts'
import { dropBranch, failed, findBranch } from './find-branch.ts'
import { adoptPull, findResult } from './find-result.ts'
import { gatherContext } from './gather-context.ts'
import { allTold, type Hand } from './step-context.ts'
import { takeTurn } from './take-turn.ts'
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
} from './task-run.ts'
import { answerInline, conclude, editStatus, postStatus, react, unlabel } from './tell-thread.ts'

type Act<D extends Doing['do']> = (hand: Hand, step: Extract<Doing, { do: D }>) => Promise<Run> | Run

const acts: { [D in Doing['do']]: Act<D> } = {
  'post-status': postStatus,
  'edit-status': editStatus,
  'take-turn': takeTurn,
  'find-branch': findBranch,
  'gather-context': gatherContext,
  'stage-attachments': stageForRun,
  'create-task': createTask,
  rejoin,
  'end-earlier': endEarlier,
  'start-run': startRun,
  'answer-permission': (hand, { option }) => answerPermission(hand, option),
  deliver,
  cancel,
  look,
  'adopt-pull': (hand, { url }) => adoptPull(hand, url),
  'find-result': findResult,
  'settle-outcome': ({ run, deps }) => ({ ...run, outcome: outcomeOf(run), concludedAt: deps.now() }),
  'give-up': (hand, { outcome }) => failed(hand, outcome),
  'leave-agent': ({ run }) => ({ ...run, intent: undefined, agentLeft: true }),
  conclude,
  'answer-inline': answerInline,
  react,
  unlabel,
  'drop-branch': dropBranch,
  'resume-work': resumeWork,
  'ask-cost': askCost,
  'let-go': ({ run }) => ({
    ...run,
    outages: {},
    trouble: undefined,
    unheard: undefined,
    intent: undefined,
    yielding: true,
    mute: true,
    told: allTold,
  }),
}

export const act = <D extends Doing['do']>(
  hand: Hand,
  step: Extract<Doing, { do: D }>,
): Promise<Run> | Run => {
  const doing: Act<D> = acts[step.do as D]
  return doing(hand, step)
}
