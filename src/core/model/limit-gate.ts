/** One gate for each rate limit: until it is over, nobody who shares it calls. */
import { RetryLater } from './errors.ts'

type Limit = Pick<RetryLater, 'service' | 'until' | 'why' | 'message'>

/** `lasts`: ms, since other processes have other clocks. */
type Lasting = Omit<Limit, 'until'> & { lasts: number }

export interface LimitStore {
  read(name: string): Promise<Lasting | undefined>
  write(name: string, limit: Lasting): Promise<void>
}

interface Shared {
  name: string
  store: LimitStore
}

export interface LimitGate {
  pass(): Promise<void>
  remember(limit: RetryLater): Promise<void>
}

/** @param shared without it, or while the store is away, a process knows only the limits that it met itself */
export function limitGate(now: () => number, shared?: Shared): LimitGate {
  let known: Limit | undefined
  const learn = (limit: Limit | undefined): void => {
    if (limit && (!known || limit.until > known.until)) known = limit
  }
  let reading: Promise<Limit | undefined> | undefined
  /** Concurrent calls share one read of the store. */
  const read = ({ name, store }: Shared): Promise<Limit | undefined> => {
    reading ??= store
      .read(name)
      .then(
        limit => limit && { ...limit, until: now() + limit.lasts },
        () => undefined,
      )
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
      const { service, why, message, until } = limit
      const lasting = { service, why, message, lasts: until - now() }
      await shared?.store.write(shared.name, lasting).catch(() => {})
    },
  }
}
