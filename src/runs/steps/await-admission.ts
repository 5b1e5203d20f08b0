/**
 * The step `await-admission` lets a Run begin when no limit, session, issue or pull request is in its way.
 * It leaves in the schedule that the Run is admitted, or what it waits for.
 * It leaves a stop if the thread was closed meanwhile. Words whose writer lost the right while they waited are dropped.
 * If the instruction is among them, it leaves a failure.
 */
import { mayUseNow, type PersonCheck } from '../../access/authorize.ts'
import type { SettingsNow } from '../../access/read-settings.ts'
import { heldByOthers, heldByUs } from '../../access/reasons-to-wait.ts'

import { minute } from '../../core/model/time.ts'
import { begunInSession, startGuards } from '../../core/record/admission.ts'
import { notAnyMore } from '../../core/record/failures.ts'
import { instructionSent, isAdded, nextWord } from '../../core/record/ledger.ts'
import type { Word } from '../../core/record/mailbox-part.ts'
import { refusedWords } from '../../core/record/messages.ts'
import { failed } from '../../core/record/outcome.ts'
import { isClosedByMerge } from '../../core/record/own-pull-request.ts'
import { commandFor } from '../../core/record/request-part.ts'
import { believeAbsent } from '../../core/record/retries.ts'
import { type ChangeOf, changed, limitsOf, type Run, type Waits } from '../../core/record/run.ts'
import { toSay } from '../../core/record/words-to-say.ts'
import type { RepoSettings } from '../../core/settings/repository-settings.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

/** A Run is woken when its admission comes; this poll is for a wake that was lost. */
const pollIntervalMs = 30_000
/** Somebody may have raised a limit of 0: the first in line reads the settings for all behind it. */
const zeroPollMs = minute
/** When enough of what was spent or started is old is known: before that, only somebody who raises the limit changes it. */
const limitPollMs = 15 * minute
const closed = 'closed this'
const notClosed: ChangeOf<'mailbox'> = {}

const permitting = ['people.permission', 'people.isInTeam', 'files.text', 'files.commits'] as const
type Permitting = (typeof permitting)[number]
const admissionCalls = [
  ...permitting,
  'thread.readAhead',
  'thread.closing',
  'issue.merges',
  'issue.blockers',
  'pulls.open',
] as const
type AdmissionContext = StepContext<(typeof admissionCalls)[number]>
type AdmissionChange = ChangeOf<'schedule' | 'mailbox' | 'result' | 'session' | 'report'>

export const awaitAdmission = step('await-admission', {
  github: admissionCalls,
  writes: ['schedule', 'mailbox', 'result', 'session', 'report'],
  async do(context) {
    const { job, deps } = context
    const now = deps.now()
    const { run } = context
    const { admitted, waits: waited } = run.schedule
    if (admitted) return renewedAdmission(context)
    const renewed = isHeldByLimit(waited)
      ? withNewLimits(run, await settingsNow(context))
      : undefined
    if (renewed) return renewed
    // A closing while it waits arrives as a message; one before may not have, so GitHub is asked.
    const hasWaited = waited !== undefined
    const { index } = deps
    const { deployment } = deps.settings
    const me = { ...job, data: run, total: deployment.limits.total }
    const [{ waits, costOfDay }, heeded] = await Promise.all([
      heldByUs(me, { index, deployment, now }),
      hasWaited ? notClosed : heedingClosing(context),
    ])
    if (changed(run, heeded).mailbox.stop) return heeded
    if (waits) return { ...heeded, ...keepsWaiting(run, now, waits) }
    const last = hasWaited ? await heedingClosing(context) : heeded
    if (last.mailbox?.stop) return last
    const held = await heldByOthers(me, context.github, { index, now })
    if (held.waits) return { ...last, ...keepsWaiting(run, now, held.waits) }
    if (hasWaited) {
      const read = await settingsNow(context)
      const lowered = withNewLimits(run, read)
      if (lowered) return { ...last, ...lowered }
      const refused = await withoutRight(context, read)
      if (refused) return refused
    }
    const begins: AdmissionChange = {
      ...last,
      schedule: {
        enteredAt: run.schedule.enteredAt ?? now,
        admitted: true,
        costOfDay,
        admissionExpectedAt: now,
        rightAskedAt: now,
        waits: undefined,
        nextPollAt: undefined,
      },
    }
    // If another was admitted meanwhile, it looks again a moment later.
    await context.saveIf([...startGuards(me, now), ...held.guards], begins)
    return {}
  },
})

/** Says whether it waits at a limit that somebody may have raised since it was looked at last. */
const isHeldByLimit = (waits: Waits | undefined) =>
  waits?.kind === 'until' || waits?.kind === 'zero'

const settingsNow = ({ run, deps, github }: StepContext<Permitting>) =>
  deps.settings.of(github.files, run.thread)

/** Gives the Run the limits of now if they differ from those that it was looked at with. Then it is looked at again. */
function withNewLimits(run: Run, { settings, usable }: SettingsNow): AdmissionChange | undefined {
  const { limits } = settings
  if (!usable || JSON.stringify(limitsOf(run)) === JSON.stringify(limits)) return undefined
  return { schedule: { limits, nextPollAt: undefined } }
}

/** The place is kept; what may have changed while words waited is looked at again. */
async function renewedAdmission(context: AdmissionContext): Promise<AdmissionChange> {
  const heeded = instructionSent(context.run) ? {} : await heedingClosing(context)
  if (heeded.mailbox?.stop) return heeded
  const refused = await withoutRight(context, await settingsNow(context))
  return refused ?? { ...heeded, schedule: { rightAskedAt: context.deps.now() } }
}

const keepsWaiting = (run: Run, now: number, waits: Waits): ChangeOf<'schedule'> => ({
  schedule: {
    enteredAt: run.schedule.enteredAt ?? now,
    waits,
    nextPollAt: pollAgainAt(waits, now),
  },
})

/** A Run that waits for people may wait for days: each look comes as late as all before together, up to ten minutes. */
function pollAgainAt(waits: Waits, now: number) {
  switch (waits.kind) {
    case 'line':
    case 'session':
      return now + pollIntervalMs
    case 'zero':
      return now + (waits.ahead === 0 ? zeroPollMs : limitPollMs)
    case 'until':
      return Math.min(waits.at, now + limitPollMs)
    case 'blocked':
    case 'open-pulls':
      return now + Math.min(Math.max(now - waits.since, minute), 10 * minute)
  }
}

/** Checks again before a session is used that another Run may have taken meanwhile. */
export async function givesWay({
  run,
  job,
  deps,
}: StepContext): Promise<ChangeOf<'schedule'> | undefined> {
  const now = deps.now()
  const ahead = await begunInSession({ ...job, data: run }, deps.index)
  if (ahead === 0) return undefined
  const { schedule } = keepsWaiting(run, now, { kind: 'session', ahead })
  return { schedule: { ...schedule, admitted: instructionSent(run) } }
}

/** The closing's webhook may arrive before the command's, and then finds no Run to stop. */
async function heedingClosing({
  github,
  run,
  deps,
}: AdmissionContext): Promise<ChangeOf<'mailbox'>> {
  await github.thread.readAhead()
  // A question may be asked in a thread that is closed.
  const closing = run.baseline.snapshot.open ? await github.thread.closing() : undefined
  const { ignoredStop } = run.mailbox
  if (!closing)
    return ignoredStop?.because === closed ? { mailbox: { ignoredStop: undefined } } : {}
  const { by, at } = closing
  if (ignoredStop?.by === by.login || (await isClosedByMerge(github, at))) return {}
  const stop = { by, at: deps.now(), because: closed }
  if (by.id === run.request.by.id) return { mailbox: { stop } }
  const { settings } = await deps.settings.of(github.files, run.thread)
  const may = await mayUseNow(personCheckOf({ github, run, deps }, settings), by, 'stop')
  return { mailbox: may ? { stop } : { ignoredStop: { by: by.login, because: closed } } }
}

export function personCheckOf(
  context: Pick<StepContext<Permitting>, 'github' | 'run' | 'deps'>,
  settings: RepoSettings,
): PersonCheck {
  const { github, deps } = context
  return { github, settings, reads: refusedReads(context, 'github'), log: deps.log }
}

/** Asks GitHub about everybody whose words wait. @returns what follows if somebody may not any more */
async function withoutRight(
  context: StepContext<Permitting>,
  { settings, usable }: SettingsNow,
): Promise<AdmissionChange | undefined> {
  const { run } = context
  const personCheck = personCheckOf(context, settings)
  const waiting = run.mailbox.words.filter(({ state }) => state === 'waiting')
  const writerOf = (word: Word) => toSay(run, word).by
  const refused = new Set<number>()
  for (const by of new Map(waiting.map(word => [writerOf(word).id, writerOf(word)])).values()) {
    if (usable && (await mayUseNow(personCheck, by, commandFor(run.request.what)))) continue
    believeAbsent(`The right of ${by.login}`, personCheck.reads)
    refused.add(by.id)
  }
  if (refused.size === 0) return undefined
  const words = waiting.filter(word => refused.has(writerOf(word).id))
  const because = 'you may no longer start runs here'
  const after = words.filter(isAdded).reduce((left, word) => refusedWords(left, because, word), run)
  const isOver = !nextWord(after) && !after.session.taskRun && !after.result.outcome
  if (isOver || words.some(({ kind }) => kind === 'instruction'))
    return failed(context.run, notAnyMore, context.deps.now())
  const { mailbox, report, result } = after
  return { mailbox, report, result }
}
