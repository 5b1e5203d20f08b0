/**
 * Who was the first of a name. Names change hands and numbers do not: what was given to a name stays with the account, or
 * the repository, that had it when it was first used.
 */
import { z } from 'zod'
import type { Log } from '../core/model/ports.ts'
import { givenByName, type NamesOf } from '../core/settings/deployment-settings.ts'
import { NewestMap } from '../core/text/newest-map.ts'
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
    if (outcome === 'added')
      log.warn(
        { repository: repoId, login, id },
        `allow.users: write ${login}:${by}, so that it always means this account`,
      )
    return (await readFirst(records, name)) === String(id)
  },
})

const maxKept = 10_000

/** What SETTINGS_FILE gives a login, or a repository's name, is for who had it first. The log says so once. */
export function namesIn(records: WrittenOnce, log: Pick<Log, 'warn'>): NamesOf {
  const isFirst = firstIn(records)
  const checked = new NewestMap<string, Promise<boolean>>(maxKept)

  async function check(name: string, id: number, words: string): Promise<boolean> {
    if (id === 0) return false
    const holds = await isFirst(name, String(id))
    if (!holds) log.warn({ name, id }, `SETTINGS_FILE: another ${words}`)
    return holds
  }

  function holds(name: string, id: number, words: string): Promise<boolean> {
    const key = `${name} ${id}`
    const known = checked.get(key) ?? check(name, id, words)
    checked.set(key, known)
    known.catch(() => checked.delete(key))
    return known
  }

  return async (settings, thread) => {
    const { owner, ownerId, repo, repoId } = thread
    const given = givenByName(settings, thread)
    const ownerHolds =
      !given.owner ||
      (await holds(
        `owner-${owner.toLowerCase()}`,
        ownerId,
        `owner had the name ${owner} first, so this one gets nothing. Write ${owner}:${ownerId} if you mean this one`,
      ))
    if (!ownerHolds) return { owner: false, repository: false }
    const repository =
      !given.repository ||
      (await holds(
        `repository-${ownerId}-${repo.toLowerCase()}`,
        repoId,
        `repository had the name ${owner}/${repo} first, so this one gets nothing. Write ${repo}:${repoId} if you mean this one`,
      ))
    return { owner: true, repository }
  }
}
