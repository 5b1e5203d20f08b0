/**
 * The fields that we use of PostHog's responses. Others are ignored. Each string and list of theirs has a limit where it
 * is parsed.
 */
import { z } from 'zod'
import { messagesIn } from '../core/agent/prompt.ts'
import { efforts } from '../core/model/codex-task-run-create.ts'
import type { ActingStep, AgentAct, PlanStep } from '../core/model/task-run.ts'
import type { KnownModel } from '../core/model/views.ts'

/** In code points, as PostHog counts. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : [...text.toWellFormed()].slice(0, most).join('')

/** Cut between words: half of a secret would not be known as one. A word longer than all that is left out. */
export function begunWords(text: string, most: number): string {
  if (text.length <= most) return text
  const head = text.slice(0, most)
  return `${head.slice(0, head.search(/\s\S*$/) + 1)}…`
}

/** @param most in UTF-16 units */
const words = (most: number) => z.string().transform(text => begunWords(text, most))

/** The items that can be read among the first ones, and how many more there were. */
const listOf = <T>(item: z.ZodType<T>, most: number) =>
  z.array(z.unknown()).transform(given => ({
    items: given.slice(0, most).flatMap(each => {
      const read = item.safeParse(each)
      return read.success ? [read.data] : []
    }),
    more: Math.max(0, given.length - most),
  }))

/** One with more is not understood. */
export const upTo = <T extends z.ZodType>(most: number, item: T) => z.array(item).max(most)
const name = z.string().max(300)

const short = words(1_000).optional().catch(undefined)

/** GitHub takes less, and a prompt says its message’s id long before. */
export const maxMessage = 100_000
const Part = z.object({ text: words(maxMessage) })

/** A `session/update` of the agent. Source: the Agent Client Protocol, as PostHog logs it. */
export const AgentUpdate = z.object({
  sessionUpdate: words(100),
  content: z
    .union([Part.transform(part => [part]), listOf(Part, 100).transform(({ items }) => items)])
    .nullish()
    .catch(undefined),
  kind: short,
  title: short,
  locations: listOf(z.object({ path: words(1_000) }), 100)
    .nullish()
    .catch(undefined),
  entries: listOf(z.object({ content: words(1_000), status: short }), 50)
    .nullish()
    .catch(undefined),
})
export type AgentUpdate = z.infer<typeof AgentUpdate>

const kinds: Readonly<Record<string, ActingStep>> = {
  read: 'reading',
  search: 'reading',
  fetch: 'reading',
  edit: 'editing',
  delete: 'editing',
  move: 'editing',
  think: 'thinking',
}

const checks = /\b(?:tests?|lint|check|tsc|types?|build|pytest|jest|vitest|rspec|eslint|biome|mypy|clippy)\b/i

export function actOf(update: AgentUpdate): AgentAct | undefined {
  const { sessionUpdate, kind = '', title = '', entries, locations } = update
  if (sessionUpdate === 'plan') return { kind: 'plan', steps: (entries?.items ?? []).map(planStep) }
  if (!sessionUpdate.startsWith('tool_call')) return undefined
  const changes = /^(?:edit|delete|move)$/.test(kind)
  const running = checks.test(title) ? 'checking' : 'running'
  return {
    kind: 'acts',
    doing: kind === 'execute' ? running : kinds[kind],
    files: changes ? (locations?.items ?? []).map(({ path }) => path) : [],
    command: sessionUpdate === 'tool_call' && kind === 'execute',
  }
}

const planStep = ({ content, status }: { content: string; status?: string | undefined }): PlanStep => ({
  text: content,
  state: status === 'completed' ? 'done' : status === 'in_progress' ? 'current' : 'open',
})

const statuses = ['not_started', 'queued', 'in_progress', 'completed', 'failed', 'cancelled'] as const

/** An unknown status of a newer server means that the run goes on. */
const RunStatus = words(100).transform(said => statuses.find(known => known === said) ?? 'in_progress')

const word = words(300).nullish()
const sentence = words(10_000).nullish()

/** `output` is free-form: values of unexpected types are ignored. */
const Output = z
  .object({
    pr_url: word.catch(undefined),
    pr_urls: listOf(words(300), 20).nullish().catch(undefined),
    head_branch: word.catch(undefined),
  })
  .nullish()
  .catch(undefined)

/** What it got, and what PostHog keeps to go on with; all else its agent made. */
const notMade = new Set(['user_attachment', 'skill_bundle', 'tree_snapshot', 'context', 'reference'])

const Artifacts = listOf(z.object({ name: words(300), type: word.catch(undefined) }), 200)
  .transform(({ items }) => items.flatMap(({ name, type }) => (notMade.has(type ?? '') ? [] : [name])))
  .nullish()
  .catch(undefined)

export const TaskRun = z.object({
  id: words(300),
  status: RunStatus,
  error_message: sentence,
  output: Output,
  artifacts: Artifacts,
  /** By its agent, at most 1,500 characters. */
  task_summary: sentence.catch(undefined),
  model: word,
  reasoning_effort: word,
  created_at: word,
  updated_at: word,
  state: z
    .object({
      pr_authorship_mode: word.catch(undefined),
      sandbox_gone: z.unknown().optional(),
      timed_out_wall_clock: z.unknown().optional(),
      timed_out_inactivity: z.unknown().optional(),
    })
    .nullish()
    .catch(undefined),
})
export type TaskRun = z.infer<typeof TaskRun>

export const Task = z.object({ id: words(300) })

const Named = z
  .object({ id: words(300) })
  .nullish()
  .catch(undefined)

/**
 * `run/` returns the task. Its new run is `run` on the newest servers; `latest_run` may be an older one if a replica
 * lags.
 */
export const StartedTask = z
  .object({ id: words(300), run: Named, latest_run: Named, run_error: sentence.catch(undefined) })
  .transform(({ run, latest_run, run_error }) => ({
    named: [run, latest_run].flatMap(one => one?.id ?? []),
    error: run_error ?? undefined,
  }))

/** Not an HTML page, which says nothing of the effect. */
export const Taken = z.object({})

/** The agent's own refusals come with status 200, as errors of JSON-RPC. */
export const PermissionTaken = z.object({
  result: z
    .object({ resolved: z.boolean().optional().catch(undefined) })
    .nullish()
    .catch(undefined),
})

export const TaskPage = z.object({
  results: upTo(1_000, z.object({ id: name, description: z.string().max(1_000_000).nullish() })),
})

export const RunPage = z.object({ results: upTo(1_000, z.object({ id: name })) })

export const Usage = z.object({ total_cost_usd: z.coerce.number().nonnegative() })

export const SandboxPage = z.object({ results: upTo(1_000, z.object({ id: name, name })) })

/** Those of Codex. */
export const Models = z
  .object({
    models: upTo(
      1_000,
      z.object({
        runtime_adapter: name,
        model: name,
        supported_efforts: upTo(100, name).nullish(),
        cost_multiplier: z.number().positive().nullish().catch(undefined),
      }),
    ),
  })
  .transform(({ models }): KnownModel[] =>
    models
      .filter(({ runtime_adapter }) => runtime_adapter === 'codex')
      .map(({ model, supported_efforts, cost_multiplier }) => ({
        name: model,
        efforts: supported_efforts ? efforts.filter(each => supported_efforts.includes(each)) : undefined,
        costFactor: cost_multiplier ?? undefined,
      })),
  )

/** The four shapes of PostHog's errors. */
export const ErrorBody = z
  .object({
    type: words(300).optional().catch(undefined),
    code: words(300).optional().catch(undefined),
    detail: words(10_000).optional().catch(undefined),
    error: words(10_000).optional().catch(undefined),
    attr: word.catch(undefined),
    reset_at: z
      .union([words(300), z.number()])
      .nullish()
      .catch(undefined),
  })
  .catch({})
export type ErrorBody = z.infer<typeof ErrorBody>

/** Of the messages in a prompt. After a long history the newest stand last, before a long thread they stand first. */
export function namesIn(text: string): string[] {
  const names = [...new Set(messagesIn(text))]
  return names.length <= 200 ? names : [...names.slice(0, 100), ...names.slice(-100)]
}

/** JSON-RPC's, which both sides number. */
const RpcId = z.union([words(100), z.number().transform(String)])

/** A prompt may bring the whole history of a session, of which only the names of messages are kept: 16 MiB at most. */
const Block = z.object({ text: z.string().max(20_000_000) })
const Prompt = z
  .array(z.unknown())
  .transform(blocks => namesIn(blocks.flatMap(each => Block.safeParse(each).data?.text ?? []).join('\n')))

export const LogLine = z.object({
  timestamp: words(100),
  notification: z.object({
    method: words(100).optional(),
    id: RpcId.optional().catch(undefined),
    result: z
      .object({
        stopReason: words(100).optional().catch(undefined),
        _meta: z.object({ steer: z.boolean().optional() }).nullish().catch(undefined),
      })
      .nullish()
      .catch(undefined),
    error: z
      .object({
        message: words(2_000).catch(''),
        data: z
          .object({ classification: words(100).optional().catch(undefined) })
          .nullish()
          .catch(undefined),
      })
      .transform(({ message, data }) => ({ class: data?.classification, text: message }))
      .nullish()
      .catch(undefined),
    params: z
      .object({
        prompt: Prompt.optional().catch(undefined),
        update: AgentUpdate.optional().catch(undefined),
        step: words(300).optional().catch(undefined),
        status: words(300).optional().catch(undefined),
        label: words(1_000).optional().catch(undefined),
        message: words(2_000).optional().catch(undefined),
        errorCategory: words(100).optional().catch(undefined),
        requestId: words(300).optional().catch(undefined),
        toolCall: z
          .object({
            title: words(1_000).optional().catch(undefined),
            _meta: z
              .object({ codeToolKind: words(100).optional() })
              .optional()
              .catch(undefined),
          })
          .optional()
          .catch(undefined),
        options: listOf(
          z.object({
            optionId: words(300),
            name: words(300).catch(''),
            kind: words(300).catch(''),
          }),
          20,
        )
          .optional()
          .catch(undefined),
      })
      .nullish()
      .catch(undefined),
  }),
})
export type LogLine = z.infer<typeof LogLine>
