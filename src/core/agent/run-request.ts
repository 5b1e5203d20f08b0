/**
 * The contract of PostHog's `CodexTaskRunCreateSchema`: the body of `POST …/tasks/{id}/run/` for a run on
 * the Codex runtime. All its fourteen fields, with its enums, limits, formats, defaults and required
 * fields, plus `auto_publish`, without which newer servers open no pull request. Keys are left out, never
 * null: the server refuses null for every field but `branch` and `auto_publish`.
 */
import { z } from 'zod'
import type { RunOptions } from '../run/record/request-part.ts'
import { isSendable, sendable } from '../text/sendable.ts'

export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const
export const ReasoningEffort = z.enum(efforts)
export type ReasoningEffort = z.infer<typeof ReasoningEffort>

export const PrAuthorshipMode = z.enum(['user', 'bot'])
export const RunSource = z.enum(['manual', 'signal_report'])
export const PermissionMode = z.enum(['auto', 'read-only', 'full-access'])
export type PermissionMode = z.infer<typeof PermissionMode>

const text = z.string().refine(isSendable, 'half a character pair, or a NUL')
const word = text.refine(given => given.trim() !== '', 'blank')

export const CodexTaskRunCreate = z.strictObject({
  mode: z.enum(['interactive', 'background']).default('background'),
  branch: word.max(255).nullable().optional(),
  resume_from_run_id: z.uuid().optional(),
  pending_user_message: text.optional(),
  pending_user_artifact_ids: z.array(word.max(128)).optional(),
  sandbox_environment_id: z.uuid().optional(),
  pr_authorship_mode: PrAuthorshipMode.optional(),
  run_source: RunSource.optional(),
  signal_report_id: word.optional(),
  runtime_adapter: z.literal('codex'),
  model: word,
  reasoning_effort: ReasoningEffort.optional(),
  github_user_token: word.optional(),
  initial_permission_mode: PermissionMode.optional(),
  auto_publish: z.boolean().nullable().optional(),
})
export type CodexTaskRunCreate = z.infer<typeof CodexTaskRunCreate>

export interface TaskRunInput extends RunOptions {
  branch: string
  prompt: string
  resumeFrom?: string | undefined
  attachments?: readonly string[] | undefined
  userToken?: string | undefined
}

/** Where PostHog takes each choice; `undefined` for one that only the bot heeds. */
const fields: Readonly<Record<keyof RunOptions, keyof CodexTaskRunCreate | undefined>> = {
  model: 'model',
  effort: 'reasoning_effort',
  branch: 'branch',
  permission: 'initial_permission_mode',
  mode: 'mode',
  sandbox: 'sandbox_environment_id',
  authorship: 'pr_authorship_mode',
  signalReport: 'signal_report_id',
}

const fieldOf = (name: string): keyof CodexTaskRunCreate | undefined =>
  Object.entries(fields).find(([choice]) => choice === name)?.[1]

const chosen = (request: RunOptions): Partial<Record<keyof CodexTaskRunCreate, unknown>> =>
  Object.fromEntries(
    Object.entries(request).flatMap(([name, value]) => {
      const field = fieldOf(name)
      return field === undefined || value === undefined ? [] : [[field, value]]
    }),
  )

/** @throws ZodError for a value that should have been checked before */
export function runRequest(request: TaskRunInput): CodexTaskRunCreate {
  const { resumeFrom, prompt, attachments, authorship, userToken, permission } = request
  return CodexTaskRunCreate.parse({
    ...chosen(request),
    ...present('resume_from_run_id', resumeFrom),
    pending_user_message: sendable(prompt),
    ...present('pending_user_artifact_ids', attachments?.length ? attachments : undefined),
    run_source: request.signalReport === undefined ? 'manual' : 'signal_report',
    runtime_adapter: 'codex',
    ...present('github_user_token', authorship === 'user' ? userToken : undefined),
    auto_publish: mayPublish(permission),
  })
}

export const mayPublish = (permission: PermissionMode | undefined): boolean => permission !== 'read-only'

const present = (
  key: keyof CodexTaskRunCreate,
  value: unknown,
): Partial<Record<keyof CodexTaskRunCreate, unknown>> => (value === undefined ? {} : { [key]: value })
