/**
 * Where the settings say so, threads on lines are resolved that the agent fixed: it says so of the comment, and its
 * commits changed the file. First it is found which, so that the answer in each says it; they are resolved when all
 * have theirs.
 */
import { loggedIfRejected } from '../../core/model/errors.ts'
import type { ReviewThread } from '../../core/model/views.ts'
import {
  inlineAsked,
  inlinePlace,
  lineAnswersIn,
  ofReview,
} from '../../core/record/open-question.ts'
import type { ChangeOf, OpenInline, Run } from '../../core/record/run.ts'
import { ignoreRefusal, type StepContext, step } from './step-context.ts'

type Looking = StepContext<'reviews.threads' | 'commits.compare'>

export const findFixed = step('find-fixed', {
  github: ['reviews.threads', 'commits.compare'],
  writes: ['result', 'report'],
  async do(context) {
    const unknown = loggedIfRejected(context.deps.log, 'GitHub did not say what was fixed')
    // Else each is answered, and none is resolved.
    return (await fixedOf(context).catch(unknown)) ?? { result: { fixed: seenTo([]) } }
  },
})

type Fixed = NonNullable<Run['result']['fixed']>

const seenTo = (comments: Fixed['comments']): Fixed => ({ comments, resolved: true })

async function fixedOf(context: Looking): Promise<ChangeOf<'result' | 'report'>> {
  const { run, github } = context
  const [threads, changed] = await Promise.all([github.reviews.threads(), changedHere(context)])
  const asked = inlineAsked(run)
  const read = readInContext(run, threads)
  const place = inlinePlace(run)
  const places = [...asked, ...read, ...(place ? [place] : [])]
  const threadOf = (commentId: number) => {
    const rootId = places.find(each => each.commentId === commentId)?.rootId
    return threads.find(thread => thread.rootId === rootId)
  }
  const { lineAnswers } = lineAnswersIn(run)
  const declined = new Set(
    lineAnswers.flatMap(({ id, done }) => (done ? [] : (threadOf(id)?.id ?? []))),
  )
  const comments = lineAnswers.flatMap(({ id, done }) => {
    const thread = threadOf(id)
    const isFixed = done && thread && !declined.has(thread.id) && changed.has(thread.path)
    return isFixed ? [{ id, threadId: thread.id }] : []
  })
  return {
    result: { fixed: comments.length === 0 ? seenTo([]) : { comments } },
    report: { inlineAsked: [...(run.report.inlineAsked ?? []), ...read] },
  }
}

/** Paths. Nothing of this pull request, if the commits are elsewhere. */
async function changedHere({ run, github }: Looking): Promise<ReadonlySet<string>> {
  const { branch } = run.workspace
  const { outcome, pushedBranch, shownIn = run.thread } = run.result
  const isElsewhere = pushedBranch !== undefined || shownIn.number !== run.thread.number
  if (outcome?.kind !== 'pushed' || isElsewhere || !branch) return new Set()
  return new Set((await github.commits.compare(branch.sha, outcome.sha))?.paths)
}

/** Comments that the agent was given with the thread, and of which it says something: each is answered as well. */
function readInContext(run: Run, threads: readonly ReviewThread[]): OpenInline[] {
  const known = new Set(inlineAsked(run).map(({ commentId }) => commentId))
  const given = new Set(run.workspace.threadContext?.comments.map(({ id }) => id))
  return lineAnswersIn(run).lineAnswers.flatMap(({ id }) => {
    const begins = threads.some(({ rootId }) => rootId === id)
    return begins && given.has(id) && !known.has(id) ? [ofReview(id, run.id)] : []
  })
}

/** May be repeated: a resolved one stays so. */
export const resolveThreads = step('resolve-threads', {
  github: ['reviews.resolve'],
  writes: ['result'],
  async do(context) {
    const { run, job, github } = context
    const { comments = [] } = run.result.fixed ?? {}
    await job.assertLocked()
    const ids = [...new Set(comments.map(({ threadId }) => threadId))]
    await ignoreRefusal(context, github.reviews.resolve(ids), 'GitHub refused to resolve a comment')
    return { result: { fixed: seenTo(comments) } }
  },
})
