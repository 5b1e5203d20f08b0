/** An admin asks whether all is right before the first user comes: `npm run doctor`, against the simulated services. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GitHubOptions, startGitHub } from '../../emulators/github/emulator.ts'
import type { Check } from '../../src/core/model/check.ts'
import { bundled } from '../bundle.ts'
import { privateKey as otherKey } from '../security/key.ts'
import { redisAvailable, startSecured, tlsAvailable } from '../support/redis-server.ts'
import { exhaustive, someOf } from '../support/tries.ts'
import { Thread } from '../world/thread.ts'
import { startWorld, type World } from '../world/world.ts'

let world: World

beforeAll(async () => {
  world = await startWorld({
    posthog: {
      repositories: ['acme/shop'],
      apiKeys: [
        { key: 'phx_may_do_all', userId: 1, scopes: ['*'] },
        { key: 'phx_may_read_only', userId: 1, scopes: ['task:read', 'integration:read'] },
      ],
    },
  })
})
const folder = mkdtempSync(join(tmpdir(), 'codex-doctor-'))
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await world?.close()
})

/** Its path. */
function settingsFile(text: string): string {
  const path = join(folder, `${Math.random()}.yml`)
  writeFileSync(path, text)
  return path
}

interface Examined {
  code: number
  output: string
  checks: Check[]
}

const cli = join(bundled, 'main.js')

function doctor(env: Record<string, string> = {}, args = ['--json']): Promise<Examined> {
  const options = { cwd: tmpdir(), env: { PATH: process.env.PATH ?? '', ...world.env, ...env } }
  return new Promise(resolve => {
    execFile(process.execPath, [cli, 'doctor', ...args], options, (error, output) => {
      const checks: Check[] = args.includes('--json') ? JSON.parse(output) : []
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output, checks })
    })
  })
}

const wrongOnes = ({ checks }: Examined): string[] =>
  checks.filter(({ ok }) => !ok).map(({ name }) => name)
const named = ({ checks }: Examined, name: string): Check | undefined =>
  checks.find(each => each.name === name)

test('when all is right, each check says what it found, and the exit code is 0', async () => {
  const examined = await doctor()
  const page = await doctor({}, [])
  const lines = page.output.split('\n').map(line => line.replace(/^(\S) (\S+) +/, '$1 $2: '))
  expect(examined.checks.map(({ ok }) => ok)).toEqual(examined.checks.map(() => true))
  expect(lines.map(line => line.replace(/:\d{4,5}|\/\S*bot-\w+/g, '…'))).toMatchInlineSnapshot(`
    [
      "✓ configuration: all variables are valid",
      "✓ github-app: codex-bot (App 4711)",
      "✓ github-permissions: contents, issues, pull_requests, checks, statuses, metadata",
      "✓ github-events: check_suite, issue_comment, issues, pull_request, pull_request_review, pull_request_review_comment, pull_request_review_thread, repository, status",
      "✓ github-installations: acme (1), globex (2), initech (3)",
      "✓ webhook-address: http://127.0.0.1…/api/github/webhooks",
      "? webhook-deliveries: not known yet, since there was none in the last days",
      "? webhook-secret: not known: no webhook was verified with this secret yet",
      "✓ posthog-key: works at http://127.0.0.1…",
      "✓ posthog-project: project 1",
      "✓ posthog-scope: task:write",
      "✓ posthog-model: gpt-5.5",
      "✓ posthog-github: has access to acme/shop",
      "✓ queue: embedded, in …, in use by a bot",
      "",
      "Nothing is wrong. 2 of 14 are not known.",
      "",
    ]
  `)
  expect(examined.code).toBe(0)
})

describe('what is wrong in the environment is named, with its fix, and the exit code is 1', () => {
  const elsewhere = 'http://127.0.0.1:9'
  test.each<[string, Record<string, string>, Record<string, RegExp>]>([
    [
      'keys that nobody knows, and a Redis that is not there',
      { PRIVATE_KEY: otherKey, POSTHOG_API_KEY: 'phx_nobody', REDIS_URL: 'redis://127.0.0.1:9' },
      { 'github-app': /PRIVATE_KEY/, 'posthog-key': /POSTHOG_API_KEY/, queue: /REDIS_URL/ },
    ],
    [
      'a GitHub and a PostHog that are not there',
      { GITHUB_API_URL: elsewhere, POSTHOG_HOST: elsewhere },
      { 'github-app': /GITHUB_API_URL/, 'posthog-key': /POSTHOG_HOST/ },
    ],
    [
      'a token that GitHub does not know',
      { CODEX_GITHUB_USER_TOKEN: 'ghp_of_nobody' },
      { 'github-user-token': /CODEX_GITHUB_USER_TOKEN/ },
    ],
    ['a variable that can not be read', { POSTHOG_PROJECT_ID: 'mine' }, { configuration: /./ }],
    [
      'a key without the right to start runs',
      { POSTHOG_API_KEY: 'phx_may_read_only' },
      { 'posthog-scope': /./ },
    ],
  ])('%s', async (_, env, fixes) => {
    const examined = await doctor(env)
    expect(examined.code).toBe(1)
    expect(wrongOnes(examined)).toEqual(expect.arrayContaining(Object.keys(fixes)))
    for (const [name, fix] of Object.entries(fixes)) expect(named(examined, name)?.fix).toMatch(fix)
    expect(examined.output).not.toContain('phx_nobody')
  })
})

test('a host that is not PostHog’s, and knows neither key nor project', async () => {
  const examined = await doctor({ POSTHOG_HOST: world.github.url })
  expect(wrongOnes(examined)).toEqual(['posthog-host'])
  expect(named(examined, 'posthog-key')).toBeUndefined()
})

describe('what stands in files is named by where it stands', () => {
  test('a key of an owner that is in no variable, and one that PostHog does not know', async () => {
    const posthog = `{host: "${world.posthog.url}", project_id: 1, api_key_env: KEY_OF_ACME}`
    const SETTINGS_FILE = settingsFile(`owners: {1: {posthog: ${posthog}}}\n`)
    const unset = await doctor({ SETTINGS_FILE })
    expect(wrongOnes(unset)).toEqual(['configuration'])
    expect(unset.checks[0]?.detail).toMatch(
      /KEY_OF_ACME for owners\.1, and that variable is not set/,
    )
    const unknown = await doctor({ SETTINGS_FILE, KEY_OF_ACME: 'phx_of_nobody' })
    const keys = unknown.checks.filter(({ name }) => name === 'posthog-key')
    expect(keys.map(({ ok }) => ok)).toEqual([true, false])
    expect(keys[1]).toMatchObject({
      detail: expect.stringMatching(/^owners\.1: PostHog does not accept the key/),
      fix: expect.stringContaining('owners.1.posthog.api_key_env'),
    })
    expect([unset.code, unknown.code]).toEqual([1, 1])
  })

  const defaults: [string, RegExp, RegExp][] = [
    [
      '{model: gpt-2}',
      /does not offer gpt-2/,
      /^Set defaults\.model in SETTINGS_FILE to one of gpt-5, /,
    ],
    [
      '{effort: max}',
      /gpt-5\.5 does not support the effort max/,
      /^Set defaults\.effort in SETTINGS_FILE to /,
    ],
  ]
  test.each(someOf(defaults, 1))(
    'what runs get by the defaults %s',
    async (defaults, detail, fix) => {
      const examined = await doctor({ SETTINGS_FILE: settingsFile(`defaults: ${defaults}\n`) })
      expect(wrongOnes(examined)).toEqual(['posthog-model'])
      expect(named(examined, 'posthog-model')).toMatchObject({
        detail: expect.stringMatching(detail),
        fix: expect.stringMatching(fix),
      })
    },
  )
})

describe('what GitHub has otherwise', () => {
  /** One more GitHub, whose webhooks go to the bot of this world. */
  async function at(options: GitHubOptions, look: (env: Record<string, string>) => Promise<void>) {
    const github = await startGitHub({
      webhookUrl: `${world.bot.url}/api/github/webhooks`,
      ...options,
    })
    try {
      const { number } = await github.as('maya').opensIssue({ title: 'Login is flaky' })
      await github.as('maya').comments(number, 'Me, too.')
      await github.settled()
      await look({
        APP_ID: String(github.appId),
        PRIVATE_KEY: github.privateKey,
        GITHUB_API_URL: github.url,
      })
    } finally {
      await github.close()
    }
  }

  test('permissions and events that are not granted, and another webhook secret', async () => {
    const options = {
      webhookSecret: 'another secret, long enough to be one',
      permissions: { contents: 'read', issues: 'write', pull_requests: 'write', metadata: 'read' },
      events: ['issues', 'issue_comment'],
    }
    await at(options, async env => {
      const examined = await doctor(env)
      expect(wrongOnes(examined)).toEqual([
        'github-permissions',
        'github-events',
        'github-installations',
        'webhook-secret',
      ])
      expect(named(examined, 'github-permissions')).toMatchObject({
        detail: 'the App lacks contents: write, checks: write, statuses: read',
        fix: expect.stringMatching(/Permissions & events/),
      })
      expect(named(examined, 'github-events')).toMatchObject({
        detail: expect.stringMatching(/pull_request_review/),
        fix: expect.stringMatching(/Permissions & events/),
      })
      expect(named(examined, 'webhook-secret')).toMatchObject({
        detail: expect.stringMatching(/the bot refused the signature of .*: HTTP 401/),
        fix: expect.stringMatching(
          /^WEBHOOK_SECRET must be the same as on the App’s settings page/,
        ),
      })
      expect(examined.code).toBe(1)
    })
  })

  describe('a webhook secret is right only if GitHub has signed with it', () => {
    const another = 'another secret, long enough to be one'

    test('the bot took what came, and the secret here is another one than its own', async () => {
      await at({ webhookSecret: world.env.WEBHOOK_SECRET }, async env => {
        const own = await doctor(env)
        expect(named(own, 'webhook-secret')).toMatchObject({
          ok: true,
          detail: 'the last delivery was signed with it',
        })
        const other = await doctor({ ...env, WEBHOOK_SECRET: another })
        expect(named(other, 'webhook-secret')).toMatchObject({
          ok: true,
          detail: expect.stringMatching(
            /^not known: the delivery of \S+ \(issue_comment\) does not fit it/,
          ),
        })
        const changing = await doctor({
          ...env,
          WEBHOOK_SECRET: another,
          WEBHOOK_SECRET_OLD: world.env.WEBHOOK_SECRET ?? '',
        })
        expect(named(changing, 'webhook-secret')).toMatchObject({
          ok: false,
          detail: expect.stringMatching(/with WEBHOOK_SECRET_OLD$/),
          fix: expect.stringMatching(/^Set WEBHOOK_SECRET as the webhook secret/),
        })
      })
    })

    test('the bot refused what came, and the secret here is the right one', async () => {
      await at({ webhookSecret: another }, async env => {
        expect(
          named(await doctor({ ...env, WEBHOOK_SECRET: another }), 'webhook-secret'),
        ).toMatchObject({
          ok: true,
          detail: 'the last delivery was signed with it; the bot that refused it had another one',
        })
      })
    })
  })

  test('a token of a person', async () => {
    const examined = await doctor({ CODEX_GITHUB_USER_TOKEN: 'token-of-maya' })
    expect(named(examined, 'github-user-token')).toMatchObject({ ok: true, detail: 'of maya' })
  })
})

test.skipIf(!exhaustive || !redisAvailable() || !tlsAvailable())(
  'a Redis with TLS and a password',
  async () => {
    const redis = await startSecured('redis-server')
    const queueOf = async (env: Record<string, string>) => named(await doctor(env), 'queue')
    try {
      const NODE_EXTRA_CA_CERTS = process.env.NODE_EXTRA_CA_CERTS ?? ''
      const wrongPassword = redis.url.replace(/:[^:@]+@/, ':not-the-password@')
      expect(await queueOf({ REDIS_URL: redis.url, NODE_EXTRA_CA_CERTS })).toMatchObject({
        ok: true,
      })
      const [stranger, guess] = await Promise.all([
        queueOf({ REDIS_URL: redis.url }),
        queueOf({ REDIS_URL: wrongPassword, NODE_EXTRA_CA_CERTS }),
      ])
      expect(stranger).toMatchObject({ ok: false, detail: expect.stringMatching(/certificate/) })
      expect(guess).toMatchObject({
        ok: false,
        detail: expect.stringMatching(/does not take the user and password/),
      })
      expect(JSON.stringify([stranger, guess])).not.toMatch(/not-the-password/)
      expect(JSON.stringify([stranger, guess])).not.toContain(new URL(redis.url).password)
    } finally {
      await redis.stop()
    }
  },
)

test.each(['--jsn', '--bundle', 'all'])(
  'the flag %s, which there is not, is refused',
  async flag => {
    const { code, output } = await doctor({}, [flag])
    expect([code, output]).toEqual([2, ''])
  },
)

describe('an admin of a repository asks in a thread', () => {
  const asks = async (login: string, repository = world.github.repository): Promise<string> => {
    const { number } = await world.github
      .as('maya', repository)
      .opensIssue({ title: `Asked by ${login}` })
    await world.github.as(login, repository).comments(number, '/codex doctor')
    const thread = new Thread(world, number, repository)
    const answer = await thread.waitForAnswer(`@${login}`)
    expect(await thread.botComments()).toHaveLength(1)
    return answer
  }

  test('all is well: each check, in one comment, and nothing of other owners or of the machine', async () => {
    const answer = await asks('olga')
    expect(answer.replace(/:\d{4,5}/g, '…')).toMatchInlineSnapshot(`
      "@olga all is well for \`acme/shop\`.

      - ✓ \`github-permissions\` contents, issues, pull\\_requests, checks, statuses, metadata
      - ✓ \`github-events\` check\\_suite, issue\\_comment, issues, pull\\_request, pull\\_request\\_review, pull\\_request\\_review\\_comment, pull\\_request\\_review\\_thread, repository, status
      - ✓ \`webhook-deliveries\` the last one (issue\\_comment) arrived
      - ✓ \`webhook-secret\` the last delivery was signed with it
      - ✓ \`posthog-key\` works at \`http://127.0.0.1…\`
      - ✓ \`posthog-project\` project 1
      - ✓ \`posthog-scope\` task:write
      - ✓ \`posthog-model\` gpt-5.5
      - ✓ \`posthog-github\` has access to acme/shop
      - ✓ \`queue\` works
      - ✓ \`owner-settings\` the owner has no file that the App can read
      - ✓ \`repository-settings\` no errors"
    `)
    expect(answer).not.toMatch(/globex|initech|_KEY|codex-doctor/)
  })

  test('a repository that PostHog’s GitHub App does not see, with settings that have a slip', async () => {
    const repository = await world.github.addRepo('acme', 'hidden')
    await world.github
      .as('olga', repository)
      .pushes('main', { '.github/codex.yml': 'effort: huge\n' })
    const answer = await asks('olga', repository)
    expect(answer).toMatch(
      /✗ `posthog-github` PostHog’s GitHub App has no access to acme\/hidden\\\n {2}→ Install/,
    )
    expect(answer).toMatch(/✗ `repository-settings` .*line 1.*effort/)
    expect(answer.indexOf('✗')).toBeLessThan(answer.indexOf('✓'))
  })

  test('somebody else is told who may, and no more', async () => {
    expect(await asks('mario')).toMatch(
      /^@mario you need admin permission to use `\/codex doctor`\. Your permission here is \w+\. [^✓✗]*$/,
    )
  })
})

test('a repository that PostHog’s GitHub App does not see', async () => {
  await world.github.addRepo('globex', 'unseen')
  const examined = await doctor()
  expect(named(examined, 'posthog-github')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('globex/unseen'),
    fix: expect.stringMatching(/^Install PostHog’s own GitHub App/),
  })
  expect(examined.code).toBe(1)
})

test('nothing was made at PostHog by asking', () => {
  expect(world.posthog.ledger).toEqual([])
})
