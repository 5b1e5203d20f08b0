/** Pull request events come late and in any order, so GitHub is asked for the state. */
import type { NewsHandlers } from '../commands/accept-trigger.ts'
import { endOfJob, isUserAtWork, type ThreadContext } from '../commands/command-context.ts'
import { loggedIfRejected } from '../core/model/errors.ts'
import type { JobRecord, StepResult } from '../core/model/ports.ts'
import { minute } from '../core/model/time.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import type { PullView } from '../core/model/views.ts'
import { sendMessage } from '../core/record/messages.ts'
import { agentLogin, approversWhoDidNotAsk, requestersOf } from '../core/record/own-pull-request.ts'
import { roundsOf, tellerOf } from '../core/record/pull-end.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import type { Run } from '../core/record/run.ts'
import { runsOfPull, sets, wakeRunsIn } from '../core/record/run-index.ts'
import { approvalCheck, inMergeQueue, noneOfCodex } from '../core/words/approval-check.ts'
import { wantedBody } from '../runs/steps/put-right.ts'
import { acceptAccess } from './access-lost.ts'
import { newsOfHead, tell } from './pull-status.ts'
import { withdraw } from './withdraw.ts'

export async function newsOfPull(
  context: ThreadContext,
  trigger: PullNewsTrigger,
): Promise<StepResult> {
  const { news } = trigger
  if (news === 'checked') return newsOfHead(context, trigger)
  if (news === 'merging') return checkMergeGroup(context, trigger)
  if (news === 'closed' || news === 'merged')
    await wakeRunsIn(context.deps.runs, sets.untilPullEnds(trigger.thread.repoId))
  if (news === 'opened') await pollNow(context, trigger)
  if (approvalNews.has(news)) {
    const shown = await checkApproval(context, trigger)
    if (news !== 'reopened' || shown.kind === 'park') return shown
  }
  // GitHub is asked nothing about a pull request that concerns no Run.
  const known = await runsOfPull(context.deps.runs, trigger.thread, trigger.thread.number)
  const over = known.length > 0 ? await tellAll(context, trigger, known) : undefined
  if (over) return over
  if (news === 'reopened') await pollNow(context, trigger)
  // A run on a closed pull request has lost its subject; a merged one keeps its work.
  return news === 'closed'
    ? withdraw(context, { ...trigger, what: { kind: 'thread', by: 'closed' } })
    : endOfJob
}

/** Its description was written anew without our lines, which say what it closes and which Run made it. */
async function markAgain(
  { deps, github }: ThreadContext,
  { thread }: PullNewsTrigger,
  view: PullView,
) {
  const maker = (await deps.runs.listed([sets.pull({ ...thread, number: view.number })])).at(-1)
  if (!maker || view.state !== 'open') return
  const body = wantedBody(maker.data, deps.signer, view)
  if (body === view.body) return
  const { refused } = await github.thread.settle({
    pull: { number: view.number, change: { body } },
  })
  if (refused.length > 0)
    deps.log.warn({ pull: view.url }, 'the pull request could not be put right')
}

/** The Run named in the pull request polls at once; others when the budget allows it. */
async function pollNow({ deps: { runs } }: ThreadContext, news: PullNewsTrigger) {
  const { head, thread, sender, id } = news
  if (head?.repoId !== thread.repoId) return
  const named = await runs.listed([head.ref, head.base].map(ref => sets.branch({ ...thread, ref })))
  const touched = named.filter(({ data: { thread: its, workspace, session, result } }) => {
    const { taskRun } = session
    if (!taskRun || its.repoId !== thread.repoId) return false
    const { branch } = workspace
    const own = [branch?.name, taskRun.headBranch, ...result.pulls.map(pull => pull.head)]
    return own.includes(head.ref) || (head.base === branch?.name && head.base !== its.defaultBranch)
  })
  const [first, ...others] = touched
  if (first && others.length === 0 && sender.login === agentLogin)
    await sendMessage(runs, first.id, { kind: 'poll', id, pull: thread.url })
  else await Promise.all(touched.map(run => runs.wake(run.id)))
}

/** @returns what is done instead of the rest, where they can not be told now or it is gone */
async function tellAll(
  context: ThreadContext,
  trigger: PullNewsTrigger,
  known: readonly JobRecord<Run>[],
): Promise<StepResult | undefined> {
  const { id, at, thread, news } = trigger
  const readAt = context.deps.now()
  const view =
    (await context.github.pulls.find(thread.number)) ?? context.believeAbsent('The pull request')
  if (!view) return endOfJob
  const { number, state, draft, base } = view
  const stands = { number, state, draft, base, readAt }
  const teller = tellerOf(known)
  const ended = {
    ...stands,
    at: view.mergedAt ?? at,
    rounds: roundsOf(known.map(({ data }) => data)),
  }
  const accepted = known.map(run =>
    tell(context, run, { id, ...(run === teller ? ended : stands) }),
  )
  if (!(await Promise.all(accepted)).every(Boolean)) return { kind: 'park', ms: 200 }
  if (news === 'unmarked') await markAgain(context, trigger, view)
  return undefined
}

/** What changes without a command. */
export const newsHandlers: NewsHandlers = {
  ofAccess: acceptAccess,
  ofThread: (context, trigger) =>
    trigger.kind === 'pull-news' ? newsOfPull(context, trigger) : withdraw(context, trigger),
}

const approvalNews = new Set<PullNewsTrigger['news']>([
  'opened',
  'pushed',
  'marked',
  'reviewed',
  'reopened',
])

/** After so many for one pull request, one a minute: whoever opens it can push to it without end. */
const readsAtOnce = 10

/** @returns what is done instead; one read at the end of a minute is for all that came in it */
async function throttled(
  { deps, record, save, approvalReads }: ThreadContext,
  { id, thread }: PullNewsTrigger,
): Promise<StepResult | undefined> {
  const name = `approval-${thread.repoId}-${thread.number}`
  if (record.waits || approvalReads(name, 1) < readsAtOnce) return undefined
  const now = deps.now()
  if (!(await deps.isFirst(`${name}-${Math.floor(now / minute)}`, id))) return endOfJob
  await save({ waits: { since: now } })
  return { kind: 'park', ms: minute - (now % minute) }
}

/** ms; the run that marks a pull request writes down a moment later that it did. */
const markedWithinMs = 10_000

/**
 * `pull_request.approval: somebody-else`: each newest commit of a pull request has a check, so that it can be required.
 * It waits for an approval where Codex had a part in it. Webhooks are hints.
 */
async function checkApproval(
  context: ThreadContext,
  trigger: PullNewsTrigger,
): Promise<StepResult> {
  const { deps, github, job } = context
  const { thread, head, hasMarker, news, sender } = trigger
  // What its agent opens is marked by the run.
  if (deps.tenant === undefined || (news === 'opened' && sender.login === agentLogin))
    return endOfJob
  const { number } = thread
  const known = await deps.runs.listed([
    ...[sets.pull({ ...thread, number }), sets.thread(thread)],
    ...(head?.repoId === thread.repoId ? [sets.branch({ ...thread, ref: head.ref })] : []),
  ])
  const runs = known.map(({ data }) => data).filter(({ request }) => !isReadOnly(request.what))
  if (
    hasMarker &&
    runs.length === 0 &&
    news === 'marked' &&
    deps.now() - job.addedAt < markedWithinMs
  )
    return { kind: 'park', ms: 300 }
  const later = await throttled(context, trigger)
  if (later) return later
  // The words of the runs that made it count as well, whatever was changed since. A new pull request has no others.
  const isNew = news === 'marked' && runs.length > 0
  const wanted =
    runs.some(({ baseline }) => isWanted(baseline)) ||
    (!isNew && isWanted(await context.settings()))
  if (!wanted) return endOfJob
  // An agent that works as a user looks like one until its run knows of the pull request.
  if (!hasMarker && runs.length === 0 && (await isUserAtWork(context)))
    return { kind: 'park', ms: userWorks }
  return showCheck(context, async () => {
    const found = await github.pulls.approvals(number)
    if (!found) return
    const markers = deps.signer.read(found.body, thread).filter(({ as }) => as === 'pull')
    const requesters = new Map(runs.flatMap(requestersOf).map(each => [each.id, each]))
    const ids = new Set([...requesters.keys(), ...markers.flatMap(({ by = [] }) => by)])
    const isCodexs =
      runs.length > 0 ||
      markers.length > 0 ||
      found.author === agentLogin ||
      (await github.pulls.hasCommitOf(number, agentLogin))
    const check = isCodexs
      ? approvalCheck(approversWhoDidNotAsk(found.by, ids), [...requesters.values()])
      : noneOfCodex
    await job.assertLocked()
    await github.checks.report(found.sha, check)
  })
}

async function checkMergeGroup(
  context: ThreadContext,
  { head }: PullNewsTrigger,
): Promise<StepResult> {
  if (!head || context.deps.tenant === undefined || !isWanted(await context.settings()))
    return endOfJob
  return showCheck(context, async () => {
    await context.job.assertLocked()
    await context.github.checks.report(head.sha, inMergeQueue)
  })
}

/** ms */
const userWorks = 10_000

const isWanted = ({ settings }: Pick<Run['baseline'], 'settings'>) =>
  settings.pull_request.approval === 'somebody-else'

async function showCheck(
  { deps, record }: ThreadContext,
  show: () => Promise<void>,
): Promise<StepResult> {
  const about = { thread: record.trigger.thread.url }
  const logRefusal = loggedIfRejected(
    deps.log,
    'the approval of a pull request could not be shown',
    about,
  )
  await show().catch(logRefusal)
  return endOfJob
}
