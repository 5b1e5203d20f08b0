/** A limit of a service counts for all who share it: until it is over, nobody calls. One gate for each limit. */
import { RetryLater } from './errors.ts'

type Limit = Pick<RetryLater, 'service' | 'until' | 'why' | 'message'>

export interface LimitStore {
  read(name: string): Promise<Limit | undefined>
  note(name: string, limit: Limit): Promise<void>
}

export interface LimitGate {
  pass(): Promise<void>
  note(limit: RetryLater): Promise<void>
}

/** @param shared without it, a process knows of the limits that it met itself; so it does while the store is away */
export function limitGate(now: () => number, shared?: { name: string; store: LimitStore }): LimitGate {
  let known: Limit | undefined
  const learn = (limit: Limit | undefined): void => {
    if (limit && (!known || limit.until > known.until)) known = limit
  }
  const lasting = (): Limit | undefined => (known && now() < known.until ? known : undefined)
  return {
    async pass() {
      if (shared && !lasting()) learn(await shared.store.read(shared.name).catch(() => undefined))
      const limit = lasting()
      if (limit) throw new RetryLater(limit.service, limit.until, limit.why, limit.message)
    },
    async note(limit) {
      learn(limit)
      await shared?.store.note(shared.name, limit).catch(() => {})
    },
  }
}
