/** What the admin pages list, read from the index: of each list one page of Runs, however many there are. */
import type { JobQueue, JobRecord, Range } from '../../core/model/ports.ts'
import { day } from '../../core/model/time.ts'
import type { Run } from '../../core/record/run.ts'
import {
  type Group,
  inNamed,
  liveGroups,
  ofThread,
  onBoard,
  type Whose,
} from '../../core/record/run-index.ts'
import type { Filter } from './filters.ts'

export type BoardRuns = Pick<JobQueue<Run>, 'get' | 'getMany' | 'members' | 'query'>
export type Listed = JobRecord<Run>

/** Of each list on the first page; the rest is a click away. */
export const atFirst = 5
const perPage = 50
/** Pages are found by counting, so nobody asks for those that are far. */
const maxPage = 200

/** How long failures need somebody, and ends are news: ms. */
const news: Partial<Record<Group, number>> = { failed: 3 * day, ended: 7 * day }

export interface Listing {
  runs: Listed[]
  /** Of all pages. */
  count: number
  page: number
  isLast: boolean
}

export interface Wanted {
  group: Group
  whose: Whose | undefined
  page?: number
  size?: number
}

export function openBoard(runs: BoardRuns, now: () => number) {
  /** A repository has the number of the newest that was called so. */
  async function whoseOf(filter: Filter | undefined): Promise<Whose | undefined> {
    if (filter?.kind !== 'repository') return filter
    const run = await newestIn(filter.name)
    return { kind: 'repository', name: run?.thread.repoId ?? 0 }
  }

  /** Of a repository that was called so. */
  async function newestIn(name: string): Promise<Run | undefined> {
    const [[newest] = []] = await runs.members([inNamed(name)], { kind: 'last', count: 1 })
    const [run] = newest ? await runs.getMany([newest.id]) : []
    return run?.data
  }

  /** Whether anything was asked there in the days for which ended Runs are listed. */
  async function isKnown(whose: Whose): Promise<boolean> {
    const sets = [...liveGroups, 'ended' as const].map(group => onBoard(group, whose))
    const counts = await runs.query(sets.map(set => ({ kind: 'count', set })))
    return counts.some(count => count !== undefined && count > 0)
  }

  /**
   * Newest first where they have ended, else those that wait longest. All lists of a page are read together: a queue in
   * this process answers one after another.
   */
  async function lists(wanted: readonly Wanted[]): Promise<Listing[]> {
    const asked = wanted.map(({ group, whose, page = 1, size = perPage }) => {
      const lasts = news[group]
      return {
        set: onBoard(group, whose),
        above: lasts === undefined ? undefined : now() - lasts,
        page: Math.min(Math.max(1, Math.trunc(page) || 1), maxPage),
        size,
      }
    })
    const most = Math.max(...asked.map(({ page, size }) => page * size))
    const members = async (kind: Range['kind'], all: typeof asked) =>
      runs.members(
        all.map(({ set }) => set),
        { kind, count: most },
      )
    const isNews = ({ above }: { above: number | undefined }): boolean => above !== undefined
    const [oldest, newest, counts] = await Promise.all([
      members(
        'first',
        asked.filter(each => !isNews(each)),
      ),
      members('last', asked.filter(isNews)),
      runs.query(asked.map(({ set, above }) => ({ kind: 'count', set, above }))),
    ])
    const shown = asked.map(each => {
      const all = (isNews(each) ? newest : oldest).shift() ?? []
      const { above = Number.NEGATIVE_INFINITY, page, size } = each
      return all.slice((page - 1) * size, page * size).flatMap(({ id, score }) => (score > above ? [id] : []))
    })
    const records = await runs.getMany([...new Set(shown.flat())])
    const read = new Map(records.map(run => [run.id, run]))
    return asked.map(({ page, size }, at) => {
      const count = counts[at] ?? 0
      const own = (shown[at] ?? []).flatMap(id => read.get(id) ?? [])
      return { runs: own, count, page, isLast: page * size >= count }
    })
  }

  const list = async (wanted: Wanted): Promise<Listing> => {
    const [listing] = await lists([wanted])
    return listing ?? { runs: [], count: 0, page: 1, isLast: true }
  }

  /** The newest failures, without those after which somebody asked again in the thread. */
  async function failed(whose: Whose | undefined): Promise<Listing> {
    const all = await list({ group: 'failed', whose })
    const threads = all.runs.map(({ data }) => ofThread(data.thread))
    const newest = await runs.members(threads, { kind: 'last', count: 1 })
    const still = all.runs.filter(({ id }, at) => newest[at]?.[0]?.id === id)
    return {
      ...{ runs: still.slice(0, atFirst), page: 1, isLast: all.isLast && still.length <= atFirst },
      count: all.count - all.runs.length + still.length,
    }
  }

  /** All that are not over, then what has ended lately, by pages; without what this version can't read. */
  async function all(whose: Whose | undefined, page: number): Promise<{ runs: Listed[]; isLast: boolean }> {
    const sets = [...liveGroups, 'ended' as const].map(group => onBoard(group, whose))
    const wanted = Math.min(Math.max(1, Math.trunc(page) || 1), maxPage)
    const found = await runs.members(sets, { kind: 'last', count: wanted * perPage + 1 })
    const since = now() - (news.ended ?? 0)
    const ended = (found.at(-1) ?? []).filter(({ score }) => score > since)
    const ids = [...new Set([...found.slice(0, -1).flat(), ...ended].map(({ id }) => id))]
    const from = (wanted - 1) * perPage
    return { runs: await runs.getMany(ids.slice(from, from + perPage)), isLast: ids.length <= from + perPage }
  }

  return {
    whoseOf,
    isKnown,
    lists,
    list,
    failed,
    all,
    get: (id: string) => runs.get(id).catch(leftOut),
  }
}

export function together<T, Key>(all: readonly T[], keyOf: (each: T) => Key): [Key, T[]][] {
  const found = new Map<Key, T[]>()
  for (const each of all) {
    const others = found.get(keyOf(each))
    if (others) others.push(each)
    else found.set(keyOf(each), [each])
  }
  return [...found]
}

export type Board = ReturnType<typeof openBoard>

/** A Run of another version; that the queue is away is another matter. */
function leftOut(error: unknown): undefined {
  if (error instanceof Error && error.name === 'UnreadableRecord') return undefined
  throw error
}
