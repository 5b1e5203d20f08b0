/** What came of the work: GitHub is asked, never believed from somebody's text. */

import { Rejected } from '../../core/model/errors.ts'
import { agentsCommit, maxClaims, ownershipOf, pullNumberIn } from '../../core/model/own-pull-request.ts'
import { threadName } from '../../core/model/thread.ts'
import { type PullView, pullOf } from '../../core/model/views.ts'
import type { Pull, Run } from '../../core/run/run.ts'
import { limits } from '../../core/run/timing.ts'
import { closesIssue, withFirst } from '../../core/text/closing-words.ts'
import { disarm, quoted } from '../../core/text/safe-markdown.ts'
import { believeAbsent, once, type StepContext } from './step-context.ts'
import { ignoreRefusal, markerOf } from './tell-thread.ts'

/** An address that PostHog gave: looked up only here, and taken only if the pull request is the Run's own. */
export async function adoptPull(context: StepContext, url: string): Promise<Run> {
  const { run } = context
  const claimedPulls = run.claimedPulls.filter(claimed => claimed !== url)
  context.deps.reached('pull seen')
  const foreign: Run = { ...run, claimedPulls, foreignPulls: [...run.foreignPulls, url] }
  const number = pullNumberIn(url, run.thread)
  // The pull request that the command stood on is no news.
  if (number === undefined || (run.thread.kind === 'pull' && number === run.thread.number)) return foreign
  const isFirst = run.unseenPulls[url] === undefined
  if (isFirst && run.claimsSeen >= maxClaims) return foreign
  const claimsSeen = run.claimsSeen + (isFirst ? 1 : 0)
  const view = await context.github.pull(number)
  if (!view && mayAppear(context, url)) return { ...askedAgain(context, url), claimsSeen }
  if (!view || !(await isOwn(context, view))) {
    context.deps.log.warn({ run: run.id, url }, 'not a pull request of this run')
    return { ...foreign, claimsSeen }
  }
  const pull = await putRight(context, view)
  await involve(context, view)
  return { ...run, claimedPulls, claimsSeen, pulls: withPull(run.pulls, pull) }
}

async function isOwn({ run, github }: StepContext, view: PullView): Promise<boolean> {
  const ownership = ownershipOf(run, view)
  if (ownership !== 'if-descended' || !run.branch) return ownership === 'ours'
  return github.isDescendant(run.branch.sha, view.head.sha)
}

/** PostHog may know of a pull request before GitHub shows it everywhere. */
const mayAppear = ({ run, deps }: StepContext, url: string): boolean =>
  deps.now() - (run.unseenPulls[url]?.since ?? deps.now()) < limits.unseenPull

function askedAgain({ run, deps }: StepContext, url: string): Run {
  const now = deps.now()
  const since = run.unseenPulls[url]?.since ?? now
  const until = now + Math.min(30_000, Math.max(1_000, now - since))
  return { ...run, unseenPulls: { ...run.unseenPulls, [url]: { since, until } } }
}

/** Who asked stays responsible: assigned, and asked for a review of what the agent wrote. */
async function involve(context: StepContext, view: PullView): Promise<void> {
  const { settings, request } = context.run
  const { assign, review } = settings.pull_request
  if (view.state !== 'open') return
  if (assign) {
    await context.job.assertLocked()
    await ignoreRefusal(context, context.github.assign(view.number, request.by.login))
  }
  if (review) {
    await context.job.assertLocked()
    await ignoreRefusal(context, context.github.requestReview(view.number, request.by.login))
  }
}

const withPull = (pulls: Pull[], pull: Pull): Pull[] => [
  ...pulls.filter(({ number }) => number !== pull.number),
  pull,
]

const recorded = (view: PullView, message?: string): Pull => ({
  ...pullOf(view),
  ...(message === undefined ? {} : { remark: message }),
})

/**
 * PostHog takes the branch of a run as the base of its pull request: one that goes into a branch we made
 * for the issue is turned to where that branch came from, and its description made to close the issue.
 */
async function putRight(context: StepContext, view: PullView): Promise<Pull> {
  const { run } = context
  const base = run.branch?.made && view.head.base === run.branch.name ? { base: run.branch.into } : {}
  const body = wantedBody(context, view)
  const change = { ...base, ...(body === view.body ? {} : { body }) }
  if (view.state !== 'open' || Object.keys(change).length === 0) return recorded(view)
  await context.job.assertLocked()
  try {
    const amended = await context.github.amendPull(view.number, change)
    context.deps.reached('pull put right, not recorded')
    return recorded(amended)
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    context.deps.log.warn(
      { run: run.id, pull: view.number, err: error },
      'the pull request could not be put right',
    )
    return recorded(view, `GitHub did not let the bot change its ${base.base ? 'base or ' : ''}description`)
  }
}

/** The closing line and our marker, each added only where it is missing, and before what could swallow it. */
function wantedBody(context: StepContext, view: PullView): string {
  const { run, deps } = context
  const { thread } = run
  const pullThread = { repoId: thread.repoId, number: view.number }
  const closes = thread.kind === 'pull' || closesIssue(view.body, thread) ? [] : [`Closes #${thread.number}`]
  const marked = deps.signer.read(view.body, pullThread).some(marker => marker.run === run.id)
  if (marked) return withFirst(closes, view.body)
  const marker = deps.signer.write({
    ...markerOf(run, 'pull'),
    thread: view.number,
    pull: view.number,
    branch: view.head.ref,
  })
  return withFirst([...closes, marker], view.body)
}

/** The turn is over and PostHog told of no new pull request: look what is on the branches. */
export async function findResult(context: StepContext): Promise<Run> {
  const found = await pullOfHeads(context)
  if (found) await involve(context, found)
  const run = found
    ? { ...context.run, pulls: withPull(context.run.pulls, await putRight(context, found)) }
    : context.run
  const pushed = await pushedTo(context)
  const known: Run = { ...run, resultChecked: true, ...(pushed === undefined ? {} : { pushed }) }
  const opens = pushed !== undefined && canOpen(known)
  return opens ? { ...(await openOurs(context, known)), intent: undefined } : { ...known, intent: undefined }
}

/** A pull request that the agent opened and PostHog did not report. */
async function pullOfHeads(context: StepContext): Promise<PullView | undefined> {
  const { run } = context
  const heads = new Set([run.taskRun?.headBranch, run.branch?.made ? run.branch.name : undefined])
  for (const head of heads) {
    if (head === undefined || head === run.thread.defaultBranch || head === run.head?.ref) continue
    const known = new Set(run.pulls.map(({ number }) => number))
    const views = (await context.github.pullsFrom(head)).filter(
      ({ state, number }) => state !== 'closed' && !known.has(number),
    )
    for (const view of views.slice(0, maxClaims)) if (await isOwn(context, view)) return view
  }
  return undefined
}

/** The commit that the work ended in, if somebody else than a person moved the branch since the Run began. */
async function pushedTo(context: StepContext): Promise<string | undefined> {
  const { branch } = context.run
  if (context.run.request.what === 'plan') return pushedByPlan(context)
  if (!branch) return undefined
  const now = await context.github.branch(branch.name)
  if (!now) believeAbsent(context, `The branch ${branch.name}`)
  if (!now || now.sha === branch.sha) return undefined
  return agentsCommit(context.run, now.sha, await context.github.commitsSince(branch.sha, now.sha))
}

/** A plan is held back by its prompt alone. What PostHog says the agent worked on was not there, or stood elsewhere. */
async function pushedByPlan({ run, github }: StepContext): Promise<string | undefined> {
  const head = run.taskRun?.headBranch
  const worked = head === undefined ? undefined : await github.branch(head)
  return worked && !(worked.name === run.branch?.name && worked.sha === run.branch.sha)
    ? worked.sha
    : undefined
}

const canOpen = (run: Run): boolean =>
  run.thread.kind === 'issue' &&
  run.request.what === 'work' &&
  run.branch?.made === true &&
  // What comes after a merge is in no pull request yet.
  !run.pulls.some(({ state }) => state === 'open') &&
  !run.stop

/** Commits on the issue's branch and no pull request: then we open the draft ourselves. */
async function openOurs(context: StepContext, run: Run): Promise<Run> {
  const { branch } = run
  if (!branch) return run
  const body = [
    `Closes #${run.thread.number}`,
    run.sessionLog?.answer ? quoted(run.sessionLog.answer, 4_000) : '',
    `Asked by ${run.request.by.login} on ${threadName(run.thread)}; opened by the bot, since the agent left its commits on the branch.`,
  ]
  try {
    const view = await once(context, {
      intent: { kind: 'open-pull', at: context.deps.now() },
      find: async () => (await context.github.pullsFrom(branch.name)).find(({ state }) => state === 'open'),
      perform: () =>
        context.github.openPull({
          head: branch.name,
          base: branch.into,
          // A squash makes it the subject of a commit, where GitHub acts on it.
          title: disarm(run.snapshot.title),
          body: body.filter(part => part !== '').join('\n\n'),
        }),
    })
    return { ...run, pulls: withPull(run.pulls, await putRight(context, view)) }
  } catch (error) {
    if (error instanceof Rejected && error.of === 'effect') return run
    throw error
  }
}
