/**
 * Which account a login was when the settings first let it in: written down in the queue, so that it outlives us. A
 * queue that lost its data takes the next account that uses the login; the log says each time which one that was.
 */
import { z } from 'zod'
import type { Log } from '../core/model/ports.ts'
import type { Accounts } from './authorize.ts'

/** What is added once is read by all who add it again. */
export interface Notes {
  add(id: string, data: unknown): Promise<{ outcome: string }>
  get(id: string): Promise<{ data: unknown } | undefined>
}

const Account = z.object({ id: z.number().int() })

export const accountsIn = (messages: Notes, log: Pick<Log, 'warn'>): Accounts => ({
  async isSame(repoId, { login, id }) {
    const name = `account-${repoId}-${login.toLowerCase()}`
    const { outcome } = await messages.add(name, { id })
    if (outcome === 'added')
      log.warn(
        { repository: repoId, login, id },
        `allow.users: write ${login}:${id} to have it no other account's`,
      )
    return Account.safeParse((await messages.get(name))?.data).data?.id === id
  },
})
