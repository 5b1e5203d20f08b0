/**
 * The body with which PostHog starts a run of Codex, checked before it is sent.
 * It also says which efforts a model takes.
 */
import { z } from 'zod'
import { isSendable } from '../text/invisible.ts'

export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const
export const ReasoningEffort = z.enum(efforts)

export type ReasoningEffort = z.infer<typeof ReasoningEffort>

/** All of them without a bound. */
export const effortsUpTo = (most: ReasoningEffort | undefined): readonly ReasoningEffort[] =>
  most === undefined ? efforts : efforts.slice(0, efforts.indexOf(most) + 1)

/** The wished one, or the next below it; the lowest where all are above. @param of lowest first */
export const notAbove = (
  wished: ReasoningEffort,
  of: readonly ReasoningEffort[],
): ReasoningEffort | undefined =>
  of.findLast(effort => efforts.indexOf(effort) <= efforts.indexOf(wished)) ?? of[0]

export const PrAuthorshipMode = z.enum(['user', 'bot'])
export const RunSource = z.enum(['manual', 'signal_report', 'agent'])
export const PermissionMode = z.enum(['auto', 'read-only', 'full-access', 'plan'])
export type PermissionMode = z.infer<typeof PermissionMode>

const sendableText = z.string().refine(isSendable, 'half a character pair, or a NUL')
const filledText = sendableText.refine(given => given.trim() !== '', 'blank')

/** Its fields. Which effort a model takes, PostHog's list of models says first. */
export const CodexTaskRunBody = z.strictObject({
  mode: z.enum(['interactive', 'background']).default('background'),
  branch: filledText.max(255).nullable().optional(),
  resume_from_run_id: z.uuid().optional(),
  pending_user_message: sendableText.optional(),
  pending_user_artifact_ids: z.array(filledText.max(128)).optional(),
  sandbox_environment_id: z.uuid().optional(),
  pr_authorship_mode: PrAuthorshipMode.optional(),
  run_source: RunSource.optional(),
  signal_report_id: filledText.optional(),
  runtime_adapter: z.literal('codex'),
  model: filledText,
  reasoning_effort: ReasoningEffort.optional(),
  github_user_token: filledText.optional(),
  initial_permission_mode: PermissionMode.optional(),
  auto_publish: z.boolean().nullable().optional(),
})
export type CodexTaskRunCreate = z.infer<typeof CodexTaskRunBody>

/** How PostHog compares names of models. */
export const plainName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/^openai\//, '')

/** What PostHog's serializer takes from a model that its list does not name. Source: its verdicts of 2026-11-29. */
export function effortsOf(model: string): readonly ReasoningEffort[] {
  const name = plainName(model)
  if (/^gpt-5\.6-(?:sol|terra|luna)$/.test(name)) return efforts
  return efforts.filter(
    effort => effort !== 'max' && (effort !== 'xhigh' || /^gpt-5\.5(?:-codex)?$/.test(name)),
  )
}

export const CodexTaskRunCreate = CodexTaskRunBody.refine(
  ({ model, reasoning_effort: effort }) =>
    effort === undefined || effortsOf(model).includes(effort),
  { path: ['reasoning_effort'], message: 'The model does not take this effort.' },
)

export const mayPublish = (permission: PermissionMode | undefined): boolean =>
  permission !== 'read-only'
