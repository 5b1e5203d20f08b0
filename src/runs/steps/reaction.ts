/** The step `react` replaces the eyes at the command. */
import type { CommentRef } from '../../core/model/trigger.ts'
import { reactions, type Settling, type Sign } from '../../core/model/views.ts'
import { foldable } from '../../core/record/last-word.ts'
import { withDone } from '../../core/record/run.ts'
import { type Ending, situationOf } from '../../core/record/situation.ts'
import { ignoreRefusal, type StepContext, step } from './step-context.ts'

/**
 * What replaces the eyes at the end. Where another command of the same comment waits for its run, all is not done there:
 * they stay.
 */
export async function reactionAfter(context: StepContext): Promise<Settling['reaction']> {
  const { run, deps } = context
  const { origin } = run.request
  if (origin.kind === 'tick') return undefined
  const target: CommentRef = origin.kind === 'comment' ? origin.commentRef : { kind: 'subject' }
  const stands = situationOf(run)
  const sign = stands.kind === 'ended' ? signByEnding[stands.ending.kind] : undefined
  const isBad = sign === 'failed' || sign === 'refused'
  if (!isBad && (await deps.waitsStill(run.thread, target))) return undefined
  return { target, content: sign && reactions[sign] }
}

const signByEnding: Readonly<Record<Ending['kind'], Sign | undefined>> = {
  pull: 'ended',
  pushed: 'ended',
  answer: 'ended',
  asks: 'ended',
  nothing: 'ended',
  unfinished: 'failed',
  stopped: undefined,
  failed: 'failed',
  unstarted: 'refused',
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
    const fold = drawing().difference() === 'same' ? foldable(run) : undefined
    await job.assertLocked()
    await ignoreRefusal(context, github.thread.settle({ reaction, fold }))
    const { status } = run.report
    return {
      report: { done, status: status && fold ? { ...status, minimized: true as const } : status },
    }
  },
})
