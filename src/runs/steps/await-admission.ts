import { mayUseNow, type PersonCheck } from '../../access/authorize.ts'
import type { Person } from '../../core/model/thread.ts'
import { atLimit, atRest, limitReached, notAnyMore } from '../../core/record/failures.ts'
import { isOwnMerge } from '../../core/record/own-pull-request.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { type ChangeOf, changed, type Run } from '../../core/record/run.ts'
import { admissionOf, aheadInSession } from '../../core/record/start-limits.ts'
import { pausedBecause } from '../../core/settings/deployment-settings.ts'
import type { RepoSettings } from '../../core/settings/repository-settings.ts'
import { failed } from './outcome.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

/** A Run is woken when its admission comes; this poll is for a wake that was lost. */
const pollIntervalMs = 30_000
const closed = 'closed this'
const notClosed: ChangeOf<'mailbox'> = {}

type Permitting = 'permission' | 'isInTeam' | 'ownCommentsOfRepository' | 'file' | 'fileCommits'
type Admitting = StepContext<Permitting | 'closing' | 'pull' | 'pullsFrom'>

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
  ],
  writes: ['schedule', 'mailbox', 'result', 'session'],
  async do(context) {
    const { job, deps } = context
    const now = deps.now()
    if (context.run.schedule.admitted) return renewedAdmission(context)
    // A closing while it waits arrives as a message; one before may not have, so GitHub is asked.
    const hasWaited =
      context.run.schedule.ahead !== undefined || context.run.schedule.waitsUntil !== undefined
    const mine = { id: job.id, addedAt: job.addedAt, data: context.run }
    const [inSession, admission, heeded] = await Promise.all([
      aheadInSession(mine, deps.index),
      admissionOf(mine, deps.index, now),
      hasWaited ? notClosed : heedingClosing(context),
    ])
    const paused = pausedBecause(deps.settings.deployment)
    if (paused !== undefined) return failed(context, atRest(paused))
    const run = changed(context.run, heeded)
    if (run.mailbox.stop) return heeded
    if (inSession > 0) return { ...heeded, ...inLine(run, { ahead: inSession, waitsFor: 'session' }, now) }
    if (admission.kind !== 'now' && run.baseline.settings.limits.when_reached === 'refuse')
      return failed(context, atLimit(run, admission, now))
    switch (admission.kind) {
      case 'ahead':
        return { ...heeded, ...inLine(run, { ahead: admission.ahead, waitsFor: admission.of }, now) }
      case 'until':
        return {
          ...heeded,
          schedule: {
            ...entered(run, now),
            ahead: 0,
            waitsFor: undefined,
            waitsUntil: { at: admission.at, limit: limitReached(run, admission) },
            nextPollAt: Math.min(admission.at, now + 60_000),
          },
        }
      case 'now': {
        const last = hasWaited ? await heedingClosing(context) : heeded
        if (last.mailbox?.stop) return last
        if (run.schedule.ahead !== undefined && !(await stillMay(context))) return failed(context, notAnyMore)
        return {
          ...last,
          schedule: {
            ...entered(run, now),
            admitted: true,
            admissionExpectedAt: now,
            rightAskedAt: now,
            ahead: undefined,
            waitsUntil: undefined,
            waitsFor: undefined,
            nextPollAt: undefined,
          },
        }
      }
    }
  },
})

/** The place is kept; what may have changed while a service was away is looked at again. */
async function renewedAdmission(
  context: Admitting,
): Promise<ChangeOf<'schedule' | 'mailbox' | 'result' | 'session'>> {
  const heeded = await heedingClosing(context)
  if (heeded.mailbox?.stop) return heeded
  if (!(await stillMay(context))) return failed(context, notAnyMore)
  return { ...heeded, schedule: { rightAskedAt: context.deps.now() } }
}

type Waits = Pick<Run['schedule'], 'ahead' | 'waitsFor'>

const entered = ({ schedule }: Run, now: number): Pick<Run['schedule'], 'enteredAt'> => ({
  enteredAt: schedule.enteredAt ?? now,
})

const inLine = (run: Run, waits: Waits, now: number): ChangeOf<'schedule'> => ({
  schedule: { ...entered(run, now), ...waits, waitsUntil: undefined, nextPollAt: now + pollIntervalMs },
})

/** Checks again before a session is used that another Run may have taken meanwhile. */
export async function givesWay({ run, job, deps }: StepContext): Promise<ChangeOf<'schedule'> | undefined> {
  const now = deps.now()
  const ahead = await aheadInSession({ id: job.id, addedAt: job.addedAt, data: run }, deps.index)
  if (ahead === 0) return undefined
  const { schedule } = inLine(run, { ahead, waitsFor: 'session' }, now)
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
