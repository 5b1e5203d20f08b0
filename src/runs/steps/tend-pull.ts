import { Rejected } from '../../core/model/errors.ts'
import { type PullChange, type PullView, pullOf } from '../../core/model/views.ts'
import type { Pull } from '../../core/run/record/result-part.ts'
import type { ChangeOf, Run } from '../../core/run/run.ts'
import { foldable } from '../../core/run/steps/telling.ts'
import { closesIssue, withFirst } from '../../core/text/closing-words.ts'
import { markerOf } from './markers.ts'
import { reactionTo } from './signs.ts'
import type { StepContext } from './step-context.ts'

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
  const change = wantedChange(context, view)
  const { assign, review } = run.baseline.settings.pull_request
  const reacts =
    run.result.outcome !== undefined && !run.report.announced.reaction && run.request.origin.kind !== 'tick'
  const fold = foldable(run)
  await context.job.assertLocked()
  const { pull, refused } = await github.settle({
    pull: {
      number,
      ...(change ? { change } : {}),
      ...(review ? { review: login } : assign ? { assign: login } : {}),
    },
    ...(reacts ? { reaction: reactionTo(run) } : {}),
    ...(fold === undefined ? {} : { fold }),
  })
  context.deps.reached('pull put right, not recorded')
  if (refused.length > 0)
    context.deps.log.warn({ pull: number, refused }, 'the pull request could not be put right')
  const after = refused.includes('change') ? recorded(view, notPutRight(change)) : recorded(pull ?? view)
  const announced = reacts ? { ...run.report.announced, reaction: true } : run.report.announced
  const status =
    run.report.status && fold !== undefined
      ? { ...run.report.status, minimized: true as const }
      : run.report.status
  return {
    result: { untended, pulls: inPlace(run.result.pulls, after) },
    report: { status, announced },
  }
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

export async function putRight(context: StepContext<'amendPull'>, view: PullView): Promise<Pull> {
  const change = wantedChange(context, view)
  if (view.state !== 'open' || !change) return recorded(view)
  await context.job.assertLocked()
  try {
    const amended = await context.github.amendPull(view.number, change)
    context.deps.reached('pull put right, not recorded')
    return recorded(amended)
  } catch (error) {
    if (!(error instanceof Rejected) || error.of === 'read') throw error
    context.deps.log.warn({ pull: view.number, err: error }, 'the pull request could not be put right')
    return recorded(view, notPutRight(change))
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
