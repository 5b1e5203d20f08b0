/**
 * What surrounds a Run, in memory: a clock, an inbox, and two services whose calls have their luck. Several workers
 * may call; the one that is frozen has lost the lock.
 */
import { NoResponse, Rejected, RetryLater, type Service } from '../../../src/core/model/errors.ts'
import type { CommitView, PullView } from '../../../src/core/model/views.ts'
import { markerSigner } from '../../../src/core/record/marker.ts'
import { hour, second, t0 } from '../given.ts'
import type { AgentRun } from './agent.ts'
import { happen } from './happenings.ts'
import { Holds } from './holds.ts'
import type { Happening, Hold, Luck, Script } from './script.ts'

/** The process is gone in the middle of a step. */
export class Crash extends Error {}

/** A process with the job in hand, for one turn. */
export interface Worker {
  dead: boolean
  /** Another one has the job by now. */
  lost: boolean
  readonly shutdown: AbortController
  /** Stops where it is; settles when it is let go on. */
  freeze(): Promise<void>
}

export interface ActingStep<T> {
  service: Service
  name: string
  writes: boolean
  effect: () => T
  /** It may take place after its answer was given up. */
  mayBeLate?: boolean
}

const soonVisible = 3 * second
const slow = 10 * second
const wait = 30 * second
/** What is begun in one moment: where one of it meets a limit, the client sends no other. */
const beside = new Set(['comment', 'branches', 'make branch', 'closing', 'create task'])
const days = 72 * hour
/** No life that ends takes so many. */
const mostCalls = 3_000

const beginnings = new Set(['create task', 'start run', 'say'])
/** All other luck has a call fail before its effect. */
const hasEffect = new Set<Luck>([
  'well',
  'slow',
  'lost after',
  'crash after',
  'freeze after',
  'shutdown',
])

export class World {
  now = t0
  calls = 0
  /** How many turns the agent has had. */
  turn = 0
  /** How often the turn was somebody else's. */
  asked = 0
  readonly script: Script
  readonly main = 'a'.repeat(40)
  readonly inbox: string[] = []
  /** Nothing more is taken. */
  isClosed = false
  /** Triggers whose commands came too late. */
  readonly askedAgain = new Set<string>()
  /** Reactions to messages, by the comment they stand on. */
  readonly reactions: { commentId: number; content: string }[] = []
  /** Messages and wakes, as the queue counts them. */
  rows = 0
  readonly comments: { id: number; body: string; createdAt: number }[] = []
  /** By what GraphQL knows them by. */
  readonly folded = new Set<string>()
  readonly branches = new Map([['main', this.main]])
  /** What came on the branches, in order. */
  readonly commits: (CommitView & { branch: string })[] = []
  /** The App may do nothing in the repository any more, and the Run has been told so. */
  uninstalled = false
  accessLost = false
  statusesDeleted = 0
  /** How often GitHub said no to something that was written. */
  unwritten = 0
  readonly pulls: PullView[] = []
  readonly tasks: { id: string; description: string; runs: AgentRun[] }[] = []
  /** What can't be taken back: `task`, `run <prompt>`, `say <id>`, `pull <head>`, `cancel`. */
  readonly effects: string[] = []
  /** The calls that put an agent to work, as they were made. */
  readonly begun: string[] = []
  /** What must never be, as it was seen. */
  readonly violations: string[] = []
  readonly signer = markerSigner('secret')
  /** What happens at the next calls, one at each. */
  readonly soon: Happening[] = []
  readonly sleepers: { until: number; wake: () => void }[] = []
  /** PostHog says of everything that it does not exist, from now on. */
  unknown = false
  /** Sessions of before that the record let go while PostHog did not know them. */
  readonly letGo = new Set<string>()
  readonly holds = new Holds()
  /** Wakes the Run, if it waits for that. */
  wakes: (hold: Hold) => boolean = () => false
  #refuses = false
  readonly #late: { at: number; effect: () => unknown }[] = []
  #limits: { service: Service; until: number; by: Worker; recorded: boolean }[] = []

  constructor(script: Script) {
    this.script = script
    for (const hold of script.heldBy) this.holds.put(hold, t0)
  }

  agents(): AgentRun[] {
    return this.tasks.flatMap(({ runs }) => runs)
  }

  #messages(): { kind: string; id: string; followUps?: string[]; source?: object }[] {
    return this.inbox.map(text => JSON.parse(text))
  }

  /** Ids of the words that were said to the Run. */
  accepted(): string[] {
    return [
      ...new Set(
        this.#messages()
          .filter(({ kind }) => kind === 'follow-up')
          .map(({ id }) => id),
      ),
    ]
  }

  /** Ids of words whose comment was deleted. */
  withdrawn(): string[] {
    return this.#messages().flatMap(({ followUps = [] }) => followUps)
  }

  /** Ids of whatever was said by a command, which is to be answered. */
  answerable(): string[] {
    return [
      ...new Set(
        this.#messages()
          .filter(({ source }) => source)
          .map(({ id }) => id),
      ),
    ]
  }

  /** One call: its effect takes place at its beginning, the answer comes at its end. */
  async call<T>(worker: Worker, doing: ActingStep<T>): Promise<T> {
    if (worker.dead) throw new Crash()
    if (worker.lost) return this.#callWithoutLock(doing)
    this.#begin(worker, doing)
    const luck = this.#luckOf(doing)
    this.calls += 1
    if (this.calls > mostCalls) throw new Error(`${doing.name} for ever`)
    this.now += 40
    if (beginnings.has(doing.name)) this.begun.push(doing.name)
    if (luck === 'late' && doing.mayBeLate)
      this.#late.push({ at: this.now + soonVisible, effect: doing.effect })
    const done = hasEffect.has(luck) ? { value: doing.effect() } : undefined
    if (luck === 'slow') this.now += slow
    if (luck === 'shutdown') worker.shutdown.abort(new Error('shutdown'))
    // Others that were begun in the same moment are under way by now.
    await Promise.resolve()
    return this.#answer(worker, { doing, luck, done })
  }

  /** What says no once says no ever after. GitHub does not: a thread that takes no comments is another story. */
  #luckOf({ service, writes, name }: ActingStep<unknown>): Luck {
    const luck = this.#readLuck(service, writes, this.script.luck[this.calls] ?? 'well')
    if (service === 'github') return this.#gitHubsLuck(writes, luck)
    if (luck === 'unwritten') return 'well'
    if (luck === 'usage limit') return name === 'start run' ? luck : 'well'
    this.#refuses ||= luck === 'refused'
    return this.#refuses ? 'refused' : luck
  }

  #gitHubsLuck(writes: boolean, luck: Luck): Luck {
    if (this.uninstalled) return writes ? 'unwritten' : 'unread 403'
    if (luck === 'unwritten' && writes) this.unwritten += 1
    const ofPostHog = luck === 'refused' || luck === 'usage limit'
    return ofPostHog || (luck === 'unwritten' && !writes) ? 'well' : luck
  }

  /** Whatever is refused to a read, what is written gets through. */
  #readLuck(service: Service, writes: boolean, luck: Luck): Luck {
    this.unknown ||= luck === 'unknown from now on' && service === 'posthog'
    if (!writes && this.unknown && service === 'posthog') return 'unread 404'
    const ofReads = luck.startsWith('unread') || luck === 'unknown from now on'
    return ofReads && (writes || luck === 'unknown from now on') ? 'well' : luck
  }

  /** Reading does no harm. */
  #callWithoutLock<T>({ writes, name, effect }: ActingStep<T>): T {
    if (!writes) return effect()
    this.violations.push(`${name} by a worker that lost the lock`)
    throw new Crash()
  }

  #begin(worker: Worker, { service, name, writes }: ActingStep<unknown>): void {
    this.settleLate()
    if (this.accessLost && service === 'github' && writes)
      this.violations.push(`${name} where the App may do nothing`)
    const limit = this.#limits.find(each => each.service === service && this.now < each.until)
    if (limit?.by === worker && beside.has(name))
      throw new RetryLater(service, limit.until, 'rate-limit', 'gate')
    if (limit) this.violations.push(`${name} ${limit.until - this.now} ms before the limit is over`)
    const due = this.script.events.filter(({ when }) => 'call' in when && when.call === this.calls)
    for (const { what } of due) happen(this, what)
    const next = this.soon.shift()
    if (next) happen(this, next)
    for (const { until, wake } of this.sleepers) if (until <= this.calls) wake()
  }

  async #answer<T>(
    worker: Worker,
    { doing, luck, done }: { doing: ActingStep<T>; luck: Luck; done: { value: T } | undefined },
  ): Promise<T> {
    const { service, writes } = doing
    if (luck.startsWith('crash')) worker.dead = true
    if (luck.startsWith('freeze') || worker.lost) await worker.freeze()
    if (worker.dead) throw new Crash()
    if (luck === 'limit') {
      const until = this.now + wait
      this.#limits.push({ service, until, by: worker, recorded: false })
      throw new RetryLater(service, until, 'rate-limit', 'limit')
    }
    if (luck === 'usage limit')
      throw new RetryLater(service, this.now + days, 'usage-limit', 'limit')
    if (luck === 'unwritten') throw new Rejected(service, 403, '', 'no')
    if (luck === 'unread 404') throw new Rejected(service, 404, '', 'Not found.', undefined, 'read')
    if (luck === 'unread 403') throw new Rejected(service, 403, '', 'no', undefined, 'read')
    if (luck === 'refused')
      throw new Rejected(service, 403, '', 'no', undefined, writes ? 'effect' : 'read')
    if (!done || luck === 'lost after') throw new NoResponse(service, 'reset')
    return done.value
  }

  /** What was given up for lost, and happened. */
  settleLate(): void {
    const due = this.#late.filter(({ at }) => at <= this.now)
    for (const late of due) {
      this.#late.splice(this.#late.indexOf(late), 1)
      late.effect()
    }
  }

  /** The record was written, so whoever goes on with it knows of the limits. */
  recorded(): void {
    for (const limit of this.#limits) limit.recorded = true
  }

  /** A process died: nobody knows what it did not write down. */
  forgotten(): void {
    this.#limits = this.#limits.filter(({ recorded }) => recorded)
  }

  commit(branch: string, commit: CommitView): void {
    this.commits.push({ ...commit, branch })
    this.branches.set(branch, commit.sha)
  }
}
