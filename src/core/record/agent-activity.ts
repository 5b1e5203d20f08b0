import { z } from 'zod'
import { type AgentAct, doings, PlanStep } from '../model/task-run.ts'

/** No command lines and few paths: they may hold secrets. */
export const Activity = z.object({
  doing: z.enum(doings).optional(),
  files: z.array(z.string()).default([]),
  commands: z.number().int().default(0),
  plan: z.array(PlanStep).default([]),
  /** Time of the last log entry, ms since the epoch, PostHog's clock. */
  at: z.number().optional(),
})
export type Activity = z.infer<typeof Activity>

const maxFiles = 100
const maxPlanSteps = 20
const maxPath = 120

export function addAct(before: Activity, act: AgentAct): Activity {
  if (act.kind === 'plan') return { ...before, plan: act.steps.slice(0, maxPlanSteps) }
  const files = new Set([...before.files, ...act.files.map(path => path.slice(-maxPath))])
  return {
    ...before,
    doing: act.doing ?? before.doing,
    files: [...files].slice(0, maxFiles),
    commands: before.commands + (act.command ? 1 : 0),
  }
}

export const noActivity: Activity = Activity.parse({})
