/**
 * The environment as a Config, and the only reader of `process.env`. All problems are told at once, one
 * line each, with what to do.
 */
import { createPrivateKey } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { efforts, effortsFor, type ReasoningEffort } from './core/agent/run-request.ts'
import { type DeploymentSettings, noDeploymentSettings } from './core/settings/deployment-settings.ts'
import { readDeploymentFile } from './deployment-file.ts'

type Role = 'all' | 'web' | 'worker'

export interface Config {
  app: { id: number; privateKey: string; webhookSecret: string; markerKey: string; apiUrl: string }
  /** For all owners without a PostHog of their own; without it, these are not served. */
  posthog: (PostHogAccess & { userToken: string | undefined }) | undefined
  /** The owners with a PostHog of their own. */
  tenants: readonly (PostHogAccess & { owner: string })[]
  run: { model: string; effort: ReasoningEffort | undefined }
  queue: { redisUrl: string | undefined; dataDir: string }
  /** What the deployment grants and bounds: the file, and what it says at the start. */
  settings: { path: string | undefined; first: DeploymentSettings }
  role: Role
  server: { host: string; port: number; proxyUrl: string | undefined; metricsToken: string | undefined }
  log: LogSettings
  /** Where traces are sent, if anywhere. */
  traces: { endpoint: string | undefined }
}

interface PostHogAccess {
  host: string
  apiKey: string
  projectId: string
}

export interface LogSettings {
  level: string
  format: 'json' | 'pretty'
}

export type Read =
  | { kind: 'run'; config: Config }
  /** No App yet: the set-up page makes one. */
  | { kind: 'set-up'; given: SetUpGiven }
  | { kind: 'refuse'; problems: string[] }

/** What the set-up page starts from. */
export interface SetUpGiven {
  host: string
  port: number
  enterprise: string | undefined
  protocol: string
  webhook: string | undefined
  posthogHost: string | undefined
  posthogKey: string | undefined
  posthogProject: string | undefined
}

type Env = Record<string, string | undefined>

/** Every variable that is read, in the order of the README. */
export const variables = [
  'APP_ID',
  'PRIVATE_KEY',
  'PRIVATE_KEY_PATH',
  'WEBHOOK_SECRET',
  'MARKER_KEY',
  'GITHUB_API_URL',
  'GHE_HOST',
  'GHE_PROTOCOL',
  'HOST',
  'PORT',
  'METRICS_TOKEN',
  'WEBHOOK_PROXY_URL',
  'LOG_LEVEL',
  'LOG_FORMAT',
  'POSTHOG_HOST',
  'POSTHOG_API_KEY',
  'POSTHOG_PROJECT_ID',
  'CODEX_GITHUB_USER_TOKEN',
  'CODEX_MODEL',
  'CODEX_REASONING_EFFORT',
  'SETTINGS_FILE',
  'REDIS_URL',
  'DATA_DIR',
  'ROLE',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
] as const
type Variable = (typeof variables)[number]

/** npm waits for the script that it runs, but takes it along only when it is asked to end, not when it is killed. */
export const startedByNpm = (): boolean => process.env.npm_lifecycle_event === 'start'

/**
 * The environment with the values of `.env`, where there is one; the environment wins, and an empty variable is none.
 * @throws an error that names the file when it can't be read
 */
export function environment(): Env {
  for (const file of envFiles().filter(existsSync))
    for (const [name, value] of Object.entries(valuesIn(file)))
      if (!process.env[name]) process.env[name] = value
  return process.env
}

/** The first of these that can be written is the one that the set-up page writes: in a container the second. */
const envFiles = (): string[] =>
  ['.env', join(process.env.DATA_DIR || './data', '.env')].map(file => resolve(file))

/** @throws an error when none can be written */
export function envFileToWrite(): string {
  const file = envFiles().find(isWritable)
  if (file === undefined) throw new Error(`neither ${envFiles().join(' nor ')} can be written`)
  return file
}

function isWritable(file: string): boolean {
  try {
    accessSync(resolve(file, '..'), constants.W_OK)
    if (existsSync(file)) accessSync(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function valuesIn(file: string): Env {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`${file} can't be read: make it a file that the user of this process may read`, { cause })
  }
}

export function readConfig(env: Env): Read {
  const reader = new Reader(env)
  const log = logOf(reader)
  const role = reader.oneOf('ROLE', ['all', 'web', 'worker'], 'all')
  if (!ofApp.some(name => reader.given(name)) && role !== 'worker' && reader.problems.length === 0)
    return setUpOf(reader)
  const settings = settingsOf(reader, role)
  const tenants = tenantsOf(reader, settings.first)
  const config: Config = {
    app: appOf(reader),
    posthog: posthogOf(reader, role, tenants.length > 0),
    tenants,
    run: runOf(reader),
    queue: queueOf(reader, role),
    settings,
    role,
    server: {
      host: reader.given('HOST')?.replace(/^\[(.*)\]$/, '$1') ?? 'localhost',
      port: reader.port(),
      proxyUrl: reader.url('WEBHOOK_PROXY_URL', ['http:', 'https:']),
      metricsToken: metricsTokenOf(reader),
    },
    log,
    traces: { endpoint: reader.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:']) },
  }
  return reader.problems.length > 0 ? { kind: 'refuse', problems: reader.problems } : { kind: 'run', config }
}

/** Who has set one of these has an App, and forgot the rest. */
const ofApp = ['APP_ID', 'PRIVATE_KEY', 'PRIVATE_KEY_PATH', 'WEBHOOK_SECRET'] as const

function setUpOf(reader: Reader): Read {
  const given: SetUpGiven = {
    host: reader.given('HOST') ?? 'localhost',
    port: reader.port(),
    enterprise: reader.given('GHE_HOST'),
    protocol: reader.oneOf('GHE_PROTOCOL', ['https', 'http'], 'https'),
    webhook: reader.given('WEBHOOK_PROXY_URL'),
    posthogHost: reader.given('POSTHOG_HOST'),
    posthogKey: reader.given('POSTHOG_API_KEY'),
    posthogProject: reader.given('POSTHOG_PROJECT_ID'),
  }
  return reader.problems.length > 0
    ? { kind: 'refuse', problems: reader.problems }
    : { kind: 'set-up', given }
}

/** What must never be seen in a log, a comment or an error. */
export const secretsOf = ({ app, posthog, tenants, queue, server }: Config): string[] => [
  app.privateKey,
  app.webhookSecret,
  app.markerKey,
  posthog?.apiKey ?? '',
  posthog?.userToken ?? '',
  ...tenants.map(({ apiKey }) => apiKey),
  server.metricsToken ?? '',
  server.proxyUrl ?? '',
  ...(queue.redisUrl ? passwordOf(queue.redisUrl) : []),
]

/** As it is written in the address, and as it is meant. */
function passwordOf(url: string): string[] {
  const { password } = new URL(url)
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password]
  }
}

function appOf(reader: Reader): Config['app'] {
  const privateKey = privateKeyOf(reader)
  return {
    id: reader.number('APP_ID', 'set it to the number on the settings page of your GitHub App'),
    privateKey,
    webhookSecret: webhookSecretOf(reader),
    markerKey: markerKeyOf(reader, privateKey),
    apiUrl: apiUrlOf(reader),
  }
}

function privateKeyOf(reader: Reader): string {
  const path = reader.given('PRIVATE_KEY_PATH')
  const name =
    reader.given('PRIVATE_KEY') === undefined && path !== undefined ? 'PRIVATE_KEY_PATH' : 'PRIVATE_KEY'
  const given = reader.given('PRIVATE_KEY') ?? (path === undefined ? undefined : fileAt(path))
  if (given !== undefined)
    return (
      pemOf(given) ??
      reader.problem(
        name,
        'is not an RSA private key: use the .pem file that GitHub gave you, whole, or its text in base64',
      )
    )
  // What stands there is not repeated: it may be the key itself.
  if (name === 'PRIVATE_KEY_PATH')
    return reader.problem(name, "names a file that can't be read: set it to the path of the .pem file")
  return reader.problem(
    name,
    'is missing: set it to the private key of your GitHub App, or PRIVATE_KEY_PATH to its file',
  )
}

function fileAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

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

/** The markers' own secret: the same however the private key is written down. */
function markerKeyOf(reader: Reader, privateKey: string): string {
  const given = reader.given('MARKER_KEY')
  if (given !== undefined)
    return given.length >= shortestSecret ? given : reader.problem('MARKER_KEY', tooShort)
  if (privateKey === '') return ''
  return createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' }).toString('base64')
}

/** Whoever sees a marker or a delivery can try secrets at home. */
const shortestSecret = 32
const tooShort = `is shorter than ${shortestSecret} characters, so that it could be guessed: choose another one, e.g. from \`openssl rand -hex 32\``

/** Probot falls back to `development`, so a forgotten variable would let anybody forge webhooks. */
function webhookSecretOf(reader: Reader): string {
  const secret = reader.given('WEBHOOK_SECRET')
  if (secret === undefined)
    return reader.problem(
      'WEBHOOK_SECRET',
      'is missing: set it to the webhook secret of your GitHub App, e.g. from `openssl rand -hex 32`',
    )
  if (secret === 'development')
    return reader.problem(
      'WEBHOOK_SECRET',
      'is `development`, which everybody knows: choose another one, e.g. from `openssl rand -hex 32`',
    )
  if (secret.length < shortestSecret)
    return reader.problem(
      'WEBHOOK_SECRET',
      `${tooShort}, and set it on the App's settings page on GitHub too`,
    )
  return secret
}

function apiUrlOf(reader: Reader): string {
  const url = reader.url('GITHUB_API_URL', ['http:', 'https:'])
  if (url !== undefined) return url.replace(/\/+$/, '')
  const host = reader.given('GHE_HOST')
  if (host === undefined) return 'https://api.github.com'
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?$/.test(host))
    return reader.problem('GHE_HOST', 'is not a host name: leave out https:// and everything after the name')
  return `${reader.oneOf('GHE_PROTOCOL', ['https', 'http'], 'https')}://${host}/api/v3`
}

/** A web process talks to GitHub's webhooks and the queue only; it need not hold PostHog's key. */
function posthogOf(reader: Reader, role: Role, hasTenants: boolean): Config['posthog'] {
  const host = (reader.url('POSTHOG_HOST', ['http:', 'https:']) ?? 'https://us.posthog.com').replace(
    /\/+$/,
    '',
  )
  if (role === 'web') return { host, apiKey: '', projectId: '', userToken: undefined }
  const given = ['POSTHOG_API_KEY', 'POSTHOG_PROJECT_ID'] as const
  if (hasTenants && !given.some(name => reader.given(name))) return undefined
  return {
    host,
    apiKey: apiKeyOf(reader),
    projectId: String(
      reader.number('POSTHOG_PROJECT_ID', 'set it to the number in the address of your PostHog project'),
    ),
    userToken: reader.given('CODEX_GITHUB_USER_TOKEN'),
  }
}

/** The keys of the owners with a PostHog of their own. */
function tenantsOf(reader: Reader, { owners }: DeploymentSettings): Config['tenants'] {
  return Object.entries(owners).flatMap(([owner, { posthog }]) => {
    if (!posthog) return []
    const apiKey = reader.named(posthog.api_key_env)
    if (apiKey === undefined || isProjectKey(apiKey))
      reader.problem(
        'SETTINGS_FILE',
        `names ${posthog.api_key_env} for ${owner}, and that variable ${apiKey === undefined ? 'is not set' : 'holds a project key'}: set it to a personal API key (phx_…) with the scope task:write`,
      )
    return [{ owner, host: posthog.host, projectId: String(posthog.project_id), apiKey: apiKey ?? '' }]
  })
}

const isProjectKey = (key: string): boolean => /^ph[cs]_/.test(key)

function apiKeyOf(reader: Reader): string {
  const key = reader.given('POSTHOG_API_KEY')
  if (key === undefined)
    return reader.problem(
      'POSTHOG_API_KEY',
      'is missing: set it to a personal API key (phx_…) with the scope task:write',
    )
  if (isProjectKey(key))
    return reader.problem(
      'POSTHOG_API_KEY',
      'is a project key, which the Tasks API does not take: use a personal API key (phx_…) with the scope task:write',
    )
  return key
}

const shortestToken = 16

function metricsTokenOf(reader: Reader): string | undefined {
  const token = reader.given('METRICS_TOKEN')
  if (token !== undefined && token.length < shortestToken)
    reader.problem(
      'METRICS_TOKEN',
      `is shorter than ${shortestToken} characters: use a random one, e.g. from \`openssl rand -hex 32\``,
    )
  return token
}

function runOf(reader: Reader): Config['run'] {
  const model = reader.given('CODEX_MODEL') ?? 'gpt-5.5'
  const given = reader.given('CODEX_REASONING_EFFORT')
  if (given === undefined) return { model, effort: undefined }
  const effort = efforts.find(known => known === given.toLowerCase())
  if (!effort) reader.problem('CODEX_REASONING_EFFORT', `is ${given}: use ${effortsFor(model).join(', ')}`)
  else if (!effortsFor(model).includes(effort))
    reader.problem(
      'CODEX_REASONING_EFFORT',
      `is ${effort}, which ${model} does not take: use ${effortsFor(model).join(', ')}`,
    )
  return { model, effort }
}

function queueOf(reader: Reader, role: Role): Config['queue'] {
  const redisUrl = reader.url('REDIS_URL', ['redis:', 'rediss:'])
  if (redisUrl === undefined && role !== 'all')
    reader.problem(
      'REDIS_URL',
      `is missing: ROLE=${role} shares its queue with other processes, which takes Redis; leave ROLE unset to run all in one process`,
    )
  return { redisUrl, dataDir: reader.given('DATA_DIR') ?? './data' }
}

/** What arrives is the same for all; only those who start something need it. */
function settingsOf(reader: Reader, role: Role): Config['settings'] {
  const path = reader.given('SETTINGS_FILE')
  if (path === undefined || role === 'web') return { path: undefined, first: noDeploymentSettings }
  const file = readDeploymentFile(path)
  if (file.kind === 'read') return { path, first: file.settings }
  for (const problem of file.problems) reader.problem('SETTINGS_FILE', problem)
  return { path, first: noDeploymentSettings }
}

function logOf(reader: Reader): LogSettings {
  return {
    level: reader.oneOf('LOG_LEVEL', ['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent'], 'info'),
    format: reader.oneOf('LOG_FORMAT', ['pretty', 'json'], 'pretty'),
  }
}

class Reader {
  readonly problems: string[] = []
  readonly #env: Env

  constructor(env: Env) {
    this.#env = env
  }

  /** A variable that is empty is not there. */
  given(name: Variable): string | undefined {
    return this.#env[name]?.trim() || undefined
  }

  /** A variable whose name stands in the settings file. */
  named(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined
  }

  problem(name: Variable, what: string): '' {
    this.problems.push(`${name} ${what}`)
    return ''
  }

  number(name: Variable, hint: string): number {
    const text = this.given(name)
    if (text !== undefined && /^[1-9]\d{0,14}$/.test(text)) return Number(text)
    this.problem(name, text === undefined ? `is missing: ${hint}` : `is not a number: ${hint}`)
    return 0
  }

  port(): number {
    const text = this.given('PORT') ?? '3000'
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
    this.problem('PORT', 'is not a port: use a number from 0 to 65535')
    return 0
  }

  url(name: Variable, protocols: string[]): string | undefined {
    const text = this.given(name)
    if (text === undefined) return undefined
    const protocol = URL.canParse(text) ? new URL(text).protocol : ''
    if (protocols.includes(protocol)) return text
    this.problem(
      name,
      `is not an address: it begins with ${protocols.map(known => `${known}//`).join(' or ')}`,
    )
    return undefined
  }

  oneOf<const T extends string>(name: Variable, known: readonly T[], otherwise: T): T {
    const text = this.given(name)?.toLowerCase()
    const found = known.find(value => value === text)
    if (text !== undefined && found === undefined) this.problem(name, `is ${text}: use ${known.join(', ')}`)
    return found ?? otherwise
  }
}
