/**
 * What the agent-server calls at PostHog, on the runs of an emulated one. What it appends to the log is what
 * `session_logs` serves, what it uploads as events is what the stream shows, and its PATCHes are the run's row.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { presentRun, presentTask } from '../../emulators/posthog/present.ts'
import type { FinalStatus, Run } from '../../emulators/posthog/run.ts'
import type { World } from '../../emulators/posthog/world.ts'
import { closed, readAll } from '../../emulators/serving.ts'

/** The address that an agent knows GitHub by; the emulated one has another. */
const gitHub = 'https://github.com'

const Patch = z.looseObject({
  status: z.enum(['queued', 'in_progress', 'completed', 'failed', 'cancelled']).optional(),
  error_message: z.string().nullish(),
  branch: z.string().nullish(),
  output: z.record(z.string(), z.unknown()).nullish(),
  state: z.record(z.string(), z.unknown()).optional(),
  state_remove_keys: z.array(z.string()).optional(),
})
type Patch = z.infer<typeof Patch>

/** JSON-RPC of any kind: calls, their answers, notifications. */
const Entry = z.looseObject({
  type: z.literal('notification'),
  /** Permissions have none. */
  event_id: z.string().optional(),
  timestamp: z.string(),
  notification: z.looseObject({
    jsonrpc: z.literal('2.0'),
    id: z.number().optional(),
    method: z.string().optional(),
  }),
})
const Appended = z.object({ entries: z.array(Entry) })

const EventLine = z.union([
  z.object({ seq: z.number(), event: z.record(z.string(), z.unknown()) }),
  /** The last one says that all was sent. */
  z.object({ type: z.string(), final_seq: z.number() }),
])

interface Asked {
  run: Run
  method: string
  /** Below the run. */
  path: string
  request: IncomingMessage
}

interface Reply {
  status: number
  body: unknown
}

const ok = (body: unknown): Reply => ({ status: 200, body })

export class SandboxApi {
  readonly key: string
  readonly #world: World
  readonly #gitHubUrl: string
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy())
  })
  readonly #seqOf = new WeakMap<Run, number>()

  constructor(world: World, gitHubUrl: string) {
    this.#world = world
    this.#gitHubUrl = gitHubUrl
    this.key = 'pha_keyOfTheSandboxes000000000000000000'
  }

  async listen(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): Promise<void> {
    return closed(this.#server)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request
    const { pathname } = new URL(request.url ?? '/', this.url)
    const answer = (reply: Reply) => {
      const text =
        typeof reply.body === 'string' ? reply.body : this.#outwards(JSON.stringify(reply.body))
      response.writeHead(reply.status, { 'content-type': 'application/json' }).end(text)
    }
    if (headers.authorization !== `Bearer ${this.key}`)
      return answer({ status: 401, body: { detail: 'No such key.' } })
    if (pathname === '/api/users/@me/') return answer(ok({ id: 1, distinct_id: 'user-1' }))
    const [, taskId, runId, path = ''] =
      /^\/api\/projects\/\d+\/tasks\/([^/]+)(?:\/runs\/([^/]+)(?:\/(.*?))?)?\/?$/.exec(pathname) ??
      []
    const task = this.#world.tasks.find(({ id }) => id === taskId)
    const run = this.#world.runs.find(({ id, task: of }) => id === runId && of === task)
    if (task && runId === undefined) return answer(ok(presentTask(task, this.#world)))
    if (!run) return answer({ status: 404, body: { detail: 'Not found.' } })
    if (path === 'event_stream') return answer(await this.#takeEvents(run, request))
    answer(await this.#answer({ run, method, path, request }))
  }

  async #answer({ run, method, path, request }: Asked): Promise<Reply> {
    const text = (await readAll(request)).toString('utf8')
    const body: unknown = text === '' ? undefined : JSON.parse(this.#inwards(text))
    switch (`${method} ${path}`) {
      case 'GET ':
        return ok(shown(run))
      case 'PATCH ':
        return this.#patch(run, Patch.parse(body))
      case 'POST append_log':
        run.log.push(...Appended.parse(body).entries)
        return ok(shown(run))
      case 'GET logs':
        return ok(`${run.log.map(entry => this.#outwards(JSON.stringify(entry))).join('\n')}\n`)
      case 'PATCH set_output':
        run.addOutput(z.record(z.string(), z.unknown()).parse(body))
        return ok(shown(run))
      case 'POST relay_message':
        return ok({ status: 'ok' })
      case 'POST artifacts':
        return this.#keep(run, Artifacts.parse(body).artifacts)
      default:
        return { status: 404, body: { detail: 'Not found.' } }
    }
  }

  /** `state` and `output` are merged, key by key [R: `TaskRunUpdateSerializer`]. */
  #patch(run: Run, patch: Patch): Reply {
    const {
      status,
      error_message: error,
      branch,
      output,
      state = {},
      state_remove_keys: removed = [],
    } = patch
    run.setState(state, removed)
    if (output) run.addOutput(output)
    if (branch !== undefined) run.change({ branch })
    if (status !== undefined && isFinal(status)) {
      run.close(status, error ?? null)
      // The workflow sees it, and ends the sandbox.
      run.life.abort()
    } else if (status !== undefined) run.change({ status })
    return ok(shown(run))
  }

  /** An empty upload asks how far the server has got; a long one may last for minutes. */
  async #takeEvents(run: Run, request: IncomingMessage): Promise<Reply> {
    for await (const text of createInterface({ input: request })) {
      if (text.trim() === '') continue
      const line = EventLine.parse(JSON.parse(this.#inwards(text)))
      if (!('event' in line) || line.seq <= this.#seq(run)) continue
      this.#seqOf.set(run, line.seq)
      if (!run.terminal) run.emit(line.event)
    }
    return ok({ last_accepted_seq: this.#seq(run) })
  }

  #seq(run: Run): number {
    return this.#seqOf.get(run) ?? 0
  }

  #keep(run: Run, artifacts: z.infer<typeof Artifacts>['artifacts']): Reply {
    for (const { name } of artifacts) run.keeps(name)
    return ok({ artifacts: run.artifacts })
  }

  #inwards(text: string): string {
    return text.replaceAll(gitHub, this.#gitHubUrl)
  }

  #outwards(text: string): string {
    return text.replaceAll(this.#gitHubUrl, gitHub)
  }
}

const Artifacts = z.object({ artifacts: z.array(z.looseObject({ name: z.string() })) })

/** A run without an address of its log is resumed without its history. */
const shown = (run: Run) => ({ ...presentRun(run), log_url: `/runs/${run.id}/logs` })

const finals: readonly string[] = ['completed', 'failed', 'cancelled']
const isFinal = (status: string): status is FinalStatus => finals.includes(status)
