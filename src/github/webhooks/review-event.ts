import type { z } from 'zod'
import { hasMarker } from '../../core/record/marker.ts'
import {
  type AppIdentity,
  commentWords,
  deletedComment,
  headOf,
  type Installed,
  ignored,
  isBot,
  isInsider,
  type Normalised,
  type Passed,
  pullThread,
  said,
  timeOf,
  type Words,
  withdrawn,
  withNews,
} from './event.ts'
import { headNews, ownRef } from './head-event.ts'
import type * as payloads from './payloads.ts'
import { newsOf } from './pull-request-event.ts'

export function fromReview(
  payload: Installed<z.infer<typeof payloads.ReviewEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, pull_request: pull } = payload
  const asked = inReview(payload, deliveryId, identity)
  if (action !== 'submitted' && action !== 'dismissed') return withNews(asked, [])
  // Whoever takes an approval back may be a bot.
  const opinion = { news: 'reviewed', thread: pullThread(payload, pull), deliveryId } as const
  return withNews(asked, [
    hasMarker(pull.body) ? newsOf(payload, opinion) : undefined,
    headNews(payload, ownRef(payload), deliveryId),
  ])
}

function inReview(
  payload: Installed<z.infer<typeof payloads.ReviewEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, review, pull_request: pull } = payload
  if (action !== 'submitted' && action !== 'edited') return ignored('event not used')
  if (isBot(payload)) return ignored('by a bot')
  const { word } = identity.triggerOf(payload.repository.owner.login)
  const words = reviewWords(payload, word)
  if (words.kind === 'ignored') return words
  return said(payload, {
    thread: pullThread(payload, pull),
    deliveryId,
    words,
    word,
    names: ['review', 'review-edit'],
    commentRef: { kind: 'review', reviewId: review.id, nodeId: review.node_id },
    subject: pull,
    head: headOf(pull),
  })
}

function reviewWords(payload: z.infer<typeof payloads.ReviewEvent>, word: string): Words | Passed {
  const { action, review, pull_request: pull } = payload
  const created_at = review.submitted_at ?? pull.updated_at ?? ''
  if (action === 'submitted')
    return {
      kind: 'words',
      at: timeOf(created_at),
      // Its comments on lines are not known yet.
      text: { text: review.body, misplaced: isInsider(review.author_association) || undefined },
    }
  const updated_at = review.updated_at ?? pull.updated_at
  return commentWords(payload, { ...review, created_at, updated_at }, word)
}

/** GitHub sends a review and each of its inline comments. Only the review counts, and inline replies. */
export function fromInline(
  payload: Installed<z.infer<typeof payloads.ReviewCommentEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, comment, pull_request: pull } = payload
  if (isBot(payload)) return ignored('by a bot')
  const reviewId = comment.pull_request_review_id ?? null
  const thread = pullThread(payload, pull)
  if (action === 'deleted')
    return withdrawn(payload, { thread, deliveryId, what: deletedComment(comment.id, 'inline', reviewId) })
  const { word } = identity.triggerOf(thread.owner)
  const words = commentWords(payload, comment, word)
  if (words.kind === 'ignored') return words
  if (!words.edit && reviewId !== null && !comment.in_reply_to_id)
    return ignored('inline comment of a review')
  return said(payload, {
    thread,
    deliveryId,
    words,
    word,
    names: ['inline', 'inline-edit'],
    subject: pull,
    head: headOf(pull),
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
