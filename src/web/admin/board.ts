/** What the admin pages list, read from the index: of each list one page of Runs, however many there are. */
import { createHash } from 'node:crypto'
import type { JobQueue, JobRecord, Range } from '../../core/model/ports.ts'
import { day } from '../../core/model/time.ts'
import { unfinished } from '../../core/record/failures.ts'
import { mayHelpAgain } from '../../core/record/last-word.ts'
import { type Outcome, outcomeKinds, type Run } from '../../core/record/run.ts'
import {
  failuresKeptDays,
  failuresOn,
  figuresKeptDays,
  figuresOn,
  RunFailure,
  RunFigures,
} from '../../core/record/run-figures.ts'
import {
  type Group,
  inLine,
  inNamed,
  liveGroups,
  ofThread,
  onBoard,
  placeOf,
  type Whose,
  waited,
  withOutcome,
} from '../../core/record/run-index.ts'
import type { Search } from '../../core/record/run-search.ts'
import type { Filter } from './filters.ts'

export type BoardRuns = Pick<
  JobQueue<Run>,
  'get' | 'getMany' | 'listed' | 'members' | 'inEach' | 'texts' | 'query'
>
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

/** Whose record was not read. */
export interface Failed extends RunFailure {
  id: string
  reason: string
  /** Whether to try again can help. */
  again: boolean
}

export interface Reason {
  /** Of a reason, in an address. */
  key: string
  reason: string
  /** The newest first. */
  failed: readonly Failed[]
}

/** Without those that somebody has asked for again, which `all` counts, too. */
export interface FailedListing extends Listing {
  all: number
  /** Of more than one each. */
  reasons: readonly Reason[]
}

const mostReasons = 20

const reasonsOf = (all: readonly Failed[]): Reason[] =>
  together(all, ({ reason }) => reason)
    .map(([reason, failed]) => ({ reason, failed, key: keyOf(reason) }))
    .toSorted((a, b) => b.failed.length - a.failed.length)

const whyOf = (outcome: Outcome): string =>
  outcome.kind === 'failed'
    ? outcome.reason
    : outcome.kind === 'unfinished'
      ? unfinished[outcome.why].because
      : ''

const keyOf = (reason: string): string => createHash('sha256').update(reason).digest('base64url').slice(0, 12)

export interface Found {
  runs: Listed[]
  isLast: boolean
}

export interface Wanted {
  group: Group
  /** Of those that ended: those with this outcome alone. */
  state?: Outcome['kind'] | undefined
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
    const asked = wanted.map(({ group, state, whose, page = 1, size = perPage }) => {
      const lasts = news[group]
      return {
        set: state === undefined ? onBoard(group, whose) : withOutcome(state, whose),
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

  /** Of the last three days, the newest first, without those after which somebody asked again in the thread. */
  async function failures(whose: Whose | undefined): Promise<Failed[]> {
    const texts = await runs.texts(lastDays(now(), failuresKeptDays).map(failuresOn))
    const since = now() - (news.failed ?? 0)
    const all = texts
      .flatMap(({ id, text }) => {
        const read = RunFailure.safeParse(JSON.parse(text)).data
        if (!read || read.at <= since || !isTheirs(read, whose)) return []
        return [{ ...read, id, reason: whyOf(read.outcome), again: mayHelpAgain(read.outcome) }]
      })
      .toSorted((a, b) => b.at - a.at)
    const newest = await runs.members(all.map(ofThread), { kind: 'last', count: 1 })
    return all.filter(({ id }, at) => newest[at]?.[0]?.id === id)
  }

  /** The first of them, how many there are, and of how many failures. */
  async function failed(whose: Whose | undefined): Promise<FailedListing> {
    const above = now() - (news.failed ?? 0)
    const [still, [all = 0]] = await Promise.all([
      failures(whose),
      runs.query([{ kind: 'count', set: onBoard('failed', whose), above }]),
    ])
    const shown = await runs.getMany(still.slice(0, atFirst).map(({ id }) => id))
    const reasons = reasonsOf(still).filter(({ failed }) => failed.length > 1)
    return {
      ...{ runs: shown, count: still.length, all, page: 1, isLast: still.length <= atFirst },
      reasons: reasons.slice(0, atFirst),
    }
  }

  /** By reason, the most frequent first, each with the first of its Runs. */
  async function reasons(whose: Whose | undefined): Promise<(Reason & { runs: Listed[] })[]> {
    const all = reasonsOf(await failures(whose)).slice(0, mostReasons)
    const first = ({ failed }: Reason): string[] => failed.slice(0, atFirst).map(({ id }) => id)
    const read = new Map((await runs.getMany(all.flatMap(first))).map(run => [run.id, run]))
    return all.map(each => ({ ...each, runs: first(each).flatMap(id => read.get(id) ?? []) }))
  }

  /** How many came to which outcome while that is news. */
  async function outcomes(whose: Whose | undefined): Promise<OutcomesOfDay['outcomes']> {
    const above = now() - (news.ended ?? 0)
    const sets = outcomeKinds.map(kind => withOutcome(kind, whose))
    const counts = await runs.query(sets.map(set => ({ kind: 'count', set, above })))
    return outcomeKinds.map((kind, at) => ({ kind, count: counts[at] ?? 0 }))
  }

  /** The newest of those that have all of it. */
  async function found(search: Search | undefined, whose: Whose | undefined): Promise<Found> {
    if (!search) return { runs: [], isLast: true }
    const { groups, repository } = search
    const theirs = whose && [...liveGroups, 'ended' as const].map(group => onBoard(group, whose))
    const within = [theirs, repository === undefined ? undefined : [inNamed(repository)]]
    const members = await runs.inEach([...groups, ...within.filter(sets => sets !== undefined)], perPage + 1)
    const ids = members.slice(0, perPage).map(({ id }) => id)
    return { runs: await runs.getMany(ids), isLast: members.length <= perPage }
  }

  /** Of all that ended in the last days (UTC): each once, by its last end. */
  async function figures(whose: Whose | undefined): Promise<RunFigures[]> {
    const texts = await runs.texts(lastDays(now(), figuresKeptDays).map(figuresOn))
    const newest = new Map<string, RunFigures>()
    for (const { id, text } of texts) {
      const read = RunFigures.safeParse(JSON.parse(text)).data
      if (read && read.at > (newest.get(id)?.at ?? 0)) newest.set(id, read)
    }
    return [...newest.values()].filter(each => isTheirs(each, whose))
  }

  /** Where those that wait in line stand, and how long the last twenty of their owner waited there. */
  async function linesOf(listed: readonly Listed[]): Promise<Map<string, InLine>> {
    const inLines = listed.flatMap(run => {
      const { waits } = run.data.schedule
      return waits?.kind === 'line' ? [{ run, set: inLine(placeOf(run, waits.of)) }] : []
    })
    const owners = together(inLines, ({ run }) => placeOf(run, 'owner')).slice(0, maxOwners)
    const [before, ...recent] = await Promise.all([
      runs.query(
        inLines.map(({ run, set }) => ({ kind: 'count', set, before: { id: run.id, score: run.addedAt } })),
      ),
      ...owners.map(([owner]) => runs.listed([waited(owner)], { kind: 'last', count: 20 })),
    ])
    const usual = new Map(
      owners.map(([owner], at) => [
        owner,
        meanWait((recent[at] ?? []).map(({ data }) => data.schedule.waitedInLine)),
      ]),
    )
    return new Map(
      inLines.map(({ run }, at) => {
        const usually = usual.get(placeOf(run, 'owner'))
        const since = run.data.schedule.enteredAt ?? run.addedAt
        const startsAt = usually === undefined ? undefined : since + usually
        return [run.id, { place: (before[at] ?? 0) + 1, usually, startsAt }]
      }),
    )
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

  /** How many came to which outcome on each of the last days (UTC), the oldest first. */
  async function outcomesByDay(days: number): Promise<OutcomesOfDay[]> {
    const starts = lastDays(now(), days)
    const counts = await runs.query(
      starts.flatMap(start =>
        outcomeKinds.map(kind => ({ kind: 'count', set: withOutcome(kind), above: start - 1 }) as const),
      ),
    )
    const since = (at: number, kind: number): number => counts[at * outcomeKinds.length + kind] ?? 0
    return starts.map((start, at) => ({
      day: start,
      outcomes: outcomeKinds.map((kind, index) => ({
        kind,
        count: since(at, index) - (at + 1 < days ? since(at + 1, index) : 0),
      })),
    }))
  }

  return {
    whoseOf,
    isKnown,
    newestIn,
    lists,
    list,
    failed,
    reasons,
    outcomes,
    found,
    figures,
    linesOf,
    all,
    outcomesByDay,
    get: (id: string) => runs.get(id).catch(leftOut),
  }
}

function isTheirs(
  { owner, repoId, by }: Pick<RunFigures, 'owner' | 'repoId' | 'by'>,
  whose: Whose | undefined,
): boolean {
  switch (whose?.kind) {
    case undefined:
      return true
    case 'person':
      return by.toLowerCase() === whose.name
    case 'repository':
      return repoId === whose.name
    case 'owner':
      return owner.toLowerCase() === whose.name
  }
}

/** When each of the last days (UTC) began, the oldest first. */
export function lastDays(now: number, days: number): number[] {
  const midnight = now - (now % day)
  return Array.from({ length: days }, (_, at) => midnight - (days - 1 - at) * day)
}

export interface InLine {
  /** The first has 1. */
  place: number
  /** ms that the last ones waited, if any did. */
  usually: number | undefined
  /** If it waits as long as they did, ms since the epoch. */
  startsAt: number | undefined
}

/** Whose last waits are read for one page. */
const maxOwners = 5

export function together<T, Key>(all: readonly T[], keyOf: (each: T) => Key): [Key, T[]][] {
  const found = new Map<Key, T[]>()
  for (const each of all) {
    const others = found.get(keyOf(each))
    if (others) others.push(each)
    else found.set(keyOf(each), [each])
  }
  return [...found]
}

/** ms, of those that had to wait in line. */
export function meanWait(all: readonly (number | undefined)[]): number | undefined {
  const waits = all.filter(ms => ms !== undefined)
  return waits.length === 0 ? undefined : waits.reduce((sum, ms) => sum + ms, 0) / waits.length
}

export type Board = ReturnType<typeof openBoard>

export interface OutcomesOfDay {
  /** Its beginning, ms since the epoch. */
  day: number
  outcomes: readonly { kind: Outcome['kind']; count: number }[]
}

/** A Run of another version; that the queue is away is another matter. */
function leftOut(error: unknown): undefined {
  if (error instanceof Error && error.name === 'UnreadableRecord') return undefined
  throw error
}
