/** The fields that we use of PostHog's responses. Others are ignored. */
import { z } from 'zod'
import { AgentUpdate } from './agent-updates.ts'

const statuses = ['not_started', 'queued', 'in_progress', 'completed', 'failed', 'cancelled'] as const

/** An unknown status of a newer server means that the run goes on. */
const RunStatus = z.string().transform(said => statuses.find(known => known === said) ?? 'in_progress')

const text = z.string().nullish()

/** `output` is free-form: values of unexpected types are ignored. */
const Output = z
  .object({
    pr_url: z.string().nullish().catch(undefined),
    pr_urls: z.array(z.string()).nullish().catch(undefined),
    head_branch: z.string().nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)

export const TaskRun = z.object({
  id: z.string(),
  status: RunStatus,
  error_message: text,
  output: Output,
  model: text,
  reasoning_effort: text,
  created_at: text,
  updated_at: text,
  state: z
    .object({ pr_authorship_mode: z.string().nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
})
export type TaskRun = z.infer<typeof TaskRun>

export const Task = z.object({ id: z.string(), task_summary: text.catch(undefined) })

const Named = z.object({ id: z.string() }).nullish().catch(undefined)

/**
 * `run/` returns the task. Its new run is `run` on the newest servers; `latest_run` may be an older one if a replica
 * lags.
 */
export const StartedTask = z
  .object({ id: z.string(), run: Named, latest_run: Named, run_error: text.catch(undefined) })
  .transform(({ run, latest_run, run_error }) => ({
    named: [run, latest_run].flatMap(one => one?.id ?? []),
    error: run_error ?? undefined,
  }))

/** Not an HTML page, which says nothing of the effect. */
export const Taken = z.looseObject({})

export const TaskPage = z.object({
  results: z.array(z.object({ id: z.string(), title: text, description: text })),
})

export const RunPage = z.object({
  results: z.array(z.object({ id: z.string(), created_at: text })),
  next: text,
})

export const Usage = z.object({ total_cost_usd: z.coerce.number().nonnegative() })

export const SandboxPage = z.object({ results: z.array(z.object({ id: z.string(), name: z.string() })) })

export const Models = z.object({
  models: z.array(
    z.object({
      runtime_adapter: z.string(),
      model: z.string(),
      supported_efforts: z.array(z.string()).nullish(),
    }),
  ),
})

/** The four shapes of PostHog's errors. */
export const ErrorBody = z
  .object({
    type: z.string().optional().catch(undefined),
    code: z.string().optional().catch(undefined),
    detail: z.string().optional().catch(undefined),
    error: z.string().optional().catch(undefined),
    attr: z.string().nullish().catch(undefined),
    reset_at: z.union([z.string(), z.number()]).nullish().catch(undefined),
  })
  .catch({})
export type ErrorBody = z.infer<typeof ErrorBody>

export const LogLine = z.object({
  timestamp: z.string(),
  notification: z.object({
    method: z.string().optional(),
    result: z.object({ stopReason: z.string() }).nullish().catch(undefined),
    params: z
      .object({
        update: AgentUpdate.optional().catch(undefined),
        step: z.string().optional().catch(undefined),
        status: z.string().optional().catch(undefined),
        label: z.string().optional().catch(undefined),
        requestId: z.string().optional().catch(undefined),
        toolCall: z
          .object({
            title: z.string().optional().catch(undefined),
            _meta: z.object({ codeToolKind: z.string().optional() }).optional().catch(undefined),
          })
          .optional()
          .catch(undefined),
        options: z
          .array(
            z.object({ optionId: z.string(), name: z.string().default(''), kind: z.string().default('') }),
          )
          .optional()
          .catch(undefined),
      })
      .nullish()
      .catch(undefined),
  }),
})
export type LogLine = z.infer<typeof LogLine>
