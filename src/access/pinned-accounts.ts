/** Which account a login was when the settings first let it in: written down in the queue, so that it outlives us. */
import { z } from 'zod'
import type { Accounts } from './authorize.ts'

/** What is added once is read by all who add it again. */
export interface Notes {
  add(id: string, data: unknown): Promise<unknown>
  get(id: string): Promise<{ data: unknown } | undefined>
}

const Account = z.object({ id: z.number().int() })

export const accountsIn = (notes: Notes): Accounts => ({
  async isSame(repoId, { login, id }) {
    const name = `account-${repoId}-${login.toLowerCase()}`
    await notes.add(name, { id })
    return Account.safeParse((await notes.get(name))?.data).data?.id === id
  },
})
