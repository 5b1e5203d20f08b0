/** What clients of GitHub and PostHog need under test. */
import { expect } from 'vitest'
import { limitGate } from '../../src/core/model/call-budget.ts'

/** The failure itself. */
export const caught = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    value => expect.fail(`no failure, but ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )

/** For a client of this emulator, or of any server. */
export const postHogAt = (
  { url, projectId = 1, apiKey = 'phx_key' }: { url: string; projectId?: number; apiKey?: string },
  now: () => number = Date.now,
) => ({
  ...{ host: url, projectId: String(projectId), apiKey, gate: limitGate(now) },
  redact: (text: string) => text,
})
