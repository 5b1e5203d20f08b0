/**
 * The contract of PostHog's `CodexTaskRunCreateSchema`: the body of `POST …/tasks/{id}/run/` for a run on
 * the Codex runtime. All its fourteen fields, with its enums, limits, formats, defaults and required
 * fields, plus `auto_publish`, without which newer servers open no pull request. Keys are left out, never
 * null: the server refuses null for every field but `branch` and `auto_publish`.
 */
import { z } from 'zod'

export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const
export const ReasoningEffort = z.enum(efforts)
export type ReasoningEffort = z.infer<typeof ReasoningEffort>

export const PrAuthorshipMode = z.enum(['user', 'bot'])
export const RunSource = z.enum(['manual', 'signal_report'])
export const PermissionMode = z.enum(['auto', 'read-only', 'full-access'])
export type PermissionMode = z.infer<typeof PermissionMode>

export const CodexTaskRunCreate = z.strictObject({
  mode: z.enum(['interactive', 'background']).default('background'),
  branch: z.string().max(255).nullable().optional(),
  resume_from_run_id: z.uuid().optional(),
  pending_user_message: z.string().optional(),
  pending_user_artifact_ids: z.array(z.string().max(128)).optional(),
  sandbox_environment_id: z.uuid().optional(),
  pr_authorship_mode: PrAuthorshipMode.optional(),
  run_source: RunSource.optional(),
  signal_report_id: z.string().optional(),
  runtime_adapter: z.literal('codex'),
  model: z.string().min(1),
  reasoning_effort: ReasoningEffort.optional(),
  github_user_token: z.string().optional(),
  initial_permission_mode: PermissionMode.optional(),
  auto_publish: z.boolean().nullable().optional(),
})
export type CodexTaskRunCreate = z.infer<typeof CodexTaskRunCreate>

/** What a run asks for, in our words. Absent means that the key is left out. */
export interface RunAsk {
  branch: string
  prompt: string
  model: string
  effort?: ReasoningEffort | undefined
  mode: 'background' | 'interactive'
  authorship: z.infer<typeof PrAuthorshipMode>
  resumeFrom?: string | undefined
  permission?: PermissionMode | undefined
  /** Ids of staged attachments. */
  attachments?: readonly string[] | undefined
  /** Id of a sandbox environment. */
  sandbox?: string | undefined
  signalReport?: string | undefined
  /** The deployment's own token for `user` authorship; never from a thread. */
  userToken?: string | undefined
}

/** @throws ZodError when a value breaks the contract, which is a fault of ours: values are checked when asked for. */
export function runRequest(ask: RunAsk): CodexTaskRunCreate {
  return CodexTaskRunCreate.parse({
    mode: ask.mode,
    branch: ask.branch,
    ...present('resume_from_run_id', ask.resumeFrom),
    pending_user_message: ask.prompt,
    ...present('pending_user_artifact_ids', ask.attachments?.length ? ask.attachments : undefined),
    ...present('sandbox_environment_id', ask.sandbox),
    pr_authorship_mode: ask.authorship,
    run_source: ask.signalReport === undefined ? 'manual' : 'signal_report',
    ...present('signal_report_id', ask.signalReport),
    runtime_adapter: 'codex',
    model: ask.model,
    ...present('reasoning_effort', ask.effort),
    ...present('github_user_token', ask.authorship === 'user' ? ask.userToken : undefined),
    ...present('initial_permission_mode', ask.permission),
    // A run that may only read has nothing to publish.
    auto_publish: ask.permission !== 'read-only',
  })
}

const present = (
  key: keyof CodexTaskRunCreate,
  value: unknown,
): Partial<Record<keyof CodexTaskRunCreate, unknown>> => (value === undefined ? {} : { [key]: value })

/**
 * The efforts that the Codex runtime takes for a model: `xhigh` from gpt-5.5 on, `max` for gpt-5.6 only.
 * Source: PostHog's task serializer, which refuses others with 400.
 */
export function effortsFor(model: string): readonly ReasoningEffort[] {
  const name = model.toLowerCase()
  if (/^gpt-5\.6(-|$)/.test(name)) return efforts
  if (name === 'gpt-5.5') return ['low', 'medium', 'high', 'xhigh']
  return ['low', 'medium', 'high']
}
