/** A limit of a service counts for all who share it: until it is over, nobody calls. One gate for each limit. */
import { RetryLater } from './errors.ts'

type Limit = Pick<RetryLater, 'service' | 'until' | 'why' | 'message'>

export interface LimitStore {
  read(name: string): Promise<Limit | undefined>
  write(name: string, limit: Limit): Promise<void>
}

interface Shared {
  name: string
  store: LimitStore
}

export interface LimitGate {
  pass(): Promise<void>
  remember(limit: RetryLater): Promise<void>
}

/** @param shared without it, a process knows of the limits that it met itself; so it does while the store is away */
export function limitGate(now: () => number, shared?: Shared): LimitGate {
  let known: Limit | undefined
  const learn = (limit: Limit | undefined): void => {
    if (limit && (!known || limit.until > known.until)) known = limit
  }
  let reading: Promise<Limit | undefined> | undefined
  /** Calls side by side share an answer, and so do those of one call before and behind a token that is known. */
  const read = ({ name, store }: Shared): Promise<Limit | undefined> => {
    reading ??= store
      .read(name)
      .catch(() => undefined)
      .finally(() => setImmediate(() => (reading = undefined)))
    return reading
  }
  const lasting = (): Limit | undefined => (known && now() < known.until ? known : undefined)
  return {
    async pass() {
      if (shared && !lasting()) learn(await read(shared))
      const limit = lasting()
      if (limit) throw new RetryLater(limit.service, limit.until, limit.why, limit.message)
    },
    async remember(limit) {
      learn(limit)
      await shared?.store.write(shared.name, limit).catch(() => {})
    },
  }
}
