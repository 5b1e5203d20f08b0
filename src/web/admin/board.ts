/** What the admin pages list, read from the index: of each list one page of Runs, however many there are. */
import type { JobQueue, JobRecord } from '../../core/model/ports.ts'
import { day } from '../../core/model/time.ts'
import { type Outcome, outcomeKinds, type Run } from '../../core/record/run.ts'
import { type Group, ofThread, onBoard, type Whose, withOutcome } from '../../core/record/run-index.ts'

export type BoardRuns = Pick<JobQueue<Run>, 'get' | 'members' | 'query'>
export type Listed = JobRecord<Run>

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
  const read = async (ids: readonly string[]): Promise<Listed[]> => {
    const found = await Promise.all(ids.map(id => runs.get(id).catch(leftOut)))
    return found.flatMap(run => run ?? [])
  }

  /** Newest first where they have ended, else those that wait longest. */
  async function list({ group, whose, page = 1, size = perPage }: Wanted): Promise<Listing> {
    const set = onBoard(group, whose)
    const lasts = news[group]
    const above = lasts === undefined ? undefined : now() - lasts
    const wanted = Math.min(Math.max(1, Math.trunc(page) || 1), maxPage)
    const range = { kind: lasts === undefined ? 'first' : 'last', count: wanted * size } as const
    const [[members = []], [count = 0]] = await Promise.all([
      runs.members([set], range),
      runs.query([{ kind: 'count', set, above }]),
    ])
    const shown = members.filter(({ score }) => above === undefined || score > above)
    const ids = shown.slice((wanted - 1) * size).map(({ id }) => id)
    return { runs: await read(ids), count, page: wanted, isLast: wanted * size >= count }
  }

  /** Without those after which somebody asked again in the thread. */
  async function stillLast(listed: readonly Listed[]): Promise<Listed[]> {
    const newest = await runs.members(
      listed.map(({ data }) => ofThread(data.thread)),
      { kind: 'last', count: 1 },
    )
    return listed.filter(({ id }, at) => newest[at]?.[0]?.id === id)
  }

  const groups: readonly Group[] = ['question', 'set-up', 'paused', 'working', 'waiting', 'ended']

  /** All that are not over, then what has ended lately, by pages; without what this version can't read. */
  async function all(whose: Whose | undefined, page: number): Promise<{ runs: Listed[]; isLast: boolean }> {
    const sets = groups.map(group => onBoard(group, whose))
    const wanted = Math.min(Math.max(1, Math.trunc(page) || 1), maxPage)
    const found = await runs.members(sets, { kind: 'last', count: wanted * perPage + 1 })
    const since = now() - (news.ended ?? 0)
    const ended = (found.at(-1) ?? []).filter(({ score }) => score > since)
    const ids = [...new Set([...found.slice(0, -1).flat(), ...ended].map(({ id }) => id))]
    const from = (wanted - 1) * perPage
    return { runs: await read(ids.slice(from, from + perPage)), isLast: ids.length <= from + perPage }
  }

  /** How many came to which outcome on each of the last days (UTC), the oldest first. */
  async function outcomesByDay(days: number): Promise<OutcomesOfDay[]> {
    const midnight = now() - (now() % day)
    const starts = Array.from({ length: days }, (_, at) => midnight - (days - 1 - at) * day)
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

  return { list, stillLast, all, outcomesByDay, get: (id: string) => runs.get(id).catch(leftOut) }
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
