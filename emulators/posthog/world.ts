/** All state of one emulated project. */
import { Agent } from './agent.ts'
import type { StagedArtifact } from './artifact-store.ts'
import { ArtifactStore } from './artifact-store.ts'
import { Scripts } from './behaviour.ts'
import { Faults } from './fault.ts'
import type { Call, LedgerEntry, LedgerKind } from './ledger.ts'
import type { ApiKey, Settings } from './options.ts'
import { aborter, Interrupted, pause } from './pause.ts'
import { notFound } from './reply.ts'
import type { ApiRequest } from './route.ts'
import type { Run } from './run.ts'
import type { Task } from './task.ts'
import { isUuid } from './uuid.ts'

const sharedOrigins = ['signal_report', 'signals_scout', 'onboarding', 'workflow']

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
      keyUserId: request.caller.userId,
      accepted: true,
    })
  }

  /** Another user's task is not there at all. */
  sees(caller: ApiKey, task: Task): boolean {
    return !task.deleted && (task.createdBy === caller.userId || sharedOrigins.includes(task.originProduct))
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

  latestRun(task: Task): Run | undefined {
    return this.runsOf(task).at(-1)
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
