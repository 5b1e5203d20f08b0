/**
 * What the Runs of a day have cost. PostHog counts by task, which several Runs may share: a task counts whole, once, from
 * when its newest Run began.
 */
import type { JobQueue } from '../model/ports.ts'
import { day } from '../model/time.ts'
import { type CostOfDay, limitsOf, type Run } from './run.ts'
import { type Indexed, placeOf, started } from './run-index.ts'

/** Newest first; a limit that so many Runs keep to is told by other limits. */
const most = { kind: 'last', count: 1_000 } as const

/** What is told of a limit before it is reached. */
export const isNear = (used: number, limit: number): boolean => used >= 0.8 * limit

export interface Spending extends CostOfDay {
  /** When enough of it is a day old, ms since the epoch; `undefined` below the limit. */
  until: number | undefined
}

/** What the others of its repository cost. */
export async function spendingOf(
  me: Indexed & { data: Run },
  runs: Pick<JobQueue<Run>, 'listed'>,
  now: number,
): Promise<Spending> {
  const limit = limitsOf(me.data).cost_per_day
  const recent = await runs.listed([started(placeOf(me, 'repository'))], most)
  const begun = recent.flatMap(({ id, addedAt, data }) => {
    const at = data.schedule.admissionExpectedAt ?? addedAt
    return id !== me.id && at > now - day ? [{ at, data }] : []
  })
  return { limit, ...spentBy(begun, limit) }
}

interface Begun {
  at: number
  data: Run
}

function spentBy(begun: readonly Begun[], limit: number): Pick<Spending, 'used' | 'unknown' | 'until'> {
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
