import {
  type Pull,
  type PullChange,
  type PullView,
  pullOf,
  type Settling,
  type SettlingPart,
} from '../../core/model/views.ts'
import { canComment, foldable } from '../../core/record/next-step.ts'
import { believeAbsent } from '../../core/record/outage.ts'
import { removableBranch, sessionAtWork } from '../../core/record/own-pull-request.ts'
import { type Branch, type ChangeOf, changed, type Run } from '../../core/record/run.ts'
import { closesIssue, withFirst } from '../../core/text/closing-words.ts'
import { ignoreRefusal, markerOf, reactionTo } from './markers.ts'
import { statusToSend } from './status-comment.ts'
import { drawStatus, refusedReads, type StepContext } from './step-context.ts'

/** Assigns the requester or asks them for a review, never both, and swaps the reaction in the same mutation. */
export async function tendPull(
  context: StepContext<'pull' | 'settle'>,
): Promise<ChangeOf<'result' | 'report'>> {
  const { run, github } = context
  const [number, ...untended] = run.result.untended
  if (number === undefined) return {}
  const { login } = run.request.by
  // Read right before it is written: a person or the agent may have edited the description since.
  const view = await github.pull(number, { login })
  if (view?.state !== 'open') return { result: { untended } }
  const { assign, review } = run.baseline.settings.pull_request
  const reacts =
    run.result.outcome !== undefined && !run.report.announced.reaction && run.request.origin.kind !== 'tick'
  const fold = foldable(run)
  const { pull } = await settled(context, view, {
    pull: { number, ...(review ? { review: login } : assign ? { assign: login } : {}) },
    ...(reacts ? { reaction: reactionTo(run) } : {}),
    ...(fold === undefined ? {} : { fold }),
  })
  const announced = reacts ? { ...run.report.announced, reaction: true } : run.report.announced
  const status =
    run.report.status && fold !== undefined
      ? { ...run.report.status, minimized: true as const }
      : run.report.status
  return {
    result: { untended, pulls: inPlace(run.result.pulls, pull) },
    report: { status, announced },
  }
}

/** Puts right what is to be, together with what else is due. */
async function settled(
  context: StepContext<'settle'>,
  view: PullView,
  also: Settling = {},
): Promise<{ pull: Pull; refused: SettlingPart[] }> {
  const change = wantedChange(context, view)
  const pull = { number: view.number, ...also.pull, ...(change ? { change } : {}) }
  await context.job.assertLocked()
  const { pull: after, refused } = await context.github.settle({ ...also, pull })
  context.deps.reached('pull put right, not recorded')
  if (refused.some(part => part !== 'status'))
    context.deps.log.warn({ pull: view.number, refused }, 'the pull request could not be put right')
  const isLeft = refused.includes('change')
  return { pull: isLeft ? recorded(view, notPutRight(change)) : recorded(after ?? view), refused }
}

const notPutRight = (change: PullChange | undefined): string =>
  `GitHub did not let the bot change its ${change?.base === undefined ? '' : 'base or '}description`

const inPlace = (pulls: readonly Pull[], pull: Pull): Pull[] =>
  pulls.map(known => (known.number === pull.number ? pull : known))

export const recorded = (view: PullView, message?: string): Pull => ({
  ...pullOf(view),
  ...(message === undefined ? {} : { remark: message }),
})

/** PostHog uses the run's branch as base: a pull request into a branch of ours is retargeted, and closes the issue. */
function wantedChange(context: StepContext, view: PullView): PullChange | undefined {
  const into = wantedBase(context.run, view)
  const base = into === view.head.base ? {} : { base: into }
  const body = wantedBody(context, view)
  const change = { ...base, ...(body === view.body ? {} : { body }) }
  return Object.keys(change).length === 0 ? undefined : change
}

export const putRight = async (context: StepContext<'settle'>, view: PullView): Promise<Pull> =>
  view.state === 'open' && wantedChange(context, view) ? (await settled(context, view)).pull : recorded(view)

/** At once, for whoever merges before the turn's end, with the status that shows the pull request. */
export async function putRightWhenFound(
  context: StepContext<'settle'>,
  view: PullView,
  found: Pick<Run['result'], 'pulls' | 'untended' | 'claimedPulls' | 'claimsSeen'>,
): Promise<ChangeOf<'result' | 'report'>> {
  const { run, deps } = context
  if (view.state !== 'open' || !wantedChange(context, view)) return { result: found }
  const at = deps.now()
  const { status } = run.report
  const { nodeId } = status ?? {}
  const isShown = status && nodeId !== undefined && !status.minimized && canComment(run, { at })
  const drawing = drawStatus(changed(run, { result: found }), deps.deployment, at)
  const edit = isShown && { nodeId, ...statusToSend(drawing, status, deps.signer) }
  const { pull, refused } = await settled(context, view, edit ? { status: edit } : {})
  return {
    result: { ...found, pulls: inPlace(found.pulls, pull) },
    report: { status: edit && !refused.includes('status') ? edit.status : status },
  }
}

export const wantedBase = ({ workspace: { branch } }: Run, { head: { base } }: PullView): string =>
  branch?.made && base === branch.name ? branch.into : base

/** Adds the closing line and the marker if missing, before anything that could swallow them. */
export function wantedBody(
  context: { run: Run; deps: Pick<StepContext['deps'], 'signer'> },
  view: PullView,
): string {
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

type Dropping = StepContext<'branchUse' | 'deleteBranch'>

/** Removes a branch of ours that has no commits and no open pull request, once no agent can use it. */
export async function dropBranch(context: Dropping): Promise<ChangeOf<'report'>> {
  const { run } = context
  const branch = removableBranch(run)
  if (branch) await ignoreRefusal(context, dropIfUnused(context, branch))
  return { report: { announced: { ...run.report.announced, branch: true } } }
}

async function dropIfUnused(context: Dropping, { name, sha }: Branch): Promise<void> {
  const { run, deps, job, github } = context
  if (
    run.result.pushed !== undefined ||
    run.result.pulls.some(({ head, state }) => head === name && state === 'open')
  )
    return
  const session = sessionAtWork(run)
  if (session) {
    await job.assertLocked()
    const unused = {
      thread: run.thread,
      name,
      sha,
      session,
      since: deps.now(),
      removing: false,
      removed: false,
    }
    await deps.removeLater(`${run.id}-${run.result.round}`, unused)
    deps.reached('branch left for later, not recorded')
    return
  }
  const use = await github.branchUse(name)
  if (use.sha === undefined) believeAbsent(`The branch ${name}`, refusedReads(context, 'github'))
  if (use.sha !== sha || use.isUsed) return
  await job.assertLocked()
  await github.deleteBranch(name, sha)
  deps.reached('branch dropped, not recorded')
}
