/**
 * A run's workflow: boots the sandbox, takes one turn after the other, idles, ends. `in_progress` lasts through all of
 * it: a finished turn does not finish the run.
 */
import {
  answerCommand,
  answerPrompt,
  bootSession,
  breakPrompt,
  closeSession,
  faultOf,
  type Phase,
  promptAgain,
  refuseEarly,
  refusePrompt,
  reportFailure,
  reportTurn,
  sendPrompt,
  steerTurn,
} from './agent-server.ts'
import { type Behaviour, type End, type Scripts, upstreamSays } from './behaviour.ts'
import { gatewayKnows } from './models.ts'
import { covers, type Settings } from './options.ts'
import { aborter, forever, Interrupted, pause, timerMs } from './pause.ts'
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

  /** Words during the first turn steer it, later ones wait for their turn [P]. */
  receive(run: Run, message: Message): void {
    if (run.steers && !run.deaf) {
      steerTurn(run, message)
      run.steers.push(message)
      return
    }
    run.inbox.push(message)
    if (!run.deaf) run.onMessage?.()
  }

  async #drive(run: Run): Promise<void> {
    const { timing } = this.#settings
    const { model } = run.state
    const isKnown = typeof model !== 'string' || gatewayKnows(model)
    const refused = {
      message: upstreamSays.unknownModel(String(model)),
      after: timing.unknownModel,
    }
    const behaviour: Behaviour = isKnown
      ? this.#behaviour(run, run.prompt)
      : { kind: 'fails', ...refused }
    await pause(timing.queued, run.life.signal)
    run.change({ status: 'in_progress' })
    const desk = await this.#boot(run)
    if (!desk) return
    let message: Message | undefined = { text: run.prompt, id: undefined, behaviour }
    for (let phase: Phase = run.resumedFrom ? 'resume' : 'initial'; message; phase = 'followup') {
      await this.#turn(desk, message, phase)
      if (run.terminal) return this.#tearDown(run)
      if (run.workflowGone) return
      message = await this.#nextMessage(run)
    }
    run.finish('completed')
  }

  /** The agent has ended its run itself: its sandbox goes when the workflow sees that. */
  #tearDown(run: Run): void {
    const { teardown, timing } = this.#settings
    if (teardown === 'never') return
    setTimeout(() => run.die(), teardown === 'later' ? 4 * timing.log : 0).unref()
  }

  /** Words, PostHog's own among them, or nothing when the run idled out. */
  async #nextMessage(run: Run): Promise<Message | undefined> {
    const { timing, afterTurn } = this.#settings
    if (afterTurn === 'ends') return nextMessage(run, run.byHand ? undefined : 0)
    const callOff = scheduleCi(run, timing.ci, message => this.receive(run, message))
    try {
      return await nextMessage(run, run.byHand ? undefined : timing.idle)
    } finally {
      callOff()
    }
  }

  #behaviour(run: Run, prompt: string): Behaviour {
    const { task, next } = run
    run.next = undefined
    if (next) return next
    return this.#scripts.take({ prompt, repository: task.repository ?? '', taskTitle: task.title })
  }

  async #boot(run: Run): Promise<Desk | undefined> {
    const { timing } = this.#settings
    await step(run, 'sandbox', 'Setting up sandbox', timing.sandbox)
    const desk = await this.#clone(run)
    if (!desk) return undefined
    run.progress('agent', 'in_progress', 'Starting agent')
    await pause(timing.agent, run.life.signal)
    run.sandboxUp = true
    bootSession(run)
    return desk
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
    run.checkedOut = base
    const { signal } = run.life
    return {
      run,
      repository,
      base,
      baseExists: exists,
      prompt: run.prompt,
      settings: this.#settings,
      signal,
    }
  }

  /** A prompt, what is done for it and for the words that steer it, and its answer. */
  async #turn(desk: Desk, message: Message, phase: Phase): Promise<void> {
    const { run } = desk
    let id = sendPrompt(run, message, phase)
    run.answered = false
    run.byHand = false
    if (phase !== 'followup') this.#beginSteering(run, message)
    const done = ({ text, behaviour }: Message) =>
      steered(behaviour ?? this.#behaviour(run, text), { ...desk, prompt: text })
    const begun = done(message)
    run.turns += 1
    for (const begin of run.onTurn.splice(0)) begin()
    let end = await begun
    for (let more = run.steers?.shift(); more && end.kind === 'answers'; more = run.steers?.shift())
      end = await done(more)
    run.steers = undefined
    if (end.kind === 'fails') id = await this.#askedAgain(run, id, end.said, message.text)
    await this.#end(run, id, end, phase)
    run.losesLog = false
  }

  /** What waited for the sandbox comes too soon. From an older workflow the first words come once more. */
  #beginSteering(run: Run, { text }: Message): void {
    run.steers = []
    if (run.deaf) return
    const again: Message = {
      text,
      id: undefined,
      behaviour: { kind: 'answers', text: '', delay: 0 },
    }
    const { forwards, timing } = this.#settings
    if (forwards) setTimeout(() => this.receive(run, again), 2 * timing.log).unref()
    for (const waiting of run.inbox.splice(0)) refuseEarly(run, waiting)
  }

  /** Three times in all, while it is the provider's fault [P]. @returns the id of the last prompt */
  async #askedAgain(run: Run, first: number, said: string, text: string): Promise<number> {
    let id = first
    for (let tries = 1; faultOf(said).isUpstream && tries < 3; tries += 1) {
      refusePrompt(run, id, said)
      await pause(this.#settings.timing.retry, run.life.signal)
      id = promptAgain(run, text)
    }
    return id
  }

  async #end(run: Run, id: number, end: End, phase: Phase): Promise<void> {
    switch (end.kind) {
      case 'answers':
        answerPrompt(run, id, end.stopReason, phase)
        await pause(this.#settings.timing.log / 5, run.life.signal)
        return reportTurn(run, end.stopReason)
      case 'goal':
        return answerCommand(run, id)
      case 'closes':
        closeSession(run, id)
        return forever(run.life.signal)
      case 'fails':
        refusePrompt(run, id, end.said)
        return reportFailure(run, end.said, phase)
      case 'breaks':
        breakPrompt(run, id)
        return reportFailure(run, undefined, phase)
    }
  }
}

/** In the middle of what the agent does it may be steered to something else. */
async function steered(behaviour: Behaviour, desk: Desk): Promise<End> {
  const { run } = desk
  const dropped = aborter()
  let other: Behaviour | undefined
  run.steer = given => {
    other = given
    dropped.abort()
  }
  try {
    return await perform(behaviour, {
      ...desk,
      signal: AbortSignal.any([desk.signal, dropped.signal]),
    })
  } catch (thrown) {
    if (!(thrown instanceof Interrupted && other)) throw thrown
  } finally {
    run.steer = undefined
  }
  return steered(other, desk)
}

async function step(
  run: Run,
  name: string,
  label: string,
  ms: number,
  done = label,
): Promise<void> {
  run.progress(name, 'in_progress', label)
  await pause(ms, run.life.signal)
  run.progress(name, 'completed', done)
}

/** The next follow-up, or nothing when the wait was over. */
function nextMessage(run: Run, idleMs: number | undefined): Promise<Message | undefined> {
  const waiting = run.deaf ? undefined : run.inbox.shift()
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
      idleMs === undefined
        ? undefined
        : setTimeout(() => run.onIdleOver?.(), timerMs(idleMs)).unref()
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
