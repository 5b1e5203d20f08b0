/** Why a Run does not begin now. */
import type { Guard, JobIndex, JobQueue, ThreadClient } from '../core/model/ports.ts'
import { day } from '../core/model/time.ts'
import type { Awaited } from '../core/model/views.ts'
import { heldAt, isNear, rightBefore, spendingOf } from '../core/record/admission.ts'
import { costReached, lifting, limitReached, zeroLimit } from '../core/record/failures.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import { type CostOfDay, limitsOf, type Run, type Waits } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import type { DeploymentSettings } from '../core/settings/deployment-settings.ts'
import { defaultSettings } from '../core/settings/repository-settings.ts'

export interface Candidate {
  id: string
  /** ms since the epoch. */
  addedAt: number
  run: Run
}

interface Own {
  now: number
  index: JobIndex & Pick<JobQueue<Run>, 'listed' | 'get'>
  deployment: DeploymentSettings
}

/** What the queue and the settings say: GitHub is not called. */
export async function heldByUs(
  { id, addedAt, run }: Candidate,
  own: Own,
): Promise<{ waits?: Waits; costOfDay?: CostOfDay }> {
  const { index, now } = own
  const me = { id, addedAt, data: run, total: own.deployment.limits.total }
  const held = await heldAt(me, index, now)
  const isCeiling = isCeilingIn(own.deployment, run.thread.ownerId)
  if (held?.kind === 'zero') {
    const { of } = held
    const isAdmins = of === 'owner' || of === 'bot' || isCeiling(of, 0)
    return { waits: { ...held, limit: zeroLimit(of, isAdmins) } }
  }
  if (held?.kind === 'until') {
    const isDay = held.window === day
    const isAdmins =
      isDay &&
      (held.of === 'owner' || (held.of === 'repository' && isCeiling('repository_per_day', held.most)))
    return { waits: untilRaised(held.at, limitReached(run, held, isAdmins), isAdmins) }
  }
  if (held) {
    const after = await rightBefore(me, held.kind === 'line' ? held.of : held.kind, index)
    return { waits: { ...held, after } }
  }
  // Last, as it reads records.
  const { until, ...costOfDay } = await spendingOf(me, index, now)
  if (until !== undefined) {
    const isAdmins = isCeiling('cost_per_day', costOfDay.limit)
    const limit = `${costReached(costOfDay)}. ${lifting('cost_per_day', isAdmins)}`
    return { waits: untilRaised(until, limit, isAdmins) }
  }
  // That a limit can't be kept is news only to who set it.
  const isSet = costOfDay.limit !== defaultSettings.limits.cost_per_day
  const isWorthTelling = isNear(costOfDay.used, costOfDay.limit) || (isSet && costOfDay.unknown > 0)
  return isWorthTelling ? { costOfDay } : {}
}

const untilRaised = (at: number, limit: string, isAdmins: boolean): Waits => ({
  kind: 'until',
  at,
  limit,
  admin: isAdmins ? true : undefined,
})

/** Of such a limit, no file of an owner or repository can allow more. */
const isCeilingIn =
  ({ limits, owners }: DeploymentSettings, ownerId: number) =>
  (key: 'person' | 'repository' | 'repository_per_day' | 'cost_per_day', held: number): boolean =>
    [limits, owners[ownerId]?.limits].some(given => given?.[key] === held)

/** What is told of a Run that waits: its record keeps what held when it was last polled. What others end wakes it. */
export async function waitsNow(me: Candidate, own: Own): Promise<Waits | undefined> {
  const { waits: kept } = me.run.schedule
  const { waits } = await heldByUs(me, own)
  return waits ?? (kept?.kind === 'blocked' || kept?.kind === 'open-pulls' ? kept : undefined)
}

const maxKept = 20

/**
 * What people have to end first: asked only where the webhook, or a setting, says that there may be some. The guards
 * are for what comes between this look and the write that admits.
 */
export async function heldByOthers(
  me: Candidate,
  github: Pick<ThreadClient, 'blockers' | 'openPulls'>,
  { index, now }: Pick<Own, 'index' | 'now'>,
): Promise<{ waits?: Waits; guards: readonly Guard[] }> {
  const { thread, request, baseline, mailbox, schedule, result } = me.run
  const { waits } = schedule
  const since = waits?.kind === 'blocked' || waits?.kind === 'open-pulls' ? waits.since : now
  if (request.options.force || mailbox.forced) return free
  const mayBeBlocked = thread.kind === 'issue' && (baseline.snapshot.blockers ?? 0) > 0
  if (mayBeBlocked) {
    const open = await github.blockers()
    const more = Math.max(0, open.length - maxKept)
    if (open.length > 0)
      return { ...free, waits: { kind: 'blocked', since, by: open.slice(0, maxKept), more } }
  }
  const most = limitsOf(me.run).open_pull_requests
  const hasOwn = result.pulls.some(({ state }) => state === 'open')
  if (most === undefined || isReadOnly(request.what) || thread.kind === 'pull' || hasOwn) return free
  const [known = 0] = await index.query([{ kind: 'count', set: sets.openPull(thread.repoId) }])
  const [open, coming] = await Promise.all([
    github.openPulls(baseline.settings.branch_prefix),
    index.listed([sets.pullToCome(thread.repoId)]),
  ])
  const toCome = coming.flatMap(({ id, data }): Awaited[] =>
    id === me.id
      ? []
      : [{ name: `#${data.thread.number}`, title: data.baseline.snapshot.title, url: data.thread.url }],
  )
  const pulls = [...open, ...toCome].slice(0, maxKept)
  if (open.length + toCome.length >= most)
    return { ...free, waits: { kind: 'open-pulls', since, most, pulls } }
  return {
    guards: [
      { set: sets.pullToCome(thread.repoId), most: most - open.length },
      // One that came meanwhile is to come no more, and GitHub has not told of it.
      { set: sets.openPull(thread.repoId), most: known + 1 },
    ],
  }
}

const free = { guards: [] }
