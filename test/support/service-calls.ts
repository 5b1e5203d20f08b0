/** What clients of GitHub and PostHog need under test. */
import { expect } from 'vitest'
import type { PostHogEmulator } from '../../emulators/posthog/emulator.ts'
import { limitGate } from '../../src/core/model/call-budget.ts'
import { CodexTaskRunCreate } from '../../src/core/model/codex-task-run-create.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'

/** The failure itself. */
export const caught = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    value => expect.fail(`no failure, but ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )

/** As GitHub gives it to an installation. */
export const installationToken = (token = 'ghs_1') => ({
  token,
  expires_at: '2099-01-01T00:00:00Z',
  permissions: {},
  repository_selection: 'selected',
})

/** For a client of this emulator, or of any server. */
export const postHogAt = (
  { url, projectId = 1, apiKey = 'phx_key' }: { url: string; projectId?: number; apiKey?: string },
  now: () => number = Date.now,
) => ({
  host: url,
  projectId: String(projectId),
  apiKey,
  gate: limitGate(now),
  redact: (text: string) => text,
})

/** A run whose first turn has begun when this resolves; its agent does what the test says. */
export async function runAtWork(posthog: PostHogEmulator, settings = postHogAt(posthog)) {
  const tasks = postHogTasks(settings, Date.now)
  const task = { title: 'Fix', description: 'Fix it', repository: 'acme/shop', integration: '2' }
  const taskId = await tasks.createTask(task)
  const body = CodexTaskRunCreate.parse({ runtime_adapter: 'codex', model: 'gpt-5.5' })
  const taskRunId = await tasks.startRun(taskId, body, [])
  const control = posthog.run(taskRunId)
  await control.progress('agent', 'Started agent')
  return { control, session: { taskId, taskRunId } }
}
