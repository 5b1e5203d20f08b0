/**
 * We renew the lock ourselves: BullMQ's renewal forgets a job taken up a second time after a freeze, and never tells
 * that the lock is gone.
 */
import { within } from './deadline.ts'
import { LockLost } from './work-queue.ts'

export class HeldLock {
  readonly #job: string
  readonly #extend: () => Promise<boolean>
  readonly #duration: number
  readonly #aborter = new AbortController()
  readonly #renewal: NodeJS.Timeout
  #heldUntil: number
  #lost: LockLost | undefined

  /** @param extend says whether the lock was still ours, and then holds it for `duration` ms more. */
  constructor(job: string, duration: number, extend: () => Promise<boolean>) {
    this.#job = job
    this.#extend = extend
    this.#duration = duration
    this.#heldUntil = Date.now() + duration
    this.#renewal = setInterval(() => void this.#renew(), duration / 3)
  }

  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Throws `LockLost` unless the server says in time that the lock is ours. */
  assert(): Promise<void> {
    return this.during(this.#extend)
  }

  /** Does what prolongs the lock in the same step, or does nothing. Throws `LockLost` as `assert` does. */
  async during(step: () => Promise<boolean>): Promise<void> {
    if (this.#lost) throw this.#lost
    const requestedAt = Date.now()
    const left = Math.max(this.#heldUntil - requestedAt, this.#duration / 3)
    const isHeld = await within(left, step(), () => false).catch(error => {
      throw this.#lose(error)
    })
    if (this.#lost) throw this.#lost
    if (!isHeld) throw this.#lose()
    this.#heldUntil = requestedAt + this.#duration
  }

  interrupt(reason: Error): void {
    this.#aborter.abort(reason)
  }

  /** The step is over: a processor that goes on nonetheless must not act any more. */
  release(): void {
    clearInterval(this.#renewal)
    this.#lost ??= new LockLost(`the step of job ${this.#job} is over`)
  }

  async #renew(): Promise<void> {
    const requestedAt = Date.now()
    const isHeld = await within(this.#duration / 3, this.#extend(), unknown).catch(unknown)
    if (this.#lost) return
    if (isHeld) this.#heldUntil = requestedAt + this.#duration
    else if (isHeld === false || Date.now() > this.#heldUntil) this.#lose()
  }

  #lose(cause?: unknown): LockLost {
    clearInterval(this.#renewal)
    this.#lost ??= new LockLost(`the lock of job ${this.#job} is lost`, { cause })
    this.#aborter.abort(this.#lost)
    return this.#lost
  }
}

const unknown = (): boolean | undefined => undefined
