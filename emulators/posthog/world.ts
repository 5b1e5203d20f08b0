/** All state of one emulated project. */
import { Agent } from './agent.ts'
import { ArtifactStore, type StagedArtifact } from './artifacts.ts'
import { Scripts } from './behaviour.ts'
import { Faults } from './fault.ts'
import { isUuid } from './fields.ts'
import type { ApiKey, Settings } from './options.ts'
import { aborter, Interrupted, pause } from './pause.ts'
import { notFound } from './reply.ts'
import type { ApiRequest, RouteName } from './route.ts'
import type { Run } from './run.ts'
import type { Task } from './tasks.ts'

export class World {
  readonly settings: Settings
  readonly tasks: Task[] = []
  readonly runs: Run[] = []
  readonly ledger: LedgerEntry[] = []
  readonly calls: Call[] = []
  readonly scripts = new Scripts()
  readonly faults = new Faults()
  readonly artifacts = new ArtifactStore()
  readonly agent: Agent
  readonly closing = aborter()

  constructor(settings: Settings) {
    this.settings = settings
    this.agent = new Agent(settings, this.scripts)
  }

  record(request: ApiRequest, kind: LedgerKind, task: Task, runId?: string): void {
    this.ledger.push({
      kind,
      at: Date.now(),
      taskId: task.id,
      ...(runId === undefined ? {} : { runId }),
      body: request.body(),
    })
  }

  /** Another user's task is not there at all. */
  sees(caller: ApiKey, task: Task): boolean {
    return task.createdBy === caller.userId
  }

  task(request: ApiRequest): Task {
    return this.#task(request) ?? refuse()
  }

  /** The run views word their missing task differently. */
  taskOfRuns(request: ApiRequest): Task {
    return this.#task(request) ?? refuse('Task not found')
  }

  run(request: ApiRequest): Run {
    const task = this.taskOfRuns(request)
    const id = request.param('run').toLowerCase()
    return this.runsOf(task).find(run => run.id === id) ?? refuse()
  }

  runsOf(task: Task): Run[] {
    return this.runs.filter(run => run.task === task && !run.deleted)
  }

  /** What lists and a task's `latest_run` show: a lagging replica does not have the youngest yet. */
  listedRuns(task: Task, staleMs: number): Run[] {
    const now = Date.now()
    return this.runsOf(task).filter(
      run => run.listedFrom <= now && (staleMs === 0 || run.createdAt.getTime() <= now - staleMs),
    )
  }

  staged(task: Task, ids: readonly string[]): { found: StagedArtifact[]; missing: string[] } {
    const known = ids.map(id => this.artifacts.finalized(task.id, id))
    return {
      found: known.filter(artifact => artifact !== undefined),
      missing: ids.filter((_, index) => known[index] === undefined),
    }
  }

  later(ms: number, act: () => void): void {
    pause(ms, this.closing.signal).then(act, (thrown: unknown) => {
      if (!(thrown instanceof Interrupted)) throw thrown
    })
  }

  close(): void {
    this.closing.abort()
    for (const run of this.runs) run.life.abort()
  }

  #task(request: ApiRequest): Task | undefined {
    const id = request.param('task').toLowerCase()
    if (!isUuid(id)) return undefined
    return this.tasks.find(task => task.id === id && this.sees(request.caller, task))
  }
}

function refuse(detail?: string): never {
  throw notFound(detail)
}

// What the emulator accepted and did, and every call it saw: the two things a test counts.

export type LedgerKind = 'task' | 'run' | 'message' | 'command' | 'cancel' | 'start' | 'artifact'

export interface LedgerEntry {
  kind: LedgerKind
  /** Epoch milliseconds. */
  at: number
  taskId: string
  runId?: string
  /** Exactly as it was sent. */
  body: unknown
}

export interface Call {
  method: string
  path: string
  query: Record<string, string>
  route: RouteName | undefined
  /** 0 when the caller got no answer. */
  status: number
  at: number
  headers: Record<string, string>
  faults: string[]
}

const loggedHeaders = ['user-agent', 'content-type', 'accept', 'last-event-id']

export function safeHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of loggedHeaders) {
    const value = headers[name]
    if (typeof value === 'string') kept[name] = value
  }
  return kept
}
