import { mayUseNow, type PersonCheck } from '../../access/authorize.ts'
import { holds } from '../../core/model/pause.ts'
import type { Person } from '../../core/model/thread.ts'
import { minute } from '../../core/model/time.ts'
import { atLimit, limitReached, notAnyMore } from '../../core/record/failures.ts'
import { isOwnMerge } from '../../core/record/own-pull-request.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { type ChangeOf, changed, type Run, type Waits } from '../../core/record/run.ts'
import { type Admission, admissionOf, aheadInSession } from '../../core/record/start-limits.ts'
import { pausedBecause } from '../../core/settings/deployment-settings.ts'
import type { RepoSettings } from '../../core/settings/repository-settings.ts'
import { failed } from './outcome.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

/** A Run is woken when its admission comes; this poll is for a wake that was lost. */
const pollIntervalMs = 30_000
const pausePollMs = minute
const closed = 'closed this'
const notClosed: ChangeOf<'mailbox'> = {}

type Permitting = 'permission' | 'isInTeam' | 'ownCommentsOfRepository' | 'file' | 'fileCommits'
type Admitting = StepContext<Permitting | 'closing' | 'pull' | 'pullsFrom' | 'blockers' | 'openPulls'>
type Change = ChangeOf<'schedule' | 'mailbox' | 'result' | 'session'>

export const awaitAdmission = step('await-admission', {
  github: [
    'permission',
    'isInTeam',
    'ownCommentsOfRepository',
    'file',
    'fileCommits',
    'closing',
    'pull',
    'pullsFrom',
    'blockers',
    'openPulls',
  ],
  writes: ['schedule', 'mailbox', 'result', 'session'],
  async do(context) {
    const { job, deps } = context
    const now = deps.now()
    if (context.run.schedule.admitted) return renewedAdmission(context)
    // A closing while it waits arrives as a message; one before may not have, so GitHub is asked.
    const hasWaited = context.run.schedule.waits !== undefined
    const mine = { id: job.id, addedAt: job.addedAt, data: context.run }
    const [inSession, admission, heeded, paused] = await Promise.all([
      aheadInSession(mine, deps.index),
      admissionOf(mine, deps.index, now),
      hasWaited ? notClosed : heedingClosing(context),
      pauseOf(context, now),
    ])
    const run = changed(context.run, heeded)
    if (run.mailbox.stop) return heeded
    if (paused) return { ...heeded, ...waiting(run, now, paused) }
    if (inSession > 0) return { ...heeded, ...waiting(run, now, { kind: 'session', ahead: inSession }) }
    if (admission.kind !== 'now') {
      if (run.baseline.settings.limits.when_reached === 'refuse')
        return failed(context, atLimit(run, admission, now))
      return { ...heeded, ...waiting(run, now, atTheLimit(run, admission)) }
    }
    const last = hasWaited ? await heedingClosing(context) : heeded
    if (last.mailbox?.stop) return last
    const held = await heldByOthers(context, now)
    if (held) return { ...last, ...waiting(run, now, held) }
    if (hasWaited && !(await stillMay(context))) return failed(context, notAnyMore)
    return {
      ...last,
      schedule: {
        ...entered(run, now),
        admitted: true,
        admissionExpectedAt: now,
        rightAskedAt: now,
        waits: undefined,
        nextPollAt: undefined,
      },
    }
  },
})

const atTheLimit = (run: Run, admission: Exclude<Admission, { kind: 'now' }>): Waits =>
  admission.kind === 'until'
    ? { kind: 'until', at: admission.at, limit: limitReached(run, admission) }
    : { kind: 'line', ahead: admission.ahead, of: admission.of }

/** The deployment's, else that of the repository. */
async function pauseOf({ run, deps }: Admitting, now: number): Promise<Waits | undefined> {
  const why = pausedBecause(deps.settings.deployment)
  if (why !== undefined) return { kind: 'pause', of: 'bot', by: 'whoever runs this bot', why }
  const pause = await deps.pauses.of(run.thread.repoId)
  if (!pause || !holds(pause, now)) return undefined
  const { by, at: since, until, why: reason } = pause
  return { kind: 'pause', of: 'repository', by, since, until, why: reason }
}

/** What people have to end first: asked only where the webhook, or a setting, says that there may be some. */
async function heldByOthers({ run, github }: Admitting, now: number): Promise<Waits | undefined> {
  const { thread, request, baseline, mailbox, schedule, result } = run
  const since = schedule.waits && 'since' in schedule.waits ? (schedule.waits.since ?? now) : now
  const mayBeBlocked = thread.kind === 'issue' && (baseline.snapshot.blockers ?? 0) > 0
  if (mayBeBlocked && !request.options.force && !mailbox.forced) {
    const open = await github.blockers()
    if (open.length > 0)
      return { kind: 'blocked', since, by: open.slice(0, maxKept), more: Math.max(0, open.length - maxKept) }
  }
  const most = baseline.settings.limits.open_pull_requests
  const hasOwn = result.pulls.some(({ state }) => state === 'open')
  if (most === undefined || request.what === 'plan' || thread.kind === 'pull' || hasOwn) return undefined
  const pulls = await github.openPulls(baseline.settings.branch_prefix)
  return pulls.length < most ? undefined : { kind: 'open-pulls', since, most, pulls: pulls.slice(0, maxKept) }
}

const maxKept = 20

/** The place is kept; what may have changed while a service was away is looked at again. */
async function renewedAdmission(context: Admitting): Promise<Change> {
  const heeded = await heedingClosing(context)
  if (heeded.mailbox?.stop) return heeded
  if (!(await stillMay(context))) return failed(context, notAnyMore)
  return { ...heeded, schedule: { rightAskedAt: context.deps.now() } }
}

const entered = ({ schedule }: Run, now: number): Pick<Run['schedule'], 'enteredAt'> => ({
  enteredAt: schedule.enteredAt ?? now,
})

const waiting = (run: Run, now: number, waits: Waits): ChangeOf<'schedule'> => ({
  schedule: { ...entered(run, now), waits, nextPollAt: lookedAt(waits, now) },
})

/** Who has to wait for people may wait for days: each look comes as late as all before together. */
function lookedAt(waits: Waits, now: number): number {
  switch (waits.kind) {
    case 'line':
    case 'session':
      return now + pollIntervalMs
    case 'until':
      return Math.min(waits.at, now + minute)
    case 'pause':
      return Math.min(Math.max(waits.until ?? Number.POSITIVE_INFINITY, now + 1), now + pausePollMs)
    case 'blocked':
    case 'open-pulls':
      return now + Math.min(Math.max(now - waits.since, minute), 30 * minute)
  }
}

/** Checks again before a session is used that another Run may have taken meanwhile. */
export async function givesWay({ run, job, deps }: StepContext): Promise<ChangeOf<'schedule'> | undefined> {
  const now = deps.now()
  const ahead = await aheadInSession({ id: job.id, addedAt: job.addedAt, data: run }, deps.index)
  if (ahead === 0) return undefined
  const { schedule } = waiting(run, now, { kind: 'session', ahead })
  return { schedule: { ...schedule, admitted: run.session.instructionSent } }
}

/** The closing's webhook may arrive before the command's, and then finds no Run to stop. */
async function heedingClosing({ github, run, deps }: Admitting): Promise<ChangeOf<'mailbox'>> {
  if (run.baseline.settings.when.closed !== 'stop') return {}
  const closing = await github.closing()
  if (!closing) return { mailbox: { ignoredStop: undefined } }
  const { by, at } = closing
  if (run.mailbox.ignoredStop?.by === by.login || (await isOwnMerge(github, run, at))) return {}
  const may = by.id === run.request.by.id || (await mayStop({ github, run, deps }, by))
  if (!may) return { mailbox: { ignoredStop: { by: by.login, because: closed } } }
  return { mailbox: { stop: { by, at: deps.now(), because: closed } } }
}

async function mayStop(
  context: Pick<StepContext<Permitting>, 'github' | 'run' | 'deps'>,
  by: Person,
): Promise<boolean> {
  const { github, run, deps } = context
  const { settings } = await deps.settings.of(github, run.thread)
  return mayUseNow(personCheckOf(context, settings), by, 'stop')
}

export function personCheckOf(
  context: Pick<StepContext<Permitting>, 'github' | 'run' | 'deps'>,
  settings: RepoSettings,
): PersonCheck {
  const { github, run, deps } = context
  const { accounts, signer } = deps
  const reads = refusedReads(context, 'github')
  return { github, accounts, signer, repoId: run.thread.repoId, settings, reads }
}

async function stillMay(context: StepContext<Permitting>): Promise<boolean> {
  const { github, run, deps } = context
  const { settings, usable } = await deps.settings.of(github, run.thread)
  const name = run.request.what === 'plan' ? 'plan' : 'run'
  const personCheck = personCheckOf(context, settings)
  const may = usable && (await mayUseNow(personCheck, run.request.by, name))
  if (!may) believeAbsent('The right to start this', personCheck.reads)
  return may
}
