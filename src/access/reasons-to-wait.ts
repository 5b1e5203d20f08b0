/** Why a Run does not begin now. */
import type { GitHubWith, Guard, JobIndex, JobQueue } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import type { Awaited, ListedPull } from '../core/model/views.ts'
import {
  type Applicant,
  heldAt,
  isNear,
  rightBefore,
  spendingOf,
} from '../core/record/admission.ts'
import {
  costReached,
  type LimitOfDay,
  lifting,
  limitReached,
  zeroLimit,
} from '../core/record/failures.ts'
import { isByAgent, mayBeOurs } from '../core/record/own-pull-request.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import { type CostOfDay, limitsOf, type Run, type Scope, type Waits } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import type { DeploymentSettings } from '../core/settings/deployment-settings.ts'
import { defaultSettings } from '../core/settings/repository-settings.ts'

interface Own {
  now: number
  index: JobIndex & Pick<JobQueue<Run>, 'listed' | 'get'>
  deployment: DeploymentSettings
}

/** What the queue and the settings say: GitHub is not called. */
export async function heldByUs(
  me: Applicant,
  { index, now, deployment }: Own,
): Promise<{ waits?: Waits; costOfDay?: CostOfDay }> {
  const held = await heldAt(me, index, now)
  const isFixed = isFixedIn(deployment, me.data.thread.ownerId)
  if (held?.kind === 'zero')
    return { waits: { ...held, limit: zeroLimit(held.of, isFixed(held.of, 0)) } }
  if (held?.kind === 'until') {
    const isAdmins = held.key !== undefined && isFixed(held.key, held.most)
    const limit = limitReached(me.data, held, isAdmins)
    return { waits: { kind: 'until', at: held.at, limit } }
  }
  if (held) {
    const after = await rightBefore(me, held.kind === 'line' ? held.of : held.kind, index)
    return { waits: { ...held, after } }
  }
  // Last, as it reads records.
  const { until, ...costOfDay } = await spendingOf(me, index, now)
  if (until !== undefined) {
    const isAdmins = isFixed('cost_per_day', costOfDay.limit)
    const limit = `${costReached(costOfDay)}. ${lifting('cost_per_day', isAdmins)}`
    return { waits: { kind: 'until', at: until, limit } }
  }
  // Only whoever set a limit is told that it can't be kept.
  const isSet = costOfDay.limit !== defaultSettings.limits.cost_per_day
  const isWorthTelling = isNear(costOfDay.used, costOfDay.limit) || (isSet && costOfDay.unknown > 0)
  return isWorthTelling ? { costOfDay } : {}
}

/** No file of an owner or repository can raise such a limit. */
const isFixedIn =
  ({ limits, owners }: DeploymentSettings, ownerId: number) =>
  (key: Scope | LimitOfDay, held: number) =>
    key === 'bot' ||
    key === 'owner' ||
    key === 'owner_per_day' ||
    [limits, owners[ownerId]?.limits].some(given => given?.[key] === held)

/** What is told of a Run that waits: its record keeps what held when it was last polled. What others end wakes it. */
export async function waitsNow(me: Applicant, own: Own): Promise<Waits | undefined> {
  const { waits: kept } = me.data.schedule
  const { waits } = await heldByUs(me, own)
  return waits ?? (kept?.kind === 'blocked' || kept?.kind === 'open-pulls' ? kept : undefined)
}

const maxNamedReasons = 20

/**
 * What people have to end first: asked only where the webhook, or a setting, says that there may be some. The guards
 * are for what comes between this look and the write that admits.
 */
export async function heldByOthers(
  { id, data: run }: Applicant,
  github: GitHubWith<'issue.blockers' | 'pulls.open'>,
  { index, now }: Pick<Own, 'index' | 'now'>,
): Promise<{ waits?: Waits; guards: readonly Guard[] }> {
  const { thread, request, baseline, mailbox, schedule, result } = run
  const { waits } = schedule
  const since = waits?.kind === 'blocked' || waits?.kind === 'open-pulls' ? waits.since : now
  if (request.options.force || mailbox.forced) return free
  const mayBeBlocked = thread.kind === 'issue' && (baseline.snapshot.blockers ?? 0) > 0
  if (mayBeBlocked) {
    const open = await github.issue.blockers()
    const more = Math.max(0, open.length - maxNamedReasons)
    if (open.length > 0)
      return {
        ...free,
        waits: { kind: 'blocked', since, by: open.slice(0, maxNamedReasons), more },
      }
  }
  const most = limitsOf(run).open_pull_requests
  const hasOwn = result.pulls.some(({ state }) => state === 'open')
  if (most === undefined || isReadOnly(request.what) || thread.kind === 'pull' || hasOwn)
    return free
  const [known = 0] = await index.query([{ kind: 'count', set: sets.openPull(thread.repoId) }])
  const [open, coming] = await Promise.all([
    ownPulls(thread, await github.pulls.open(), index),
    index.listed([sets.pullToCome(thread.repoId)]),
  ])
  const toCome = coming.flatMap(({ id: other, data: { thread, baseline } }): Awaited[] =>
    other === id
      ? []
      : [{ name: `#${thread.number}`, title: baseline.snapshot.title, url: thread.url }],
  )
  const pulls = [...open, ...toCome].slice(0, maxNamedReasons)
  if (open.length + toCome.length >= most)
    return { ...free, waits: { kind: 'open-pulls', since, most, pulls } }
  return {
    guards: [
      { set: sets.pullToCome(thread.repoId), most: most - open.length },
      // A pull request that came meanwhile is in this set and no longer in the other, and GitHub has not told of it.
      { set: sets.openPull(thread.repoId), most: known + 1 },
    ],
  }
}

const free = { guards: [] }

/** What the agent opened, or a Run has as its own: anybody may open one from a branch that is called like Codex's. */
async function ownPulls(
  thread: Thread,
  open: readonly ListedPull[],
  index: Pick<JobIndex, 'members'>,
): Promise<Awaited[]> {
  const known = await index.members(
    open.map(({ number }) => sets.pull({ repoId: thread.repoId, number })),
    { kind: 'first', count: 1 },
  )
  const own = open.filter(
    (pull, at) => mayBeOurs(thread, pull) && (isByAgent(pull) || known[at]?.length === 1),
  )
  return own.map(({ number, title, url }) => ({ name: `#${number}`, title, url }))
}
