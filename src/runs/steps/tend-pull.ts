/**
 * The step `tend-pull` sees to a pull request of the Run after the last word:
 * 1. It is no draft any more, if the settings want that.
 * 2. The requester is assigned or asked for a review, never both.
 * 3. What somebody wrote over its description meanwhile is put right.
 *
 * The reaction and the last edit of the status go along. The record has then how the pull request is.
 */
import { foldable } from '../../core/record/last-word.ts'
import { changed, isDone, withDone } from '../../core/record/run.ts'
import { inPlace, putRight, settleWithStatus } from './put-right.ts'
import { reactionAfter } from './reaction.ts'
import { step } from './step-context.ts'

export const tendPull = step('tend-pull', {
  github: ['thread.settle'],
  writes: ['result', 'report'],
  async do(context) {
    const { run } = context
    const { request, result, baseline } = run
    const [number, ...untended] = result.untended
    const pull = result.pulls.find(each => each.number === number)
    if (pull?.state !== 'open') return { result: { untended } }
    const { assign, review, draft } = baseline.settings.pull_request
    const isReady =
      pull.draft && !draft && result.outcome?.kind === 'pull' && request.what === 'work'
    // The status that goes along says what it is then.
    const pulls = isReady ? inPlace(result.pulls, { ...pull, draft: false }) : result.pulls
    const reacts = result.outcome !== undefined && !isDone(run, 'react')
    const { login } = request.by
    const { settled, status } = await settleWithStatus(
      { ...context, run: changed(run, { result: { pulls } }) },
      {
        pull: {
          number: pull.number,
          ready: isReady ? true : undefined,
          review: review ? login : undefined,
          assign: assign && !review ? login : undefined,
        },
        reaction: reacts ? await reactionAfter(context) : undefined,
        fold: foldable(run),
      },
    )
    const after = settled.pull ? await putRight(context, settled.pull, pull.remark) : pull
    const done = reacts ? withDone(run, 'react') : run.report.done
    return {
      result: { untended, pulls: inPlace(result.pulls, after) },
      report: { status, done },
    }
  },
})
