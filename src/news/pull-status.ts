/** What the last word of a Run says of its pull request once the Run has ended. */

import { endOfJob, type ThreadContext } from '../commands/command-context.ts'
import { amend } from '../commands/perform.ts'
import type { JobRecord, StepResult } from '../core/model/ports.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import type { Posted, PullNeeds } from '../core/model/views.ts'
import { logOffset } from '../core/record/apply-snapshot.ts'
import { type EffectAttempt, exactlyOnce } from '../core/record/intents.ts'
import type { PullStanding } from '../core/record/mailbox-part.ts'
import { sendMessage } from '../core/record/messages.ts'
import * as pullEnd from '../core/record/pull-end.ts'
import { changed, type Run, sessionOf } from '../core/record/run.ts'
import { newestTwenty, sets } from '../core/record/run-index.ts'
import { limits } from '../core/record/timing.ts'
import { withCiTurn } from '../core/record/turn-log.ts'
import { saying } from '../core/words/say.ts'
import { redChecks } from '../core/words/what-it-needs.ts'
import { needsSeen } from '../runs/steps/read-needs.ts'

const soonAgain: StepResult = { kind: 'park', ms: 200 }

/** @returns false if the Run is about to end: ask again */
export async function tell(
  context: ThreadContext,
  { id: run, standing, data }: JobRecord<Run>,
  { id, ...news }: PullStanding & { id: string },
): Promise<boolean> {
  const { runs, posthog } = context.deps
  if (standing === 'live') return sendMessage(runs, run, { kind: 'pull', id, ...news })
  const { taskId } = data.session
  const cost =
    taskId !== undefined && pullEnd.endsBy(data, news) ? await posthog.cost(taskId) : undefined
  return amend(context, run, before => {
    const known = pullEnd.withStanding(before, news)
    return cost === undefined ? known : changed(known, { session: { cost } })
  })
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
    await context.save({ waits: { since: deps.now() } })
    // Its id stands for all that comes until then.
    return { kind: 'park', ms: limits.checkedEvery - (at % limits.checkedEvery) }
  }
  if (!head) return endOfJob
  const known = await newestTwenty(deps.runs, [sets.head({ ...thread, ref: head.ref })])
  const live = known.findLast(({ standing }) => standing === 'live')
  if (live)
    return (await sendMessage(deps.runs, live.id, { kind: 'checked', id })) ? endOfJob : soonAgain
  const teller = pullEnd.tellerOf(known)
  const number =
    teller && pullEnd.hasChanged(teller.data)
      ? pullEnd.openPullFrom(teller.data, head.ref)
      : undefined
  const needsReadAt = deps.now()
  if (!teller || number === undefined) return endOfJob
  const view = await needsSeen(context.github, number, teller.data.baseline)
  if (!view) return endOfJob
  if (!view.isKnown && deps.now() - record.waits.since < limits.findsConflicts)
    return { kind: 'park', ms: limits.checkedEvery }
  const { needs } = view
  const red = needs && needs.failedChecks.length > 0 ? needs : undefined
  const turnedRed = red && !teller.data.result.needs?.failedChecks.length
  if (turnedRed && (await deps.isFirst(`red-${thread.repoId}-${number}`, id)))
    await context.save({ waits: { since: deps.now(), run: teller.id } })
  const waitsForPostHog = context.record.waits?.run === teller.id
  const isKnown = (run: Run) =>
    !waitsForPostHog && JSON.stringify(needs) === JSON.stringify(run.result.needs)
  const seen = isKnown(teller.data) ? teller.data : await withCiLog(context, teller.data)
  const rounds = pullEnd.roundsOf(known.map(({ data }) => (data === teller.data ? seen : data)))
  const { sessionLog } = seen.session
  const isAmended = await amend(context, teller.id, run => {
    const isOlder = needsReadAt < (run.result.needsReadAt ?? 0)
    if (isOlder || pullEnd.openPullFrom(run, head.ref) !== number) return run
    if (isKnown(run)) return changed(run, { result: { needsReadAt } })
    const looked = { number, ...view.facts }
    return changed(run, { session: { sessionLog }, result: { needs, needsReadAt, rounds, looked } })
  })
  if (!isAmended) return soonAgain
  if (!red || !waitsForPostHog || rounds.byPostHog > 0) return endOfJob
  const ms = (context.record.waits?.since ?? 0) + limits.ownRound - deps.now()
  if (ms > 0) return { kind: 'park', ms }
  return mailOfRed(context, changed(seen, { result: { rounds } }), red)
}

/** Only the first red checks of a pull request are mailed: whoever knows of them looks after the others. */
async function mailOfRed(context: ThreadContext, run: Run, needs: PullNeeds): Promise<StepResult> {
  const { deps, job, record } = context
  const { id, thread } = run
  const text = redChecks(run, needs)
  const marker = { run: id, repo: thread.repoId, thread: thread.number, as: 'reply' as const }
  const github = deps.github(thread)
  const { find, perform } = saying(github, deps.signer, { marker, text: () => text })
  const save = (begun: EffectAttempt | undefined) =>
    context.save({ answer: { text, as: 'reply', well: false, begun } })
  const tried: EffectAttempt = { at: deps.now() }
  await exactlyOnce<EffectAttempt, Posted>(record.answer?.begun, tried, {
    find,
    record: save,
    async begin() {
      await save(tried)
      await job.assertLocked()
    },
    perform,
    now: deps.now,
  })
  return endOfJob
}

/** What PostHog has had its agent do about the checks since the Run ended. */
async function withCiLog({ deps: { posthog } }: ThreadContext, run: Run): Promise<Run> {
  const session = sessionOf(run)
  const { sessionLog } = run.session
  const snapshot =
    session && sessionLog && (await posthog.poll(session, logOffset(run)).catch(() => undefined))
  if (!snapshot) return run
  const after = snapshot.log.reduce(withCiTurn, sessionLog)
  return changed(run, { session: { sessionLog: { ...after, offset: snapshot.offset } } })
}
