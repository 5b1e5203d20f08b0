/** A limit of a service counts for all who share it: until it is over, nobody calls. One gate for each limit. */
import { ComeBack } from './errors.ts'

export interface LimitGate {
  /** @throws ComeBack while a limit lasts that the service told of */
  pass(): void
  note(limit: ComeBack): void
}

export function limitGate(now: () => number): LimitGate {
  let known: ComeBack | undefined
  return {
    pass() {
      if (known && now() < known.until)
        throw new ComeBack(known.service, known.until, known.why, known.message)
    },
    note(limit) {
      if (!known || limit.until > known.until) known = limit
    },
  }
}
