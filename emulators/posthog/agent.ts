/**
 * A run's workflow: boots the sandbox, takes one turn after the other, idles, ends. `in_progress` lasts through all of
 * it: a finished turn does not finish the run.
 */
import type { Behaviour, Scripts, Turn } from './behaviour.ts'
import { scheduleCi } from './ci-loop.ts'
import { type Adapter, gatewayKnows } from './models.ts'
import { covers, type Settings } from './options.ts'
import { Interrupted, pause, timerMs } from './pause.ts'
import { perform } from './perform.ts'
import type { Message, Run } from './run.ts'

export interface Desk {
  run: Run
  repository: string
  /** What the agent starts from and targets. */
  base: string
  /** False when the asked branch is not on the remote: it was made locally, off the default branch. */
  baseExists: boolean
  prompt: string
  settings: Settings
  signal: AbortSignal
}

export class Agent {
  readonly #settings: Settings
  readonly #scripts: Scripts

  constructor(settings: Settings, scripts: Scripts) {
    this.#settings = settings
    this.#scripts = scripts
  }

  /** Begins the workflow of a queued cloud run; ends by itself. */
  start(run: Run): void {
    this.#drive(run).catch((thrown: unknown) => {
      if (!(thrown instanceof Interrupted)) run.finish('failed', `Agent error: ${said(thrown)}`)
    })
  }

  receive(run: Run, message: Message): void {
    run.inbox.push(message)
    if (!run.deaf) run.onMessage?.()
  }

  async #drive(run: Run): Promise<void> {
    const first = this.#behaviour(run, run.prompt, false)
    if (first.kind === 'stuckQueued') return
    await pause(this.#settings.timing.queued, run.life.signal)
    run.change({ status: 'in_progress' })
    const desk = await this.#boot(run)
    if (!desk) return
    let behaviour: Behaviour | undefined = first
    let prompt = run.prompt
    while (behaviour && !run.terminal) {
      await this.#turn({ ...desk, prompt }, behaviour)
      if (run.workflowGone) return
      const message = await this.#nextMessage(run, behaviour)
      behaviour = message && (message.behaviour ?? this.#behaviour(run, message.text, true))
      prompt = message?.text ?? ''
    }
    run.finish('completed')
  }

  /** Words, PostHog's own among them, or nothing when the run idled out. */
  async #nextMessage(run: Run, behaviour: Behaviour): Promise<Message | undefined> {
    const { timing, afterTurn } = this.#settings
    if (afterTurn === 'ends') return nextMessage(run, behaviour.kind === 'manual' ? undefined : 0)
    const callOff = scheduleCi(run, timing.ci, message => this.receive(run, message))
    try {
      return await nextMessage(run, behaviour.kind === 'manual' ? undefined : timing.idle)
    } finally {
      callOff()
    }
  }

  #behaviour(run: Run, prompt: string, followUp: boolean): Behaviour {
    const turn: Turn = {
      prompt,
      followUp,
      repository: run.task.repository ?? '',
      taskTitle: run.task.title,
      runId: run.id,
    }
    return this.#scripts.take(turn)
  }

  async #boot(run: Run): Promise<Desk | undefined> {
    const { timing } = this.#settings
    const signal = run.life.signal
    await step(run, 'sandbox', 'Setting up sandbox', timing.sandbox)
    const desk = await this.#clone(run)
    if (!desk) return undefined
    await step(run, 'agent', 'Starting agent', timing.agent, 'Started agent')
    run.sandboxUp = true
    delete run.state.pending_user_message
    run.note('_posthog/run_started', { sessionId: run.sessionId, runId: run.id, taskId: run.task.id })
    if (this.#modelIsKnown(run)) return desk
    await pause(timing.unknownModel, signal)
    run.note('_posthog/error', { message: `Model '${run.state.model}' not found` })
    run.finish('failed', `Agent error: model '${run.state.model}' not found`)
    return undefined
  }

  async #clone(run: Run): Promise<Desk | undefined> {
    const { hands, timing } = this.#settings
    const repository = run.task.repository ?? ''
    const { githubIntegration } = run.task
    if (githubIntegration !== null && !covers(this.#settings, githubIntegration, repository)) {
      run.progress('clone', 'failed', 'Cloning repository')
      run.finish('failed', `Failed to clone repository ${repository}: repository not found`)
      return undefined
    }
    await step(run, 'clone', 'Cloning repository', timing.clone)
    const base = run.branch ?? (await hands.defaultBranch(repository))
    const exists = await hands.branchExists(repository, base).catch(() => undefined)
    if (exists === undefined) {
      run.finish('failed', `Failed to check whether branch ${base} exists`)
      return undefined
    }
    const { signal } = run.life
    return { run, repository, base, baseExists: exists, prompt: run.prompt, settings: this.#settings, signal }
  }

  #modelIsKnown(run: Run): boolean {
    const { runtime_adapter: adapter, model } = run.state
    if (typeof model !== 'string') return true
    return gatewayKnows(adapter as Adapter, model, this.#settings.version)
  }

  async #turn(desk: Desk, behaviour: Behaviour): Promise<void> {
    const { run } = desk
    const stop = new AbortController()
    run.turnStop = stop
    run.hear(desk.prompt)
    try {
      const performed = perform(behaviour, {
        ...desk,
        signal: AbortSignal.any([run.life.signal, stop.signal]),
      })
      run.turns += 1
      for (const begin of run.onTurn.splice(0)) begin()
      await performed
    } catch (thrown) {
      if (!(thrown instanceof Interrupted) || run.life.signal.aborted) throw thrown
      run.completeTurn('cancelled')
    } finally {
      run.turnStop = undefined
    }
  }
}

async function step(run: Run, name: string, label: string, ms: number, done = label): Promise<void> {
  run.progress(name, 'in_progress', label)
  await pause(ms, run.life.signal)
  run.progress(name, 'completed', done)
}

/** The next follow-up, or nothing when the wait was over. */
function nextMessage(run: Run, idleMs: number | undefined): Promise<Message | undefined> {
  const waiting = run.inbox.shift()
  if (waiting) return Promise.resolve(waiting)
  return new Promise((resolve, reject) => {
    const { signal } = run.life
    if (signal.aborted) return reject(new Interrupted())
    const settle = (act: () => void) => {
      clearTimeout(timer)
      run.onMessage = undefined
      run.onIdleOver = undefined
      signal.removeEventListener('abort', end)
      act()
    }
    const end = () => settle(() => reject(new Interrupted()))
    run.onIdleOver = () => settle(() => resolve(undefined))
    const timer =
      idleMs === undefined ? undefined : setTimeout(() => run.onIdleOver?.(), timerMs(idleMs)).unref()
    run.onMessage = () => settle(() => resolve(run.inbox.shift()))
    signal.addEventListener('abort', end, { once: true })
  })
}

const said = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown))
