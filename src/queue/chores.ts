/**
 * Recurring work. A chore is one job that never ends and remembers (BullMQ's schedulers would overlap a slow one). An
 * errand ends when it is done.
 */

import { z } from 'zod'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import type { BullQueue } from './bull-queue.ts'
import type { Chore, Chores, Errand, Sent } from './work-queue.ts'

/** It never fails, as a failed job would be gone: unreadable memory starts afresh. */
const ChoreRecord = z
  .object({
    memory: z.unknown().optional(),
    errand: z.string().optional().catch(undefined),
    read: z.number().optional().catch(undefined),
  })
  .catch({})
type ChoreRecord = z.infer<typeof ChoreRecord>

export const readChore = (data: unknown): ChoreRecord => ChoreRecord.parse(data)

const CONCURRENCY = 10
const SEND_ATTEMPTS = 3
/** ms: another process of a rolling restart may know this chore. */
const UNKNOWN_MS = 5_000
/** Of processes with nothing else in hand. */
const MOST_DEATHS = 2
const SET_ASIDE_MS = 3_600_000
/** Kinds of errands that older versions left in the queue, and that nobody has any more. */
const GONE: ReadonlySet<string> = new Set(['pause'])

interface Known {
  ms: number
  chore: Chore
}

type Enlisted = Pick<BullQueue<ChoreRecord>, 'add' | 'send' | 'wake' | 'work'>

export class ChoreBoard implements Chores {
  readonly #queue: Enlisted
  readonly #known = new Map<string, Known>()
  readonly #errands = new Map<string, Errand>()
  readonly #timers: NodeJS.Timeout[] = []
  #working: Promise<void> | undefined

  constructor(queue: Enlisted) {
    this.#queue = queue
  }

  async every(id: string, ms: number, chore: Chore): Promise<void> {
    this.#known.set(id, { ms, chore })
    this.#working ??= this.#queue.work(job => this.#runChore(job), { concurrency: CONCURRENCY })
    await this.#working
    const { outcome } = await this.#enlist(id)
    if (outcome === 'known') await this.#queue.wake(id)
    this.#timers.push(setInterval(() => this.#enlist(id).catch(() => {}), ms).unref())
  }

  runErrands(kind: string, errand: Errand): void {
    this.#errands.set(kind, errand)
  }

  async send({ kind, id, subject, what }: Sent): Promise<void> {
    for (let attempt = 0; attempt < SEND_ATTEMPTS; attempt++) {
      const added = await this.#queue.add(
        `${kind}-${id}`,
        { errand: kind, memory: what },
        `${kind} ${subject}`,
      )
      if (added.outcome !== 'held' || (await this.#queue.send(added.id, JSON.stringify(what)))) return
    }
    throw new Error(`${subject} changes hands too fast`)
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  #enlist(id: string) {
    return this.#queue.add(id, {})
  }

  async #runChore(job: LockedJob<ChoreRecord>): Promise<StepResult> {
    if (GONE.has(job.data.errand ?? '')) return { kind: 'end' }
    if (job.deaths >= MOST_DEATHS) return { kind: 'park', ms: SET_ASIDE_MS }
    const errand = this.#errands.get(job.data.errand ?? '')
    if (errand) return this.#runErrand(job, errand)
    const known = this.#known.get(job.id)
    if (!known) return { kind: 'park', ms: UNKNOWN_MS }
    const { signal } = job
    const remember = (memory: unknown) => job.save({ memory })
    const ms = await known.chore({ memory: job.data.memory, signal, remember })
    return { kind: 'park', ms: ms ?? known.ms }
  }

  async #runErrand(job: LockedJob<ChoreRecord>, errand: Errand): Promise<StepResult> {
    const inbox = await job.inbox()
    const { memory, read = 0 } = job.data
    const [newest] = inbox.slice(read).slice(-1)
    const what: unknown = newest === undefined ? memory : JSON.parse(newest)
    const remember = (next: unknown) => job.save({ ...job.data, memory: next, read: inbox.length })
    const ms = await errand({ what, signal: job.signal, remember })
    if (ms !== 'done') return { kind: 'park', ms }
    return (await job.inbox()).length > inbox.length ? { kind: 'park', ms: 0 } : { kind: 'end' }
  }
}
