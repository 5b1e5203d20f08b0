/** What the admin pages list, read from the index: of each list one page of Runs, however many there are. */
import type { JobQueue, JobRecord, Member } from '../../core/model/ports.ts'
import { day } from '../../core/model/time.ts'
import type { Run } from '../../core/record/run.ts'
import { type Group, liveGroups, sets, type Whose } from '../../core/record/run-index.ts'
import { stripInvisible } from '../../core/text/invisible.ts'

/** Which Runs a page shows, as people write it: `acme`, `acme/shop`, `@maya`, `#12`. In lower case. */
export interface Filter {
  kind: Whose['kind']
  name: string
}

export function filterOf(text: string): Filter | undefined {
  const name = stripInvisible(text).trim().toLowerCase().slice(0, 200)
  if (name.startsWith('@'))
    return name === '@' ? undefined : { kind: 'person', name: name.slice(1) }
  const [, number] = /^#0*([1-9]\d{0,11})$/.exec(name) ?? []
  if (number !== undefined) return { kind: 'number', name: number }
  if (name === '') return undefined
  return { kind: name.includes('/') ? 'repository' : 'owner', name }
}

const filterSigns: Partial<Record<Filter['kind'], string>> = { person: '@', number: '#' }

export const asWritten = (filter: Filter | undefined): string =>
  filter === undefined ? '' : `${filterSigns[filter.kind] ?? ''}${filter.name}`

/** The address of one of our pages, with what is not the usual. */
export function pathTo(
  path: string,
  { filter = '', page = 1 }: { filter?: string; page?: number },
): string {
  const query = new URLSearchParams()
  if (filter !== '') query.set('filter', filter)
  if (page > 1) query.set('page', String(page))
  return query.size === 0 ? path : `${path}?${query}`
}

export type BoardRuns = Pick<JobQueue<Run>, 'get' | 'getMany' | 'members' | 'query'>

/** The first page has so many of each list. The rest is a click away. */
const atFirst = 5
const runsPerPage = 50

/** Pages are found by counting, so nobody asks for those that are far. */
const pageOf = (page: number) => Math.min(Math.max(1, Math.trunc(page) || 1), 200)

/** How long failures need somebody, and ends are news: ms. */
const newsMs: Partial<Record<Group, number>> = { failed: 3 * day, ended: 7 * day }

const listed = [...liveGroups, 'ended'] as const
const everywhere = (whose: Whose | undefined) => listed.map(group => sets.board({ group, whose }))

export interface Listing {
  runs: JobRecord<Run>[]
  /** The number on all pages. */
  count: number
  page: number
  isLast: boolean
}

const cutListing = (all: Listing, runs: Listing['runs']): Listing => {
  const shown = runs.slice(0, atFirst)
  return { ...all, runs: shown, isLast: shown.length === all.count }
}

export function openBoard(runs: BoardRuns, now: () => number) {
  const since = (group: Group) => now() - (newsMs[group] ?? now())

  /** A repository has the number of the newest that was called so. */
  async function whoseOf(filter: Filter | undefined): Promise<Whose | undefined> {
    if (filter?.kind !== 'repository') return filter
    const [[newest] = []] = await runs.members([sets.named(filter.name)], {
      kind: 'last',
      count: 1,
    })
    const [run] = newest ? await runs.getMany([newest.id]) : []
    return { kind: 'repository', name: run?.data.thread.repoId ?? 0 }
  }

  /** Whether anything was asked there in the days for which ended Runs are listed. */
  async function isKnown(whose: Whose) {
    const counts = await runs.query(everywhere(whose).map(set => ({ kind: 'count', set })))
    return counts.some(count => count !== undefined && count > 0)
  }

  /**
   * Runs that have ended come newest first, others by how long they wait. All lists of a page are read together: a
   * queue in this process answers one after another.
   */
  async function lists(groups: readonly Group[], whose: Whose | undefined, page: number) {
    const names = groups.map(group => sets.board({ group, whose }))
    const [oldest, newest, counts] = await Promise.all([
      runs.members(names, { kind: 'first', count: page * runsPerPage }),
      runs.members(names, { kind: 'last', count: page * runsPerPage }),
      runs.query(
        groups.map((group, at) => ({ kind: 'count', set: names[at] ?? '', above: since(group) })),
      ),
    ])
    const shown = groups.map((group, at) => {
      const members: Member[] = (group in newsMs ? newest : oldest)[at] ?? []
      return members
        .slice((page - 1) * runsPerPage)
        .flatMap(({ id, score }) => (score > since(group) ? [id] : []))
    })
    const read = new Map((await runs.getMany([...new Set(shown.flat())])).map(run => [run.id, run]))
    return (group: Group): Listing => {
      const at = groups.indexOf(group)
      const [ids = [], count = 0] = [shown[at], counts[at]]
      return {
        runs: ids.flatMap(id => read.get(id) ?? []),
        count,
        page,
        isLast: page * runsPerPage >= count,
      }
    }
  }

  async function list(wanted: {
    group: Group
    whose: Whose | undefined
    page?: number
  }): Promise<Listing> {
    const { group, whose, page = 1 } = wanted
    return (await lists([group], whose, pageOf(page)))(group)
  }

  /** The newest failures, without those after which somebody asked again in the thread. */
  async function failed(whose: Whose | undefined): Promise<Listing> {
    const all = await list({ group: 'failed', whose })
    const threads = all.runs.map(({ data }) => sets.thread(data.thread))
    const newest = await runs.members(threads, { kind: 'last', count: 1 })
    const still = all.runs.filter(({ id }, at) => newest[at]?.[0]?.id === id)
    return cutListing({ ...all, count: all.count - all.runs.length + still.length }, still)
  }

  return {
    whoseOf,
    isKnown,
    list,
    failed,
    /** The first of each list, none in two of them. */
    async first(whose: Whose | undefined) {
      const [listOf, still] = await Promise.all([lists(listed, whose, 1), failed(whose)])
      const failures = new Set(still.runs.map(({ id }) => id))
      const others = (group: Group) => listOf(group).runs.filter(({ id }) => !failures.has(id))
      return (group: Group) =>
        group === 'failed' ? still : cutListing(listOf(group), others(group))
    },
    /** All that are not over, then what has ended lately, by pages; without what this version can't read. */
    async all(
      whose: Whose | undefined,
      page: number,
    ): Promise<{ runs: JobRecord<Run>[]; isLast: boolean }> {
      const last = pageOf(page) * runsPerPage
      const found = await runs.members(everywhere(whose), { kind: 'last', count: last + 1 })
      const ended = (found.at(-1) ?? []).filter(({ score }) => score > since('ended'))
      const ids = [...new Set([...found.slice(0, -1).flat(), ...ended].map(({ id }) => id))]
      return {
        runs: await runs.getMany(ids.slice(last - runsPerPage, last)),
        isLast: ids.length <= last,
      }
    },
    /** A Run of another version is not shown. That the queue is away is another matter. */
    get: (id: string): Promise<JobRecord<Run> | undefined> =>
      runs.get(id).catch((error: unknown) => {
        if (error instanceof Error && error.name === 'UnreadableRecord') return undefined
        throw error
      }),
  }
}
