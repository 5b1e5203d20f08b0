/** A limit of a service counts for all who share it: until it is over, nobody calls. One gate for each limit. */
import { RetryLater } from './errors.ts'

export interface LimitGate {
  /** @throws RetryLater while a limit lasts that the service told of */
  pass(): void
  note(limit: RetryLater): void
}

export function limitGate(now: () => number): LimitGate {
  let known: RetryLater | undefined
  return {
    pass() {
      if (known && now() < known.until)
        throw new RetryLater(known.service, known.until, known.why, known.message)
    },
    note(limit) {
      if (!known || limit.until > known.until) known = limit
    },
  }
}
