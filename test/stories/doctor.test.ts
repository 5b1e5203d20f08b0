/** An admin asks whether all is right before the first user comes: `npm run doctor`, against the simulated services. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Check } from '../../src/core/model/check.ts'
import { bundled } from '../bundle.ts'
import { redisAvailable, startSecured, tlsAvailable } from '../support/redis-server.ts'
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
afterAll(() => world?.close())

interface Examined {
  code: number
  output: string
  checks: Check[]
}

const cli = join(bundled, 'doctor-cli.js')

function doctor(env: Record<string, string> = {}, args = ['--json']): Promise<Examined> {
  const options = { cwd: tmpdir(), env: { PATH: process.env.PATH ?? '', ...world.env, ...env } }
  return new Promise(resolve => {
    execFile(process.execPath, [cli, ...args], options, (error, output) => {
      const checks: Check[] = args.includes('--json') ? JSON.parse(output) : []
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output, checks })
    })
  })
}

const wrongOnes = ({ checks }: Examined): string[] => checks.filter(({ ok }) => !ok).map(({ name }) => name)
const named = ({ checks }: Examined, name: string): Check | undefined =>
  checks.find(each => each.name === name)

test('when all is right, each check says what it found, and the exit code is 0', async () => {
  const examined = await doctor()
  const lines = examined.checks.map(
    ({ name, ok, detail, fix }) => `${ok ? '✓' : '✗'} ${name}: ${detail}${fix}`,
  )
  expect(lines.map(line => line.replace(/:\d{4,5}|\d+ s|\/\S*bot-\w+/g, '…'))).toMatchInlineSnapshot(`
    [
      "✓ configuration: all variables can be read",
      "✓ github-app: codex-bot (App 4711)",
      "✓ clock: … apart from GitHub",
      "✓ github-permissions: contents, issues, pull_requests, checks, members, metadata",
      "✓ github-events: issue_comment, issues, pull_request, pull_request_review, pull_request_review_comment, repository",
      "✓ github-installations: acme, globex, initech",
      "✓ webhook-address: http://127.0.0.1…/api/github/webhooks",
      "✓ webhook-deliveries: none in the last days",
      "✓ webhook-secret: no delivery of the last days tells",
      "✓ posthog-key: works at http://127.0.0.1…",
      "✓ posthog-project: project 1",
      "✓ posthog-scope: task:write",
      "✓ posthog-model: gpt-5.5",
      "✓ posthog-github: sees the repository of this bot",
      "✓ repositories: 1 looked at, each with a default branch",
      "✓ repository-settings: all can be read",
      "✓ queue: embedded, in …, where a bot is at work",
    ]
  `)
  expect(examined.code).toBe(0)
})

const otherKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString()

describe('a wrong credential is named, with its fix, and the exit code is 1', () => {
  test.each<[string, () => Record<string, string>, string, RegExp]>([
    ['another private key', () => ({ PRIVATE_KEY: otherKey() }), 'github-app', /PRIVATE_KEY/],
    ['another App id', () => ({ APP_ID: '999999' }), 'github-app', /APP_ID/],
    [
      'a PostHog key that is not known',
      () => ({ POSTHOG_API_KEY: 'phx_nobody' }),
      'posthog-key',
      /POSTHOG_API_KEY/,
    ],
    [
      'another PostHog project',
      () => ({ POSTHOG_PROJECT_ID: '987654' }),
      'posthog-project',
      /POSTHOG_PROJECT_ID/,
    ],
    ['a model that PostHog does not offer', () => ({ CODEX_MODEL: 'gpt-2' }), 'posthog-model', /CODEX_MODEL/],
    [
      'a PostHog that is not there',
      () => ({ POSTHOG_HOST: 'http://127.0.0.1:9' }),
      'posthog-key',
      /POSTHOG_HOST/,
    ],
    [
      'a GitHub that is not there',
      () => ({ GITHUB_API_URL: 'http://127.0.0.1:9' }),
      'github-app',
      /GITHUB_API_URL/,
    ],
    ['a Redis that is not there', () => ({ REDIS_URL: 'redis://127.0.0.1:9' }), 'queue', /REDIS_URL/],
  ])('%s', async (_, env, name, fix) => {
    const examined = await doctor(env())
    expect(wrongOnes(examined)).toContain(name)
    expect(named(examined, name)?.fix).toMatch(fix)
    expect(examined.code).toBe(1)
  })

  test('a variable that can not be read', async () => {
    const examined = await doctor({ POSTHOG_PROJECT_ID: 'mine' })
    expect(wrongOnes(examined)).toEqual(['configuration'])
    expect(examined.checks[0]?.detail).toContain('POSTHOG_PROJECT_ID')
    expect(examined.code).toBe(1)
  })

  test('a key without the right to start runs', async () => {
    const examined = await doctor({ POSTHOG_API_KEY: 'phx_may_read_only' })
    expect(wrongOnes(examined)).toEqual(['posthog-scope'])
  })
})

test.skipIf(!redisAvailable() || !tlsAvailable())('a Redis with TLS and a password', async () => {
  const redis = await startSecured('redis-server')
  const queueOf = async (env: Record<string, string>) => named(await doctor(env), 'queue')
  try {
    const NODE_EXTRA_CA_CERTS = process.env.NODE_EXTRA_CA_CERTS ?? ''
    const wrongPassword = redis.url.replace(/:[^:@]+@/, ':not-the-password@')
    expect(await queueOf({ REDIS_URL: redis.url, NODE_EXTRA_CA_CERTS })).toMatchObject({ ok: true })
    const [stranger, guess] = await Promise.all([
      queueOf({ REDIS_URL: redis.url }),
      queueOf({ REDIS_URL: wrongPassword, NODE_EXTRA_CA_CERTS }),
    ])
    expect(stranger).toMatchObject({ ok: false, detail: expect.stringMatching(/certificate/) })
    expect(guess).toMatchObject({ ok: false, detail: expect.stringMatching(/WRONGPASS/) })
    expect(JSON.stringify([stranger, guess])).not.toMatch(/not-the-password/)
    expect(JSON.stringify([stranger, guess])).not.toContain(new URL(redis.url).password)
  } finally {
    await redis.stop()
  }
})

test('for people it is a page, with a word on each line, and nothing of a secret', async () => {
  const { output } = await doctor({ POSTHOG_API_KEY: 'phx_nobody_at_all' }, [])
  expect(output).toMatch(/^✓ configuration /m)
  expect(output).toMatch(/^✗ posthog-key .*\n +→ Set POSTHOG_API_KEY/m)
  expect(output).not.toContain('phx_nobody_at_all')
})

describe('an admin of a repository asks in a thread', () => {
  const asks = async (login: string, repository = world.github.repository): Promise<string> => {
    const { number } = await world.github.as('maya', repository).opensIssue({ title: `Asked by ${login}` })
    await world.github.as(login, repository).comments(number, '/codex doctor')
    const thread = new Thread(world, number, repository)
    const answer = await thread.waitForAnswer(`@${login}`)
    expect(await thread.botComments()).toHaveLength(1)
    return answer
  }

  test('all is well: each check, in one comment, and nothing of other owners or of the machine', async () => {
    const answer = await asks('olga')
    expect(answer.replace(/:\d{4,5}|\d+ s/g, '…')).toMatchInlineSnapshot(`
      "@olga all is well for \`acme/shop\`.

      - ✓ \`github-permissions\` contents, issues, pull\\_requests, checks, members, metadata
      - ✓ \`github-events\` issue\\_comment, issues, pull\\_request, pull\\_request\\_review, pull\\_request\\_review\\_comment, repository
      - ✓ \`clock\` … apart from GitHub
      - ✓ \`webhook-deliveries\` the last one (issue\\_comment) arrived
      - ✓ \`webhook-secret\` the last delivery was signed with it
      - ✓ \`repositories\` the default branch is main
      - ✓ \`posthog-key\` works at http\\://127.0.0.1…
      - ✓ \`posthog-project\` project 1
      - ✓ \`posthog-scope\` task:write
      - ✓ \`posthog-model\` gpt-5.5
      - ✓ \`posthog-github\` sees the repository of this bot
      - ✓ \`queue\` keeps what it is given
      - ✓ \`repository-settings\` all can be read"
    `)
    expect(answer).not.toMatch(/globex|initech|_KEY|\/tmp/)
  })

  test('a repository that PostHog’s GitHub App does not see, with settings that have a slip', async () => {
    const repository = await world.github.addRepo('acme', 'hidden')
    await world.github.as('olga', repository).pushes('main', { '.github/codex.yml': 'effort: huge\n' })
    const answer = await asks('olga', repository)
    expect(answer).toMatch(
      /✗ `posthog-github` PostHog’s GitHub App does not see acme\/hidden\\\n {2}→ Install/,
    )
    expect(answer).toMatch(/✗ `repository-settings` .*line 1.*effort/)
    expect(answer.indexOf('✗')).toBeLessThan(answer.indexOf('✓'))
  })

  test.each(['mario', 'maya', 'eve'])('%s is told who may, and no more', async login => {
    expect(await asks(login)).toMatch(
      /^@\w+ you need admin permission on this repository for `\/codex doctor`; yours is \w+\. [^✓✗]*$/,
    )
  })
})

test('nothing was made at PostHog by asking', () => {
  expect(world.posthog.ledger).toEqual([])
})
