/** What happens to a pull request: to itself, in its reviews and on its lines, and on the branch that it comes from. */
import type { z } from 'zod'
import type { Thread } from '../../core/model/thread.ts'
import type { Trigger } from '../../core/model/trigger.ts'
import { hasMarker } from '../../core/record/marker.ts'
import { limits } from '../../core/record/timing.ts'
import {
  type Arrival,
  arrived,
  commentWords,
  ended,
  hashOf,
  headOf,
  type InThread,
  ignored,
  inText,
  isBot,
  isInsider,
  labelled,
  type Normalised,
  ofPull,
  type Passed,
  repositoryOf,
  said,
  timeOf,
  unlabelled,
  type Words,
  withdrawn,
  withNews,
} from './event.ts'
import type * as payloads from './payloads.ts'

type Of<Schema extends z.ZodType> = Arrival<z.infer<Schema>>
type PullPayload = payloads.BasePayload & { pull_request: payloads.PullRequestPayload }
type Review = z.infer<typeof payloads.ReviewEvent>

export function fromPull(arrival: Of<typeof payloads.PullEvent>): Normalised {
  const { action } = arrival.payload
  const here = ofPull(arrival)
  if (action === 'labeled') return labelled(here)
  if (action === 'unlabeled') return unlabelled(here)
  if (action === 'locked') return ended(here, 'locked')
  const news = pullNews(arrival.payload)
  if (!news && action !== 'edited') return ignored('event not used')
  const asked = action === 'opened' || !news ? inText(here) : ignored('no command')
  return withNews(asked, [
    news && newsOf(here, news),
    news === 'pushed' ? headNews(arrival, ownRef(arrival.payload)) : undefined,
  ])
}

type News = Extract<Trigger, { kind: 'pull-news' }>['news']

function newsOf(here: InThread<PullPayload>, news: News): Trigger {
  const { thread, deliveryId } = here
  const { pull_request: pull } = here.payload
  const endedAt = news === 'merged' || news === 'closed' ? pull.closed_at : undefined
  const at = timeOf(endedAt ?? pull.updated_at)
  // Several pushes may come within a second, told apart by commit, and several reviews.
  const moment = news === 'reviewed' || pull.updated_at === undefined ? deliveryId : String(at)
  const which = news === 'pushed' ? pull.head.sha : moment
  return {
    ...arrived(here, at),
    id: `pull-${thread.repoId}-${pull.number}-${news}-${which}`,
    kind: 'pull-news',
    head: headOf(pull),
    hasMarker: hasMarker(pull.body) || undefined,
    news,
  }
}

function pullNews(payload: z.infer<typeof payloads.PullEvent>): News | undefined {
  const { action, changes, pull_request: pull } = payload
  switch (action) {
    case 'edited': {
      // The bot's own change is known.
      if (!changes?.body) return changes?.base && !isBot(payload) ? 'retargeted' : undefined
      // Only who has the key can judge whose it is or was.
      const [had, has] = [hasMarker(changes.body.from ?? ''), hasMarker(pull.body)]
      return had === has ? undefined : has ? 'marked' : 'unmarked'
    }
    case 'opened':
    case 'reopened':
    case 'ready_for_review':
    case 'converted_to_draft':
      return action
    case 'synchronize':
      return 'pushed'
    case 'review_requested':
    case 'review_request_removed':
      return 'reviewed'
    case 'closed':
      return pull.merged ? 'merged' : 'closed'
    default:
      return undefined
  }
}

export function fromReview(arrival: Arrival<Review>): Normalised {
  const { action } = arrival.payload
  const here = ofPull(arrival)
  const asked = inReview(here)
  if (action !== 'submitted' && action !== 'dismissed') return asked
  // A bot's approval counts for nothing, but whoever takes an approval back may be a bot.
  const isOfBot = action === 'submitted' && isBot(arrival.payload)
  return withNews(asked, [
    isOfBot ? undefined : newsOf(here, 'reviewed'),
    headNews(arrival, ownRef(arrival.payload)),
  ])
}

function inReview(here: InThread<Review>): Normalised {
  const { action, review } = here.payload
  if (action !== 'submitted' && action !== 'edited') return ignored('event not used')
  return said(here, reviewWords(here), {
    author: review.user,
    names: ['review', 'review-edit'],
    commentRef: { kind: 'review', reviewId: review.id, nodeId: review.node_id },
  })
}

function reviewWords(here: InThread<Review>): Words | Passed {
  const { action, review, pull_request: pull } = here.payload
  const created_at = review.submitted_at ?? pull.updated_at ?? ''
  if (action === 'submitted')
    return {
      kind: 'words',
      at: timeOf(created_at),
      // Its comments on lines are not known yet.
      text: { text: review.body, misplaced: isInsider(review.author_association) || undefined },
    }
  const updated_at = review.updated_at ?? pull.updated_at
  return commentWords(here, { ...review, created_at, updated_at })
}

/** GitHub sends a review and each of its inline comments. Only the review counts, and inline replies. */
export function fromInline(arrival: Of<typeof payloads.ReviewCommentEvent>): Normalised {
  const { action, comment } = arrival.payload
  if (isBot(arrival.payload)) return ignored('by a bot')
  const here = ofPull(arrival)
  const reviewId = comment.pull_request_review_id ?? null
  if (action === 'deleted')
    return withdrawn(here, { kind: 'comment', in: 'inline', commentId: comment.id, reviewId })
  const words = commentWords(here, comment)
  if (words.kind === 'words' && !words.edit && reviewId !== null && !comment.in_reply_to_id)
    return ignored('inline comment of a review')
  return said(here, words, {
    author: comment.user,
    names: ['inline', 'inline-edit'],
    commentRef: {
      kind: 'inline',
      commentId: comment.id,
      nodeId: comment.node_id,
      rootId: comment.in_reply_to_id ?? comment.id,
      reviewId,
      inline: {
        id: comment.id,
        path: comment.path,
        line: comment.line ?? null,
        hunk: comment.diff_hunk ?? '',
        body: comment.body,
        nodeId: comment.node_id,
        author: comment.user?.login ?? 'ghost',
      },
    },
  })
}

const notUsed = ignored('event not used')

/** GitHub merges some pull requests on a branch of its own, and wants their required checks there, too. */
export function fromMergeGroup(arrival: Of<typeof payloads.MergeGroupEvent>): Normalised {
  const { action, merge_group: group } = arrival.payload
  if (action !== 'checks_requested') return notUsed
  const { head_sha: sha, head_ref: ref, base_ref: base } = group
  const { payload } = arrival
  return {
    kind: 'trigger',
    trigger: {
      ...arrived({ ...arrival, thread: noThread(payload) }, Date.now()),
      id: `merging-${payload.repository.id}-${sha}`,
      kind: 'pull-news',
      news: 'merging',
      head: { ref, sha, base, repoId: payload.repository.id },
    },
  }
}

export const fromCheckSuite = (arrival: Of<typeof payloads.CheckSuiteEvent>): Normalised =>
  arrival.payload.action === 'completed'
    ? withNews(notUsed, [headNews(arrival, arrival.payload.check_suite.head_branch)])
    : notUsed

/** Takes the first branch that may be of a pull request, among those that have this as their newest commit. */
export function fromStatus(arrival: Of<typeof payloads.StatusEvent>): Normalised {
  const { state, branches, repository } = arrival.payload
  const ref = branches.find(({ name }) => name !== repository.default_branch)?.name
  return state === 'pending' ? notUsed : withNews(notUsed, [headNews(arrival, ref)])
}

export const fromReviewThread = (arrival: Of<typeof payloads.ReviewThreadEvent>): Normalised =>
  withNews(notUsed, [headNews(arrival, ownRef(arrival.payload))])

/** Forks are worked on by nobody here. */
const ownRef = ({ pull_request: { head }, repository }: PullPayload): string | undefined =>
  head.repo?.id === repository.id ? head.ref : undefined

/**
 * News of what a pull request needs, told by the branch that it comes from: many of them are one trigger. By when they
 * came, not happened: whoever looks afterwards sees them all.
 */
function headNews(
  { payload, deliveryId }: Arrival<payloads.BasePayload>,
  ref: string | null | undefined,
): Trigger | undefined {
  const { repository } = payload
  if (!ref || ref === repository.default_branch) return undefined
  const at = Date.now()
  return {
    ...arrived({ payload, deliveryId, thread: noThread(payload) }, at),
    id: `checked-${repository.id}-${hashOf(ref)}-${Math.floor(at / limits.checkedEvery)}`,
    kind: 'pull-news',
    news: 'checked',
    head: { ref, sha: '', base: '', repoId: repository.id },
  }
}

/** The thread of news about a branch has no number. */
const noThread = ({ installation, repository }: Arrival<payloads.BasePayload>['payload']): Thread => ({
  ...repositoryOf(installation.id, repository),
  ...{ number: 0, kind: 'pull', url: repository.html_url ?? '' },
})
