/** A task, and one run of it: its row, its stored log, and the frames of its stream. */
import { randomUUID } from 'node:crypto'
import type { Behaviour, StopsShort } from './behaviour.ts'
import type { OpenPull } from './hands.ts'
import { aborter } from './pause.ts'

export type RunStatus = 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'
export type FinalStatus = 'completed' | 'failed' | 'cancelled'

const finals: readonly RunStatus[] = ['completed', 'failed', 'cancelled']

export interface Notification {
  type: 'notification'
  timestamp: string
  notification: { jsonrpc: '2.0'; method: string; params: Record<string, unknown> }
}

export interface Task {
  id: string
  number: number
  title: string
  titleManuallySet: boolean
  description: string
  /** By the agent, at most 1,500 characters. */
  summary: string | null
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
  requestId: string
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
  prompt: string
  readonly createdAt = new Date()
  updatedAt = this.createdAt
  completedAt: Date | null = null
  readonly listedFrom: number

  readonly log: Notification[] = []
  frames: Frame[] = []
  readonly listeners = new Set<() => void>()
  readonly #maxFrames: number

  /** Aborted when the run ends; every wait of its agent hangs on it. */
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
  permission: PendingPermission | undefined
  ciTurns = 0
  manual: { readonly turn: Promise<void>; end(): void } | undefined
  /** While a turn goes on: the agent drops what it does, and does this instead. */
  steer: ((behaviour: Behaviour) => void) | undefined
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
    this.#emitState()
  }

  get terminal(): boolean {
    return finals.includes(this.status)
  }

  /** Late changes to a run that has ended are dropped. */
  change(row: Partial<Row>): void {
    if (this.terminal) return
    Object.assign(this, row)
    this.#touch()
  }

  showStatus(status: string | undefined): void {
    this.shownStatus = status
    this.#touch()
  }

  addOutput(output: Record<string, unknown>): void {
    this.change({ output: { ...this.output, ...output } })
  }

  finish(status: FinalStatus, errorMessage: string | null = null): void {
    if (this.terminal) return
    this.completedAt = new Date()
    Object.assign(this, { status, errorMessage, shownStatus: undefined })
    this.#touch()
    this.life.abort()
  }

  /** The base branches and working branches of this run and of those it goes on from. */
  branchesOfSession(): unknown[] {
    const own = [this.state.pr_base_branch, this.branch, this.working?.name, this.output?.head_branch]
    return [...own, ...(this.resumedFrom?.branchesOfSession() ?? [])]
  }

  note(method: string, params: Record<string, unknown>): void {
    if (this.terminal) return
    const entry = notification(method, params)
    this.log.push(entry)
    this.emit(entry)
  }

  progress(
    step: string,
    status: 'in_progress' | 'completed' | 'failed',
    label: string,
    detail?: string,
  ): void {
    const group = step === 'pr' || step === 'ci' ? {} : { group: 'setup' }
    this.note('_posthog/progress', { step, status, label, ...group, ...(detail ? { detail } : {}) })
  }

  /** The deltas go to the stream alone; the log keeps the whole message. */
  say(text: string): void {
    if (this.terminal) return
    for (const chunk of text.match(/[\s\S]{1,80}/gu) ?? [])
      this.emit(notification('session/update', this.#spoken('agent_message_chunk', chunk)))
    this.note('session/update', this.#spoken('agent_message', text))
  }

  /**
   * The words of a turn, told where the agent takes them up, whether they began the run or came later [R: the
   * Codex adapter's `broadcastUserMessage`, one entry a block of the prompt]. The words are as they were sent.
   */
  hear(text: string): void {
    this.cost += 0.1
    this.note('session/update', this.#spoken('user_message_chunk', text))
  }

  /** Told twice: by the adapter, and by the server around it once the answer to the prompt is there [R]. */
  completeTurn(stopReason = 'end_turn'): void {
    this.cost += 0.32
    const params = { sessionId: this.sessionId, stopReason }
    this.note('_posthog/turn_complete', { ...params, usage: { totalTokens: 1_234 } })
    this.note('_posthog/turn_complete', params)
  }

  edit(files: readonly string[]): void {
    const locations = files.map(path => ({ path }))
    this.#calls({ title: 'Edit', kind: 'edit', locations })
  }

  /** A file that the agent made. */
  keeps(name: string): void {
    const id = randomUUID().replaceAll('-', '')
    this.artifacts.push({
      ...{ id, name, type: 'output', source: 'agent', size: 2_048, content_type: 'application/pdf' },
      storage_path: `tasks/artifacts/run_${this.id}/${id}_${name}`,
      uploaded_at: new Date().toISOString(),
    })
    this.#touch()
  }

  runCommand(title: string): void {
    this.#calls({ title, kind: 'execute' })
  }

  #calls(what: object): void {
    const update = { sessionUpdate: 'tool_call', toolCallId: randomUUID(), status: 'completed', ...what }
    this.note('session/update', { sessionId: this.sessionId, update })
  }

  /** Ends without the end of its turn [R: `update_task_run_status.py`; a wall-clock failure has no error]. */
  stopShort(by: StopsShort): void {
    const isOlder = by === 'older-workflow'
    if (!isOlder) this.state[by] = true
    const error = isOlder ? 'Sandbox stopped; resume to continue' : null
    this.finish(by === 'timed_out_wall_clock' ? 'failed' : 'completed', error)
  }

  /** Written to the log without the stream, which has a frame of its own for it. */
  store(method: string, params: Record<string, unknown>): void {
    if (!this.terminal) this.log.push(notification(method, params))
  }

  emit(data: object): void {
    const last = this.frames.at(-1)
    const ms = Math.max(Date.now(), last?.ms ?? 0)
    const n = last?.ms === ms ? last.n + 1 : 0
    this.frames.push({ ms, n, data })
    if (this.frames.length > this.#maxFrames) this.frames.shift()
    for (const listener of [...this.listeners]) listener()
  }

  #spoken(sessionUpdate: string, text: string) {
    return { sessionId: this.sessionId, update: { sessionUpdate, content: { type: 'text', text } } }
  }

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

const notification = (method: string, params: Record<string, unknown>): Notification => ({
  type: 'notification',
  timestamp: new Date().toISOString(),
  notification: { jsonrpc: '2.0', method, params },
})
