/**
 * Renews the lock of a job, if it can lapse. BullMQ's own renewal forgets a job taken again after a freeze, and never
 * reports a lost lock.
 */
import { LockLost } from './work-queue.ts'

export class JobLock {
  readonly #job: string
  readonly #extend: () => Promise<boolean>
  readonly #duration: number
  readonly #aborter = new AbortController()
  readonly #renewal: NodeJS.Timeout | undefined
  #heldUntil: number
  #lost: LockLost | undefined

  /** @param extend extends the lock by `duration` ms; false if it was lost */
  constructor(job: string, duration: number, extend: () => Promise<boolean>) {
    this.#job = job
    this.#extend = extend
    this.#duration = duration
    this.#heldUntil = Date.now() + duration
    if (duration < Number.POSITIVE_INFINITY)
      this.#renewal = setInterval(() => void this.#renew(), duration / 3)
  }

  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Throws `LockLost` unless the server says in time that the lock is ours. */
  async assert() {
    await this.during(this.#extend)
  }

  /** Runs a step that also extends the lock, or gives false if it was lost. Throws `LockLost` like `assert`. */
  async during<T>(step: () => Promise<T | false>): Promise<T> {
    if (this.#lost) throw this.#lost
    const requestedAt = Date.now()
    const left = Math.max(this.#heldUntil - requestedAt, this.#duration / 3)
    const came = await within<T | false>(left, step(), () => false).catch(error => {
      throw this.#lose(error)
    })
    if (this.#lost) throw this.#lost
    if (came === false) throw this.#lose()
    this.#heldUntil = requestedAt + this.#duration
    return came
  }

  interrupt(reason: Error) {
    this.#aborter.abort(reason)
  }

  /** After this, a processor that still runs can't act. */
  release() {
    clearInterval(this.#renewal)
    this.#lost ??= new LockLost(`the step of job ${this.#job} is over`)
  }

  async #renew() {
    const requestedAt = Date.now()
    const isHeld = await within(this.#duration / 3, this.#extend(), notKnownYet).catch(notKnownYet)
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

const notKnownYet = (): boolean | undefined => undefined

export async function within<T>(ms: number, promise: Promise<T>, late: () => T): Promise<T> {
  if (ms === Number.POSITIVE_INFINITY) return promise
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  try {
    return await Promise.race([promise, deadline.then(late)])
  } finally {
    clearTimeout(timer)
  }
}
