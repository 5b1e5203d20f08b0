/**
 * The contract of PostHog's `CodexTaskRunCreateSchema`: the body of `POST …/tasks/{id}/run/` for a run on
 * the Codex runtime. All its fourteen fields, with its enums, limits, formats, defaults and required
 * fields, plus `auto_publish`, without which newer servers open no pull request. Keys are left out, never
 * null: the server refuses null for every field but `branch` and `auto_publish`.
 */
import { z } from 'zod'
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

export const CodexTaskRunCreate = z
  .strictObject({
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
  .refine(({ model, reasoning_effort: effort }) => effort === undefined || takesEffort(model, effort), {
    path: ['reasoning_effort'],
    error: 'an effort that the model does not take',
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
  attachments?: readonly string[] | undefined
  sandbox?: string | undefined
  signalReport?: string | undefined
  /** The deployment's own token for `user` authorship; never from a thread. */
  userToken?: string | undefined
}

/** @throws ZodError when a value breaks the contract, which is a fault of ours: values are checked when asked for. */
export function runRequest(request: RunAsk): CodexTaskRunCreate {
  return CodexTaskRunCreate.parse({
    mode: request.mode,
    branch: request.branch,
    ...present('resume_from_run_id', request.resumeFrom),
    pending_user_message: sendable(request.prompt),
    ...present('pending_user_artifact_ids', request.attachments?.length ? request.attachments : undefined),
    ...present('sandbox_environment_id', request.sandbox),
    pr_authorship_mode: request.authorship,
    run_source: request.signalReport === undefined ? 'manual' : 'signal_report',
    ...present('signal_report_id', request.signalReport),
    runtime_adapter: 'codex',
    model: request.model,
    ...present('reasoning_effort', request.effort && effortOf(request.model, request.effort)),
    ...present('github_user_token', request.authorship === 'user' ? request.userToken : undefined),
    ...present('initial_permission_mode', request.permission),
    auto_publish: mayPublish(request.permission),
  })
}

export const mayPublish = (permission: PermissionMode | undefined): boolean => permission !== 'read-only'

const present = (
  key: keyof CodexTaskRunCreate,
  value: unknown,
): Partial<Record<keyof CodexTaskRunCreate, unknown>> => (value === undefined ? {} : { [key]: value })

/** A Run that was stored by an earlier version may ask for more than PostHog takes: then it gets the most that it does. */
const effortOf = (model: string, effort: ReasoningEffort): ReasoningEffort | undefined =>
  takesEffort(model, effort) ? effort : effortsFor(model).at(-1)

const takesEffort = (model: string, effort: ReasoningEffort): boolean => effortsFor(model).includes(effort)

const basic = ['low', 'medium', 'high'] as const
const more = new Map<string, readonly ReasoningEffort[]>([
  ['gpt-5.5', [...basic, 'xhigh']],
  ['gpt-5.6-sol', efforts],
  ['gpt-5.6-terra', efforts],
  ['gpt-5.6-luna', efforts],
])

/**
 * The efforts that the Codex runtime takes for a model: more than `high` for exactly four of them, which PostHog's
 * task serializer knows by name, in any case of letters; it refuses others with 400.
 */
export const effortsFor = (model: string): readonly ReasoningEffort[] =>
  more.get(model.trim().toLowerCase()) ?? basic
