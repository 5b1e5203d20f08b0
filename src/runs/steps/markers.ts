/**
 * The step `react` replaces the eyes at the command. `unlabel` takes off the labels that asked for work.
 * They leave in the report that this is done.
 * The markers of a Run's comments are here, too, and `ignoreRefusal` for what must not fail the Run.
 */
import { loggedIfRejected, Rejected } from '../../core/model/errors.ts'
import { reactions, type Settling, type Sign, type Target } from '../../core/model/views.ts'
import { neverBegan } from '../../core/record/last-word.ts'
import type { Marker } from '../../core/record/marker.ts'
import { foldable } from '../../core/record/next-step.ts'
import { type Outcome, type Run, sessionOf, withDone } from '../../core/record/run.ts'
import { type StepContext, step } from './step-context.ts'

/** A mail shows the whole marker, so a comment that is mailed says in it only its run and round. */
export const shortMarkerOf = (run: Run, as: 'closing' | 'reply'): Marker => ({
  ...{ run: run.id, repo: run.thread.repoId, thread: run.thread.number },
  ...{ as, round: run.result.round },
})

/** All that a later command, or the search for lost runs, has to know. */
export function markerOf(run: Run, as: Marker['as']): Marker {
  const pull = run.result.pulls.at(-1)
  const branch = pull?.state === 'open' ? pull.head : run.workspace.branch?.name
  const { taskId, earlier } = run.session
  const session = sessionOf(run) ?? (earlier?.taskId === taskId ? earlier : undefined)
  return {
    run: run.id,
    repo: run.thread.repoId,
    thread: run.thread.number,
    as,
    round: run.result.round,
    what: run.request.what,
    task: taskId,
    taskRun: session?.taskRunId,
    may: session?.may,
    branch,
    made: run.workspace.madeBranch,
    sha: run.workspace.branch?.sha,
    pull: pull?.number,
  }
}

/**
 * What replaces the eyes at the end. Where another command of the same comment waits for its run, all is not done there:
 * they stay.
 */
export async function reactionAfter({
  run,
  deps,
}: Pick<StepContext, 'run' | 'deps'>): Promise<Settling['reaction']> {
  const {
    request: { origin },
    result: { outcome },
    thread,
  } = run
  if (origin.kind === 'tick') return undefined
  const target: Target = origin.kind === 'comment' ? origin.commentRef : { kind: 'subject' }
  const sign = outcome && signs[outcome.kind](run)
  const isBad = sign === 'failed' || sign === 'refused'
  if (!isBad && (await deps.waitsStill(thread, target))) return undefined
  return { target, content: sign && reactions[sign] }
}

const signs: Record<Outcome['kind'], (run: Run) => Sign | undefined> = {
  pull: () => 'ended',
  pushed: () => 'ended',
  answer: () => 'ended',
  nothing: () => 'ended',
  unfinished: () => 'failed',
  stopped: () => undefined,
  failed: run => (neverBegan(run) ? 'refused' : 'failed'),
}

/** A status that says all that there is to say is folded away with it. */
export const react = step('react', {
  github: ['settle'],
  writes: ['report'],
  async do(context) {
    const { run, job, github, drawing } = context
    const done = withDone(run, 'react')
    const reaction = await reactionAfter(context)
    if (!reaction) return { report: { done } }
    const difference = drawing().difference()
    const fold = difference === 'same' || difference === 'time' ? foldable(run) : undefined
    await job.assertLocked()
    await ignoreRefusal(context, github.settle({ reaction, fold }))
    const { status } = run.report
    return {
      report: { done, status: status && fold ? { ...status, minimized: true as const } : status },
    }
  },
})

export const unlabel = step('unlabel', {
  github: ['removeLabel'],
  writes: ['report'],
  async do(context) {
    for (const label of new Set(context.run.report.labels)) {
      await context.job.assertLocked()
      await ignoreRefusal(context, context.github.removeLabel(label))
    }
    return { report: { labels: [] } }
  },
})

export async function ignoreRefusal(
  context: Pick<StepContext, 'run' | 'deps'>,
  effect: Promise<unknown>,
  what = 'GitHub refused a change',
): Promise<void> {
  const logged = loggedIfRejected(context.deps.log, what)
  await effect.catch(error => {
    if (error instanceof Rejected && error.of === 'read') throw error
    logged(error)
  })
}
