/** The step `react` replaces the eyes at the command. */
import type { CommentRef } from '../../core/model/trigger.ts'
import { reactions, type Settling, type Sign } from '../../core/model/views.ts'
import { foldable, neverBegan } from '../../core/record/last-word.ts'
import { type Outcome, type Run, withDone } from '../../core/record/run.ts'
import { ignoreRefusal, type StepContext, step } from './step-context.ts'

/**
 * What replaces the eyes at the end. Where another command of the same comment waits for its run, all is not done there:
 * they stay.
 */
export async function reactionAfter(
  context: Pick<StepContext, 'run' | 'deps'>,
): Promise<Settling['reaction']> {
  const { run, deps } = context
  const { origin } = run.request
  const { outcome } = run.result
  if (origin.kind === 'tick') return undefined
  const target: CommentRef = origin.kind === 'comment' ? origin.commentRef : { kind: 'subject' }
  const sign = outcome && signs[outcome.kind](run)
  const isBad = sign === 'failed' || sign === 'refused'
  if (!isBad && (await deps.waitsStill(run.thread, target))) return undefined
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
  github: ['thread.settle'],
  writes: ['report'],
  async do(context) {
    const { run, job, github, drawing } = context
    const done = withDone(run, 'react')
    const reaction = await reactionAfter(context)
    if (!reaction) return { report: { done } }
    const difference = drawing().difference()
    const fold = difference === 'same' || difference === 'time' ? foldable(run) : undefined
    await job.assertLocked()
    await ignoreRefusal(context, github.thread.settle({ reaction, fold }))
    const { status } = run.report
    return { report: { done, status: status && fold ? { ...status, minimized: true as const } : status } }
  },
})
