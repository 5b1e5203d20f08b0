/**
 * The fields that we use of PostHog's responses. Others are ignored. Each string and list of theirs has a limit where it
 * is parsed.
 */
import { z } from 'zod'
import { messagesIn } from '../core/agent/prompt.ts'
import { efforts } from '../core/model/codex-task-run-create.ts'
import { perhaps } from '../core/model/schema-parts.ts'
import { type AgentAct, type Doing, type PlanStep, TaskRunStatus } from '../core/model/task-run.ts'
import type { KnownModel } from '../core/model/views.ts'

/** Counts in code points, as PostHog does. */
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

/** A list with more is not understood. */
export const upTo = <T extends z.ZodType>(most: number, item: T) => z.array(item).max(most)
const name = z.string().max(300)

const shortWords = perhaps(words(1_000))

/** GitHub takes less, and a prompt says its message’s id long before. */
export const maxMessage = 100_000
const TextPart = z.object({ text: words(maxMessage) })

/** A `session/update` of the agent. Source: the Agent Client Protocol, as PostHog logs it. */
export const AgentUpdate = z.object({
  sessionUpdate: words(100),
  content: perhaps(
    z.union([
      TextPart.transform(part => [part]),
      listOf(TextPart, 100).transform(({ items }) => items),
    ]),
  ),
  kind: shortWords,
  title: shortWords,
  locations: perhaps(listOf(z.object({ path: words(1_000) }), 100)),
  rawInput: perhaps(z.object({ status: shortWords, reason: perhaps(words(10_000)) })),
  entries: perhaps(listOf(z.object({ content: words(1_000), status: shortWords }), 50)),
})
export type AgentUpdate = z.infer<typeof AgentUpdate>

const kinds: Readonly<Record<string, Doing>> = {
  read: 'reading',
  search: 'reading',
  fetch: 'reading',
  edit: 'editing',
  delete: 'editing',
  move: 'editing',
  think: 'thinking',
}

const checks =
  /\b(?:tests?|lint|check|tsc|types?|build|pytest|jest|vitest|rspec|eslint|biome|mypy|clippy)\b/i

export function actOf(update: AgentUpdate): AgentAct | undefined {
  const { sessionUpdate, kind = '', title = '', entries, locations } = update
  if (sessionUpdate === 'plan') return { kind: 'plan', steps: (entries?.items ?? []).map(planStep) }
  if (!sessionUpdate.startsWith('tool_call')) return undefined
  const running = checks.test(title) ? 'checking' : 'running'
  const doing = kind === 'execute' ? running : kinds[kind]
  return {
    kind: 'acts',
    doing,
    files: doing === 'editing' ? (locations?.items ?? []).map(({ path }) => path) : [],
    command: sessionUpdate === 'tool_call' && kind === 'execute',
  }
}

const planStep = ({
  content,
  status,
}: {
  content: string
  status?: string | undefined
}): PlanStep => {
  if (status === 'completed') return { text: content, state: 'done' }
  return { text: content, state: status === 'in_progress' ? 'current' : 'open' }
}

/** An unknown status of a newer server means that the run goes on. */
const RunStatus = words(100).pipe(TaskRunStatus.catch('in_progress'))

const word = words(300).nullish()
const freeWord = perhaps(words(300))

/** A branch to which its tool for commits pushed. Source: `signed-commit-artefacts.ts` of `@posthog/agent`. */
const PushedTo = z.object({ branch: words(300), repository: words(300) })

/** `output` is free-form. */
const Output = perhaps(
  z.object({
    pr_url: freeWord,
    pr_urls: perhaps(listOf(words(300), 20)),
    head_branch: freeWord,
    head_branches: perhaps(listOf(PushedTo, 20)),
    commit_push: perhaps(PushedTo),
  }),
)

/** What it got, and what PostHog keeps to go on with; all else its agent made. */
const notMade = new Set([
  'user_attachment',
  'skill_bundle',
  'tree_snapshot',
  'context',
  'reference',
])

const Artifacts = perhaps(
  listOf(z.object({ name: words(300), type: freeWord }), 200).transform(({ items }) =>
    items.flatMap(({ name, type }) => (notMade.has(type ?? '') ? [] : [name])),
  ),
)

export const TaskRun = z.object({
  id: words(300),
  status: RunStatus,
  error_message: words(10_000).nullish(),
  output: Output,
  artifacts: Artifacts,
  /** The agent's words, at most 1,500 characters. */
  task_summary: perhaps(words(10_000)),
  model: word,
  reasoning_effort: word,
  updated_at: word,
  state: perhaps(
    z.object({
      pr_authorship_mode: freeWord,
      sandbox_gone: z.unknown().optional(),
      timed_out_wall_clock: z.unknown().optional(),
      timed_out_inactivity: z.unknown().optional(),
    }),
  ),
})
export type TaskRun = z.infer<typeof TaskRun>

export const Task = z.object({ id: words(300) })

const NamedTask = perhaps(Task)

/**
 * `run/` returns the task. Its new run is `run` on the newest servers; `latest_run` may be an older one if a replica
 * lags.
 */
export const StartedTask = z
  .object({
    id: words(300),
    run: NamedTask,
    latest_run: NamedTask,
    run_error: perhaps(words(10_000)),
  })
  .transform(({ run, latest_run, run_error }) => ({
    named: [run, latest_run].flatMap(one => one?.id ?? []),
    error: run_error,
  }))

/** It must be an object: an HTML page says nothing of the effect. */
export const Taken = z.object({})

/** The agent's own refusals come with status 200, as errors of JSON-RPC. */
export const PermissionTaken = z.object({
  result: perhaps(z.object({ resolved: perhaps(z.boolean()) })),
})

export const TaskPage = z.object({
  results: upTo(1_000, z.object({ id: name, description: z.string().max(1_000_000).nullish() })),
})

export const RunPage = z.object({ results: upTo(1_000, z.object({ id: name })) })

export const Usage = z.object({ total_cost_usd: z.coerce.number().nonnegative() })

export const SandboxPage = z.object({ results: upTo(1_000, z.object({ id: name, name })) })

/** The models of Codex. */
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
        efforts: supported_efforts
          ? efforts.filter(each => supported_efforts.includes(each))
          : undefined,
        costFactor: cost_multiplier ?? undefined,
      })),
  )

/** The four shapes of PostHog's errors. */
export const ErrorBody = z
  .object({
    type: freeWord,
    code: freeWord,
    detail: perhaps(words(10_000)),
    error: perhaps(words(10_000)),
    attr: freeWord,
    reset_at: perhaps(z.union([words(300), z.number()])),
  })
  .catch({})
export type ErrorBody = z.infer<typeof ErrorBody>

/**
 * The names of the messages in a prompt. After a long history the newest stand last, before a long thread they stand
 * first.
 */
export function namesIn(text: string): string[] {
  const names = [...new Set(messagesIn(text))]
  return names.length <= 200 ? names : [...names.slice(0, 100), ...names.slice(-100)]
}

/** JSON-RPC's, which both sides number. */
const RpcId = z.union([words(100), z.number().transform(String)])

/** A prompt may bring the whole history of a session, of which only the names of messages are kept: 16 MiB at most. */
const ContentBlock = z.object({ text: z.string().max(20_000_000) })
const Prompt = z.array(z.unknown()).transform(blocks => {
  const text = blocks.flatMap(each => ContentBlock.safeParse(each).data?.text ?? []).join('\n')
  return { messages: namesIn(text), reenters: text.startsWith('You are re-entering this run') }
})

export const LogLine = z.object({
  timestamp: perhaps(words(100)),
  notification: z.object({
    method: words(100).optional(),
    id: perhaps(RpcId),
    result: perhaps(
      z.object({
        stopReason: perhaps(words(100)),
        _meta: perhaps(z.object({ steer: z.boolean().optional() })),
      }),
    ),
    error: perhaps(
      z
        .object({
          message: words(2_000).catch(''),
          data: perhaps(z.object({ classification: perhaps(words(100)) })),
        })
        .transform(({ message, data }) => ({ class: data?.classification, text: message })),
    ),
    params: perhaps(
      z.object({
        prompt: perhaps(Prompt),
        _meta: perhaps(
          z.object({ prContext: z.unknown().optional(), messageId: z.unknown().optional() }),
        ),
        update: perhaps(AgentUpdate),
        message: perhaps(words(2_000)),
        errorCategory: perhaps(words(100)),
        requestId: freeWord,
        comm: freeWord,
        toolCall: perhaps(
          z.object({
            title: shortWords,
            _meta: perhaps(z.object({ codeToolKind: words(100).optional() })),
          }),
        ),
        options: perhaps(
          listOf(
            z.object({
              optionId: words(300),
              name: words(300).catch(''),
              kind: words(300).catch(''),
            }),
            20,
          ),
        ),
      }),
    ),
  }),
})
export type LogLine = z.infer<typeof LogLine>
