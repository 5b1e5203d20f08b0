import { z } from 'zod'

const doings = ['reading', 'editing', 'running', 'checking', 'thinking'] as const
export type ActingStep = (typeof doings)[number]

const PlanStep = z.object({ text: z.string(), state: z.enum(['open', 'current', 'done']) })
export type PlanStep = z.infer<typeof PlanStep>

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

export type AgentAct =
  | { kind: 'acts'; doing: ActingStep | undefined; files: string[]; command: boolean }
  | { kind: 'plan'; steps: PlanStep[] }

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
