/**
 * The job of a Run, from its asking to its end: taken, parked, woken before its time, taken over from a worker that
 * died or froze. What a frozen one does after its thaw runs among the steps of its successor.
 */

import type { SettingsReader } from '../../../src/access/read-settings.ts'
import { issueBranch } from '../../../src/core/model/branch-name.ts'
import type { LockedJob } from '../../../src/core/model/ports.ts'
import { rightsOf } from '../../../src/core/record/request-part.ts'
import { changed, Run } from '../../../src/core/record/run.ts'
import { runIndex } from '../../../src/core/record/run-index.ts'
import { LockLost } from '../../../src/queue/work-queue.ts'
import { advanceRun } from '../../../src/runs/advance-run.ts'
import type { RunDeps } from '../../../src/runs/steps/step-context.ts'
import { quietDeps } from '../../commands/command-world.ts'
import { clientOf } from '../../support/client-of.ts'
import { deploymentWith } from '../../support/deployment.ts'
import { memoryIndex, refusals } from '../../support/memory-index.ts'
import { admitted, ask, hour, runWith, second, t0 } from '../given.ts'
import { begin } from './agent.ts'
import { happen } from './happenings.ts'
import { wake } from './holds.ts'
import { checkRecord } from './record-judge.ts'
import { overslept } from './script.ts'
import { gitHubOf, postHogOf } from './services.ts'
import { Crash, type Worker, type World } from './world.ts'

/** Until the lock of a worker is found to have lapsed. */
const reclaim = 15 * second
const mostSteps = 2_000

type Outcome =
  | { kind: 'park'; ms: number }
  | { kind: 'end' }
  | { kind: 'frozen' }
  | { kind: 'failed'; error: unknown }

/** Lives a Run to its end. */
export async function live(world: World): Promise<Run> {
  const job = new Job(world, begun(world))
  world.wakes = hold => wake(world, job.data, hold)
  for (let steps = 0; steps < mostSteps; steps += 1) if (await job.step()) return job.end()
  throw new Error(`does not end: ${JSON.stringify(job.data)}`)
}

type Limits = Run['baseline']['settings']['limits']

const limitsOf = (
  { holds, script: { ahead, overtaken, limited } }: World,
  usual: Limits,
): Limits => ({
  ...usual,
  ...(holds.is('limit of 0') ? { repository: 0 } : {}),
  ...(ahead > 0 || overtaken > 0 ? { person: 1 } : {}),
  ...(limited ? { open_pull_requests: 1, cost_per_day: 50 } : {}),
})

/** The Run as it was asked for. */
function begun(world: World): Run {
  const { earlier, limited } = world.script
  const plain = runWith()
  const { settings, snapshot } = plain.baseline
  const limits = limitsOf(world, settings.limits)
  const asked = changed(plain, {
    baseline: {
      settings: { ...settings, limits },
      snapshot: { ...snapshot, blockers: limited ? 1 : 0 },
    },
  })
  if (earlier === undefined) return asked
  const before = begin([])
  before.due = 0
  before.words = []
  before.status = earlier === 'over' ? 'completed' : 'in_progress'
  const at = world.now - hour
  before.log.push(
    { at, what: { kind: 'message', text: 'an old answer' } },
    { at, what: { kind: 'answer', id: '1', stopReason: 'end_turn' } },
  )
  before.before = before.log.length
  if (earlier !== 'gone') world.tasks.push({ id: 'task-0', description: '', runs: [before] })
  return changed(asked, { session: { taskId: 'task-0', earlier: earlierOf(world, before.id) } })
}

/** It may do what is asked now, or it has to make room. */
function earlierOf({ script }: World, taskRunId: string): NonNullable<Run['session']['earlier']> {
  const may = rightsOf(ask.options, issueBranch('codex/issue-7', 'Login is flaky'))
  return {
    taskId: 'task-0',
    taskRunId,
    over: false,
    may: script.earlierMay === 'read' ? { ...may, permission: 'read-only' } : may,
  }
}

/** Of a deployment that grants nothing. */
const settings = deploymentWith()

const settingsOf = (world: World): SettingsReader => ({
  ...settings,
  get deployment() {
    // Only whoever runs the bot can raise that limit, and so is called.
    const limits = { cost_per_day: 50, total: world.holds.is('total of 0') ? 0 : undefined }
    return { ...settings.deployment, limits }
  },
  async of(...where) {
    const now = await settings.of(...where)
    return { ...now, settings: { ...now.settings, limits: limitsOf(world, now.settings.limits) } }
  },
})

/** With another Run at work while `isThere` says so. */
function indexWith(isThere: () => boolean) {
  const id = 'run-comment-400'
  const data = runWith(admitted)
  const entries = runIndex.entries({ id, addedAt: t0 - second, data })
  return memoryIndex(() => (isThere() ? [{ id, entries }] : []))
}

function depsOf(world: World, worker: Worker): RunDeps {
  const index = indexWith(() => world.asked <= world.script.ahead)
  return {
    ...quietDeps(),
    github: () => clientOf(gitHubOf(world, worker)),
    posthog: postHogOf(world, worker),
    signer: world.signer,
    now: () => world.now,
    index: {
      ...index,
      listed: async () => world.holds.spent(world.now),
      query: asked => {
        world.asked += 1
        return index.query(asked)
      },
    },
    removeLater: async () => {},
    requeue: async ({ trigger }) => void world.askedAgain.add(trigger),
    settings: settingsOf(world),
  }
}

class Job {
  data: Run
  readonly #world: World
  readonly #asleep: Promise<Outcome>[] = []
  #stalls = 0
  #parkings = 0
  #waits = 0
  #effectsSeen = 0
  #overtakings = 0

  constructor(world: World, data: Run) {
    this.#world = world
    this.data = data
  }

  /** True: the Run has ended. */
  async step(): Promise<boolean> {
    const world = this.#world
    const noticed = world.rows
    world.holds.newTurn()
    const { worker, frozen } = newWorker(world)
    const working = advanceRun(depsOf(world, worker))(this.#held(worker)).catch(
      (error: unknown): Outcome => ({ kind: 'failed', error }),
    )
    const outcome = await Promise.race([working, frozen])
    if (outcome.kind === 'failed' && !(outcome.error instanceof Crash)) throw outcome.error
    if (outcome.kind === 'frozen') this.#asleep.push(working)
    worker.lost = true
    if (outcome.kind === 'park') {
      this.#stalls = 0
      this.#park(outcome.ms, noticed)
    }
    if (outcome.kind === 'frozen' || outcome.kind === 'failed') this.#reclaim()
    return outcome.kind === 'end'
  }

  /** Whoever is still frozen thaws now, and must do nothing. */
  async end(): Promise<Run> {
    const world = this.#world
    world.settleLate()
    for (const { wake } of world.sleepers) wake()
    await Promise.all(this.#asleep)
    return this.data
  }

  #reclaim(): void {
    this.#stalls += 1
    this.#world.now += reclaim
    this.#world.forgotten()
  }

  #park(ms: number, noticed: number): void {
    const world = this.#world
    if (!Number.isFinite(ms) || ms < 0) world.violations.push(`parked for ${ms} ms`)
    const parking = this.#parkings++
    // Something came during the step.
    if (world.rows > noticed) return
    this.#liftHolds()
    if (world.rows > noticed) return
    const length = Math.max(1, ms)
    const events = world.script.events.flatMap(({ when, what }) =>
      'parking' in when && when.parking === parking ? [{ after: when.after, what }] : [],
    )
    const [first, ...rest] = events.sort((a, b) => a.after - b.after)
    if (!first) {
      world.now += length * (world.now - t0 > hour ? overslept : 1)
      return
    }
    world.now += Math.ceil((length * first.after) / 100)
    happen(world, first.what)
    world.soon.push(...rest.map(({ what }) => what))
    // The agent's doings wake nobody.
    if (world.rows === noticed) world.now += length - Math.ceil((length * first.after) / 100)
  }

  /** Not once it is to stop: then it ends while it is held. */
  #liftHolds(): void {
    const { holds, script } = this.#world
    const { schedule, mailbox, result } = this.data
    if (schedule.admitted || mailbox.stop || result.outcome || holds.all.length === 0) return
    this.#waits += 1
    if (this.#waits % (script.heldFor + 1) > 0) return
    for (const hold of holds.all)
      holds.lift(hold, this.#world.now, script.heldUntold ? undefined : this.#world.wakes)
  }

  #held(worker: Worker): LockedJob<Run> {
    const assertLocked = async (): Promise<void> => {
      if (worker.dead) throw new Crash()
      if (worker.lost) throw new LockLost('lost')
    }
    return {
      id: this.data.id,
      data: this.data,
      addedAt: t0,
      stalls: this.#stalls,
      failures: 0,
      signal: worker.shutdown.signal,
      assertLocked,
      inbox: async () => {
        await assertLocked()
        this.#world.isClosed = false
        return [...this.#world.inbox]
      },
      closeInbox: async () => {
        await assertLocked()
        this.#world.isClosed = true
        return [...this.#world.inbox]
      },
      save: async next => {
        await assertLocked()
        this.#record(next)
      },
      saveIf: async (guards, next) => {
        await assertLocked()
        const { script } = this.#world
        const isOvertaken = this.#overtakings++ < script.overtaken
        if (
          (await refusals(
            indexWith(() => isOvertaken),
            this.data.id,
            guards,
          )) > 0
        )
          return false
        this.#record(next)
        return true
      },
    }
  }

  #record(next: Run): void {
    const world = this.#world
    const effects = world.effects.slice(this.#effectsSeen)
    const begun = world.begun.splice(0)
    checkRecord(world, { before: this.data, after: next, effects, begun })
    this.#effectsSeen = world.effects.length
    const { earlier } = this.data.session
    if (world.unknown && earlier && !next.session.earlier) world.letGo.add(earlier.taskRunId)
    this.data = Run.parse(JSON.parse(JSON.stringify(next)))
    world.accessLost ||= next.mailbox.accessLost
    world.recorded()
  }
}

function newWorker(world: World): { worker: Worker; frozen: Promise<Outcome> } {
  let froze: (outcome: Outcome) => void = () => {}
  const frozen = new Promise<Outcome>(resolve => {
    froze = resolve
  })
  const worker: Worker = {
    dead: false,
    lost: false,
    shutdown: new AbortController(),
    freeze: () =>
      new Promise<void>(wake => {
        world.sleepers.push({ until: world.calls + world.script.sleep, wake })
        froze({ kind: 'frozen' })
      }),
  }
  return { worker, frozen }
}
