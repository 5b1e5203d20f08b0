/** All state of one emulated project. */
import { randomUUID } from 'node:crypto'
import { Agent } from './agent.ts'
import { Scripts } from './behaviour.ts'
import type { Driver, MakeDriver } from './driver.ts'
import { Faults, type RouteName } from './fault.ts'
import type { Settings } from './options.ts'
import { aborter, Interrupted, pause } from './pause.ts'
import type { ArtifactEntry, Run, Task } from './run.ts'

export class World {
  readonly settings: Settings
  readonly tasks: Task[] = []
  readonly runs: Run[] = []
  readonly ledger: LedgerEntry[] = []
  readonly calls: Call[] = []
  readonly scripts = new Scripts()
  readonly faults = new Faults()
  readonly artifacts = new ArtifactStore()
  readonly agent: Driver
  readonly closing = aborter()

  constructor(
    settings: Settings,
    drives: MakeDriver = world => new Agent(settings, world.scripts),
  ) {
    this.settings = settings
    this.agent = drives(this)
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
  /** Where a stream is to go on. */
  lastEventId: string | undefined
  faults: string[]
}

// Uploads in flight, and the pretended object storage they land in.

export interface StagedArtifact {
  /** The task, or the run, it belongs to. */
  owner: string
  entry: ArtifactEntry
  size: number
  finalized: boolean
}

type Upload = Omit<ArtifactEntry, 'id' | 'storage_path' | 'uploaded_at'>

const hour = 3_600_000

class ArtifactStore {
  readonly #staged = new Map<string, StagedArtifact & { expires: number }>()
  readonly objects = new Map<string, Buffer>()

  prepare(owner: string, prefix: string, upload: Upload): StagedArtifact {
    const id = randomUUID().replaceAll('-', '')
    const path = `${prefix}/artifacts/${id}_${upload.name}`
    const entry = { ...upload, id, storage_path: path, uploaded_at: new Date().toISOString() }
    const staged = {
      owner,
      entry,
      size: upload.size,
      finalized: false,
      expires: Date.now() + 24 * hour,
    }
    this.#staged.set(id, staged)
    return staged
  }

  /** Undefined for an id or a path which was not prepared for this owner. */
  prepared(owner: string, id: string, storagePath: string): StagedArtifact | undefined {
    const staged = this.#staged.get(id)
    return staged?.owner === owner && staged.entry.storage_path === storagePath ? staged : undefined
  }

  preparedPath(storagePath: string): StagedArtifact | undefined {
    return [...this.#staged.values()].find(({ entry }) => entry.storage_path === storagePath)
  }

  finalized(owner: string, id: string): StagedArtifact | undefined {
    const staged = this.#staged.get(id)
    const usable = staged?.owner === owner && staged.finalized && staged.expires > Date.now()
    return usable ? staged : undefined
  }

  /** A run takes its staged artifacts with it: they serve once. */
  consume(ids: readonly string[]): void {
    for (const id of ids) this.#staged.delete(id)
  }
}
