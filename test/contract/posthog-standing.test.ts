/** Which refusals are of the key or the project, and how often that is asked. */
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import { Rejected, RetryLater } from '../../src/core/model/errors.ts'
import { call } from '../../src/posthog/posthog-http.ts'
import { openStanding } from '../../src/posthog/standing.ts'
import { second, t0 } from '../core/given.ts'
import { postHogAt } from '../support/service-calls.ts'

let close = async (): Promise<void> => {}
afterEach(() => close())

const keyOf = (...scopes: string[]) => ({
  key: 'phx_key_of_the_bot_in_this_test',
  userId: 2,
  scopes,
})

async function at(options: PostHogOptions) {
  const posthog = await startPostHog({ apiKeys: [keyOf('task:write')], ...options })
  close = posthog.close
  let now = t0
  let found = 0
  const settings = postHogAt({ url: posthog.url, apiKey: keyOf().key }, () => now)
  const standing = openStanding(
    settings,
    () => now,
    () => {
      found += 1
    },
  )
  const calls = async (path: string, method: 'GET' | 'POST' = 'GET') => {
    const body = method === 'POST' ? {} : undefined
    const asked = call(
      { ...settings, standing },
      { method, path, body, schema: z.unknown() },
      () => now,
    )
    return asked.then(
      () => 'taken',
      error => {
        if (error instanceof RetryLater)
          return `${error.why} ${(error.until - now) / second}: ${error.message}`
        return error instanceof Rejected ? `rejected ${error.status}` : expect.fail(String(error))
      },
    )
  }
  return {
    posthog,
    calls,
    found: () => found,
    pass: (ms: number) => {
      now += ms
    },
  }
}

test.each<[string, PostHogOptions, 'GET' | 'POST', string]>([
  [
    'key',
    { apiKeys: [{ ...keyOf('*'), key: 'phx_another' }] },
    'GET',
    'PostHog does not accept the key of this bot',
  ],
  ['project', { projectId: 2 }, 'POST', 'PostHog does not know the project of this bot'],
  [
    'scope',
    { apiKeys: [keyOf('task:read')] },
    'POST',
    'the PostHog key of this bot may not start runs',
  ],
])(
  'a wrong %s is waited out, and asked again by one call of many',
  async (_, options, method, why) => {
    const { posthog, calls, found, pass } = await at(options)
    expect(await calls('tasks/', method)).toBe(`setup 20: ${why}`)
    const asked = posthog.calls.length
    pass(5 * second)
    expect(await calls('tasks/', method)).toBe(`setup 15: ${why}`)
    expect(posthog.calls).toHaveLength(asked)
    pass(15 * second)
    const together = await Promise.all(Array.from({ length: 9 }, () => calls('tasks/', method)))
    expect(new Set(together)).toEqual(new Set([`setup 20: ${why}`]))
    expect(posthog.calls.length - asked).toBeLessThanOrEqual(2)
    expect(found()).toBe(1)
  },
)

test('a refusal of the call stays one, and an outage makes nobody wrong', async () => {
  const { posthog, calls, found, pass } = await at({})
  expect(await calls('tasks/00000000-0000-4000-8000-000000000001/')).toBe('rejected 404')
  posthog.fault({ method: 'POST', fault: { kind: 'gate403' } })
  expect(await calls('tasks/', 'POST')).toBe('rejected 403')
  posthog.clearFaults()
  pass(20 * second)
  expect(await calls('tasks/')).toBe('taken')
  expect(found()).toBe(0)
})
