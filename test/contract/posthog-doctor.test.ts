/** What `/codex doctor` says of PostHog in a thread, which may be public. */
import { describe, expect, test } from 'vitest'
import { startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import { checkCoverage, checkNewPostHog } from '../../src/doctor/posthog-checks.ts'
import { startServer } from '../support/local-server.ts'
import { postHogAt } from '../support/service-calls.ts'

describe('whether PostHog’s GitHub App covers the repositories', () => {
  const two = [
    { id: 1, repositories: ['globex/site'] },
    { id: 7, repositories: ['acme/shop'] },
  ]
  const checked = async (options: PostHogOptions & { away?: true }, ...repositories: string[]) => {
    const posthog = await startPostHog({ githubIntegrations: two, ...options })
    const settings = postHogAt(posthog)
    if (options.away) await posthog.close()
    const checks = [
      ...(await checkCoverage(settings, repositories)),
      ...(await checkCoverage(settings, [])),
    ]
    if (!options.away) await posthog.close()
    return checks.map(({ ok, detail, outage }) => ({ ok, detail, outage }))
  }

  test('one integration or another does', async () => {
    expect(await checked({}, 'acme/shop', 'Globex/site')).toMatchObject([
      { ok: true, detail: 'has access to acme/shop, Globex/site' },
      { ok: true },
    ])
    expect(await checked({}, 'acme/shop', 'initech/new')).toMatchObject([
      { ok: false, detail: 'PostHog’s GitHub App has no access to initech/new' },
      { ok: true },
    ])
  })

  test('a key that may not look is told, as PostHog may clone with the wrong one', async () => {
    const apiKeys = [{ key: 'phx_tasks', userId: 1, scopes: ['task:write'] }]
    const told = {
      ok: false,
      detail: expect.stringContaining('no scope integration:read'),
      outage: undefined,
    }
    expect(await checked({ apiKeys }, 'acme/shop')).toEqual([told, told])
  })

  test('an outage is not called a missing scope', async () => {
    const told = { ok: false, detail: expect.stringContaining('did not answer'), outage: true }
    expect(await checked({ away: true }, 'acme/shop')).toEqual([told, told])
  })
})

test.each([
  [404, 'application/json', '{"message": "Not Found"}'],
  [401, 'application/json', '{"message": "Bad credentials"}'],
  [404, 'text/html', '<h1>Not found</h1>'],
  [301, 'text/html', ''],
  [200, 'text/html', '<h1>Welcome</h1>'],
  [200, 'application/json', '{"login": "maya"}'],
])(
  'what answers %d with %s %s is called no PostHog, and its key neither good nor bad',
  async (status, type, body) => {
    const { url: host, close } = await startServer((_, res) =>
      res.writeHead(status, { 'content-type': type }).end(body),
    )
    const checks = await checkNewPostHog({ host, apiKey: 'phx_key', projectId: '1' })
    await close()
    expect(checks).toMatchObject([
      { name: 'posthog-host', ok: false, fix: expect.stringMatching(/^Set POSTHOG_HOST to /) },
    ])
  },
)
