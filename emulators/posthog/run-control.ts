/** A test's hand on one run. */
import { setImmediate as tick } from 'node:timers/promises'
import { ciMessage } from './agent.ts'
import type { Behaviour, OpensPull, StopsShort } from './behaviour.ts'
import type { Settings } from './options.ts'
import { claimPull, type Desk, publish } from './perform.ts'
import type { FinalStatus, Run } from './run.ts'
import type { World } from './world.ts'

export type RunControl = ReturnType<typeof controlOf>

export function controlOf(run: Run, { settings, agent }: Pick<World, 'settings' | 'agent'>) {
  /** Waits until the run takes its first turn. */
  const inTurn =
    <A extends unknown[]>(act: (...given: A) => void | Promise<void>) =>
    async (...given: A): Promise<void> => {
      await firstTurnOf(run)
      await act(...given)
    }
  /** The turn is over when this returns, unless other words steered it meanwhile. */
  const completeTurn = async (text?: string, stopReason = 'end_turn'): Promise<void> => {
    if (text !== undefined) run.say(text)
    run.manual?.end({ kind: 'answers', stopReason })
    await tick()
  }
  return {
    id: run.id,
    taskId: run.task.id,
    prompt: run.prompt,
    get status() {
      return run.status
    },
    get branch() {
      return run.branch
    },
    get output(): Readonly<Record<string, unknown>> | null {
      return run.output
    },
    get turnGoesOn() {
      return run.steer !== undefined
    },
    /** How many it has begun. */
    get turns() {
      return run.turns
    },
    /** The id of the permission that it has waited for the longest, if it does. */
    get permissionId() {
      return [...run.permissions.keys()][0]
    },
    progress: inTurn((step: string, label: string, detail?: string) =>
      run.progress(step, 'in_progress', label, detail),
    ),
    say: inTurn((text: string) => run.say(text)),
    /** One of the agent's own events, such as a tool call or its plan. */
    update: inTurn((update: Record<string, unknown>) => run.update(update)),
    /** Entries of the log that no stream shows, whatever they say. */
    store: inTurn((method: string, ...entries: Record<string, unknown>[]) => {
      for (const params of entries) run.logOnly(method, params)
    }),
    openPull: inTurn(async (plan: Omit<OpensPull, 'kind'> = {}) => {
      if (plan.prUrl !== undefined) return claimPull(run, plan.prUrl)
      const words = await publish(plan, await deskOf(run, settings))
      run.say(plan.text ?? words)
    }),
    completeTurn: inTurn(completeTurn),
    /** By the workflow. `completed` ends a manual turn by itself first. */
    finish: async (status: FinalStatus, error?: string) => {
      if (status === 'completed' && run.manual) await completeTurn()
      run.finish(status, error ?? null)
    },
    /** PostHog ends it in the middle of its turn. */
    stopShort: inTurn((by: StopsShort) => run.stopShort(by)),
    /** The agent drops what it does in this turn, and does this instead; false between turns. */
    steer: (behaviour: Behaviour): boolean => {
      const { steer } = run
      if (behaviour.kind !== 'isInterrupted') run.permissions.clear()
      steer?.(behaviour)
      return steer !== undefined
    },
    /** It takes words and never reads them, from now on. */
    goDeaf: () => {
      run.deaf = true
    },
    /** What is logged from now on shows when the returned function is called. */
    holdLog: () => {
      run.store()
      run.logShown = run.log.length
      return () => {
        run.logShown = undefined
      }
    },
    /** Its idle hour is over now. */
    idleOut: () => run.onIdleOver?.(),
    /** PostHog's own CI turn comes now; false when the run had its three or has ended. */
    ciTurn: (behaviour?: Behaviour): boolean => {
      const message = ciMessage(run, behaviour)
      if (message) agent.receive(run, message)
      return message !== undefined
    },
    /** The server merges into `output`, as its GitHub webhook does. */
    setOutput: (output: Record<string, unknown>) => run.addOutput(output),
    /** Shows a status that no client knows, until it ends or this is taken back. */
    showStatus: (status: string | undefined) => run.showStatus(status),
    /** The agent's `task_summary`. */
    summarize: (text: string) => {
      run.summary = [...text].slice(0, 1_500).join('')
    },
    /** So many lines of console output in the log. */
    chatter: (lines: number) => {
      for (let n = 1; n <= lines; n += 1)
        run.logOnly('_posthog/console', { level: 'info', message: `line ${n}` })
    },
    /** Later calls for this run answer 404. */
    delete: () => {
      run.deleted = true
      run.life.abort()
    },
    /** Later `user_message`s answer 409 though the run looks alive. */
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
  return {
    run,
    repository,
    base,
    baseExists,
    prompt: run.prompt,
    settings,
    signal: run.life.signal,
  }
}
