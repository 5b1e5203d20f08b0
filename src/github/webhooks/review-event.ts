import type { z } from 'zod'
import {
  type AppIdentity,
  arrived,
  commentWords,
  deletedComment,
  headOf,
  type Installed,
  ignored,
  isBot,
  type Normalised,
  named,
  nodeOf,
  pullThread,
  reviewWords,
  snapshotOf,
  withdrawn,
} from './event.ts'
import type * as payloads from './payloads.ts'

export function fromReview(
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
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, pullThread(payload, pull), deliveryId, words.at),
      id: words.edit ? `review-edit-${review.id}-${words.edit}` : `review-${review.id}`,
      kind: 'comment',
      commentRef: { kind: 'review', reviewId: review.id, nodeId: review.node_id },
      ...words.text,
      ...named(word),
      snapshot: snapshotOf(pull),
      head: headOf(pull),
    },
  }
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
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, deliveryId, words.at),
      id: words.edit ? `inline-edit-${comment.id}-${words.edit}` : `inline-${comment.id}`,
      kind: 'comment',
      commentRef: {
        kind: 'inline',
        commentId: comment.id,
        ...nodeOf(comment),
        rootId: comment.in_reply_to_id ?? comment.id,
        reviewId,
        inline: {
          id: comment.id,
          path: comment.path,
          line: comment.line ?? null,
          hunk: comment.diff_hunk ?? '',
          body: comment.body,
          ...nodeOf(comment),
          author: comment.user?.login ?? 'ghost',
        },
      },
      ...words.text,
      ...named(word),
      snapshot: snapshotOf(pull),
      head: headOf(pull),
    },
  }
}
