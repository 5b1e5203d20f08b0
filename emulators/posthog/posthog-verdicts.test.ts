/**
 * Bodies of what the bot sends, with the verdicts of PostHog's own serializers: what they refuse, the emulator refuses over HTTP in the same
 * words, and what they take gets past them; and what our own schema of a run takes, they take. Of a model or a
 * permission mode without a runtime, and of `run_source: agent`, the verdict was read in the serializers of 2026-11-29.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runRequest } from '../../src/core/agent/run-request.ts'
import { CodexTaskRunCreate } from '../../src/core/model/codex-task-run-create.ts'
import {
  closesAfterEach,
  codex,
  newRun,
  newTask,
  posthog,
  send,
  start,
  until,
} from './posthog-calls.ts'

const kinds = [
  'create-task',
  'run',
  'command',
  'cancel',
  'staged-prepare',
  'staged-finalize',
] as const

const Verdict = z.object({
  kind: z.enum(kinds),
  body: z.unknown(),
  accepts: z.boolean(),
  error: z.object({ attr: z.string().nullable(), code: z.string(), detail: z.string() }).optional(),
})
type Verdict = z.infer<typeof Verdict>

const file = new URL('./verdicts.jsonl', import.meta.url)
/** One a line. */
const verdicts = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => Verdict.parse(JSON.parse(line)))

closesAfterEach()

/** Where bodies of a kind go. A run that is cancelled takes no commands, so each body gets its own. */
async function placeFor(kind: Verdict['kind']): Promise<() => Promise<string>> {
  await start({ rate: 'off', githubIntegrations: [{ id: 1 }, { id: 2 }] })
  posthog.script('', { kind: 'hangs' })
  const task = await newTask()
  const run = async () => {
    const { path, runId } = await newRun(codex, task)
    await until(
      () => posthog.run(runId).status,
      status => status === 'in_progress',
    )
    return path
  }
  const places: Record<Verdict['kind'], () => Promise<string>> = {
    'create-task': async () => 'tasks/',
    run: async () => `tasks/${task}/run/`,
    command: async () => `${await run()}command/`,
    cancel: async () => `${await run()}cancel/`,
    'staged-prepare': async () => `tasks/${task}/staged_artifacts/prepare_upload/`,
    'staged-finalize': async () => `tasks/${task}/staged_artifacts/finalize_upload/`,
  }
  return places[kind]
}

/** The serializers' words have a type; what the views behind them say of ids that are not there has none. */
const refusalOf = ({ status, body }: { status: number; body: { type?: string } }) =>
  status === 400 && body.type === 'validation_error' ? body : undefined

it.each(kinds)('every %s is judged as PostHog judges it', async kind => {
  const commentRefOf = await placeFor(kind)
  const judged = verdicts.filter(verdict => verdict.kind === kind)
  expect(judged.length).toBeGreaterThan(4)
  const wrong: unknown[] = []
  for (const { body, accepts, error } of judged) {
    const answer = await send('POST', await commentRefOf(), body)
    const refusal = refusalOf(answer)
    const expected = error && { type: 'validation_error', ...error }
    const same = JSON.stringify(sorted(refusal)) === JSON.stringify(sorted(expected))
    if (!same || (accepts && answer.status >= 500))
      wrong.push({ body, expected, answer: answer.body })
  }
  expect(wrong).toEqual([])
})

const sorted = (value: object | undefined) => value && Object.entries(value).sort()

const isRun = ({ kind }: Verdict) => kind === 'run'
const isCodex = (body: unknown) =>
  typeof body === 'object' &&
  body !== null &&
  'runtime_adapter' in body &&
  body.runtime_adapter === 'codex'

describe('our schema of a run', () => {
  it('takes nothing that PostHog refuses', () => {
    const refused = verdicts.filter(
      verdict => isRun(verdict) && isCodex(verdict.body) && !verdict.accepts,
    )
    expect(refused.length).toBeGreaterThan(60)
    expect(refused.filter(({ body }) => CodexTaskRunCreate.safeParse(body).success)).toEqual([])
  })

  it('builds nothing that PostHog refuses', async () => {
    const commentRefOf = await placeFor('run')
    const models = [
      'gpt-5',
      'gpt-5.5',
      'GPT-5.5',
      'gpt-5.6',
      'gpt-5.6-sol',
      'gpt-5.6-nova',
      'gpt-6',
    ]
    const base = {
      branch: 'main',
      prompt: 'Do it.',
      mode: 'background',
      authorship: 'bot',
    } as const
    const asks = models.flatMap(model => [
      { ...base, model },
      ...(['low', 'medium', 'high'] as const).map(effort => ({ ...base, model, effort })),
      { ...base, model, permission: 'read-only' as const, mode: 'interactive' as const },
      { ...base, model, authorship: 'user' as const, userToken: 'gho_x', signalReport: 'r1' },
    ])
    for (const ask of asks) {
      const answer = await send('POST', await commentRefOf(), runRequest(ask))
      expect(answer, JSON.stringify(ask)).toMatchObject({ status: 200 })
    }
  })
})
