/** What came of the work: GitHub is asked, never believed from somebody's text. */

import { Rejected } from '../../core/model/errors.ts'
import { agentsCommit, maxClaims, ownershipOf, pullNumberIn } from '../../core/model/own-pull-request.ts'
import { threadName } from '../../core/model/thread.ts'
import { type PullChange, type PullView, pullOf } from '../../core/model/views.ts'
import { foldable } from '../../core/run/next-step.ts'
import type { Pull } from '../../core/run/record/result-part.ts'
import { changed, type Run } from '../../core/run/run.ts'
import { limits } from '../../core/run/timing.ts'
import { closesIssue, withFirst } from '../../core/text/closing-words.ts'
import { disarm } from '../../core/text/harmless-nodes.ts'
import { quoted } from '../../core/text/safe-markdown.ts'
import { believeAbsent, once, type StepContext } from './step-context.ts'
import { markerOf, reactionTo } from './tell-thread.ts'

/** An address that PostHog gave: looked up only here, and taken only if the pull request is the Run's own. */
export async function adoptPull(context: StepContext, url: string): Promise<Run> {
  const { run } = context
  const claimedPulls = run.result.claimedPulls.filter(claimed => claimed !== url)
  context.deps.reached('pull seen')
  const foreign: Run = changed(run, {
    result: { claimedPulls, foreignPulls: [...run.result.foreignPulls, url] },
  })
  const number = pullNumberIn(url, run.thread)
  // The pull request that the command stood on is no news.
  if (number === undefined || (run.thread.kind === 'pull' && number === run.thread.number)) return foreign
  const isFirst = run.result.unseenPulls[url] === undefined
  if (isFirst && run.result.claimsSeen >= maxClaims) return foreign
  const claimsSeen = run.result.claimsSeen + (isFirst ? 1 : 0)
  const [view, cost] = await Promise.all([
    context.github.pull(number, { login: run.request.by.login }),
    costSoFar(context),
  ])
  if (!view && mayAppear(context, url)) return changed(askedAgain(context, url), { result: { claimsSeen } })
  if (!view || !(await isOwn(context, view))) {
    context.deps.log.warn({ run: run.id, url }, 'not a pull request of this run')
    return changed(foreign, { result: { claimsSeen } })
  }
  return changed(withFound(run, view), { result: { claimedPulls, claimsSeen }, session: { cost } })
}

/** The thread is told of it first, and then it is put right. */
const withFound = (run: Run, view: PullView): Run =>
  changed(run, {
    result: {
      pulls: withPull(run.result.pulls, { ...recorded(view), base: wantedBase(run, view) }),
      untended: [...run.result.untended.filter(number => number !== view.number), view.number],
    },
  })

/** Read beside what has to be read, so that it takes no edit of its own. */
export async function costSoFar({
  run,
  deps,
}: Pick<StepContext, 'run' | 'deps'>): Promise<Run['session']['cost']> {
  return run.session.taskId === undefined ? undefined : await deps.posthog.cost(run.session.taskId)
}

async function isOwn({ run, github }: StepContext, view: PullView): Promise<boolean> {
  const ownership = ownershipOf(run, view)
  if (ownership !== 'if-descended' || !run.workspace.branch) return ownership === 'ours'
  return github.isDescendant(run.workspace.branch.sha, view.head.sha)
}

/** PostHog may know of a pull request before GitHub shows it everywhere. */
const mayAppear = ({ run, deps }: StepContext, url: string): boolean =>
  deps.now() - (run.result.unseenPulls[url]?.since ?? deps.now()) < limits.unseenPull

function askedAgain({ run, deps }: StepContext, url: string): Run {
  const now = deps.now()
  const since = run.result.unseenPulls[url]?.since ?? now
  const until = now + Math.min(30_000, Math.max(1_000, now - since))
  return changed(run, { result: { unseenPulls: { ...run.result.unseenPulls, [url]: { since, until } } } })
}

/**
 * Puts a pull request right that the thread was told of. Who asked stays responsible: assigned, and asked for a review
 * of what the agent wrote. The reaction, which is due as well, goes along.
 */
export async function tendPull(context: StepContext): Promise<Run> {
  const { run, github } = context
  const [number, ...untended] = run.result.untended
  if (number === undefined) return run
  const { login } = run.request.by
  const view = await github.pull(number, { login, seen: true })
  if (view?.state !== 'open') return changed(run, { result: { untended } })
  const change = wantedChange(context, view)
  const { assign, review } = run.baseline.settings.pull_request
  const reacts =
    run.result.outcome !== undefined && !run.report.announced.reaction && run.request.origin.kind !== 'tick'
  const fold = foldable(run, context.deps.now())
  await context.job.assertLocked()
  const { pull, refused } = await github.settle({
    pull: {
      number,
      ...(change ? { change } : {}),
      ...(assign ? { assign: login } : {}),
      ...(review ? { review: login } : {}),
    },
    ...(reacts ? { reaction: reactionTo(run) } : {}),
    ...(fold === undefined ? {} : { fold }),
  })
  context.deps.reached('pull put right, not recorded')
  if (refused.length > 0)
    context.deps.log.warn({ run: run.id, pull: number, refused }, 'the pull request could not be put right')
  const after = refused.includes('change') ? recorded(view, notPutRight(change)) : recorded(pull ?? view)
  const told = reacts ? { ...run.report.announced, reaction: true } : run.report.announced
  const status =
    run.report.status && fold !== undefined
      ? { ...run.report.status, minimized: true as const }
      : run.report.status
  return changed(run, {
    result: { untended, pulls: inPlace(run.result.pulls, after) },
    report: { status, announced: told },
  })
}

const notPutRight = (change: PullChange | undefined): string =>
  `GitHub did not let the bot change its ${change?.base === undefined ? '' : 'base or '}description`

const inPlace = (pulls: readonly Pull[], pull: Pull): Pull[] =>
  pulls.map(known => (known.number === pull.number ? pull : known))

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
function wantedChange(context: StepContext, view: PullView): PullChange | undefined {
  const into = wantedBase(context.run, view)
  const base = into === view.head.base ? {} : { base: into }
  const body = wantedBody(context, view)
  const change = { ...base, ...(body === view.body ? {} : { body }) }
  return Object.keys(change).length === 0 ? undefined : change
}

/** One that we opened ourselves. */
async function putRight(context: StepContext, view: PullView): Promise<Pull> {
  const { run } = context
  const change = wantedChange(context, view)
  if (view.state !== 'open' || !change) return recorded(view)
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
    return recorded(view, notPutRight(change))
  }
}

const wantedBase = ({ workspace: { branch } }: Run, { head: { base } }: PullView): string =>
  branch?.made && base === branch.name ? branch.into : base

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
  // Which never fails, so that no fault of the others is hidden behind it.
  const asked = costSoFar(context)
  const { found, seen } = await pullsOfHeads(context)
  const pushed = await pushedTo(context)
  const cost = await asked
  const run = found ? withFound(context.run, found) : context.run
  const known: Run = changed(run, {
    session: { cost },
    result: { resultChecked: true, pushed: pushed?.commit ?? run.result.pushed },
  })
  const isHeld = seen.some(({ head }) => head.sha === pushed?.head)
  const opens = pushed !== undefined && !isHeld && canOpen(known)
  return changed(opens ? await openOurs(context, known) : known, { attempts: { intent: undefined } })
}

/** All that there are, and among them one that the agent opened and PostHog did not report. */
async function pullsOfHeads(context: StepContext): Promise<{ found?: PullView; seen: PullView[] }> {
  const { run } = context
  const { branch } = run.workspace
  const heads = new Set([run.session.taskRun?.headBranch, branch?.made ? branch.name : undefined])
  const known = new Set(run.result.pulls.map(({ number }) => number))
  const seen: PullView[] = []
  for (const head of heads) {
    if (head === undefined || head === run.thread.defaultBranch || head === run.baseline.head?.ref) continue
    const views = await context.github.pullsFrom(head)
    seen.push(...views)
    const fresh = views.filter(({ state, number }) => state !== 'closed' && !known.has(number))
    for (const view of fresh.slice(0, maxClaims)) if (await isOwn(context, view)) return { found: view, seen }
  }
  return { seen }
}

interface Pushed {
  /** The one that the work ended in. */
  commit: string
  /** Where the branch stands. */
  head: string
}

/** What somebody else than a person moved the branch to since the Run began. */
async function pushedTo(context: StepContext): Promise<Pushed | undefined> {
  const { branch } = context.run.workspace
  if (context.run.request.what === 'plan') return pushedByPlan(context)
  if (!branch) return undefined
  const now = await context.github.branch(branch.name)
  if (!now) believeAbsent(context, `The branch ${branch.name}`)
  if (!now || now.sha === branch.sha) return undefined
  const commits = await context.github.commitsSince(branch.sha, now.sha)
  const commit = agentsCommit(context.run, now.sha, commits)
  return commit === undefined ? undefined : { commit, head: now.sha }
}

/** A plan is held back by its prompt alone. What PostHog says the agent worked on was not there, or stood elsewhere. */
async function pushedByPlan({ run, github }: StepContext): Promise<Pushed | undefined> {
  const { branch } = run.workspace
  const head = run.session.taskRun?.headBranch
  const worked = head === undefined ? undefined : await github.branch(head)
  if (!worked || (worked.name === branch?.name && worked.sha === branch.sha)) return undefined
  return { commit: worked.sha, head: worked.sha }
}

const canOpen = (run: Run): boolean =>
  run.thread.kind === 'issue' &&
  run.request.what === 'work' &&
  run.workspace.branch?.made === true &&
  !run.result.pulls.some(({ state }) => state === 'open') &&
  !run.mailbox.stop

/** Commits on the issue's branch and no pull request: then we open the draft ourselves. */
async function openOurs(context: StepContext, run: Run): Promise<Run> {
  const { branch } = run.workspace
  if (!branch) return run
  const body = [
    `Closes #${run.thread.number}`,
    run.session.sessionLog?.answer ? quoted(run.session.sessionLog.answer, 4_000) : '',
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
          title: disarm(run.baseline.snapshot.title),
          body: body.filter(part => part !== '').join('\n\n'),
        }),
    })
    return changed(run, { result: { pulls: withPull(run.result.pulls, await putRight(context, view)) } })
  } catch (error) {
    if (error instanceof Rejected && error.of === 'effect') return run
    throw error
  }
}
