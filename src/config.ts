/**
 * The settings of a process, read from its environment and checked as a whole. The first half is the table of variables,
 * each with its schema, default, error and description: docs/environment.md and `.env.example` are made from it.
 */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { nearest } from './core/command/near-miss.ts'
import { efforts, type ReasoningEffort } from './core/model/codex-task-run-create.ts'
import {
  type DeploymentSettings,
  noDeploymentSettings,
} from './core/settings/deployment-settings.ts'
import { readDeploymentFile } from './deployment-file.ts'

type Variables = NodeJS.ProcessEnv

interface About {
  meaning: string
  part?: string
  example?: string
  needed?: true
}

/** Signatures are public, so short secrets could be guessed offline. */
const minSecret = 32
const minToken = 16
const anotherOne = 'e.g. from `openssl rand -hex 32`'
const tooShort = `is shorter than ${minSecret} characters and could be guessed: choose a longer one, ${anotherOne}`

const text = z.string()
const secret = text.min(minSecret, tooShort)

const numberFor = (hint: string) =>
  text.regex(/^[1-9]\d{0,14}$/, `is not a number: ${hint}`).transform(Number)

const portNumber = text
  .refine(
    given => /^\d{1,5}$/.test(given) && Number(given) <= 65_535,
    'is not a port: use a number from 0 to 65535',
  )
  .transform(Number)

/** The value is not repeated: it may hold a password. */
const urlOf = (...protocols: string[]) =>
  text.refine(
    given => URL.canParse(given) && protocols.includes(new URL(given).protocol),
    `is not an address: it must begin with ${protocols.map(known => `${known}//`).join(' or ')}`,
  )

const web = urlOf('http:', 'https:')

const oneOf = <const T extends readonly [string, ...string[]]>(...known: T) =>
  text
    .toLowerCase()
    .pipe(z.enum(known, { error: ({ input }) => `is ${input}: use ${known.join(', ')}` }))

/** A PEM, with line breaks as they are or written as `\n`, or all of it in base64. */
function pemOf(given: string): string | undefined {
  const pem = given.includes('-----BEGIN')
    ? given.replaceAll('\\n', '\n')
    : Buffer.from(given, 'base64').toString()
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa' ? pem : undefined
  } catch {
    return undefined
  }
}

const notAKey =
  'is not an RSA private key: use the .pem file that GitHub gave you, whole, or its text in base64'

const privateKey = text.transform((given, { addIssue }) => {
  const pem = pemOf(given)
  if (pem !== undefined) return pem
  addIssue(notAKey)
  return z.NEVER
})

/** No default: with Probot's, `development`, anybody could forge webhooks. */
const webhookSecret = text.min(
  minSecret,
  `${tooShort}, and set the same on the App's settings page on GitHub`,
)

const isProjectKey = (key: string) => /^ph[cs]_/.test(key)

const hints = {
  APP_ID: 'set it to the number on the settings page of your GitHub App',
  PRIVATE_KEY: 'set it to the private key of your GitHub App, or PRIVATE_KEY_PATH to its file',
  WEBHOOK_SECRET: `set it to the webhook secret of your GitHub App, ${anotherOne}`,
  POSTHOG_API_KEY: 'set it to a personal API key (phx_…) with the scope task:write',
  POSTHOG_PROJECT_ID: 'set it to the number in the address of your PostHog project',
} as const

/** The docs are made of these. */
export const about = z.registry<About>()

export const Environment = z.object({
  APP_ID: numberFor(hints.APP_ID).optional().register(about, {
    part: 'The GitHub App',
    meaning:
      "The number of the App. If the App's variables are not set, the bot shows the set-up page",
    needed: true,
  }),
  PRIVATE_KEY: privateKey.optional().register(about, {
    meaning:
      "The App's private key: the text of the `.pem` file. It can have `\\n` for line breaks, or be in base64",
    needed: true,
  }),
  PRIVATE_KEY_PATH: text.optional().register(about, {
    meaning: 'Or the path of the `.pem` file',
    example: './app.private-key.pem',
  }),
  WEBHOOK_SECRET: webhookSecret.optional().register(about, {
    meaning:
      "The App's webhook secret, at least 32 characters. With a shorter one, the bot does not start. Not needed with `WEBHOOKS=poll`",
    needed: true,
  }),
  WEBHOOK_SECRET_OLD: webhookSecret.optional().register(about, {
    meaning:
      'The webhook secret of before. While it is set, webhooks that are signed with it are taken, too: see [Changing keys](operating.md#changing-keys)',
  }),
  MARKER_KEY: secret.optional().register(about, {
    meaning:
      'The key that signs markers, at least 32 characters. Without it, a key made from the private key',
  }),
  MARKER_KEY_OLD: secret.optional().register(about, {
    meaning:
      'The key of before: a `MARKER_KEY`, or the text of a private key. Markers that are signed with it are still read',
  }),
  GITHUB_API_URL: web.default('https://api.github.com').register(about, {
    part: 'GitHub',
    meaning: "The base address of GitHub's API",
  }),
  GHE_HOST: text
    .regex(
      /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?$/,
      'is not a host name: leave out https:// and everything after the name',
    )
    .optional()
    .register(about, {
      meaning: 'The host of your GitHub Enterprise Server (3.17 or newer), if you have one',
      example: 'github.example.com',
    }),
  GHE_PROTOCOL: oneOf('https', 'http')
    .default('https')
    .register(about, { meaning: 'The protocol of the Enterprise Server' }),
  CODEX_BOT_HOME: text.optional().register(about, {
    part: 'The process',
    meaning:
      'The folder in which relative paths begin, so that of `.env` and `data`. Set it in the environment. If it is not set: the folder in which the bot is started',
    example: '/var/lib/codex-task-bot',
  }),
  ENV_FILE: text.default('.env').register(about, {
    meaning:
      'The file with these variables. The set-up page writes it. Set it in the environment. If it is not set: `.env`, then `.env` in `DATA_DIR`',
  }),
  HOST: text
    .default('localhost')
    .register(about, { meaning: 'The address to listen on. `0.0.0.0` means all addresses' }),
  PORT: portNumber.default(3000).register(about, { meaning: 'The port to listen on' }),
  METRICS_TOKEN: text
    .min(minToken, `is shorter than ${minToken} characters: use a random one, ${anotherOne}`)
    .optional()
    .register(about, {
      meaning:
        'The bearer token for `/metrics`. Without it, only this machine may read `/metrics`, and only if `HOST` is an address of this machine alone',
    }),
  ADMIN_TOKEN: secret.optional().register(about, {
    meaning:
      'Opens the [admin pages](admin.md) at `/admin/`, at least 32 characters. Without it, there are none',
  }),
  WEBHOOKS: oneOf('address', 'poll').default('address').register(about, {
    meaning:
      "How webhooks come in: `address`, GitHub sends them to the App's webhook address; `poll`, the bot reads GitHub's log of them every five seconds, and [needs no address](install.md#without-an-address)",
  }),
  LOG_LEVEL: oneOf('info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent')
    .default('info')
    .register(about, {
      meaning: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`',
    }),
  LOG_FORMAT: oneOf('pretty', 'json')
    .default('pretty')
    .register(about, { meaning: '`pretty` or `json`' }),
  POSTHOG_HOST: web.default('https://us.posthog.com').register(about, {
    part: 'PostHog',
    meaning: 'The address of your PostHog',
  }),
  POSTHOG_API_KEY: text
    .refine(
      key => !isProjectKey(key),
      'is a project key. Use a personal API key (phx_…) with the scope task:write',
    )
    .optional()
    .register(about, {
      meaning: 'A personal API key with the scopes `task:write` and `integration:read`',
      needed: true,
    }),
  POSTHOG_PROJECT_ID: numberFor(hints.POSTHOG_PROJECT_ID).optional().register(about, {
    meaning: 'The number of the PostHog project, from its address',
    needed: true,
  }),
  CODEX_GITHUB_USER_TOKEN: text.optional().register(about, {
    meaning:
      'The GitHub token that the bot gives to PostHog for `--as-user`: the work is then by its user. Without it, it is by the user of the PostHog key. The token is never shown, logged or stored',
  }),
  CODEX_MODEL: text.default('gpt-5.5').register(about, {
    part: 'Runs',
    meaning: 'The model, if neither the command nor the settings name one',
  }),
  CODEX_REASONING_EFFORT: oneOf(...efforts)
    .optional()
    .register(about, {
      meaning:
        "The effort, if neither the command nor the settings name one. Without it, PostHog's default applies",
      example: 'high',
    }),
  SETTINGS_FILE: text.optional().register(about, {
    meaning: 'A YAML file with grants and upper limits, see [Settings](settings.md#settings_file)',
    example: './settings.yml',
  }),
  REDIS_URL: urlOf('redis:', 'rediss:').optional().register(about, {
    part: 'The queue',
    meaning:
      'The Redis or Valkey that holds the queue: `redis://…` or `rediss://…`. Without it, the queue is embedded',
    example: 'redis://localhost:6379',
  }),
  DATA_DIR: text.default('./data').register(about, { meaning: 'The folder of the embedded queue' }),
  ROLE: oneOf('all', 'web', 'worker').default('all').register(about, {
    meaning:
      '`web` takes webhooks, `worker` does the work, `all` does both. `web` and `worker` need Redis',
  }),
})

export const variables = Object.keys(Environment.shape) as (keyof typeof Environment.shape)[]

/** Values, or defaults. A wrong value gives its default, or nothing, and a problem. */
type EnvironmentValues = z.output<typeof Environment>

const inQuotes = /^(["'])(.*)\1$/s

/** `docker run --env-file` and `kubectl --from-env-file` take quotes for a part of the value. */
function namedVariable(env: Variables, name: string): string | undefined {
  const value = env[name]?.trim() ?? ''
  return (inQuotes.exec(value)?.[2] ?? value) || undefined
}

function readVariables(env: Variables): { given: EnvironmentValues; problems: string[] } {
  const texts = Object.fromEntries(variables.map(name => [name, namedVariable(env, name)]))
  const read = Environment.safeParse(texts)
  if (read.success) return { given: read.data, problems: [] }
  const { issues } = read.error
  const wrong = new Set(issues.map(({ path }) => path[0]))
  const rest = Object.fromEntries(Object.entries(texts).filter(([name]) => !wrong.has(name)))
  const problems = issues.map(({ path, message }) => `${String(path[0])} ${message}`)
  return { given: Environment.parse(rest), problems }
}

export interface Config {
  app: {
    id: number
    privateKey: string
    webhookSecret: string
    /** The former secret. What is signed with it is still taken. */
    webhookSecretOld: string | undefined
    markerKey: string
    /** The former keys. What is signed with them is still read. */
    markerKeysOld: readonly string[]
    apiUrl: string
  }
  /** The PostHog of owners who have none of their own; without it, they are not served. */
  posthog: (PostHogAccess & { userToken: string | undefined }) | undefined
  tenants: readonly (PostHogAccess & { owner: string })[]
  run: { model: string; effort: ReasoningEffort | undefined }
  webhooks: EnvironmentValues['WEBHOOKS']
  queue: { redisUrl: string | undefined; dataDir: string }
  settings: { path: string | undefined; first: DeploymentSettings }
  role: EnvironmentValues['ROLE']
  server: {
    host: string
    port: number
    metricsToken: string | undefined
    adminToken: string | undefined
  }
  log: { level: EnvironmentValues['LOG_LEVEL']; format: EnvironmentValues['LOG_FORMAT'] }
  strays: string[]
}

export type PostHogAccess = Record<'host' | 'apiKey' | 'projectId', string>

export type Read =
  | { kind: 'run'; config: Config }
  | { kind: 'set-up'; given: EnvironmentValues; strays: string[] }
  | { kind: 'refuse'; problems: string[] }

/** @param names those that stand in files, of which `strays` tells what nobody reads */
export function readConfig(env: Variables, names: Iterable<string> = []): Read {
  const { given, problems } = readVariables(env)
  const role = given.ROLE
  if (!namesOfApp.some(name => env[name]?.trim()) && role !== 'worker' && problems.length === 0)
    return { kind: 'set-up', given, strays: straysIn(names, []) }
  const reading: VariableRead = { env, given, problems }
  const settings = deploymentSettingsOf(reading)
  const tenants = role === 'web' ? [] : tenantsOf(reading, settings.first)
  const app = appOf(reading)
  const posthog = posthogOf(reading, tenants.length > 0)
  if (!env.REDIS_URL?.trim() && role !== 'all')
    problems.push(
      `REDIS_URL is missing: ROLE=${role} needs Redis. Set REDIS_URL, or leave ROLE out to run everything in one process`,
    )
  const strays = straysIn(
    names,
    Object.values(settings.first.owners).map(({ posthog }) => posthog?.api_key_env ?? ''),
  )
  const config: Config = {
    app,
    posthog,
    tenants,
    run: { model: given.CODEX_MODEL, effort: given.CODEX_REASONING_EFFORT },
    webhooks: given.WEBHOOKS,
    queue: { redisUrl: given.REDIS_URL, dataDir: given.DATA_DIR },
    settings,
    role,
    server: {
      host: given.HOST.replace(/^\[(.*)\]$/, '$1'),
      port: given.PORT,
      metricsToken: given.METRICS_TOKEN,
      adminToken: given.ADMIN_TOKEN,
    },
    log: { level: given.LOG_LEVEL, format: given.LOG_FORMAT },
    strays,
  }
  return problems.length > 0
    ? { kind: 'refuse', problems: [...problems, ...strays] }
    : { kind: 'run', config }
}

/** Node, npm, Docker Compose and the system read these. */
const ofOthers = /^(?:(?:node|npm|compose|docker|lc|ssl)_.+|lang|tz|path|(?:https?|no|all)_proxy)$/i

/** Most of them are slips. */
function straysIn(names: Iterable<string>, namedBySettings: readonly string[]): string[] {
  const known: string[] = [...variables, ...namedBySettings]
  const unread = [...names].filter(name => !known.includes(name) && !ofOthers.test(name))
  return unread.map(name => {
    const meant = nearest(name.toUpperCase(), known)
    return `${name} in .env is no variable of this bot${meant ? `: did you mean ${meant}?` : ''}`
  })
}

interface VariableRead {
  env: Variables
  given: EnvironmentValues
  problems: string[]
}

function missing({ problems, env }: VariableRead, name: keyof typeof hints) {
  if (!env[name]?.trim()) problems.push(`${name} is missing: ${hints[name]}`)
}

const namesOfApp = ['APP_ID', 'PRIVATE_KEY', 'PRIVATE_KEY_PATH', 'WEBHOOK_SECRET'] as const

export function secretsOf({ app, posthog, tenants, queue, server }: Config): string[] {
  const ofApp = [
    app.privateKey,
    app.webhookSecret,
    app.webhookSecretOld,
    app.markerKey,
    ...app.markerKeysOld,
  ]
  const ofPostHogs = [posthog?.apiKey, posthog?.userToken, ...tenants.map(({ apiKey }) => apiKey)]
  const ofServer = [server.metricsToken, server.adminToken]
  const ofQueue = queue.redisUrl === undefined ? [] : passwordOf(queue.redisUrl)
  return [...ofApp, ...ofPostHogs, ...ofServer, ...ofQueue].map(each => each ?? '')
}

function passwordOf(url: string): string[] {
  const { password } = new URL(url)
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password]
  }
}

function appOf(reading: VariableRead): Config['app'] {
  const { given, env } = reading
  missing(reading, 'APP_ID')
  if (given.WEBHOOKS === 'address') missing(reading, 'WEBHOOK_SECRET')
  const privateKey = given.PRIVATE_KEY ?? keyInFile(reading)
  const ofKey = privateKey === '' ? '' : markerKeyOf(privateKey)
  const former = given.MARKER_KEY_OLD === undefined ? [] : [oldMarkerKeyOf(given.MARKER_KEY_OLD)]
  const apiUrl =
    given.GHE_HOST === undefined || env.GITHUB_API_URL?.trim()
      ? given.GITHUB_API_URL.replace(/\/+$/, '')
      : `${given.GHE_PROTOCOL}://${given.GHE_HOST}/api/v3`
  return {
    id: given.APP_ID ?? 0,
    privateKey,
    webhookSecret: given.WEBHOOK_SECRET ?? '',
    webhookSecretOld: given.WEBHOOK_SECRET_OLD,
    markerKey: given.MARKER_KEY ?? ofKey,
    markerKeysOld: [...(given.MARKER_KEY === undefined ? [] : [ofKey]), ...former],
    apiUrl,
  }
}

/** The same however the private key is written down. */
const markerKeyOf = (privateKey: string) =>
  createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' }).toString('base64')

function oldMarkerKeyOf(given: string): string {
  const pem = pemOf(given)
  return pem === undefined ? given : markerKeyOf(pem)
}

/** The value is not repeated: it may be the key itself. */
function keyInFile(reading: VariableRead): string {
  const { given, env, problems } = reading
  const path = given.PRIVATE_KEY_PATH
  if (path === undefined || env.PRIVATE_KEY?.trim()) {
    missing(reading, 'PRIVATE_KEY')
    return ''
  }
  try {
    const pem = pemOf(readFileSync(path, 'utf8'))
    if (pem === undefined) problems.push(`PRIVATE_KEY_PATH ${notAKey}`)
    return pem ?? ''
  } catch {
    problems.push(
      "PRIVATE_KEY_PATH names a file that can't be read: set it to the path of the .pem file",
    )
    return ''
  }
}

/** A web process needs no PostHog key. */
function posthogOf(reading: VariableRead, hasTenants: boolean): Config['posthog'] {
  const { given } = reading
  const host = given.POSTHOG_HOST.replace(/\/+$/, '')
  if (given.ROLE === 'web') return { host, apiKey: '', projectId: '', userToken: undefined }
  const { POSTHOG_API_KEY: apiKey, POSTHOG_PROJECT_ID: projectId } = given
  if (hasTenants && apiKey === undefined && projectId === undefined) return undefined
  missing(reading, 'POSTHOG_API_KEY')
  missing(reading, 'POSTHOG_PROJECT_ID')
  return {
    host,
    apiKey: apiKey ?? '',
    projectId: String(projectId ?? 0),
    userToken: given.CODEX_GITHUB_USER_TOKEN,
  }
}

function tenantsOf(
  { env, problems }: VariableRead,
  { owners }: DeploymentSettings,
): Config['tenants'] {
  return Object.entries(owners).flatMap(([owner, { posthog }]) => {
    if (!posthog) return []
    const apiKey = namedVariable(env, posthog.api_key_env)
    if (apiKey === undefined || isProjectKey(apiKey))
      problems.push(
        `SETTINGS_FILE names ${posthog.api_key_env} for owners.${owner}, and that variable ${apiKey === undefined ? 'is not set' : 'holds a project key'}: ${hints.POSTHOG_API_KEY}`,
      )
    return [
      { owner, host: posthog.host, projectId: String(posthog.project_id), apiKey: apiKey ?? '' },
    ]
  })
}

function deploymentSettingsOf({ given, problems }: VariableRead): Config['settings'] {
  const path = given.SETTINGS_FILE
  if (path === undefined) return { path: undefined, first: noDeploymentSettings }
  const file = readDeploymentFile(path)
  if (file.kind === 'read') return { path, first: file.settings }
  if (given.ROLE !== 'web')
    problems.push(...file.problems.map(problem => `SETTINGS_FILE ${problem}`))
  return { path, first: noDeploymentSettings }
}
