/**
 * Under which limits a Run may begin. Each is a guard of the write that admits it, so it holds whoever else is admitted
 * at that moment. The look before is a courtesy: who stands in line goes first, and reads how many are before it. A limit
 * of 0 holds all, and comes before any line: it has no end that the bot knows. What the Runs of a day have cost is a limit
 * of its own: PostHog counts by task, which several Runs may share, so a task counts whole, once, from when its newest Run
 * began.
 */
import type { Guard, IndexQuery, JobIndex, JobQueue } from '../model/ports.ts'
import { day, minute } from '../model/time.ts'
import type { ReachedLimit } from './failures.ts'
import { limitsOf, type Run, type Scope, scopes } from './run.ts'
import { type IndexedRun, scopeKey, sessionTasks, sets } from './run-index.ts'

export interface Applicant extends IndexedRun {
  /** How many may work at once in the whole bot, if there is such a limit. */
  total?: number
}

export type Hindrance =
  | { kind: 'session'; ahead: number }
  | { kind: 'line'; ahead: number; of: Scope }
  | { kind: 'zero'; ahead: number; of: Scope }
  | Until

type Until = { kind: 'until'; at: number } & ReachedLimit

export const startGuards = (me: Applicant, now: number): readonly Guard[] => [
  ...waitingLines(me),
  ...startWindows(me, now),
]

export async function heldAt(
  me: Applicant,
  index: Pick<JobIndex, 'query'>,
  now: number,
): Promise<Hindrance | undefined> {
  const lines = waitingLines(me)
  const windows = startWindows(me, now)
  const before = { id: me.id, score: me.addedAt }
  const answers = await index.query([
    ...lines.flatMap(({ set, line }): IndexQuery[] => [
      { kind: 'count', set },
      { kind: 'count', set: line, before },
    ]),
    ...windows.flatMap(({ set, above, most }): IndexQuery[] => [
      { kind: 'count', set, above },
      // The first of the last `most` starts: when it leaves the window, there is room.
      { kind: 'from-end', set, nth: most },
    ]),
  ])
  const pairs = Array.from({ length: answers.length / 2 }, (_, n) =>
    answers.slice(2 * n, 2 * n + 2),
  )
  const lacking = lines.flatMap(({ of, most }, n) => {
    const [atWork = 0, inFront = 0] = pairs[n] ?? []
    const ahead = atWork + inFront - most + 1
    return ahead > 0 ? [{ of, ahead, most, inFront }] : []
  })
  const zero = lacking.findLast(({ most }) => most === 0)
  if (zero && zero.of !== 'session') return { kind: 'zero', of: zero.of, ahead: zero.inFront }
  const [narrowest] = lacking
  const ahead = Math.max(...lacking.map(each => each.ahead))
  if (narrowest?.of === 'session') return { kind: 'session', ahead: narrowest.ahead }
  if (narrowest) return { kind: 'line', of: narrowest.of, ahead }
  const closed = windows.flatMap(({ key, of, most, window }, n): Until[] => {
    const [used = 0, at = now] = pairs[lines.length + n] ?? []
    return used < most ? [] : [{ kind: 'until', at: at + window, key, of, used, most, window }]
  })
  return closed.toSorted((a, b) => b.at - a.at)[0]
}

/** A longer line is told only by its length. */
const longestLine = 50

/**
 * The thread of the Run that it comes right after: the last one in line before it, or else the only one that has a
 * place. Nothing of another repository is told, as that may be private.
 */
export async function rightBefore(
  me: Applicant,
  of: Scope | 'session',
  index: Pick<JobIndex, 'members'> & Pick<JobQueue<Run>, 'get'>,
): Promise<Pick<Run['thread'], 'number' | 'url'> | undefined> {
  const lines = waitingLines(me).filter(each => each.of === of)
  const names = lines.flatMap(({ line, set }) => [line, set])
  const [waiting = [], atWork = []] = await index.members(names, {
    kind: 'first',
    count: longestLine,
  })
  if (waiting.length === longestLine) return undefined
  const before = waiting.filter(
    ({ id, score }) => score < me.addedAt || (score === me.addedAt && id < me.id),
  )
  const next = before.at(-1) ?? (atWork.length === 1 ? atWork[0] : undefined)
  const found = next && (await index.get(next.id))?.data.thread
  if (!found || found.repoId !== me.data.thread.repoId) return undefined
  return { number: found.number, url: found.url }
}

/** Runs of its session that have begun: one that was lost with the queue may have, and is found again. */
export async function begunInSession(
  me: Applicant,
  index: Pick<JobIndex, 'members'>,
): Promise<number> {
  const begunOf = sessionTasks(me.data).map(task => sets.session({ stage: 'begun', task }))
  const begun = (await index.members(begunOf, { kind: 'first', count: 100 })).flat()
  return new Set(begun.flatMap(({ id }) => (id === me.id ? [] : [id]))).size
}

interface WaitingLine extends Guard {
  of: Scope | 'session'
  line: string
}

/** The narrowest first: the Run waits there. An issue and its pull request share a session, which serves one at a time. */
const waitingLines = ({ data, total }: Applicant): WaitingLine[] => [
  ...sessionTasks(data).map(task => ({
    of: 'session' as const,
    most: 1,
    set: sets.session({ stage: 'admitted', task }),
    line: sets.session({ stage: 'waiting', task }),
  })),
  ...scopes.flatMap(of => {
    const most = of === 'bot' ? total : limitsOf(data)[of]
    const place = scopeKey(data, of)
    return most === undefined
      ? []
      : [{ of, most, set: sets.working(place), line: sets.line(place) }]
  }),
]

type StartLimit = Pick<ReachedLimit, 'of' | 'window'> & {
  limit: number | NonNullable<ReachedLimit['key']>
}

/** A number is reached only by a loop, such as a script that comments. Nobody means those, so they are no settings. */
const startLimits: readonly StartLimit[] = [
  { of: 'repository', window: day, limit: 'repository_per_day' },
  { of: 'person', window: day, limit: 500 },
  { of: 'thread', window: day, limit: 100 },
  { of: 'owner', window: day, limit: 'owner_per_day' },
  { of: 'repository', window: 5 * minute, limit: 200 },
  { of: 'owner', window: 5 * minute, limit: 1_000 },
]

const startWindows = ({ data }: Applicant, now: number) =>
  startLimits.map(({ of, window, limit }) => ({
    of,
    window,
    above: now - window,
    key: typeof limit === 'number' ? undefined : limit,
    most: typeof limit === 'number' ? limit : limitsOf(data)[limit],
    set: sets.started(of === 'thread' ? data.thread : scopeKey(data, of)),
  }))

/** The newest come first. A limit that so many Runs keep to is told by other limits. */
const newestStarts = { kind: 'last', count: 1_000 } as const

/** What is told of a limit before it is reached. */
export const isNear = (used: number, limit: number): boolean => used >= 0.8 * limit

/** What the others of its repository cost. */
export async function spendingOf(me: IndexedRun, runs: Pick<JobQueue<Run>, 'listed'>, now: number) {
  const limit = limitsOf(me.data).cost_per_day
  const recent = await runs.listed([sets.started(scopeKey(me.data, 'repository'))], newestStarts)
  const begun = recent.flatMap(({ id, addedAt, data }) => {
    const at = data.schedule.admissionExpectedAt ?? addedAt
    return id !== me.id && at > now - day ? [{ at, data }] : []
  })
  return { limit, ...spentBy(begun, limit) }
}

/** @returns `until`: when enough of it is a day old, ms since the epoch; `undefined` below the limit */
function spentBy(begun: readonly { at: number; data: Run }[], limit: number) {
  const tasks = new Map<string, { at: number; cost: number }>()
  let unknown = 0
  for (const { at, data } of begun) {
    const { taskId, costBefore } = data.session
    if (data.session.cost === null) unknown += 1
    const cost = data.session.cost ?? costBefore
    if (taskId === undefined || !cost) continue
    const known = tasks.get(taskId)
    tasks.set(taskId, { at: Math.max(at, known?.at ?? 0), cost: Math.max(cost, known?.cost ?? 0) })
  }
  const oldestFirst = [...tasks.values()].toSorted((a, b) => a.at - b.at)
  const used = oldestFirst.reduce((sum, { cost }) => sum + cost, 0)
  let left = used
  let until: number | undefined
  for (const { at, cost } of oldestFirst) {
    if (left < limit) break
    left -= cost
    until = at + day
  }
  return { used, unknown, until }
}
