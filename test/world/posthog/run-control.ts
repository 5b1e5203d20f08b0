/** A test's hand on one run. */
import type { Desk } from './agent.ts'
import type { OpensPull } from './behaviour.ts'
import type { Settings } from './options.ts'
import { publish } from './publish.ts'
import type { FinalStatus, Run, RunStatus } from './run.ts'

export interface RunControl {
  readonly id: string
  readonly taskId: string
  readonly status: RunStatus
  readonly branch: string | null
  readonly output: Readonly<Record<string, unknown>> | null
  readonly prompt: string
  /** The next four wait until the run takes its first turn. */
  progress(step: string, label: string, detail?: string): Promise<void>
  say(text: string): Promise<void>
  openPull(plan?: Omit<OpensPull, 'kind'>): Promise<void>
  completeTurn(text?: string): Promise<void>
  finish(status: FinalStatus, error?: string): void
  /** The server merges into `output`, as its GitHub webhook does. */
  setOutput(output: Record<string, unknown>): void
  /** Later calls for this run answer 404. */
  delete(): void
  /** Later `user_message`s answer 409 though the run looks alive. */
  loseWorkflow(): void
  /** Keeps only the newest frames, as a trimmed Redis stream does. */
  trimStream(keep: number): void
}

export function controlOf(run: Run, settings: Settings): RunControl {
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
    openPull: async (plan = {}) => {
      await turn()
      if (plan.prUrl !== undefined) run.addOutput({ pr_url: plan.prUrl })
      else await publish(plan, await deskOf(run, settings))
    },
    completeTurn: async text => {
      await turn()
      if (text !== undefined) run.say(text)
      run.completeTurn()
      run.manual?.end()
    },
    finish: (status, error) => run.finish(status, error ?? null),
    setOutput: output => run.addOutput(output),
    delete: () => {
      run.deleted = true
      run.life.abort()
    },
    loseWorkflow: () => {
      run.workflowGone = true
    },
    trimStream: keep => run.frames.splice(0, Math.max(0, run.frames.length - keep)),
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
