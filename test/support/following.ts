/** Runs that are followed at an emulated PostHog over HTTP, by a clock that the test moves: hours pass in seconds. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { vi } from 'vitest'
import { type PostHogEmulator, startPostHog } from '../../emulators/posthog/emulator.ts'
import type { PostHogOptions } from '../../emulators/posthog/options.ts'
import type { RunControl } from '../../emulators/posthog/run-control.ts'
import {
  callBudget,
  inMemory,
  limitGate,
  postHogAllowance,
} from '../../src/core/model/call-budget.ts'
import { changed, type Run, type RunChange } from '../../src/core/record/run.ts'
import { type Follower, followRuns } from '../../src/posthog/stream/follow-runs.ts'
import { postHogTasks } from '../../src/posthog/tasks-client.ts'
import { advanceRun } from '../../src/runs/advance-run.ts'
import { given } from '../commands/command-world.ts'
import { second, taskRun, told, working } from '../core/given.ts'
import { fakeLog } from './fake-log.ts'

/** By which the clock moves on at a time. */
const tick = second
/** What is sent on a socket has come after so many turns of the event loop. */
const turns = 40

/** To be said before anything that waits is begun. */
export const holdClock = () =>
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })

async function settle(): Promise<void> {
  for (let n = 0; n < turns; n += 1) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Takes what passes between a client and PostHog, and can hold its breath. */
class Wire {
  readonly #pairs: { near: Socket; far: Socket }[] = []
  readonly #server: Server
  url = ''

  constructor(port: number) {
    this.#server = createServer(near => {
      const far = connect(port, '127.0.0.1')
      near.pipe(far).pipe(near)
      for (const end of [near, far]) end.on('error', () => {})
      this.#pairs.push({ near, far })
    })
  }

  async open(): Promise<this> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    this.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    return this
  }

  /** What is connected now says nothing any more, and does not end. */
  silence(): void {
    for (const { near, far } of this.#pairs) {
      far.unpipe(near)
      far.resume()
    }
  }

  close(): void {
    for (const { near, far } of this.#pairs) for (const end of [near, far]) end.destroy()
    this.#server.close()
  }
}

export interface Followed {
  control: RunControl
  run(): Run
  /** What the Run knows that its agent said last. */
  answer(): string | undefined
  /** Says something to the Run, which wakes it. */
  change(change: RunChange): void
}

/** One process that follows Runs. */
export class Following {
  readonly posthog: PostHogEmulator
  readonly #wire: Wire
  readonly #tasks: ReturnType<typeof postHogTasks>
  readonly #follower: Follower
  readonly #advance: ReturnType<typeof advanceRun>
  readonly #runs = new Map<string, { run: Run; due: number }>()

  constructor(posthog: PostHogEmulator, wire: Wire) {
    this.posthog = posthog
    this.#wire = wire
    const budget = callBudget(postHogAllowance, inMemory(Date.now))
    const settings = {
      host: wire.url,
      projectId: String(posthog.projectId),
      apiKey: posthog.apiKey,
      redact: (text: string) => text,
      gate: limitGate(Date.now),
      budget,
    }
    this.#tasks = postHogTasks(settings, Date.now)
    const log = fakeLog()
    this.#follower = followRuns({
      live: async () => [],
      connectedAt: () => 0,
      log,
      wake: async id => {
        const job = this.#runs.get(id)
        if (job) job.due = Date.now()
      },
    })
    const none = async () => []
    const github = {
      'pulls.find': async () => undefined,
      'pulls.from': none,
      'branches.heads': none,
    }
    const { deps } = given(working(), { now: Date.now, log, github })
    this.#advance = advanceRun({
      ...deps,
      budget,
      posthog: this.#tasks,
      stream: this.#follower.of(settings),
      liveRuns: async () => this.#runs.size,
    })
  }

  get calls(): number {
    return this.posthog.calls.length
  }

  /** Of one Run, or of all. */
  looks({ control }: Partial<Followed> = {}): number {
    return this.posthog.calls.filter(
      ({ route, path }) => route === 'get-run' && path.includes(control?.id ?? ''),
    ).length
  }

  silence(): void {
    this.#wire.silence()
  }

  /** A Run whose agent was just started. */
  async starts(owner = 'acme'): Promise<Followed> {
    const task = { title: 'Fix', description: 'Fix', repository: 'acme/shop', integration: '2' }
    const taskId = await this.#tasks.createTask(task)
    const body = {
      runtime_adapter: 'codex',
      model: 'gpt-5.5',
      mode: 'background',
      branch: 'main',
    } as const
    const id = await this.#tasks.startRun(taskId, body, [])
    const now = Date.now()
    const plain = working({
      report: { readOnlyThread: true, status: undefined, done: told },
      schedule: { nextPollAt: undefined },
      session: { taskId, taskRun: { ...taskRun, id, since: now, changedAt: now } },
    })
    const run: Run = { ...plain, id: `run-${id}`, thread: { ...plain.thread, owner } }
    const job = { run, due: now }
    this.#runs.set(run.id, job)
    return {
      control: this.posthog.run(id),
      run: () => job.run,
      answer: () => job.run.session.sessionLog?.answer,
      change(change) {
        job.run = changed(job.run, change)
        job.due = Date.now()
      },
    }
  }

  async pass(ms: number): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; ) {
      const asInTheQueue = [...this.#runs.values()].toSorted((a, b) => a.due - b.due)
      for (const job of asInTheQueue) if (job.due <= Date.now()) await this.#step(job)
      await settle()
      await vi.advanceTimersByTimeAsync(tick)
    }
    await settle()
  }

  async #step(job: { run: Run; due: number }): Promise<void> {
    job.due = Number.POSITIVE_INFINITY
    const save = async (next: Run): Promise<void> => {
      job.run = next
    }
    const result = await this.#advance({ ...given(job.run, { save }).job, data: job.run })
    if (result.kind === 'park') job.due = Math.min(job.due, Date.now() + result.ms)
  }

  async close(): Promise<void> {
    await this.#follower.close()
    this.#wire.close()
    await this.posthog.close()
  }
}

/** @param options of the PostHog; its agents wait for the test */
export async function startFollowing(options: PostHogOptions = {}): Promise<Following> {
  const posthog = await startPostHog(options)
  posthog.script('', { kind: 'manual' })
  return new Following(posthog, await new Wire(posthog.port).open())
}
