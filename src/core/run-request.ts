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

/** What a run asks for, in our words. Keys of the request with a fixed value are not here. */
export interface RunAsk {
  branch: string
  prompt: string
  model: string
  effort?: ReasoningEffort | undefined
  resumeFrom?: string | undefined
  readOnly?: boolean | undefined
}

/** @throws ZodError when a value breaks the contract, which is a fault of ours: values are checked when asked for. */
export function runRequest(ask: RunAsk): CodexTaskRunCreate {
  return CodexTaskRunCreate.parse({
    mode: 'background',
    branch: ask.branch,
    ...(ask.resumeFrom === undefined ? {} : { resume_from_run_id: ask.resumeFrom }),
    pending_user_message: ask.prompt,
    pr_authorship_mode: 'bot',
    run_source: 'manual',
    runtime_adapter: 'codex',
    model: ask.model,
    ...(ask.effort === undefined ? {} : { reasoning_effort: ask.effort }),
    ...(ask.readOnly ? { initial_permission_mode: 'read-only' } : {}),
    auto_publish: !ask.readOnly,
  })
}

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
