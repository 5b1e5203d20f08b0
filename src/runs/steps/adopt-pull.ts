import { maxClaims, ownershipOf, pullNumberIn } from '../../core/model/own-pull-request.ts'
import type { PullView } from '../../core/model/views.ts'
import type { Pull } from '../../core/run/record/result-part.ts'
import type { ChangeOf, Run } from '../../core/run/run.ts'
import { limits } from '../../core/run/timing.ts'
import type { StepContext } from './step-context.ts'
import { putRightWhenFound, recorded, wantedBase } from './tend-pull.ts'

/** Looks up a claimed pull request; it is taken only if it is the Run's own. */
export async function adoptPull(
  context: StepContext<'pull' | 'isDescendant' | 'settle'>,
  { url }: { url: string },
): Promise<ChangeOf<'result' | 'report'>> {
  const { run } = context
  const claimedPulls = run.result.claimedPulls.filter(claimed => claimed !== url)
  context.deps.reached('pull seen')
  const foreign = { claimedPulls, foreignPulls: [...run.result.foreignPulls, url] }
  const number = pullNumberIn(url, run.thread)
  if (number === undefined || (run.thread.kind === 'pull' && number === run.thread.number))
    return { result: foreign }
  const isFirst = run.result.unseenPulls[url] === undefined
  if (isFirst && run.result.claimsSeen >= maxClaims) return { result: foreign }
  const claimsSeen = run.result.claimsSeen + (isFirst ? 1 : 0)
  const view = await context.github.pull(number, { login: run.request.by.login })
  if (!view && mayAppear(context, url)) return { result: { ...retriedLater(context, url), claimsSeen } }
  if (!view || !(await isOwn(context, view))) {
    context.deps.log.warn({ url }, 'not a pull request of this run')
    return { result: { ...foreign, claimsSeen } }
  }
  return putRightWhenFound(context, view, { ...withFound(run, view), claimedPulls, claimsSeen })
}

export const withFound = (run: Run, view: PullView): Pick<Run['result'], 'pulls' | 'untended'> => ({
  pulls: withPull(run.result.pulls, { ...recorded(view), base: wantedBase(run, view) }),
  untended: [...run.result.untended.filter(number => number !== view.number), view.number],
})

export async function isOwn({ run, github }: StepContext<'isDescendant'>, view: PullView): Promise<boolean> {
  const ownership = ownershipOf(run, view)
  if (ownership !== 'if-descended' || !run.workspace.branch) return ownership === 'ours'
  return github.isDescendant(run.workspace.branch.sha, view.head.sha)
}

/** PostHog may know a pull request before GitHub shows it everywhere. */
const mayAppear = ({ run, deps }: StepContext, url: string): boolean =>
  deps.now() - (run.result.unseenPulls[url]?.since ?? deps.now()) < limits.unseenPull

function retriedLater({ run, deps }: StepContext, url: string): Pick<Run['result'], 'unseenPulls'> {
  const now = deps.now()
  const since = run.result.unseenPulls[url]?.since ?? now
  const until = now + Math.min(30_000, Math.max(1_000, now - since))
  return { unseenPulls: { ...run.result.unseenPulls, [url]: { since, until } } }
}

export const withPull = (pulls: Pull[], pull: Pull): Pull[] => [
  ...pulls.filter(({ number }) => number !== pull.number),
  pull,
]
