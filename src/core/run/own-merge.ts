/** Merging a Run's own pull request may close the issue, but does not stop the Run. */
import type { ThreadClient } from '../model/ports.ts'
import type { Run } from './run.ts'

const sameMoment = 60_000

type MergeReader = Pick<ThreadClient, 'pull' | 'pullsFrom'>

export async function isOwnMerge(github: MergeReader, run: Run, closedAt: number): Promise<boolean> {
  if (run.thread.kind !== 'issue') return false
  const heads = [
    run.session.taskRun?.headBranch,
    run.workspace.branch?.made ? run.workspace.branch.name : undefined,
  ]
  const views = [
    ...(await Promise.all(run.result.pulls.map(({ number }) => github.pull(number)))),
    ...(await Promise.all(heads.map(head => (head === undefined ? [] : github.pullsFrom(head))))).flat(),
  ]
  return views.some(view => view?.mergedAt !== undefined && Math.abs(view.mergedAt - closedAt) <= sameMoment)
}
