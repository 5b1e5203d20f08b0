/** Why a Run does not begin now. */
import {
  holds,
  newestPause,
  type Pause,
  type Pauses,
  pauseOfBot,
  pauseOfOwner,
  pauseOfRepository,
} from '../core/model/pause.ts'
import type { Guard, JobIndex, JobQueue, ThreadClient } from '../core/model/ports.ts'
import { day } from '../core/model/time.ts'
import type { Awaited } from '../core/model/views.ts'
import { heldAt, rightBefore } from '../core/record/admission.ts'
import { costReached, lifting, limitReached } from '../core/record/failures.ts'
import type { Signer } from '../core/record/marker.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import type { CostOfDay, Run, Waits } from '../core/record/run.ts'
import { hasOpenPull, pullToCome } from '../core/record/run-index.ts'
import { isNear, spendingOf } from '../core/record/spending.ts'
import { type DeploymentSettings, pausedBecause } from '../core/settings/deployment-settings.ts'
import { defaultSettings } from '../core/settings/repository-settings.ts'

export interface Candidate {
  id: string
  /** ms since the epoch. */
  addedAt: number
  run: Run
}

interface Pausing {
  pauses: Pick<Pauses, 'of'>
  github: Pick<ThreadClient, 'ownCommentsOfRepository'>
  signer: Signer
}

interface Own extends Pausing {
  now: number
  index: JobIndex & Pick<JobQueue<Run>, 'listed' | 'get'>
  deployment: DeploymentSettings
}

/** What the queue and the settings say. GitHub is called only where the queue is new. */
export async function heldByUs(
  { id, addedAt, run }: Candidate,
  own: Own,
): Promise<{ waits?: Waits; costOfDay?: CostOfDay }> {
  const { index, now } = own
  const me = { id, addedAt, data: run }
  const [paused, held] = await Promise.all([pauseOf(run, own), heldAt(me, index, now)])
  if (paused) return { waits: paused }
  const isCeiling = isCeilingIn(own.deployment, run.thread.ownerId)
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
  (key: 'repository_per_day' | 'cost_per_day', held: number): boolean =>
    [limits, owners[ownerId]?.limits].some(given => given?.[key] === held)

/** What is told of a Run that waits: its record keeps what held when it was last polled. What others end wakes it. */
export async function waitsNow(me: Candidate, own: Own): Promise<Waits | undefined> {
  const { waits: kept } = me.run.schedule
  const { waits } = await heldByUs(me, own)
  return waits ?? (kept?.kind === 'blocked' || kept?.kind === 'open-pulls' ? kept : undefined)
}

/** The widest that holds. */
async function pauseOf({ thread }: Run, own: Omit<Own, 'index'>): Promise<Waits | undefined> {
  const why = pausedBecause(own.deployment)
  if (why !== undefined) return { kind: 'pause', of: 'bot', by: 'whoever runs this bot', why }
  const all = await Promise.all([
    own.pauses.of(pauseOfBot),
    own.pauses.of(pauseOfOwner(thread.ownerId)),
    pauseIn(thread.repoId, own),
  ])
  const pause = all.find(each => each && holds(each, own.now))
  if (!pause) return undefined
  const { of, by, at: since, until, why: reason } = pause
  return { kind: 'pause', of, by, since, until, why: reason }
}

/** If the queue lost its data, our replies in the threads still say it. */
export const pauseIn = (repoId: number, { pauses, github, signer }: Pausing): Promise<Pause | undefined> =>
  pauses.of(pauseOfRepository(repoId), async () => {
    const ours = await github.ownCommentsOfRepository()
    const said = ours.flatMap(({ number, body }) => signer.read(body, { repoId, number }))
    return newestPause(said.flatMap(({ pause }) => pause ?? []))
  })

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
  const most = baseline.settings.limits.open_pull_requests
  const hasOwn = result.pulls.some(({ state }) => state === 'open')
  if (most === undefined || isReadOnly(request.what) || thread.kind === 'pull' || hasOwn) return free
  const [known = 0] = await index.query([{ kind: 'count', set: hasOpenPull(thread.repoId) }])
  const [open, coming] = await Promise.all([
    github.openPulls(baseline.settings.branch_prefix),
    index.listed([pullToCome(thread.repoId)]),
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
      { set: pullToCome(thread.repoId), most: most - open.length },
      // One that came meanwhile is to come no more, and GitHub has not told of it.
      { set: hasOpenPull(thread.repoId), most: known + 1 },
    ],
  }
}

const free = { guards: [] }
