/** The settings of a process, read from its environment and checked as a whole. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { efforts, type ReasoningEffort } from './core/model/codex-task-run-create.ts'
import { type DeploymentSettings, noDeploymentSettings } from './core/settings/deployment-settings.ts'
import { readDeploymentFile } from './deployment-file.ts'
import {
  type Env,
  type Given,
  hints,
  isProjectKey,
  namedVariable,
  notAKey,
  pemOf,
  readVariables,
} from './environment.ts'

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
  webhooks: Given['WEBHOOKS']
  queue: { redisUrl: string | undefined; dataDir: string }
  settings: { path: string | undefined; first: DeploymentSettings }
  role: Given['ROLE']
  server: {
    host: string
    port: number
    metricsToken: string | undefined
    adminToken: string | undefined
  }
  log: { level: Given['LOG_LEVEL']; format: Given['LOG_FORMAT'] }
}

export type PostHogAccess = Record<'host' | 'apiKey' | 'projectId', string>

export type Read =
  | { kind: 'run'; config: Config }
  | { kind: 'set-up'; given: SetUpGiven }
  | { kind: 'refuse'; problems: string[] }

/** What the set-up page need not ask for. */
const givenToSetUp = (env: Env, given: Given) => ({
  host: given.HOST,
  port: given.PORT,
  enterprise: given.GHE_HOST,
  protocol: given.GHE_PROTOCOL,
  posthogHost: env.POSTHOG_HOST?.trim() ? given.POSTHOG_HOST : undefined,
  posthogKey: given.POSTHOG_API_KEY,
  posthogProject: given.POSTHOG_PROJECT_ID === undefined ? undefined : String(given.POSTHOG_PROJECT_ID),
})
export type SetUpGiven = ReturnType<typeof givenToSetUp>

export function readConfig(env: Env): Read {
  const { given, problems } = readVariables(env)
  const role = given.ROLE
  // An error: webhooks that go to a channel would be lost without a word.
  if (env.WEBHOOK_PROXY_URL?.trim())
    problems.push(
      'WEBHOOK_PROXY_URL is no variable any more: delete it, and set WEBHOOKS=poll. The bot then reads GitHub’s log of webhooks, with those that came meanwhile',
    )
  if (!ofApp.some(name => env[name]?.trim()) && role !== 'worker' && problems.length === 0)
    return { kind: 'set-up', given: givenToSetUp(env, given) }
  const reading: Reading = { env, given, problems }
  const settings = deploymentSettingsOf(reading)
  const tenants = role === 'web' ? [] : tenantsOf(reading, settings.first)
  const app = appOf(reading)
  const posthog = posthogOf(reading, tenants.length > 0)
  const { CODEX_REASONING_EFFORT: asked } = given
  const effort = efforts.find(known => known === asked)
  if (asked !== undefined && !effort)
    problems.push(`CODEX_REASONING_EFFORT is ${asked}: use ${efforts.join(', ')}`)
  if (!env.REDIS_URL?.trim() && role !== 'all')
    problems.push(
      `REDIS_URL is missing: ROLE=${role} needs Redis. Set REDIS_URL, or leave ROLE out to run everything in one process`,
    )
  const config: Config = {
    app,
    posthog,
    tenants,
    run: { model: given.CODEX_MODEL, effort },
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
  }
  return problems.length > 0 ? { kind: 'refuse', problems } : { kind: 'run', config }
}

interface Reading {
  env: Env
  given: Given
  problems: string[]
}

function missing({ problems, env }: Reading, name: keyof typeof hints): void {
  if (!env[name]?.trim()) problems.push(`${name} is missing: ${hints[name]}`)
}

const ofApp = ['APP_ID', 'PRIVATE_KEY', 'PRIVATE_KEY_PATH', 'WEBHOOK_SECRET'] as const

export const secretsOf = ({ app, posthog, tenants, queue, server }: Config): string[] => [
  app.privateKey,
  app.webhookSecret,
  app.webhookSecretOld ?? '',
  app.markerKey,
  ...app.markerKeysOld,
  posthog?.apiKey ?? '',
  posthog?.userToken ?? '',
  ...tenants.map(({ apiKey }) => apiKey),
  server.metricsToken ?? '',
  server.adminToken ?? '',
  ...(queue.redisUrl ? passwordOf(queue.redisUrl) : []),
]

function passwordOf(url: string): string[] {
  const { password } = new URL(url)
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password]
  }
}

function appOf(reading: Reading): Config['app'] {
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
const markerKeyOf = (privateKey: string): string =>
  createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' }).toString('base64')

function oldMarkerKeyOf(given: string): string {
  const pem = pemOf(given)
  return pem === undefined ? given : markerKeyOf(pem)
}

/** The value is not repeated: it may be the key itself. */
function keyInFile(reading: Reading): string {
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
    problems.push("PRIVATE_KEY_PATH names a file that can't be read: set it to the path of the .pem file")
    return ''
  }
}

/** A web process needs no PostHog key. */
function posthogOf(reading: Reading, hasTenants: boolean): Config['posthog'] {
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

function tenantsOf({ env, problems }: Reading, { owners }: DeploymentSettings): Config['tenants'] {
  return Object.entries(owners).flatMap(([owner, { posthog }]) => {
    if (!posthog) return []
    const apiKey = namedVariable(env, posthog.api_key_env)
    if (apiKey === undefined || isProjectKey(apiKey))
      problems.push(
        `SETTINGS_FILE names ${posthog.api_key_env} for owners.${owner}, and that variable ${apiKey === undefined ? 'is not set' : 'holds a project key'}: ${hints.POSTHOG_API_KEY}`,
      )
    return [{ owner, host: posthog.host, projectId: String(posthog.project_id), apiKey: apiKey ?? '' }]
  })
}

function deploymentSettingsOf({ given, problems }: Reading): Config['settings'] {
  const path = given.SETTINGS_FILE
  if (path === undefined) return { path: undefined, first: noDeploymentSettings }
  const file = readDeploymentFile(path)
  if (file.kind === 'read') return { path, first: file.settings }
  if (given.ROLE !== 'web') problems.push(...file.problems.map(problem => `SETTINGS_FILE ${problem}`))
  return { path, first: noDeploymentSettings }
}
