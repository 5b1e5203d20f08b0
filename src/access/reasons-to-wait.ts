/** Why a Run does not begin now. Whatever is told of it, before a start or by `--dry-run`, is asked here. */
import { holds, type Pauses } from '../core/model/pause.ts'
import type { JobIndex, JobQueue, ThreadClient } from '../core/model/ports.ts'
import { costReached, limitReached } from '../core/record/failures.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import type { Run, Spent, Waits } from '../core/record/run.ts'
import { spendingOf } from '../core/record/spending.ts'
import { admissionOf, aheadInSession } from '../core/record/start-limits.ts'
import { type DeploymentSettings, pausedBecause } from '../core/settings/deployment-settings.ts'

export interface Candidate {
  id: string
  /** ms since the epoch. */
  addedAt: number
  run: Run
}

interface Own {
  index: JobIndex & Pick<JobQueue<Run>, 'listed'>
  pauses: Pick<Pauses, 'of'>
  deployment: DeploymentSettings
  now: number
}

/** What the queue and the settings say: no call to GitHub. */
export async function heldByUs(
  { id, addedAt, run }: Candidate,
  { index, pauses, deployment, now }: Own,
): Promise<{ waits?: Waits; spent?: Spent[] }> {
  const me = { id, addedAt, data: run }
  const [paused, inSession, admission] = await Promise.all([
    pauseOf(run, { pauses, deployment, now }),
    aheadInSession(me, index),
    admissionOf(me, index, now),
  ])
  if (paused) return { waits: paused }
  if (inSession > 0) return { waits: { kind: 'session', ahead: inSession } }
  if (admission.kind === 'until')
    return { waits: { kind: 'until', at: admission.at, limit: limitReached(run, admission) } }
  if (admission.kind === 'ahead') return { waits: { kind: 'line', ahead: admission.ahead, of: admission.of } }
  // Last, as it reads records.
  const spending = await spendingOf(me, index, now)
  const [last] = spending.toSorted((a, b) => (b.until ?? 0) - (a.until ?? 0))
  if (last?.until !== undefined)
    return { waits: { kind: 'until', at: last.until, limit: costReached(run, last) } }
  const worthTelling = spending.filter(({ used, limit, unknown }) => used >= near * limit || unknown > 0)
  return worthTelling.length === 0
    ? {}
    : { spent: worthTelling.map(({ of, used, limit, unknown }) => ({ of, used, limit, unknown })) }
}

/** Of a limit. */
const near = 0.8

/** The deployment's, else that of the repository. */
async function pauseOf(
  { thread }: Run,
  { pauses, deployment, now }: Omit<Own, 'index'>,
): Promise<Waits | undefined> {
  const why = pausedBecause(deployment)
  if (why !== undefined) return { kind: 'pause', of: 'bot', by: 'whoever runs this bot', why }
  const pause = await pauses.of(thread.repoId)
  if (!pause || !holds(pause, now)) return undefined
  const { by, at: since, until, why: reason } = pause
  return { kind: 'pause', of: 'repository', by, since, until, why: reason }
}

const maxKept = 20

/** What people have to end first: asked only where the webhook, or a setting, says that there may be some. */
export async function heldByOthers(
  { thread, request, baseline, mailbox, schedule, result }: Run,
  github: Pick<ThreadClient, 'blockers' | 'openPulls'>,
  now: number,
): Promise<Waits | undefined> {
  const { waits } = schedule
  const since = waits?.kind === 'blocked' || waits?.kind === 'open-pulls' ? waits.since : now
  const mayBeBlocked = thread.kind === 'issue' && (baseline.snapshot.blockers ?? 0) > 0
  if (mayBeBlocked && !request.options.force && !mailbox.forced) {
    const open = await github.blockers()
    if (open.length > 0)
      return { kind: 'blocked', since, by: open.slice(0, maxKept), more: Math.max(0, open.length - maxKept) }
  }
  const most = baseline.settings.limits.open_pull_requests
  const hasOwn = result.pulls.some(({ state }) => state === 'open')
  if (most === undefined || isReadOnly(request.what) || thread.kind === 'pull' || hasOwn) return undefined
  const pulls = await github.openPulls(baseline.settings.branch_prefix)
  return pulls.length < most ? undefined : { kind: 'open-pulls', since, most, pulls: pulls.slice(0, maxKept) }
}
