/**
 * One sandbox: the real agent-server, with Codex below it, in namespaces of its own. Nothing of it outlives a kill, and
 * its `/tmp` is a folder of the run. It is spoken to as PostHog does, with a token that its key signed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/free-port.ts'
import { agentServer, node, root } from './installed.ts'

export interface SandboxGiven {
  taskId: string
  runId: string
  projectId: number
  apiUrl: string
  apiKey: string
  gatewayUrl: string
  mode: string
  model: string
  effort: string | undefined
  autoPublish: boolean
  baseBranch: string
  /** Where its home, its `/tmp` and its checkout are. */
  folder: string
  gitHubToken: string
}

export interface Answer {
  status: number
  body: unknown
}

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

/** In which namespaces it runs. The checkout of the bot may lie in `/tmp` itself, and stays where it is. */
const enter = `
case "$1" in /tmp/*) mkdir -p "$2/\${1#/tmp/}"; mount --rbind "$1" "$2/\${1#/tmp/}" ;; esac
mount --rbind "$2" /tmp
shift 2
exec "$@"`

export class Sandbox {
  readonly #given: SandboxGiven
  readonly #port: number
  readonly #process: ChildProcess
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  isGone = false

  private constructor(given: SandboxGiven, port: number) {
    this.#given = given
    this.#port = port
    const { folder, taskId, runId, mode, baseBranch, autoPublish } = given
    const options = {
      port,
      mode,
      taskId,
      runId,
      baseBranch,
      autoPublish,
      repositoryPath: join(folder, 'repo'),
    }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    const inside = ['sh', '-ec', enter, 'sh', root, join(folder, 'tmp'), node, agentServer, ...args]
    this.#process = spawn(
      'unshare',
      ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', ...inside],
      { cwd: folder, env: environment(given), stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const log = createWriteStream(join(folder, 'agent.log'), { flags: 'a' })
    for (const output of [this.#process.stdout, this.#process.stderr])
      output?.pipe(log, { end: false })
    this.exited = new Promise(resolve =>
      this.#process.once('exit', (code, signal) => {
        this.isGone = true
        resolve({ code, signal })
      }),
    )
  }

  static async start(given: SandboxGiven): Promise<Sandbox> {
    const { folder, apiUrl, apiKey, projectId } = given
    for (const name of ['home', 'codex', 'tmp', 'repo'])
      await mkdir(join(folder, name), { recursive: true })
    const live = { POSTHOG_API_URL: apiUrl, POSTHOG_PROJECT_ID: String(projectId) }
    await writeFile(join(folder, 'tmp/agent-env'), zeroSeparated(live))
    // Where PostHog puts the key for the agent's own tools.
    const own = zeroSeparated({ POSTHOG_PERSONAL_API_KEY: apiKey })
    await writeFile(join(folder, 'tmp/agent-oauth-env'), own)
    await writeFile(
      join(folder, 'tmp/agent-github-env'),
      zeroSeparated({ GH_TOKEN: given.gitHubToken }),
    )
    return new Sandbox(given, await freePort())
  }

  /** Until it takes commands; false if it ended before. */
  async ready(): Promise<boolean> {
    while (!this.isGone) {
      const health = await fetch(`${this.#url}/health`).then(
        answer => answer.text(),
        () => '',
      )
      if (health.includes('"hasSession":true')) return true
      await Promise.race([sleep(50), this.exited])
    }
    return false
  }

  /** JSON-RPC, as PostHog's workflow sends it. */
  async command(
    method: string,
    params: object,
    id: unknown = `${method}-${Date.now()}`,
  ): Promise<Answer> {
    const answer = await fetch(`${this.#url}/command`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token()}` },
      body: JSON.stringify({ jsonrpc: '2.0', method, params, id }),
    })
    return { status: answer.status, body: await answer.json() }
  }

  /** Somebody reads its events, as a desktop does. */
  async watch(signal: AbortSignal): Promise<void> {
    const headers = { authorization: `Bearer ${this.token()}` }
    const { body } = await fetch(`${this.#url}/events`, { headers, signal })
    for await (const _ of body ?? []) if (signal.aborted) return
  }

  /** At once, with all that runs in it. */
  kill(): void {
    if (!this.isGone) this.#process.kill('SIGKILL')
  }

  async closed(): Promise<void> {
    this.kill()
    if (!this.isGone) await once(this.#process, 'exit')
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  private token(): string {
    const { taskId, runId, projectId, mode } = this.#given
    const now = Math.floor(Date.now() / 1000)
    const who = { team_id: projectId, user_id: 1, distinct_id: 'user-1' }
    const claims = { task_id: taskId, run_id: runId, mode, ...who, iat: now, exp: now + 600 }
    return signed({ ...claims, aud: 'posthog:sandbox_connection' })
  }
}

function signed(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${createSign('RSA-SHA256').update(text).sign(keys.privateKey, 'base64url')}`
}

/** Nothing of the environment of the tests gets in. */
const environment = (given: SandboxGiven): Record<string, string> => ({
  PATH: `${join(given.folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
  LANG: 'C.UTF-8',
  HOME: join(given.folder, 'home'),
  CODEX_HOME: join(given.folder, 'codex'),
  TMPDIR: '/tmp',
  IS_SANDBOX: '1',
  JWT_PUBLIC_KEY: keys.publicKey,
  POSTHOG_API_URL: given.apiUrl,
  POSTHOG_PERSONAL_API_KEY: given.apiKey,
  POSTHOG_PROJECT_ID: String(given.projectId),
  POSTHOG_TASK_RUN_EVENT_INGEST_TOKEN: given.apiKey,
  POSTHOG_CODE_RUNTIME_ADAPTER: 'codex',
  POSTHOG_CODE_MODEL: given.model,
  ...(given.effort === undefined ? {} : { POSTHOG_CODE_REASONING_EFFORT: given.effort }),
  LLM_GATEWAY_URL: given.gatewayUrl,
})

const zeroSeparated = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\0`)
    .join('')
