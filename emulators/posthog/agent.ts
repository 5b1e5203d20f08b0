/**
 * A run's workflow: boots the sandbox, takes one turn after the other, idles, ends. `in_progress` lasts through all of
 * it: a finished turn does not finish the run.
 */
import type { Behaviour, Scripts } from './behaviour.ts'
import { gatewayKnows } from './models.ts'
import { covers, type Settings } from './options.ts'
import { aborter, Interrupted, pause, timerMs } from './pause.ts'
import { type Desk, perform } from './perform.ts'
import type { Message, Run } from './run.ts'

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
    const first = this.#behaviour(run, run.prompt)
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
      behaviour = message && (message.behaviour ?? this.#behaviour(run, message.text))
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

  #behaviour({ task }: Run, prompt: string): Behaviour {
    return this.#scripts.take({ prompt, repository: task.repository ?? '', taskTitle: task.title })
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
    const { model } = run.state
    if (typeof model !== 'string' || gatewayKnows(model)) return desk
    await pause(timing.unknownModel, signal)
    run.note('_posthog/error', { message: `Model '${model}' not found` })
    run.finish('failed', `Agent error: model '${model}' not found`)
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

  async #turn(desk: Desk, behaviour: Behaviour): Promise<void> {
    const { run } = desk
    run.hear(desk.prompt)
    const performed = steered(behaviour, desk)
    run.turns += 1
    for (const begin of run.onTurn.splice(0)) begin()
    await performed
  }
}

/** One turn, in which the agent may be steered from what it does to something else. */
async function steered(first: Behaviour, desk: Desk): Promise<void> {
  const { run } = desk
  let next: Behaviour | undefined = first
  const goOn = (thrown: unknown): void => {
    if (!(thrown instanceof Interrupted && next)) throw thrown
  }
  try {
    while (next) {
      const behaviour = next
      next = undefined
      const dropped = aborter()
      run.steer = other => {
        next = other
        dropped.abort()
      }
      await perform(behaviour, { ...desk, signal: AbortSignal.any([desk.signal, dropped.signal]) }).catch(
        goOn,
      )
    }
  } finally {
    run.steer = undefined
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

// PostHog's own words into a run: a while after a turn that left a pull request it sends the agent to look at the
// checks and reviews, in the same run and log as everybody else's words [R: `CI_FOLLOW_UP_DELAY`,
// `MAX_CI_REPETITIONS`, `DEFAULT_CI_MESSAGE`].

const maxRepetitions = 3

/** The beginning of the real one. */
const words = 'You are re-entering this run to address CI feedback on the pull request you opened.'

const allGreen: Behaviour = {
  kind: 'answers',
  text: 'All required checks are green and no review asks for a change, so there was nothing to do.',
}

/** Nothing when the run had its three, or has ended. */
export function ciMessage(run: Run, behaviour: Behaviour = allGreen): Message | undefined {
  if (run.terminal || run.ciTurns >= maxRepetitions) return undefined
  run.ciTurns += 1
  run.progress('ci', 'in_progress', 'Keeping CI green')
  return { text: words, id: undefined, behaviour }
}

/** @returns what calls it off, as soon as somebody else has words for the run */
function scheduleCi(run: Run, ms: number, send: (message: Message) => void): () => void {
  if (typeof run.output?.pr_url !== 'string') return () => {}
  const timer = setTimeout(() => {
    const message = ciMessage(run)
    if (message) send(message)
  }, timerMs(ms)).unref()
  return () => clearTimeout(timer)
}
