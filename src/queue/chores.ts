/**
 * Work that comes round by itself. Each chore is one job that never ends and is parked between two turns: so of all
 * processes one at a time has it in hand, it remembers, and it comes back when it says. (BullMQ's job schedulers make
 * the next job when the last one starts, so a slow chore would meet itself, and one that waits could not say so.)
 */
import type { BullQueue } from './bull-queue.ts'
import type { Chore, Chores, HeldJob, Verdict } from './work-queue.ts'

/** The data of a chore's job. */
export interface ChoreRecord {
  memory?: unknown
}

/** Never fails: a chore whose memory can't be read starts afresh, and one whose job fails would be gone. */
export function readChore(data: unknown): ChoreRecord {
  return typeof data === 'object' && data !== null && 'memory' in data ? { memory: data.memory } : {}
}

const CONCURRENCY = 10
/** A chore of a newer or older version: in a rolling restart another process knows it. */
const UNKNOWN_MS = 5_000

interface Known {
  ms: number
  chore: Chore
}

type Enlisted = Pick<BullQueue<ChoreRecord>, 'add' | 'wake' | 'work'>

export class ChoreBoard implements Chores {
  readonly #queue: Enlisted
  readonly #known = new Map<string, Known>()
  readonly #timers: NodeJS.Timeout[] = []
  #working: Promise<void> | undefined

  constructor(queue: Enlisted) {
    this.#queue = queue
  }

  async every(id: string, ms: number, chore: Chore): Promise<void> {
    this.#known.set(id, { ms, chore })
    this.#working ??= this.#queue.work(job => this.#turn(job), { concurrency: CONCURRENCY })
    await this.#working
    const { outcome } = await this.#enlist(id)
    if (outcome === 'known') await this.#queue.wake(id)
    // A queue that lost its data has lost the chore too.
    this.#timers.push(setInterval(() => this.#enlist(id).catch(() => {}), ms).unref())
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  #enlist(id: string) {
    return this.#queue.add(id, {})
  }

  async #turn(job: HeldJob<ChoreRecord>): Promise<Verdict> {
    const known = this.#known.get(job.id)
    if (!known) return { do: 'park', ms: UNKNOWN_MS }
    const { signal } = job
    const remember = (memory: unknown) => job.save({ memory })
    const ms = await known.chore({ memory: job.data.memory, signal, remember })
    return { do: 'park', ms: ms ?? known.ms }
  }
}
