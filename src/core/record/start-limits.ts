/** Whether a Run may start, by free slots and by starts in a time window. Reads the index only. */
import type { IndexQuery, JobIndex } from '../model/ports.ts'
import { day, minute } from '../model/time.ts'
import type { RepoSettings } from '../settings/repository-settings.ts'
import { type Scope, scopes } from './run.ts'
import {
  type Indexed,
  inLine,
  inSession,
  placeOf,
  started,
  tasksOf,
  threadWindow,
  working,
} from './run-index.ts'

export interface Me extends Indexed {
  data: Indexed['data'] & { baseline: { settings: Pick<RepoSettings, 'limits'> } }
}

export type Admission = { kind: 'now' } | { kind: 'ahead'; ahead: number; of: Scope } | Until

export type Until = { kind: 'until'; at: number } & ReachedLimit

export interface ReachedLimit {
  of: 'repository' | 'person' | 'thread' | 'owner'
  used: number
  most: number
  window: number
}

/** Starts of one owner in five minutes. Not a setting. */
const ownersBreaker = 1000

type IndexReader = Pick<JobIndex, 'query'>

/** Runs at work and those before it in line count; those of other owners never do. */
export async function admissionOf(me: Me, index: IndexReader, now: number): Promise<Admission> {
  const windows = windowsOf(me)
  // The first of the last `most` starts: when it leaves the window, there is room.
  const latest = windows.map(({ set, most }): IndexQuery => ({ kind: 'from-end', set, nth: most }))
  const before = { id: me.id, score: me.addedAt }
  const places = scopes.map(scope => placeOf(me, scope))
  const counting = places.flatMap((place): IndexQuery[] => [
    { kind: 'count', set: working(place) },
    { kind: 'count', set: inLine(place), before },
  ])
  const answers = await index.query([...counting, ...latest])
  const marks = answers.slice(counting.length)
  const ahead = aheadOf(me, answers.slice(0, counting.length))
  if (ahead) return ahead
  const closed = windows.flatMap((window, n) => {
    const at = marks[n]
    return at !== undefined && at > now - window.length ? [{ ...window, at }] : []
  })
  const [last] = closed.toSorted((a, b) => b.at + b.length - (a.at + a.length))
  if (!last) return { kind: 'now' }
  const { of, at, length, most, set } = last
  const [used = most] = await index.query([{ kind: 'count', set, above: now - length }])
  return { kind: 'until', at: at + length, of, used, most, window: length }
}

/** Waits at the narrowest scope without a free slot. `ahead` counts the Runs that have to end first. */
function aheadOf({ data }: Me, counts: readonly (number | undefined)[]): Admission | undefined {
  const lacking = scopes.flatMap((of, n) => {
    const [atWork = 0, before = 0] = counts.slice(2 * n)
    const ahead = atWork + before - data.baseline.settings.limits[of] + 1
    return ahead > 0 ? [{ of, ahead }] : []
  })
  const [narrowest] = lacking
  return (
    narrowest && { kind: 'ahead', of: narrowest.of, ahead: Math.max(...lacking.map(({ ahead }) => ahead)) }
  )
}

/**
 * An issue and its pull request share a session, which serves one Run at a time: the oldest, unless a younger one has
 * begun.
 */
export async function aheadInSession(me: Me, index: Pick<JobIndex, 'members'>): Promise<number> {
  const ranks = (['begun', 'admitted', 'waiting'] as const).slice(0, me.data.schedule.admitted ? 2 : 3)
  const asked = tasksOf(me).flatMap(task => ranks.map(how => ({ how, set: inSession(task, how) })))
  if (asked.length === 0) return 0
  const members = await index.members(
    asked.map(({ set }) => set),
    { kind: 'first', count: 100 },
  )
  const before = asked.flatMap(({ how }, n) =>
    (members[n] ?? []).filter(({ id, score }) => {
      const isOlder = score < me.addedAt || (score === me.addedAt && id < me.id)
      return how !== ranks.at(-1) || isOlder
    }),
  )
  return new Set(before.flatMap(({ id }) => (id === me.id ? [] : [id]))).size
}

interface Window {
  of: ReachedLimit['of']
  set: string
  length: number
  most: number
}

function windowsOf(me: Me): Window[] {
  const { limits } = me.data.baseline.settings
  const ofScope = (of: Scope, length: number, most: number): Window => ({
    ...{ of, length, most },
    set: started(placeOf(me, of)),
  })
  return [
    ofScope('repository', day, limits.repository_per_day),
    ofScope('person', day, limits.person_per_day),
    { of: 'thread', set: started(threadWindow(me)), length: day, most: limits.thread_per_day },
    ofScope('owner', day, limits.owner_per_day),
    ofScope('repository', 5 * minute, limits.repository_per_5_minutes),
    ofScope('owner', 5 * minute, ownersBreaker),
  ]
}
