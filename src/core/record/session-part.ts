/** What a Run's record knows of its agent at PostHog: task, task run, what was read of the log, and cost. */
import { z } from 'zod'
import {
  falseAtFirst,
  noneAtFirst,
  perhaps,
  trueOrAbsent,
  zeroAtFirst,
} from '../model/schema-parts.ts'
import * as model from '../model/task-run.ts'
import { Rights, Session } from './request-part.ts'

/** No command lines and few paths: they may hold secrets. */
const Activity = z.object({
  doing: z.enum(model.doings).optional(),
  files: noneAtFirst,
  commands: zeroAtFirst,
  /** The last process that PostHog ended. */
  killed: z.string().optional(),
  plan: z.array(model.PlanStep).default([]),
  /** Time of the last log entry, ms since the epoch, our clock. */
  at: z.number().optional(),
})
export type Activity = z.infer<typeof Activity>

const maxChangedFiles = 100
const maxPlanSteps = 20
const maxPath = 120

export function addAct(before: Activity, act: model.AgentAct): Activity {
  if (act.kind === 'plan') return { ...before, plan: act.steps.slice(0, maxPlanSteps) }
  const { files: changed = [] } = act
  const files = new Set([...before.files, ...changed.map(path => path.slice(-maxPath))])
  return {
    ...before,
    doing: act.doing ?? before.doing,
    files: [...files].slice(0, maxChangedFiles),
    commands: before.commands + (act.command ? 1 : 0),
    killed: act.killed ?? before.killed,
  }
}

export const noActivity: Activity = Activity.parse({})

export const RecordedTaskRun = z.object({
  id: z.string(),
  since: z.number(),
  status: model.TaskRunStatus,
  error: z.string().optional(),
  /** What PostHog noted of an end that is none. */
  marker: model.Unfinished.optional(),
  headBranch: z.string().optional(),
  /** The branches of this repository to which its tool for commits pushed. */
  pushedTo: z.array(z.string()).optional(),
  /** Names of files that its agent made. */
  files: z.array(z.string()).optional(),
  /** Log entry at which this Run begins: a task run may serve several. */
  from: z.int().optional(),
  /** Last sign of life, ms since the epoch, our clock. */
  changedAt: z.number(),
  updatedAt: z.number().optional(),
  model: z.string().optional(),
  effort: z.string().optional(),
  authorship: z.string().optional(),
  may: Rights.optional(),
})
export type RecordedTaskRun = z.infer<typeof RecordedTaskRun>

/** How a turn ended: why, in the agent's words, and what broke it. `at`: ms since the epoch, our clock. */
const TurnEnd = z.object({
  at: z.number(),
  stopReason: z.string().optional(),
  fault: model.Fault.optional(),
})
export type TurnEnd = z.infer<typeof TurnEnd>

/** What was read of the agent's log. Positions count entries. */
const SessionLog = z
  .object({
    /** The server has no logs of sessions. */
    absent: trueOrAbsent,
    /** The last lines, by what is the same for the same line. */
    lines: z.array(z.string()),
    /** How the turn ended that was last: all of its prompts are answered. */
    ended: TurnEnd,
    /** An error that answered the last prompt. The agent's server may try once more. */
    broken: TurnEnd,
    /** The agent has called the tool that ends its run. */
    finishes: trueOrAbsent,
    /** It ended its run as failed, for this reason. */
    gaveUp: z.string(),
    /** What is told at the end: the last words of each turn of a round. */
    answer: z.string(),
    /** The part of it that stays, whatever the agent says next. */
    kept: z.string(),
    /** What was said last. `leads`: a tool was called right after it. */
    last: z.object({ text: z.string(), leads: trueOrAbsent }),
    /** The longest that was said before, of what does not only announce a tool. */
    longest: z.string(),
    /** Codex began a turn itself. */
    goesOn: trueOrAbsent,
    /** The answer is of an earlier round. */
    isReported: trueOrAbsent,
    /** The agent now answers a message that is not ours: PostHog sends its own after a pull request. */
    ofOthers: z.boolean(),
    /** How often PostHog sent its agent to the pull request by itself. */
    ciTurns: z.int(),
    /** Such a turn is under way. */
    inCiTurn: z.boolean(),
    /** What the agent said last in one. */
    afterwards: z.object({ at: z.number(), text: z.string() }),
    permissionRequest: model.PermissionRequest,
    /** What the agent asked while that one was open. */
    laterRequests: z.array(model.PermissionRequest),
    /** How long the agent waited for the answers to such requests in this round, ms. */
    waited: z.number(),
    activity: perhaps(Activity),
  })
  .partial()
  .extend({
    offset: zeroAtFirst,
    /** Prompts that are not answered, by their ids in the log. */
    prompts: noneAtFirst,
    /** How many turns ended by themselves. */
    turns: zeroAtFirst,
  })
export type SessionLog = z.infer<typeof SessionLog>

const EarlierSession = Session.extend({
  branch: z.string().optional(),
  over: falseAtFirst,
  resumes: z.boolean().optional(),
  cancelledAt: z.number().optional(),
})

const Began = z.object({ round: z.int(), at: z.number() })

export const SessionPart = z
  .object({
    tenant: z.string(),
    earlier: EarlierSession,
    taskId: z.string(),
    taskRun: RecordedTaskRun,
    sessionLog: SessionLog,
    permission: z.object({
      id: z.string(),
      title: z.string(),
      allowed: z.boolean(),
      /** Our answer did not count: nobody waited for it, or PostHog refused it. */
      untaken: z.enum(['over', 'refused']).optional(),
    }),
    /** When the agent first began on a round, our clock. Until its log shows that, when PostHog took the round. */
    began: Began,
    /** When PostHog accepted to cancel a task run, our clock. */
    cancelled: z.object({ taskRun: z.string(), at: z.number() }),
    agentLeft: z.boolean(),
    /** US dollars so far; `null` when PostHog does not say. */
    cost: z.number().nullable(),
    /** What of it was known before: of an earlier round, or of another run of the same task. */
    costBefore: z.number(),
    summary: z.string(),
  })
  .partial()
  .extend({
    taskMade: falseAtFirst,
  })
