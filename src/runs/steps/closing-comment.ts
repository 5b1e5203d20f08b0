/**
 * The steps for what a Run says beside its status: `conclude` posts the result, `edit-last-word` edits it.
 * `put-question` asks people something, and `answer-inline` answers a comment on a line.
 * They leave in the report what was said and where, or in the retries when to try again.
 */
import { type Finding, maxFinding, placedIn, reviewWordsIn } from '../../core/agent/findings.ts'
import { isNotFound, Rejected } from '../../core/model/errors.ts'
import type { GitHubCall, GitHubWith, LineComment } from '../../core/model/ports.ts'
import { isFork } from '../../core/model/thread.ts'
import { backoff, minute, second } from '../../core/model/time.ts'
import type { Posted } from '../../core/model/views.ts'
import {
  endsInReview,
  endsQuietly,
  leavesBoxInStatus,
  newsKey,
} from '../../core/record/last-word.ts'
import { type Marker, markerOf, shortMarkerOf } from '../../core/record/marker.ts'
import { asksBack, inlineAsked, inlinePlace } from '../../core/record/open-question.ts'
import { questionId, questionKey, questionToAsk } from '../../core/record/permission-request.ts'
import { backupOf } from '../../core/record/recovery-record.ts'
import { retriedAt, retryOf, triedRetry } from '../../core/record/retries.ts'
import { type ChangeOf, type Run, withDone } from '../../core/record/run.ts'
import { limits } from '../../core/record/timing.ts'
import { triggerOf } from '../../core/settings/deployment-settings.ts'
import { readOneByOne } from '../../core/text/event-loop.ts'
import { spoken } from '../../core/text/safe-markdown.ts'
import { closingComment, inlineAnswer, saidAtTheEnd } from '../../core/words/closing.ts'
import { boxesAfter } from '../../core/words/details.ts'
import { commentWith, isAsSaid, ownSince, saying, signed } from '../../core/words/say.ts'
import { questionComment } from '../../core/words/while-working.ts'
import { commentUrl, inOwnWords, readAgentWords, repoUrl } from '../../core/words/words.ts'
import { ignoreRefusal, once, type RunDeps, type StepContext, step } from './step-context.ts'

export const conclude = step('conclude', {
  github: ['comments.own', 'comments.post', 'reviews.own', 'reviews.post', 'pulls.files'],
  writes: ['report', 'retries'],
  async do(context) {
    const { run, deps, github } = context
    const done = withDone(run, 'conclude')
    if (endsQuietly(run)) return { report: { done } }
    await readAgentWords(saidAtTheEnd(run) ?? '', run.thread)
    const marker = markerOfWord(run)
    const isReview = endsInReview(run)
    const place = inlinePlace(run)
    const lastWord = isReview
      ? {
          find: async () => commentWith(deps.signer, await github.reviews.own(), marker),
          perform: await reviewOf(context, marker),
        }
      : saying(github, deps.signer, { marker, place, text: () => lastWordOf(run, deps) })
    try {
      const { id: commentId } = await once<Posted>(context, {
        intent: { kind: 'conclude', at: deps.now() },
        ...lastWord,
      })
      if (asksBack(run)) deps.rememberAsked(run.thread)
      const elsewhere = place ? 'inline' : 'comment'
      const as = isReview ? 'review' : elsewhere
      const after = leavesBoxInStatus(run) ? done : withDone(run, 'conclude', 'last-word')
      const said = { commentId, as, news: newsKey(run) } as const
      return { report: { done: after, lastWord: said }, retries: { thread: undefined } }
    } catch (error) {
      return unsaid(context, error) ?? { report: { done } }
    }
  },
})

type Wording = Pick<RunDeps, 'deployment' | 'settings'>

/** It has the command word that GitHub is given, since the comment of a plan is sealed. */
const lastWordOf = (run: Run, { deployment, settings }: Wording) =>
  inOwnWords(
    closingComment(run, deployment),
    triggerOf(settings.deployment, run.thread.ownerId).word,
  )

/** Where no status comment has the record, later commands find it here. */
function markerOfWord(run: Run): Marker {
  const { what } = run.request
  const short = shortMarkerOf(run, 'closing')
  if (run.report.status) return what === 'plan' ? { ...short, what } : short
  return { ...markerOf(run, 'closing'), backup: boxesAfter(run) === '' ? undefined : backupOf(run) }
}

type LastWord = NonNullable<Run['report']['lastWord']>

interface Editing<Calls extends GitHubCall = 'comments.edit'> {
  github: GitHubWith<Calls>
  deps: Wording & Pick<RunDeps, 'signer'>
}

/** People look there for news of the pull request. An edit mails nobody. */
export async function showLastWord(
  run: Run,
  { github, deps }: Editing,
): Promise<LastWord | undefined> {
  const { lastWord } = run.report
  if (!lastWord) return undefined
  await readAgentWords(saidAtTheEnd(run) ?? '', run.thread)
  const text = signed(deps.signer, lastWordOf(run, deps), markerOfWord(run))
  const place = lastWord.as === 'inline' ? inlinePlace(run) : undefined
  const edited = await github.comments.edit(lastWord.commentId, text, place)
  return edited === 'gone' ? undefined : { ...lastWord, news: newsKey(run) }
}

/**
 * Says the last word once more. It is looked for first: it was said before a crash, or for somebody else.
 * @param at when that was asked
 * @returns its address
 */
export async function lastWordAnew(
  run: Run,
  at: number,
  { github, job, deps }: Editing<'comments.own' | 'comments.post'> & Pick<StepContext, 'job'>,
): Promise<string> {
  const { signer } = deps
  const place = inlinePlace(run)
  const marker = markerOfWord(run)
  await readAgentWords(saidAtTheEnd(run) ?? '', run.thread)
  const since = await ownSince(github, at, place)
  await job.assertLocked()
  const { id } =
    since.find(({ body }) => isAsSaid(signer, body, marker)) ??
    (await saying(github, signer, { marker, place, text: () => lastWordOf(run, deps) }).perform())
  return commentUrl(run.thread, place ? 'inline' : 'comment', id)
}

export const editLastWord = step('edit-last-word', {
  github: ['comments.edit'],
  writes: ['report'],
  async do(context) {
    const { run, job } = context
    await job.assertLocked()
    const said = run.report.lastWord
    let lastWord: LastWord | undefined = said && { ...said, news: newsKey(run) }
    const showing = showLastWord(run, context).then(shown => {
      lastWord = shown
    })
    await ignoreRefusal(context, showing)
    return { report: { lastWord } }
  },
})

/** Puts each finding on its line, where GitHub's diff of that commit has it. */
async function reviewOf(
  { run, deps, github, job }: StepContext<'reviews.post' | 'pulls.files'>,
  marker: Marker,
): Promise<() => Promise<Posted>> {
  const { findings } = reviewWordsIn(run.session.sessionLog?.answer ?? '')
  const files = findings.some(({ line }) => line) ? await github.pulls.files(run.thread.number) : []
  const { placed, rest } = placedIn(findings, files)
  const said = ({ body }: Pick<Finding, 'body'>) =>
    spoken(body, maxFinding, { repository: repoUrl(run.thread) })
  await readOneByOne(placed.map(finding => () => said(finding)))
  const { thread, baseline, workspace } = run
  // For a fork's pull request, the commit is its head when the review was asked for.
  const forked = baseline.head && isFork(baseline.head, thread) ? baseline.head : undefined
  const post = (comments: readonly LineComment[], others: readonly Finding[]) =>
    github.reviews.post({
      sha: (forked ?? workspace.branch)?.sha ?? '',
      body: signed(deps.signer, closingComment(run, deps.deployment, others), marker),
      comments: comments.map(comment => ({ ...comment, body: said(comment) })),
    })
  return async () => {
    try {
      return { id: await post(placed, rest) }
    } catch (error) {
      if (!(error instanceof Rejected) || error.status !== 422 || placed.length === 0) throw error
      deps.log.warn({ err: error }, 'GitHub does not have the lines of a review')
      await job.assertLocked()
      return { id: await post([], findings) }
    }
  }
}

/**
 * What follows if GitHub refuses a comment: it is said later, or where there is no thread on the line any more, in the
 * pull request's own.
 * @returns nothing once it is given up
 * @throws what is no refusal
 */
function unsaid(context: StepContext, error: unknown): ChangeOf<'report' | 'retries'> | undefined {
  if (!(error instanceof Rejected) || error.of === 'read') throw error
  const now = context.deps.now()
  const { since = now } = triedRetry(context.run, 'thread', now) ?? {}
  // One 404 proves nothing.
  const isLasting = now - since >= limits.absent
  if (inlinePlace(context.run) && isNotFound(error) && isLasting)
    return { report: { inlineGone: true }, retries: { thread: undefined } }
  context.deps.log.warn({ err: error }, 'GitHub refused the last comment of the run')
  return isThreadGivenUp(context) ? undefined : laterInThread(context.run, error, now)
}

/** Puts a question of the agent to people, once. */
export const putQuestion = step('put-question', {
  github: ['comments.own', 'comments.post'],
  writes: ['report', 'retries'],
  async do(context) {
    const { run, deps, github } = context
    const request = questionToAsk(run)
    if (!request) return {}
    const place = inlinePlace(run)
    const marker = { ...shortMarkerOf(run, 'reply'), run: questionId(run, request) }
    const text = () => questionComment(run, request, deps.deployment)
    try {
      const { id: commentId } = await once<Posted>(context, {
        intent: { kind: 'put-question', at: deps.now() },
        ...saying(github, deps.signer, { marker, place, text }),
      })
      const key = questionKey(run, request)
      const asked = { key, commentId, inline: place && (true as const) }
      const { questions = [] } = run.report
      return { report: { questions: [...questions, asked] }, retries: { thread: undefined } }
    } catch (error) {
      return unsaid(context, error) ?? {}
    }
  },
})

/** A locked thread is waited for as long as an outage, but not while a command waits for its slot. */
export function isThreadGivenUp({ run, deps }: StepContext): boolean {
  if (!run.result.outcome) return false
  const now = deps.now()
  const { since = now } = triedRetry(run, 'thread', now) ?? {}
  return (
    run.mailbox.releaseThread || now - Math.max(since, run.result.concludedAt ?? 0) > limits.outage
  )
}

export function laterInThread(
  run: Run,
  { message: why }: Rejected,
  now: number,
): ChangeOf<'retries'> {
  const until =
    now + backoff(retryOf(run, 'thread')?.count ?? 0, { first: 5 * second, most: 5 * minute })
  return { retries: { thread: retriedAt(run, 'thread', now, { why, until }) } }
}

export const answerInline = step('answer-inline', {
  github: ['comments.own', 'comments.post'],
  writes: ['report'],
  async do(context) {
    const { run, deps, github } = context
    const { inlineAnswered } = run.report
    const next = inlineAsked(run)[inlineAnswered]
    const after = { report: { inlineAnswered: inlineAnswered + 1 } }
    if (!next) return after
    const place = { kind: 'inline', rootId: next.rootId } as const
    await readAgentWords(run.session.sessionLog?.answer ?? '', run.thread)
    const marker = { ...shortMarkerOf(run, 'reply'), run: `${run.id}-inline-${next.commentId}` }
    const answered = once(context, {
      intent: { kind: 'answer-inline', at: deps.now() },
      ...saying(github, deps.signer, {
        marker,
        place,
        text: () => inlineAnswer(run, deps.deployment),
      }),
    })
    await ignoreRefusal(context, answered, 'GitHub refused an answer to a comment on a line')
    return after
  },
})
