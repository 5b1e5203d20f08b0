/** The step `adopt-pull` looks up a pull request that the agent claims: it is taken only if it is the Run's own. */
import { Pull, type PullView } from '../../core/model/views.ts'
import { ownershipOf, pullNumberIn } from '../../core/record/own-pull-request.ts'
import { retriedAt, triedRetry } from '../../core/record/retries.ts'
import { changed, type Run } from '../../core/record/run.ts'
import { limits } from '../../core/record/timing.ts'
import { putRightWhenFound, wantedBase } from './put-right.ts'
import { type StepContext, step } from './step-context.ts'

export const adoptPull = step('adopt-pull', {
  github: ['pulls.find', 'commits.compare', 'thread.settle'],
  writes: ['result', 'report', 'retries'],
  async do(context, { url }) {
    const { run, deps, github } = context
    const claimedPulls = run.result.claimedPulls.filter(claimed => claimed !== url)
    // 1. Does GitHub show it? PostHog may know a pull request before GitHub shows it everywhere.
    const number = pullNumberIn(url, run.thread)
    const { labels } = run.baseline.settings.pull_request
    const { login } = run.request.by
    const view = number && (await github.pulls.find(number, { login, labels }))
    const key = `pull ${url}` as const
    const now = deps.now()
    const age = now - (triedRetry(run, key, now)?.since ?? now)
    if (!view && age < limits.unseenPull) {
      const wait = Math.min(30_000, Math.max(1_000, age))
      const why = 'GitHub does not show it'
      return { retries: { [key]: retriedAt(run, key, now, { why, until: now + wait }) } }
    }
    // 2. Is it the Run's own?
    if (!view || !(await isOwn(context, view))) {
      deps.log.warn({ url }, 'not a pull request of this run')
      return { result: { claimedPulls, foreignPulls: [...run.result.foreignPulls, url] } }
    }
    const found = { ...withAdopted(run, [view]), claimedPulls }
    return putRightWhenFound({ ...context, run: changed(run, { result: found }) }, view)
  },
})

export async function isOwn(
  { run, github }: StepContext<'commits.compare'>,
  view: PullView,
): Promise<boolean> {
  const ownership = ownershipOf(run, view)
  if (ownership !== 'if-descended' || !run.workspace.branch) return ownership === 'ours'
  return (await github.commits.compare(run.workspace.branch.sha, view.sha))?.isDescendant === true
}

export function withAdopted(
  run: Run,
  views: readonly PullView[],
): Pick<Run['result'], 'pulls' | 'untended'> {
  const numbers = views.map(({ number }) => number)
  const others = run.result.pulls.filter(({ number }) => !numbers.includes(number))
  const adopted = views.map(view => ({ ...Pull.parse(view), base: wantedBase(run, view) }))
  return {
    pulls: [...others, ...adopted],
    untended: [...run.result.untended.filter(number => !numbers.includes(number)), ...numbers],
  }
}
