import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { type Config, readConfig, secretsOf, variables } from '../src/config.ts'
import { strayLine } from '../src/process-environment.ts'
import { writeEnv } from '../src/web/set-up/set-up-server.tsx'
import { privateKey as generated } from './security/key.ts'

type Env = Record<string, string | undefined>

/** Without the line break at its end, which is trimmed off. */
const privateKey = generated.trim()

const dir = mkdtempSync(join(tmpdir(), 'codex-task-bot-config-'))
const keyFile = join(dir, 'app.pem')
writeFileSync(keyFile, privateKey)
const noKeyFile = join(dir, 'no.pem')
writeFileSync(noKeyFile, 'hello')
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const whole: Env = {
  APP_ID: '5',
  PRIVATE_KEY: privateKey,
  WEBHOOK_SECRET: 'a-secret-of-ours-with-32-letters',
  POSTHOG_API_KEY: 'phx_a-key-of-ours',
  POSTHOG_PROJECT_ID: '42',
}

function configOf(env: Env): Config {
  const read = readConfig({ ...whole, ...env })
  return read.kind === 'run' ? read.config : expect.fail(`not a run, but ${JSON.stringify(read)}`)
}

function problemsOf(env: Env): string[] {
  const read = readConfig({ ...whole, ...env })
  return read.kind === 'refuse' ? read.problems : expect.fail(`not refused, but ${read.kind}`)
}

test('the least that it takes, and what stands in for the rest', () =>
  expect(configOf({})).toEqual({
    app: {
      id: 5,
      privateKey,
      webhookSecret: 'a-secret-of-ours-with-32-letters',
      webhookSecretOld: undefined,
      markerKey: expect.any(String),
      markerKeysOld: [],
      apiUrl: 'https://api.github.com',
    },
    posthog: expect.objectContaining({
      host: 'https://us.posthog.com',
      apiKey: 'phx_a-key-of-ours',
      projectId: '42',
    }),
    run: { model: 'gpt-5.5', effort: undefined },
    webhooks: 'address',
    queue: { redisUrl: undefined, dataDir: './data' },
    role: 'all',
    server: { host: 'localhost', port: 3000 },
    log: { level: 'info', format: 'pretty' },
    settings: { path: undefined, first: { owners: {}, limits: {}, defaults: {} } },
    tenants: [],
    strays: [],
  }))

describe('a variable that is right', () => {
  const redis = { REDIS_URL: 'redis://redis.example' }
  const noPostHog = { POSTHOG_API_KEY: undefined, POSTHOG_PROJECT_ID: undefined }
  const own = 'a key of their own, of 32 letters'
  const model = { CODEX_MODEL: 'gpt-5.6-sol', CODEX_REASONING_EFFORT: 'Max' }
  test.each<[Env, object]>([
    [{ APP_ID: ' 77 ' }, { app: { id: 77 } }],
    [{ HOST: '""' }, { server: { host: 'localhost' } }],
    [{ PRIVATE_KEY: privateKey.replaceAll('\n', '\\n') }, { app: { privateKey } }],
    [{ PRIVATE_KEY: Buffer.from(privateKey).toString('base64') }, { app: { privateKey } }],
    [{ PRIVATE_KEY: undefined, PRIVATE_KEY_PATH: keyFile }, { app: { privateKey } }],
    [{ PRIVATE_KEY_PATH: '/nothing/there' }, { app: { privateKey } }],
    [{ MARKER_KEY: own }, { app: { markerKey: own } }],
    [{ GITHUB_API_URL: 'http://127.0.0.1:4000/' }, { app: { apiUrl: 'http://127.0.0.1:4000' } }],
    [{ GHE_HOST: 'ghe.example' }, { app: { apiUrl: 'https://ghe.example/api/v3' } }],
    [
      { GHE_HOST: 'x.example', GITHUB_API_URL: 'https://api.example' },
      { app: { apiUrl: 'https://api.example' } },
    ],
    [{ HOST: '[::1]' }, { server: { host: '::1' } }],
    [{ POSTHOG_HOST: 'http://[::1]:8000/' }, { posthog: { host: 'http://[::1]:8000' } }],
    [{ PORT: '0' }, { server: { port: 0 } }],
    [{ ADMIN_TOKEN: 'x'.repeat(32) }, { server: { adminToken: 'x'.repeat(32) } }],
    [{ WEBHOOKS: 'Poll' }, { webhooks: 'poll' }],
    [{ WEBHOOKS: 'poll', WEBHOOK_SECRET: undefined }, { app: { webhookSecret: '' } }],
    [model, { run: { model: 'gpt-5.6-sol', effort: 'max' } }],
    [
      { REDIS_URL: 'rediss://:pw@r.example:6380/1' },
      { queue: { redisUrl: 'rediss://:pw@r.example:6380/1' } },
    ],
    [{ ROLE: 'worker', ...redis }, { role: 'worker' }],
    [{ ROLE: 'web', ...redis, ...noPostHog }, { posthog: { apiKey: '' } }],
  ])('$0', (env, expected) => expect(configOf(env)).toMatchObject(expected))
})

describe('a variable that is wrong is named, with what to do', () => {
  test.each<[Env, string]>([
    [
      { APP_ID: undefined },
      'APP_ID is missing: set it to the number on the settings page of your GitHub App',
    ],
    [
      { APP_ID: 'codex' },
      'APP_ID is not a number: set it to the number on the settings page of your GitHub App',
    ],
    [
      { PRIVATE_KEY: undefined },
      'PRIVATE_KEY is missing: set it to the private key of your GitHub App, or PRIVATE_KEY_PATH to its file',
    ],
    [
      { PRIVATE_KEY: 'hello' },
      'PRIVATE_KEY is not an RSA private key: use the .pem file that GitHub gave you, whole, or its text in base64',
    ],
    [
      { PRIVATE_KEY: undefined, PRIVATE_KEY_PATH: noKeyFile },
      'PRIVATE_KEY_PATH is not an RSA private key: use the .pem file that GitHub gave you, whole, or its text in base64',
    ],
    [
      { PRIVATE_KEY: undefined, PRIVATE_KEY_PATH: '/nothing/there.pem' },
      "PRIVATE_KEY_PATH names a file that can't be read: set it to the path of the .pem file",
    ],
    [
      { ADMIN_TOKEN: 'x'.repeat(31) },
      'ADMIN_TOKEN is shorter than 32 characters and could be guessed: choose a longer one, e.g. from `openssl rand -hex 32`',
    ],
    [
      { METRICS_TOKEN: 'short' },
      'METRICS_TOKEN is shorter than 16 characters: use a random one, e.g. from `openssl rand -hex 32`',
    ],
    [
      { WEBHOOK_SECRET: undefined },
      'WEBHOOK_SECRET is missing: set it to the webhook secret of your GitHub App, e.g. from `openssl rand -hex 32`',
    ],
    [
      { WEBHOOK_SECRET: 'x'.repeat(31) },
      "WEBHOOK_SECRET is shorter than 32 characters and could be guessed: choose a longer one, e.g. from `openssl rand -hex 32`, and set the same on the App's settings page on GitHub",
    ],
    [
      { MARKER_KEY: 'x'.repeat(31) },
      'MARKER_KEY is shorter than 32 characters and could be guessed: choose a longer one, e.g. from `openssl rand -hex 32`',
    ],
    [
      { GITHUB_API_URL: 'api.github.com' },
      'GITHUB_API_URL is not an address: it must begin with http:// or https://',
    ],
    [{ GHE_HOST: 'x.example', GHE_PROTOCOL: 'ftp' }, 'GHE_PROTOCOL is ftp: use https, http'],
    [{ PORT: 'http' }, 'PORT is not a port: use a number from 0 to 65535'],
    [{ PORT: '65536' }, 'PORT is not a port: use a number from 0 to 65535'],
    [{ WEBHOOKS: 'push' }, 'WEBHOOKS is push: use address, poll'],
    [
      { LOG_LEVEL: 'loud' },
      'LOG_LEVEL is loud: use info, trace, debug, warn, error, fatal, silent',
    ],
    [
      { POSTHOG_HOST: 'us.posthog.com' },
      'POSTHOG_HOST is not an address: it must begin with http:// or https://',
    ],
    [
      { POSTHOG_API_KEY: undefined },
      'POSTHOG_API_KEY is missing: set it to a personal API key (phx_…) with the scope task:write',
    ],
    [
      { POSTHOG_API_KEY: 'phc_a-project-key' },
      'POSTHOG_API_KEY is a project key. Use a personal API key (phx_…) with the scope task:write',
    ],
    [
      { POSTHOG_API_KEY: 'phs_a-secret-key' },
      'POSTHOG_API_KEY is a project key. Use a personal API key (phx_…) with the scope task:write',
    ],
    [
      { POSTHOG_PROJECT_ID: undefined },
      'POSTHOG_PROJECT_ID is missing: set it to the number in the address of your PostHog project',
    ],
    [
      { CODEX_REASONING_EFFORT: 'enormous' },
      'CODEX_REASONING_EFFORT is enormous: use low, medium, high, xhigh, max',
    ],
    [
      { REDIS_URL: 'http://redis.example' },
      'REDIS_URL is not an address: it must begin with redis:// or rediss://',
    ],
    [{ ROLE: 'both' }, 'ROLE is both: use all, web, worker'],
    [
      { ROLE: 'web' },
      'REDIS_URL is missing: ROLE=web needs Redis. Set REDIS_URL, or leave ROLE out to run everything in one process',
    ],
    [
      { ROLE: 'worker', REDIS_URL: 'redis://x', POSTHOG_API_KEY: undefined },
      'POSTHOG_API_KEY is missing: set it to a personal API key (phx_…) with the scope task:write',
    ],
  ])('%#: %s', (env, line) => expect(problemsOf(env)).toEqual([line]))

  test('all of them at once', () => {
    const posthog = { POSTHOG_API_KEY: 'phc_x', POSTHOG_PROJECT_ID: 'x' }
    const github = { APP_ID: 'x', PRIVATE_KEY: 'x', WEBHOOK_SECRET: '' }
    const wrong = { ...posthog, ...github, PORT: 'x', ROLE: 'x', LOG_LEVEL: 'x', REDIS_URL: 'x' }
    const named = problemsOf(wrong).map(problem => problem.split(' ')[0])
    expect(named.toSorted()).toEqual(Object.keys(wrong).toSorted())
  })

  test('never with a secret in it, whatever is wrong with that', () => {
    const secrets: Env = {
      PRIVATE_KEY: `${privateKey.slice(0, 300)}`,
      POSTHOG_API_KEY: 'phc_hush-hush-hush',
      REDIS_URL: 'http://:hush-hush-hush@redis.example',
      GITHUB_API_URL: 'ftp://user:hush-hush-hush@github.example',
      POSTHOG_HOST: 'user:hush-hush-hush@x',
    }
    const lines = problemsOf({ ...secrets, PORT: 'x' }).join('\n')
    expect(lines).not.toContain('hush-hush-hush')
    expect(lines).not.toContain(privateKey.slice(40, 80))
    expect(lines).not.toContain('a-secret-of-ours-with-32-letters')
    expect(lines).not.toContain('a-key-of-ours')
  })
})

test.each<[Env, string]>([
  [{}, 'set-up'],
  [{ POSTHOG_API_KEY: 'phx_x' }, 'set-up'],
  [{ APP_ID: '' }, 'set-up'],
  [{ WEBHOOK_SECRET: 'x' }, 'refuse'],
  [{ PRIVATE_KEY: privateKey }, 'refuse'],
  [{ PRIVATE_KEY_PATH: keyFile }, 'refuse'],
])('without an App, %#', (env, mode) => expect(readConfig(env).kind).toBe(mode))

test('the secrets are those that must never be seen', () => {
  const tokens = {
    MARKER_KEY: 'a key of their own, of 32 letters',
    ADMIN_TOKEN: 'x'.repeat(32),
    METRICS_TOKEN: 'a token of letters',
    CODEX_GITHUB_USER_TOKEN: 'ghu_of-ours',
  }
  const config = configOf({ REDIS_URL: 'redis://user:p%40ss@redis.example', ...tokens })
  const secrets = [privateKey, 'a-secret-of-ours-with-32-letters', 'phx_a-key-of-ours', 'p@ss']
  expect(secretsOf(config)).toEqual(expect.arrayContaining([...secrets, ...Object.values(tokens)]))
})

test('the list of variables is all that is read, and all that is listed is read', () => {
  const asked = new Set<string>()
  const watched = (env: Env) =>
    new Proxy(env, {
      get: (all, name) => (asked.add(String(name)) ? all[String(name)] : undefined),
    })
  readConfig(watched(whole))
  readConfig(watched({ ...whole, PRIVATE_KEY: undefined, GHE_HOST: 'x.example' }))
  asked.delete('NODE_ENV')
  expect([...asked].sort()).toEqual([...variables].sort())
})

/** As it was built, which begins sooner than its sources. */
const built = dirname(process.env.BOT_ENTRY ?? join(import.meta.dirname, '../dist/main.js'))

const nodeIn = (cwd: string, words: string[], env: Env = {}) =>
  spawnSync(process.execPath, words, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  })

/** What a process reads in that folder. */
function readIn(cwd: string, shown: string, env: Env): unknown {
  const reader = pathToFileURL(join(built, 'process-environment.js')).href
  const script = `import { environment, envFileToWrite, namesInFiles } from ${JSON.stringify(reader)}; const env = environment(); process.stdout.write(JSON.stringify(${shown}))`
  const { stdout, stderr } = nodeIn(cwd, ['--input-type=module', '-e', script], env)
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

test('the environment wins over .env', () => {
  writeFileSync(
    join(dir, '.env'),
    'APP_ID=1\nCODEX_MODEL="from the file"\nPOSTHOG_PROJECT_ID=7 # a remark\n',
  )
  const shown =
    '[env.APP_ID, env.CODEX_MODEL, env.POSTHOG_PROJECT_ID, environment() && [...namesInFiles].length]'
  expect(readIn(dir, shown, { APP_ID: '2' })).toEqual(['2', 'from the file', '7', 2])
})

test('with ENV_FILE no other file is read', () => {
  const cwd = mkdtempSync(join(dir, 'file-'))
  writeFileSync(join(cwd, '.env'), 'APP_ID=1\nLOG_LEVEL=debug\n')
  writeFileSync(join(cwd, 'walk.env'), 'APP_ID=2\n')
  const shown = '[env.APP_ID, env.LOG_LEVEL, envFileToWrite()]'
  expect(readIn(cwd, shown, { ENV_FILE: 'walk.env' })).toEqual([
    '2',
    null,
    join(realpathSync(cwd), 'walk.env'),
  ])
})

test('what the set-up page writes is read whole by ENV_FILE, as Kubernetes has it', async () => {
  const cwd = mkdtempSync(join(dir, 'mounted-'))
  await writeEnv(join(cwd, 'written'), {
    PRIVATE_KEY: privateKey,
    POSTHOG_API_KEY: 'phx_with "quotes"',
  })
  expect(readFileSync(join(cwd, 'written'), 'utf8')).toMatch(/^PRIVATE_KEY="-----BEGIN/)
  const read = readIn(cwd, '[env.PRIVATE_KEY, env.POSTHOG_API_KEY]', {
    ENV_FILE: join(cwd, 'written'),
  })
  expect(read).toEqual([privateKey, 'phx_with "quotes"'])
})

describe('a .env that can not be read is refused in words', () => {
  const unreadable: [string, (path: string) => void][] = [
    ['a folder', path => mkdirSync(path)],
    ['a file of somebody else', path => writeFileSync(path, 'APP_ID=1', { mode: 0 })],
  ]
  // Root may read everything.
  const cases = process.getuid?.() === 0 ? unreadable.slice(0, 1) : unreadable
  test.each(cases)('%s', (_, make) => {
    const cwd = mkdtempSync(join(dir, 'env-'))
    make(join(cwd, '.env'))
    const { status, stdout, stderr } = nodeIn(cwd, [join(built, 'main.js')])
    const path = join(realpathSync(cwd), '.env')
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: `The bot can't start:\n- ${path} can't be read: make it a file that the user of this process may read\n`,
    })
  })
})

describe('a line of .env that is no variable is told, as the next one would be lost', () => {
  test.each([
    ['nothing', '', undefined],
    [
      'all that may stand there',
      'A=1\n\n # remark\n  export B_2 = two # remark\nC=\r\nD="1\n2"\nE=`#`\nF=',
      undefined,
    ],
    ['a quote that is never closed ends with its line', 'A="x\nB=1\n', undefined],
    ['words', 'A=1\nplease mind\nB=2', 2],
    ['a name without a value', '# x\n\nAPP_ID\nB=2', 3],
    ['a key without quotes', 'PRIVATE_KEY=-----BEGIN KEY-----\nMIIE\n-----END KEY-----\n', 2],
    ['after a value of several lines', "A='1\n2'\nx", 3],
  ])('%s', (_, text, line) => expect(strayLine(text)).toBe(line))

  test('at the start', () => {
    const cwd = mkdtempSync(join(dir, 'stray-'))
    writeFileSync(join(cwd, '.env'), 'APP_ID=1\nPOSTHOG_API_KEY\nPOSTHOG_PROJECT_ID=7\n')
    const { status, stderr } = nodeIn(cwd, [join(built, 'main.js')])
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('.env, line 2: this is no variable'),
    ])
  })
})

test('markers are signed with the private key, however that is written, never with the webhook secret', () => {
  const key = (env: Env) => configOf(env).app.markerKey
  const base64 = Buffer.from(privateKey).toString('base64')
  expect(key({ PRIVATE_KEY: base64 })).toBe(key({}))
  expect(key({ PRIVATE_KEY: privateKey.replaceAll('\n', '\\n') })).toBe(key({}))
  expect(key({ WEBHOOK_SECRET: 'another secret of more than thirty-two letters' })).toBe(key({}))
  expect(key({}).length).toBeGreaterThan(1_000)
})

describe('SETTINGS_FILE', () => {
  const file = join(dir, 'settings.yml')
  const withFile = (text: string, env: Env = {}) => {
    writeFileSync(file, text)
    return readConfig({ ...whole, SETTINGS_FILE: file, ...env })
  }

  test('is read at the start', () => {
    const read = withFile('owners: {5: {as_user: true}}\nlimits: {total: 0}')
    expect(read).toMatchObject({
      kind: 'run',
      config: {
        settings: { path: file, first: { owners: { 5: { as_user: true } }, limits: { total: 0 } } },
      },
    })
  })

  test('that is wrong is told with all lines and keys, and nothing starts', () => {
    const read = withFile('owners:\n  5:\n    as_user: maybe\nlimits: {person: -1}\n')
    expect(read).toMatchObject({
      problems: [
        expect.stringMatching(
          /^SETTINGS_FILE has an error: .*, line 3: `owners\.5\.as_user` can't be `maybe`/,
        ),
        expect.stringMatching(/^SETTINGS_FILE has an error: .*, line 4: `limits\.person`/),
      ],
    })
  })

  describe('of which one owner has a PostHog of its own', () => {
    const text =
      'owners: {5: {posthog: {project_id: 7, api_key_env: ACME_KEY, host: "https://eu.posthog.com/"}}}'
    const readWith = (env: Env) => withFile(text, env)

    test('has the key from the variable that is named, and keeps it out of the log', () => {
      const read = readWith({ ACME_KEY: 'phx_of_acme' })
      if (read.kind !== 'run') return expect.fail(JSON.stringify(read))
      expect(read.config.tenants).toEqual([
        { owner: '5', host: 'https://eu.posthog.com', projectId: '7', apiKey: 'phx_of_acme' },
      ])
      expect(secretsOf(read.config)).toContain('phx_of_acme')
    })

    test('needs none for the others, who are not served then', () => {
      const read = readWith({
        ACME_KEY: 'phx_of_acme',
        POSTHOG_API_KEY: undefined,
        POSTHOG_PROJECT_ID: undefined,
      })
      expect(read).toMatchObject({ kind: 'run', config: { posthog: undefined } })
    })

    test.each([
      [undefined, 'is not set'],
      ['phc_project', 'holds a project key'],
    ])('does not start with the key %s', (ACME_KEY, problem) => {
      const read = readWith({ ACME_KEY })
      expect(read).toMatchObject({ problems: [expect.stringContaining(problem)] })
    })
  })

  test('that is not there is a problem, but not of a process that starts nothing', () => {
    const SETTINGS_FILE = join(dir, 'no-such-settings.yml')
    expect(readConfig({ ...whole, SETTINGS_FILE })).toMatchObject({ kind: 'refuse' })
    expect(
      readConfig({ ...whole, SETTINGS_FILE, ROLE: 'web', REDIS_URL: 'redis://x' }),
    ).toMatchObject({
      kind: 'run',
    })
  })
})

describe('a name in .env that nobody reads is told, with what was meant', () => {
  const straysOf = (names: string[], env: Env = {}) => {
    const read = readConfig({ ...whole, ...env }, names)
    return read.kind === 'run' ? read.config.strays : expect.fail(`not a run, but ${read.kind}`)
  }

  test.each([
    ['SETTINGSFILE', 'SETTINGS_FILE'],
    ['WEBHOOK', 'WEBHOOKS'],
    ['CODEX_MODLE', 'CODEX_MODEL'],
    ['app_id', 'APP_ID'],
  ])('%s', (name, meant) =>
    expect(straysOf([name, 'CODEX_MODEL'])).toEqual([
      `${name} in .env is no variable of this bot: did you mean ${meant}?`,
    ]),
  )

  test('is told without a guess where nothing is like it', () =>
    expect(straysOf(['OWN_NAME'])).toEqual(['OWN_NAME in .env is no variable of this bot']))

  test('is not told if Node, Docker Compose or the settings file has it', () => {
    const SETTINGS_FILE = join(dir, 'names.yml')
    writeFileSync(SETTINGS_FILE, 'owners: {5: {posthog: {project_id: 7, api_key_env: ACME_KEY}}}')
    const names = ['TZ', 'https_proxy', 'NODE_EXTRA_CA_CERTS', 'COMPOSE_PROJECT_NAME', 'ACME_KEY']
    expect(straysOf(names, { SETTINGS_FILE, ACME_KEY: 'phx_of_acme' })).toEqual([])
  })

  test('is told beside what is wrong for its sake', () => {
    const read = readConfig({ ...whole, WEBHOOK_SECRET: undefined }, ['WEBHOOK'])
    expect(read).toMatchObject({
      problems: [
        expect.stringMatching(/^WEBHOOK_SECRET is missing/),
        expect.stringMatching(/did you mean WEBHOOKS\?$/),
      ],
    })
  })
})
