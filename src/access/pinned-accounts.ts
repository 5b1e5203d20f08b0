/** The account that a login was when first let in. Without data, markers of our comments tell, else the next use. */
import { z } from 'zod'
import type { Log } from '../core/model/ports.ts'
import type { Accounts } from './authorize.ts'

export interface WrittenOnce {
  add(id: string, data: unknown): Promise<{ outcome: string }>
  get(id: string): Promise<{ data: unknown } | undefined>
}

const Account = z.object({ id: z.number().int() })

export const accountsIn = (records: WrittenOnce, log: Pick<Log, 'warn'>): Accounts => ({
  async isSame(repoId, { login, id }, usedBefore) {
    const name = `account-${repoId}-${login.toLowerCase()}`
    const read = async (): Promise<number | undefined> =>
      Account.safeParse((await records.get(name))?.data).data?.id
    const known = await read()
    if (known !== undefined) return known === id
    const first = (await usedBefore()) ?? id
    const { outcome } = await records.add(name, { id: first })
    if (outcome === 'added')
      log.warn(
        { repository: repoId, login, id },
        `allow.users: write ${login}:${first} to have it no other account's`,
      )
    return (await read()) === id
  },
})
