/** A test's hand on one run. */
import { ciMessage, type Desk } from './agent.ts'
import type { Behaviour, OpensPull, StopsShort } from './behaviour.ts'
import type { Settings } from './options.ts'
import { publish } from './publish.ts'
import type { FinalStatus, Message, Run, RunStatus } from './run.ts'
import type { World } from './world.ts'

export interface RunControl {
  readonly id: string
  readonly taskId: string
  readonly status: RunStatus
  readonly branch: string | null
  readonly output: Readonly<Record<string, unknown>> | null
  readonly prompt: string
  /** The next six wait until the run takes its first turn. */
  progress(step: string, label: string, detail?: string): Promise<void>
  say(text: string): Promise<void>
  /** One of the agent's own events, such as a tool call or its plan. */
  update(update: Record<string, unknown>): Promise<void>
  /** Entries of the log that no stream shows, whatever they say. */
  store(method: string, ...entries: Record<string, unknown>[]): Promise<void>
  openPull(plan?: Omit<OpensPull, 'kind'>): Promise<void>
  completeTurn(text?: string, stopReason?: string): Promise<void>
  /** `completed` ends a manual turn by itself first; `stopShort` does not. */
  finish(status: FinalStatus, error?: string): void
  readonly turnGoesOn: boolean
  /** How many it has begun. */
  readonly turns: number
  /** The agent drops what it does in this turn, and does this instead; false between turns. */
  steer(behaviour: Behaviour): boolean
  /** The run ends in the middle of its turn. */
  stopShort(by: StopsShort): void
  /** It takes words and never reads them, from now on. */
  goDeaf(): void
  /** What is logged from now on shows when the returned function is called. */
  holdLog(): () => void
  /** Its idle hour is over now. */
  idleOut(): void
  /** PostHog's own CI turn comes now; false when the run had its three or has ended. */
  ciTurn(behaviour?: Behaviour): boolean
  /** The id of the permission it waits for, if it does. */
  readonly permissionId: string | undefined
  /** The server merges into `output`, as its GitHub webhook does. */
  setOutput(output: Record<string, unknown>): void
  /** Shows a status that no client knows, until it ends or this is taken back. */
  showStatus(status: string | undefined): void
  /** The agent's `task_summary`. */
  summarize(text: string): void
  /** So many lines of console output in the log. */
  chatter(lines: number): void
  /** Later calls for this run answer 404. */
  delete(): void
  /** Later `user_message`s answer 409 though the run looks alive. */
  loseWorkflow(): void
}

export function controlOf(run: Run, { settings, agent }: Pick<World, 'settings' | 'agent'>): RunControl {
  const receive = (message: Message) => agent.receive(run, message)
  const turn = () => firstTurnOf(run)
  return {
    id: run.id,
    taskId: run.task.id,
    get status() {
      return run.status
    },
    get branch() {
      return run.branch
    },
    get output() {
      return run.output
    },
    prompt: run.prompt,
    progress: async (step, label, detail) => {
      await turn()
      run.progress(step, 'in_progress', label, detail)
    },
    say: async text => {
      await turn()
      run.say(text)
    },
    update: async update => {
      await turn()
      run.note('session/update', { sessionId: run.sessionId, update })
    },
    store: async (method, ...entries) => {
      await turn()
      for (const params of entries) run.store(method, params)
    },
    openPull: async (plan = {}) => {
      await turn()
      if (plan.prUrl !== undefined) run.addOutput({ pr_url: plan.prUrl })
      else {
        const words = await publish(plan, await deskOf(run, settings))
        run.say(plan.text ?? words)
      }
    },
    completeTurn: async (text, stopReason) => {
      await turn()
      if (text !== undefined) run.say(text)
      run.completeTurn(stopReason)
      run.manual?.end()
    },
    finish: (status, error) => {
      if (status === 'completed' && run.manual) run.completeTurn()
      run.finish(status, error ?? null)
    },
    get turnGoesOn() {
      return run.steer !== undefined
    },
    get turns() {
      return run.turns
    },
    steer: behaviour => {
      const { steer } = run
      steer?.(behaviour)
      return steer !== undefined
    },
    stopShort: by => run.stopShort(by),
    goDeaf: () => {
      run.deaf = true
    },
    holdLog: () => {
      run.logShown = run.log.length
      return () => {
        run.logShown = undefined
      }
    },
    idleOut: () => run.onIdleOver?.(),
    ciTurn: behaviour => {
      const message = ciMessage(run, behaviour)
      if (message) receive(message)
      return message !== undefined
    },
    get permissionId() {
      return run.permission?.requestId
    },
    setOutput: output => run.addOutput(output),
    showStatus: status => run.showStatus(status),
    summarize: text => {
      run.task.summary = [...text].slice(0, 1_500).join('')
    },
    chatter: lines => {
      for (let n = 1; n <= lines; n += 1)
        run.store('_posthog/console', { sessionId: run.sessionId, level: 'info', message: `line ${n}` })
    },
    delete: () => {
      run.deleted = true
      run.life.abort()
    },
    loseWorkflow: () => {
      run.workflowGone = true
    },
  }
}

function firstTurnOf(run: Run): Promise<void> {
  if (run.turns > 0 || run.terminal) return Promise.resolve()
  return new Promise(resolve => {
    run.onTurn.push(resolve)
    run.life.signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function deskOf(run: Run, settings: Settings): Promise<Desk> {
  const repository = run.task.repository ?? ''
  const asked = run.state.pr_base_branch
  const base = typeof asked === 'string' ? asked : await settings.hands.defaultBranch(repository)
  const baseExists = await settings.hands.branchExists(repository, base)
  return { run, repository, base, baseExists, prompt: run.prompt, settings, signal: run.life.signal }
}
