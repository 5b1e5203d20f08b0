/**
 * Who was the first of a name. Names change hands and numbers do not: what a repository's file gave to a login stays
 * with whoever had it when it was first used.
 */
import { z } from 'zod'
import type { Log } from '../core/model/ports.ts'
import type { Accounts } from './authorize.ts'

export interface WrittenOnce {
  add(id: string, data: unknown): Promise<{ outcome: string }>
  get(id: string): Promise<{ data: unknown } | undefined>
}

const First = z.object({ by: z.string() })

const readFirst = async (records: WrittenOnce, name: string): Promise<string | undefined> =>
  First.safeParse((await records.get(name))?.data).data?.by

/** @returns whether `by` is the first of that name; a repeated call gives the same */
export const firstIn =
  (records: WrittenOnce) =>
  async (name: string, by: string): Promise<boolean> => {
    await records.add(name, { by })
    return (await readFirst(records, name)) === by
  }

/** The account that a login was when first let in. Without data, markers of our comments tell, else the next use. */
export const accountsIn = (records: WrittenOnce, log: Pick<Log, 'warn'>): Accounts => ({
  async isSame(repoId, { login, id }, usedBefore) {
    const name = `account-${repoId}-${login.toLowerCase()}`
    const known = await readFirst(records, name)
    if (known !== undefined) return known === String(id)
    const by = String((await usedBefore()) ?? id)
    const { outcome } = await records.add(name, { by })
    const slug = /^(.+)\[bot\]$/.exec(login)?.[1]
    const [key, written] = slug === undefined ? ['allow.users', login] : ['context.bots', slug]
    if (outcome === 'added')
      log.warn(
        { repository: repoId, login, id },
        `${key}: write ${written}:${by}, so that it always means this account`,
      )
    return (await readFirst(records, name)) === String(id)
  },
})
