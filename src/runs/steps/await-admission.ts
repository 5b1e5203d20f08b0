import { mayUseNow, type PersonCheck } from '../../access/authorize.ts'
import { heldByOthers, heldByUs } from '../../access/reasons-to-wait.ts'
import { pausedPart } from '../../core/model/pause.ts'
import { minute } from '../../core/model/time.ts'
import { begunInSession, startGuards } from '../../core/record/admission.ts'
import { notAnyMore } from '../../core/record/failures.ts'
import { isClosedByMerge } from '../../core/record/own-pull-request.ts'
import { commandFor } from '../../core/record/request-part.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { type ChangeOf, changed, type Run, type Waits } from '../../core/record/run.ts'
import type { RepoSettings } from '../../core/settings/repository-settings.ts'
import { failed } from './outcome.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

/** A Run is woken when its admission comes; this poll is for a wake that was lost. */
const pollIntervalMs = 30_000
const pausePollMs = minute
/** When enough of what was spent or started is old is known: before that, only somebody who raises the limit changes it. */
const limitPollMs = 15 * minute
const closed = 'closed this'
const notClosed: ChangeOf<'mailbox'> = {}

type Permitting = 'permission' | 'isInTeam' | 'ownCommentsOfRepository' | 'file' | 'fileCommits'
type Admitting = StepContext<Permitting | 'readAhead' | 'closing' | 'merges' | 'blockers' | 'openPulls'>
type Change = ChangeOf<'schedule' | 'mailbox' | 'result' | 'session'>

export const awaitAdmission = step('await-admission', {
  github: [
    'permission',
    'isInTeam',
    'ownCommentsOfRepository',
    'file',
    'fileCommits',
    'readAhead',
    'closing',
    'merges',
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
    const candidate = { id: job.id, addedAt: job.addedAt, run: await withLimits(context) }
    const { index, pauses, settings, signer } = deps
    const { github } = context
    const { deployment } = settings
    const [{ waits, costOfDay }, heeded, resumedBy] = await Promise.all([
      heldByUs(candidate, { index, pauses, signer, github, deployment, now }),
      hasWaited ? notClosed : heedingClosing(context),
      whoResumed(context),
    ])
    const run = changed(context.run, heeded, { schedule: { resumedBy } })
    if (run.mailbox.stop) return heeded
    if (waits) return { ...heeded, ...keepsWaiting(run, now, waits) }
    const last = hasWaited ? await heedingClosing(context) : heeded
    if (last.mailbox?.stop) return last
    const held = await heldByOthers({ ...candidate, run: context.run }, github, { index, now })
    if (held.waits) return { ...last, ...keepsWaiting(run, now, held.waits) }
    if (hasWaited && !(await stillMay(context))) return failed(context, notAnyMore)
    const admitted: Change = {
      ...last,
      schedule: {
        ...entered(run, now),
        admitted: true,
        costOfDay,
        admissionExpectedAt: now,
        rightAskedAt: now,
        waits: undefined,
        nextPollAt: undefined,
      },
    }
    const me = { id: job.id, addedAt: job.addedAt, data: candidate.run }
    const guards = [...startGuards(me, now), ...held.guards]
    // If another was admitted meanwhile, it looks again a moment later.
    await context.saveIf(guards, admitted)
    return {}
  },
})

/** Nobody has resumed what the settings paused: it has no `since`. */
async function whoResumed({ run, deps: { pauses } }: Admitting): Promise<string | undefined> {
  const { waits, resumedBy } = run.schedule
  if (waits?.kind !== 'pause') return resumedBy
  if (waits.since === undefined) return undefined
  const said = await pauses.of(pausedPart(run.thread, waits.of))
  return said && !said.paused ? said.by : undefined
}

/** Those of now, for whom a limit held back. */
async function withLimits({ run, deps, github }: StepContext<Permitting>): Promise<Run> {
  if (run.schedule.waits?.kind !== 'until') return run
  const { settings, usable } = await deps.settings.of(github, run.thread)
  const kept = run.baseline.settings
  return usable ? changed(run, { baseline: { settings: { ...kept, limits: settings.limits } } }) : run
}

/** The place is kept; what may have changed while a service was away is looked at again. */
async function renewedAdmission(context: Admitting): Promise<Change> {
  const heeded = await heedingClosing(context)
  if (heeded.mailbox?.stop) return heeded
  if (!(await stillMay(context))) return failed(context, notAnyMore)
  return { ...heeded, schedule: { rightAskedAt: context.deps.now() } }
}

const entered = ({ schedule }: Run, now: number): Pick<Run['schedule'], 'enteredAt' | 'resumedBy'> => ({
  enteredAt: schedule.enteredAt ?? now,
  resumedBy: schedule.resumedBy,
})

const keepsWaiting = (run: Run, now: number, waits: Waits): ChangeOf<'schedule'> => ({
  schedule: { ...entered(run, now), waits, nextPollAt: pollAgainAt(waits, now) },
})

/** Who has to wait for people may wait for days: each look comes as late as all before together, up to ten minutes. */
function pollAgainAt(waits: Waits, now: number): number {
  switch (waits.kind) {
    case 'line':
    case 'session':
      return now + pollIntervalMs
    case 'until':
      return Math.min(waits.at, now + limitPollMs)
    case 'pause':
      return Math.min(Math.max(waits.until ?? Number.POSITIVE_INFINITY, now + 1), now + pausePollMs)
    case 'blocked':
    case 'open-pulls':
      return now + Math.min(Math.max(now - waits.since, minute), 10 * minute)
  }
}

/** Checks again before a session is used that another Run may have taken meanwhile. */
export async function givesWay({ run, job, deps }: StepContext): Promise<ChangeOf<'schedule'> | undefined> {
  const now = deps.now()
  const ahead = await begunInSession({ id: job.id, addedAt: job.addedAt, data: run }, deps.index)
  if (ahead === 0) return undefined
  const { schedule } = keepsWaiting(run, now, { kind: 'session', ahead })
  return { schedule: { ...schedule, admitted: run.session.instructionSent } }
}

/** The closing's webhook may arrive before the command's, and then finds no Run to stop. */
async function heedingClosing({ github, run, deps }: Admitting): Promise<ChangeOf<'mailbox'>> {
  await github.readAhead()
  const closing = await github.closing()
  if (!closing) return { mailbox: { ignoredStop: undefined } }
  const { by, at } = closing
  if (run.mailbox.ignoredStop?.by === by.login || (await isClosedByMerge(github, at))) return {}
  if (by.id === run.request.by.id) return { mailbox: { stop: { by, at: deps.now(), because: closed } } }
  const { settings } = await deps.settings.of(github, run.thread)
  const may = await mayUseNow(personCheckOf({ github, run, deps }, settings), by, 'stop')
  if (!may) return { mailbox: { ignoredStop: { by: by.login, because: closed } } }
  return { mailbox: { stop: { by, at: deps.now(), because: closed } } }
}

export function personCheckOf(
  context: Pick<StepContext<Permitting>, 'github' | 'run' | 'deps'>,
  settings: RepoSettings,
): PersonCheck {
  const { github, run, deps } = context
  const { accounts, signer, log } = deps
  const reads = refusedReads(context, 'github')
  return { github, accounts, signer, repoId: run.thread.repoId, settings, reads, log }
}

async function stillMay(context: StepContext<Permitting>): Promise<boolean> {
  const { github, run, deps } = context
  const { settings, usable } = await deps.settings.of(github, run.thread)
  const personCheck = personCheckOf(context, settings)
  const may = usable && (await mayUseNow(personCheck, run.request.by, commandFor(run.request.what)))
  if (!may) believeAbsent('The right to start this', personCheck.reads)
  return may
}
