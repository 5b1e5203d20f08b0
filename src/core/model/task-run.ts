/** What PostHog says of a task run, in our words. */
import { z } from 'zod'

/** Why a turn ended before it was done. */
export const TaskRunStatus = z.enum([
  'not_started',
  'queued',
  'in_progress',
  'completed',
  'failed',
  'cancelled',
])
export type TaskRunStatus = z.infer<typeof TaskRunStatus>

/** Another reason than these, as older versions and older agents have, means as much as the last. */
export const Unfinished = z
  .enum([
    'sandbox-gone',
    'out-of-time',
    'inactive',
    'interrupted',
    'refusal',
    'failed',
    'outage',
    'unread',
    'ended-early',
  ])
  .catch('ended-early')
export type Unfinished = z.infer<typeof Unfinished>

export const PermissionRequest = z.object({
  id: z.string(),
  title: z.string(),
  question: z.boolean(),
  options: z.array(z.object({ id: z.string(), name: z.string(), kind: z.string() })),
  /** How many options there were beyond these. */
  more: z.int().optional(),
  /** When it was asked, by PostHog's clock. */
  at: z.number().optional(),
})
export type PermissionRequest = z.infer<typeof PermissionRequest>

export const doings = ['reading', 'editing', 'running', 'checking', 'thinking'] as const
export type Doing = (typeof doings)[number]

export const PlanStep = z.object({ text: z.string(), state: z.enum(['open', 'current', 'done']) })
export type PlanStep = z.infer<typeof PlanStep>

export type AgentAct =
  /** `killed`: a process of the sandbox that PostHog ended for its memory. */
  | {
      kind: 'acts'
      doing?: Doing
      files?: string[]
      command?: boolean
      killed?: string
    }
  | { kind: 'plan'; steps: PlanStep[] }

/** What broke a turn: PostHog's class of the error, if it has one, and its words. */
export const Fault = z.object({ class: z.string().optional(), text: z.string() })
export type Fault = z.infer<typeof Fault>

export interface LogEntry {
  /** Its writer’s clock; 0 without a time. */
  at: number
  /** The same for the same line, which the log may have twice. What only says that the agent works has none. */
  line?: string
  what:
    | { kind: 'message'; text: string }
    /** A process of the agent begins: it answers no prompt of the one before. */
    | { kind: 'begins' }
    /** `messages`: the ids of those that stand in it. `byPostHog`: it sends its agent to the pull request by itself. */
    | { kind: 'prompt'; id: string; messages: string[]; byPostHog?: true }
    /** What people see of a prompt. */
    | { kind: 'words'; messages: string[] }
    /** The answer to a prompt: a reason to stop, or an error. One to a `steer` ends nothing. */
    | { kind: 'answer'; id: string; stopReason: string; steer?: true }
    | { kind: 'error'; id: string; fault: Fault }
    /** The agent's server gives up on a turn. */
    | { kind: 'gives-up'; fault?: Fault }
    /** Codex begins a turn itself. */
    | { kind: 'goes-on' }
    /** The agent ends its run itself; `gaveUp` is the reason for which it says that it failed. */
    | { kind: 'finishes'; gaveUp?: string }
    | { kind: 'asks'; request: PermissionRequest }
    | { kind: 'permitted'; id: string }
    | { kind: 'activity' }
    | AgentAct
}

/** Names a task run at PostHog. */
export interface TaskRunRef {
  taskId: string
  taskRunId: string
}

export interface TaskRunSnapshot {
  status: TaskRunStatus
  error: string | undefined
  /** What PostHog noted of an end that is none. */
  marker?: Unfinished
  pulls: string[]
  /** Names of files that its agent made. */
  files?: string[]
  /** The agent's own account of what it did. */
  summary?: string
  headBranch: string | undefined
  pushedTo?: { branch: string; repository: string }[]
  model: string | undefined
  effort: string | undefined
  authorship: string | undefined
  /** When PostHog last changed the run, ms since the epoch, its clock: only to notice change. */
  updatedAt: number | undefined
  log: LogEntry[]
  /** The server has no logs of sessions. */
  unlogged?: true
  offset: number
}
