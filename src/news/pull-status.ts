/** What the status of a Run says of its pull request once the Run has ended. */

import type { ThreadContext } from '../commands/command-context.ts'
import type { JobRecord, StepResult } from '../core/model/ports.ts'
import { movedTo, threadSlot } from '../core/model/thread.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import { logOffset, withCiTurns } from '../core/record/apply-snapshot.ts'
import { isWordOutdated, unfolded } from '../core/record/last-word.ts'
import { send } from '../core/record/messages.ts'
import {
  endsBy,
  hasChanged,
  openPullFrom,
  type PullStanding,
  roundsOf,
  tellerOf,
  tellsMore,
  withStanding,
} from '../core/record/pull-end.ts'
import { changed, type Run, sessionOf } from '../core/record/run.ts'
import { oldestFirst, sets } from '../core/record/run-index.ts'
import { limits } from '../core/record/timing.ts'
import { showLastWord } from '../runs/steps/closing-comment.ts'
import { botListOf, needsSeen } from '../runs/steps/read-needs.ts'
import { showStatus } from '../runs/steps/status-comment.ts'
import { drawStatus } from '../runs/steps/step-context.ts'

const end: StepResult = { kind: 'end' }
const soonAgain: StepResult = { kind: 'park', ms: 200 }

/**
 * @param isTeller its status is shown again where it was folded away
 * @returns false if the Run is about to end: ask again
 */
export async function tell(
  context: ThreadContext,
  { id: run, standing, data }: JobRecord<Run>,
  { id, ...news }: PullStanding & { id: string },
  isTeller: boolean,
): Promise<boolean> {
  const { runs, posthog } = context.deps
  if (standing === 'live') return send(runs, run, { kind: 'pull', id, ...news })
  const { taskId } = data.session
  const cost = taskId !== undefined && endsBy(data, news) ? await posthog.cost(taskId) : undefined
  return amend(context, run, before => {
    const known = withStanding(before, news)
    if (!tellsMore(before, known)) return before
    const after = cost === undefined ? known : changed(known, { session: { cost } })
    return isTeller ? unfolded(after) : after
  })
}

/** If several runs tell of it at once, the last one shows what all of them know. */
async function amend(context: ThreadContext, id: string, change: (run: Run) => Run): Promise<boolean> {
  const { runs, meter } = context.deps
  let before: Run | undefined
  let kept = await runs.amendEnded(id, run => {
    before = run
    return change(run)
  })
  if (kept && before && kept.data !== before) meter?.moved(before, kept.data)
  while (kept) {
    const { data: run } = kept
    const isHere = threadSlot(run.thread) === threadSlot(context.record.trigger.thread)
    const thread = isHere
      ? context.github
      : context.deps.github(movedTo(run.thread, context.record.trigger.thread))
    const report = await shownAnew(run, { github: thread, deps: context.deps })
    if (!report) return true
    kept = await runs.amendEnded(id, each => changed(each, { report }))
  }
  return false
}

/** What of a Run's comments says something else than its record, one at a time. */
async function shownAnew(
  run: Run,
  { github, deps }: Pick<ThreadContext, 'github' | 'deps'>,
): Promise<Partial<Run['report']> | undefined> {
  const { status } = run.report
  const drawing = drawStatus(run, deps.deployment, deps.now())
  if (status && !status.minimized && drawing.phase() !== status.phase) {
    const shown = await showStatus(github, drawing, status, deps.signer)
    return { status: shown === 'gone' ? { ...status, phase: drawing.phase() } : shown }
  }
  return isWordOutdated(run) ? { lastWord: await showLastWord(run, { github, deps }) } : undefined
}

/**
 * Checks and reviews come in bursts: one look is for all of one. A Run at work looks by itself, with its result.
 */
export async function newsOfHead(
  context: ThreadContext,
  { id, at, thread, head }: PullNewsTrigger,
): Promise<StepResult> {
  const { record, deps } = context
  if (!record.waits) {
    await context.save({ ...record, waits: { since: deps.now() } })
    // Its id stands for all that comes until then.
    return { kind: 'park', ms: limits.checkedEvery - (at % limits.checkedEvery) }
  }
  if (!head) return end
  const known = await oldestFirst(deps.runs, [sets.head({ ...thread, ref: head.ref })])
  const live = known.findLast(({ standing }) => standing === 'live')
  if (live) return (await send(deps.runs, live.id, { kind: 'checked', id })) ? end : soonAgain
  const teller = tellerOf(known)
  const number = teller && hasChanged(teller.data) ? openPullFrom(teller.data, head.ref) : undefined
  const needsReadAt = deps.now()
  if (!teller || number === undefined) return end
  const view = await needsSeen(context.github, number, botListOf(teller.data, deps))
  if (!view) return end
  if (!view.isKnown && deps.now() - record.waits.since < limits.findsConflicts)
    return { kind: 'park', ms: limits.checkedEvery }
  const { needs } = view
  const isKnown = (run: Run) => JSON.stringify(needs) === JSON.stringify(run.result.needs)
  const seen = isKnown(teller.data) ? teller.data : await withLog(context, teller.data)
  const rounds = roundsOf(known.map(({ data }) => (data === teller.data ? seen : data)))
  const { sessionLog } = seen.session
  const isAmended = await amend(context, teller.id, run => {
    const isOlder = needsReadAt < (run.result.needsReadAt ?? 0)
    if (isOlder || openPullFrom(run, head.ref) !== number) return run
    if (isKnown(run)) return changed(run, { result: { needsReadAt } })
    const after = changed(run, { session: { sessionLog }, result: { needs, needsReadAt, rounds } })
    return needs ? unfolded(after) : after
  })
  return isAmended ? end : soonAgain
}

/** What PostHog has had its agent do about the checks since the Run ended. */
async function withLog({ deps: { posthog } }: ThreadContext, run: Run): Promise<Run> {
  const session = sessionOf(run)
  const { sessionLog } = run.session
  const snapshot =
    session && sessionLog && (await posthog.poll(session, logOffset(run)).catch(() => undefined))
  if (!snapshot) return run
  const after = withCiTurns(sessionLog, snapshot.log)
  return changed(run, { session: { sessionLog: { ...after, offset: snapshot.offset } } })
}
