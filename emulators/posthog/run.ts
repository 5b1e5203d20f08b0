/** A task, and one run of it: its row, its stored log, and the frames of its stream. */
import { randomUUID } from 'node:crypto'
import type { Behaviour, End, StopsShort } from './behaviour.ts'
import type { OpenPull } from './hands.ts'
import { aborter } from './pause.ts'

export type RunStatus = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'
export type FinalStatus = 'completed' | 'failed' | 'cancelled'

const finals: readonly RunStatus[] = ['completed', 'failed', 'cancelled']

/** An entry of the log: a request and its answer have an id in common. */
export interface Notification {
  type: 'notification'
  timestamp: string
  event_id?: string | undefined
  notification: { jsonrpc: '2.0'; id?: number; method?: string; [part: string]: unknown }
}

export interface Task {
  id: string
  number: number
  title: string
  titleManuallySet: boolean
  description: string
  repository: string | null
  githubIntegration: number | null
  createdBy: number
  createdAt: Date
  updatedAt: Date
  /** Lists don't show it before this time (a lagging replica). */
  listedFrom: number
}

export interface Frame {
  ms: number
  n: number
  data: object
}

export interface Message {
  text: string
  id: string | number | boolean | undefined
  /** For a turn that nobody's script is for: PostHog's own. */
  behaviour?: Behaviour
}

/** Somebody is asked whether the agent may. */
interface PendingPermission {
  /** A question takes any other, too [P]. */
  offers: readonly string[] | undefined
  answer(optionId: string): void
}

export interface ArtifactEntry {
  id: string
  name: string
  type: string
  source: string
  size: number
  content_type: string
  storage_path: string
  uploaded_at: string
}

/** Where the agent's commits go, once it has made some. */
export interface WorkingBranch {
  name: string
  pull: OpenPull | undefined
}

export interface NewRun {
  task: Task
  branch: string | null
  prompt: string
  state: Record<string, unknown>
  artifacts: ArtifactEntry[]
  resumedFrom: Run | undefined
  staleMs: number
  maxFrames: number
  /** From an event to its entry in the log. */
  logMs: number
}

type Row = Pick<Run, 'status' | 'branch' | 'output'>

export class Run {
  readonly id: string = randomUUID()
  readonly sessionId: string = randomUUID()
  readonly task: Task
  readonly resumedFrom: Run | undefined
  status: RunStatus = 'queued'
  /** What the API shows in its place: a word that our client has never heard. */
  shownStatus: string | undefined
  branch: string | null
  errorMessage: string | null = null
  output: Record<string, unknown> | null = null
  state: Record<string, unknown>
  artifacts: ArtifactEntry[]
  /** `task_summary`, by the agent, at most 1,500 characters. */
  summary: string | null = null
  prompt: string
  readonly createdAt = new Date()
  updatedAt = this.createdAt
  completedAt: Date | null = null
  readonly listedFrom: number

  /** What append_log has brought; the rest dies with the sandbox. */
  readonly log: Notification[] = []
  readonly #unstored: Notification[] = []
  readonly #logMs: number
  #storedAt = 0
  #storing: NodeJS.Timeout | undefined
  /** A 400 of append_log: what is brought now is lost for good. */
  losesLog = false
  /** Requests of the server around the agent, and those of the agent to it, are counted apart. */
  readonly #ids = { server: 0, agent: 0 }
  frames: Frame[] = []
  readonly listeners = new Set<() => void>()
  readonly #maxFrames: number

  /** Aborted when its sandbox is gone; every wait of its agent hangs on it. */
  readonly life = aborter()
  sandboxUp = false
  cancelling = false
  deleted = false
  workflowGone = false
  working: WorkingBranch | undefined
  readonly inbox: Message[] = []
  readonly seenMessages = new Set<string | number | boolean>()
  onMessage: (() => void) | undefined
  /** Cuts the idle hour short. */
  onIdleOver: (() => void) | undefined
  /** By the ids of their requests. */
  readonly permissions = new Map<string, PendingPermission>()
  ciTurns = 0
  manual: { end(end: End): void } | undefined
  /** Its last turn was a test's; so is its end. */
  byHand = false
  /** While a turn goes on: the agent drops what it does, and does this instead. */
  steer: ((behaviour: Behaviour) => void) | undefined
  /** Words that came during the first turn, which reads them. */
  steers: Message[] | undefined
  /** For the answer to a question that its last turn ended with. */
  next: Behaviour | undefined
  /** What the clone has checked out, before any work. */
  checkedOut: string | undefined
  /** The model said or did something in this turn. */
  answered = false
  turns = 0
  /** US dollars: it grows while a turn goes on. */
  cost = 0
  /** Takes words and never reads them. */
  deaf = false
  /** How many entries of the log show at most. */
  logShown: number | undefined
  onTurn: (() => void)[] = []

  constructor(given: NewRun) {
    this.task = given.task
    this.branch = given.branch
    this.prompt = given.prompt
    this.state = given.state
    this.artifacts = given.artifacts
    this.resumedFrom = given.resumedFrom
    this.working = given.resumedFrom?.working
    this.listedFrom = this.createdAt.getTime() + given.staleMs
    this.#maxFrames = given.maxFrames
    this.#logMs = given.logMs
    this.#emitState()
  }

  get terminal(): boolean {
    return finals.includes(this.status)
  }

  /** Its first end counts; what its agent reports later is still merged. */
  change(row: Partial<Row>): void {
    const { status = this.status, ...rest } = row
    Object.assign(this, rest, this.terminal ? undefined : { status })
    this.#touch()
  }

  showStatus(status: string | undefined): void {
    this.shownStatus = status
    this.#touch()
  }

  addOutput(output: Record<string, unknown>): void {
    this.change({ output: { ...this.output, ...output } })
  }

  setState(state: Record<string, unknown>, remove: readonly string[] = []): void {
    const kept = Object.entries(this.state).filter(([key]) => !remove.includes(key))
    this.state = { ...Object.fromEntries(kept), ...state }
    this.#touch()
  }

  /** The row alone: its agent may still be there. */
  close(status: FinalStatus, errorMessage: string | null = null): void {
    if (this.terminal) return
    this.completedAt = new Date()
    Object.assign(this, { status, errorMessage, shownStatus: undefined })
    this.#touch()
  }

  /** By PostHog's workflow, which stops the sandbox in good order. */
  finish(status: FinalStatus, errorMessage: string | null = null): void {
    if (this.terminal) return
    if (this.sandboxUp) this.console('Stopping agent server...')
    this.store()
    this.close(status, errorMessage)
    this.life.abort()
  }

  /** SIGKILL. */
  die(): void {
    this.#unstored.length = 0
    this.life.abort()
  }

  /** The base branches and working branches of this run and of those it goes on from. */
  branchesOfSession(): unknown[] {
    const own = [
      this.state.pr_base_branch,
      this.branch,
      this.working?.name,
      this.output?.head_branch,
    ]
    return [...own, ...(this.resumedFrom?.branchesOfSession() ?? [])]
  }

  note(method: string, params: object): void {
    this.#write({ method, params })
  }

  /** @returns the id that its answer will have */
  ask(method: string, params: object, from: 'server' | 'agent' = 'server'): number {
    const id = this.#ids[from]++
    this.#write({ id, method, params })
    return id
  }

  answer(id: number, said: { result: object } | { error: object }): void {
    this.#write({ id, ...said })
  }

  update(update: Record<string, unknown>): void {
    this.note('session/update', this.#updated(update))
  }

  console(message: string, level: 'debug' | 'warn' | 'error' = 'debug'): void {
    this.note('_posthog/console', { level, message })
  }

  progress(
    step: string,
    status: 'in_progress' | 'completed' | 'failed',
    label: string,
    detail?: string,
  ): void {
    const group = step === 'ci' ? {} : { group: `setup:${this.id}` }
    this.note('_posthog/progress', { ...group, step, status, label, ...(detail ? { detail } : {}) })
  }

  /** The deltas go to the stream alone; the log keeps the whole message. */
  say(text: string): void {
    this.answered = true
    for (const chunk of text.match(/[\s\S]{1,80}/gu) ?? [])
      this.emit(
        entryOf({
          method: 'session/update',
          params: this.#updated(spoken('agent_message_chunk', chunk)),
        }),
      )
    this.update(spoken('agent_message', text))
  }

  /** A file that the agent made. */
  keeps(name: string): void {
    const id = randomUUID().replaceAll('-', '')
    this.artifacts.push({
      id,
      name,
      type: 'output',
      source: 'agent',
      size: 2_048,
      content_type: 'application/pdf',
      storage_path: `tasks/artifacts/run_${this.id}/${id}_${name}`,
      uploaded_at: new Date().toISOString(),
    })
    this.#touch()
  }

  /** Ends without the end of its turn [R: `update_task_run_status.py`; a wall-clock failure has no error]. */
  stopShort(by: StopsShort): void {
    const isOlder = by === 'older-workflow'
    if (!isOlder) this.state[by] = true
    const error = isOlder ? 'Sandbox stopped; resume to continue' : null
    this.finish(by === 'timed_out_wall_clock' ? 'failed' : 'completed', error)
  }

  /** Written to the log without the stream, which has a frame of its own for it. */
  logOnly(method: string, params: object): void {
    this.#write({ method, params }, false)
  }

  #write(notification: object, streamed = true): void {
    if (this.life.signal.aborted) return
    const entry = entryOf(notification)
    this.#unstored.push(entry)
    if (streamed) this.emit(entry)
    this.#storeLater()
  }

  /** Half a second after the last event, or at once when it was long ago [R: `session-log-writer.ts`, P]. */
  #storeLater(): void {
    clearTimeout(this.#storing)
    const isOverdue = Date.now() - this.#storedAt >= 10 * this.#logMs
    if (this.#logMs === 0) this.store()
    else this.#storing = setTimeout(() => this.store(), isOverdue ? 0 : this.#logMs).unref()
  }

  /** What has happened is in the log now. */
  store(): void {
    clearTimeout(this.#storing)
    this.#storedAt = Date.now()
    const batch = this.#unstored.splice(0)
    if (!this.losesLog) this.log.push(...batch)
  }

  emit(data: object): void {
    const last = this.frames.at(-1)
    const ms = Math.max(Date.now(), last?.ms ?? 0)
    const n = last?.ms === ms ? last.n + 1 : 0
    this.frames.push({ ms, n, data })
    if (this.frames.length > this.#maxFrames) this.frames.shift()
    for (const listener of [...this.listeners]) listener()
  }

  #updated = (update: object) => ({ sessionId: this.sessionId, update })

  #touch(): void {
    this.updatedAt = new Date()
    this.#emitState()
  }

  #emitState(): void {
    this.emit({
      type: 'task_run_state',
      run_id: this.id,
      task_id: this.task.id,
      status: this.shownStatus ?? this.status,
      stage: null,
      output: this.output,
      branch: this.branch,
      error_message: this.errorMessage,
      updated_at: this.updatedAt.toISOString(),
      completed_at: this.completedAt?.toISOString() ?? null,
    })
  }
}

export const spoken = (sessionUpdate: string, text: string) => ({
  sessionUpdate,
  content: { type: 'text', text },
})

const entryOf = (notification: object): Notification => ({
  type: 'notification',
  timestamp: new Date().toISOString(),
  event_id: randomUUID(),
  notification: { jsonrpc: '2.0', ...notification },
})
