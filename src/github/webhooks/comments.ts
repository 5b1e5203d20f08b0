/** What people write: comments, reviews, and the text of an issue or pull request. */
import type { z } from 'zod'
import { mayHoldCommand } from '../../core/command/find.ts'
import { mayBeMisplaced } from '../../core/command/misplaced.ts'
import { hashOf, type Thread } from '../../core/model/thread.ts'
import type { CommentRef } from '../../core/model/trigger.ts'
import { usualTrigger } from '../../core/settings/deployment-settings.ts'
import { ticked } from '../../core/words/words.ts'
import {
  callsIn,
  type EventOf,
  happening,
  type IgnoredEvent,
  ignored,
  isBot,
  isInsider,
  type Normalised,
  notUsed,
  ofIssue,
  ofPull,
  type Subject,
  snapshotOf,
  type ThreadEvent,
  timeOf,
  withdrawal,
} from './event.ts'
import type * as payloads from './payloads.ts'

export function fromIssueComment(event: EventOf<typeof payloads.IssueComment>): Normalised {
  const { payload } = event
  const { action, comment } = payload
  if (isBot(payload)) return ignored('by a bot')
  const inThread = ofIssue(event)
  if (action === 'deleted')
    return withdrawal(inThread, {
      kind: 'comment',
      in: 'thread',
      commentId: comment.id,
      reviewId: null,
    })
  if (comment.user?.type === 'Bot')
    return action === 'edited' ? fromTick(inThread) : ignored('by a bot')
  return commentTrigger(inThread, commentWords(inThread, comment), {
    author: comment.user,
    names: ['comment', 'edit'],
    commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
  })
}

/** What stands in the text of a new issue or pull request, and what its author adds there soon after. */
export function subjectText(event: ThreadEvent<Writing>): Normalised {
  const { payload, subject } = event
  const isMoved = payload.changes?.old_issue !== undefined
  const action = payload.action === 'opened' ? 'created' : payload.action
  const words = isMoved
    ? ignored('transferred')
    : commentWords({ ...event, payload: { ...payload, action } }, subject)
  return commentTrigger(event, words, {
    author: subject.user,
    names: ['text', 'text-edit'],
    commentRef: { kind: 'subject' },
  })
}

/** GitHub sends a review and each of its inline comments. Only the review counts, and inline replies. */
export function fromReviewComment(event: EventOf<typeof payloads.ReviewCommentEvent>): Normalised {
  const { action, comment } = event.payload
  const inThread = ofPull(event)
  const reviewId = comment.pull_request_review_id ?? null
  if (action === 'deleted')
    return withdrawal(inThread, { kind: 'comment', in: 'inline', commentId: comment.id, reviewId })
  const words = commentWords(inThread, comment)
  if (words.kind === 'words' && !words.edit && reviewId !== null && !comment.in_reply_to_id)
    return ignored('inline comment of a review')
  return commentTrigger(inThread, words, {
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

type Review = z.infer<typeof payloads.ReviewEvent>

export function reviewText(event: ThreadEvent<Review>): Normalised {
  const { action, review } = event.payload
  if (action !== 'submitted' && action !== 'edited') return notUsed
  return commentTrigger(event, reviewWords(event), {
    author: review.user,
    names: ['review', 'review-edit'],
    commentRef: { kind: 'review', reviewId: review.id, nodeId: review.node_id },
  })
}

function reviewWords(event: ThreadEvent<Review>): Words | IgnoredEvent {
  const { action, review, pull_request: pull } = event.payload
  const created_at = review.submitted_at ?? pull.updated_at ?? ''
  if (action === 'submitted')
    return {
      kind: 'words',
      at: timeOf(created_at),
      // Its comments on lines are not known yet.
      text: { text: review.body, misplaced: isInsider(review.author_association) || undefined },
    }
  const updated_at = review.updated_at ?? pull.updated_at
  return commentWords(event, { ...review, created_at, updated_at })
}

interface CommentIdentity {
  author: { id: number } | null | undefined
  /** What its id begins with, and that of an edit of it. */
  names: readonly [made: string, edited: string]
  commentRef: CommentRef
}

/**
 * Who sends is who wrote: only then are words, of whatever kind, somebody's command. Whoever transfers an issue, or edits
 * what another wrote, has not asked for what stands there.
 * @param words or why they are none to act on
 */
function commentTrigger(
  event: ThreadEvent<payloads.BasePayload>,
  words: Words | IgnoredEvent,
  { author, names: [made, edited], commentRef }: CommentIdentity,
): Normalised {
  if (isBot(event.payload)) return ignored('by a bot')
  if (words.kind === 'ignored') return words
  if (author?.id !== event.payload.sender.id) return ignored('written by somebody else')
  const id = commentKey(commentRef, event.thread)
  const { word, app } = event.triggerOf(event.thread.ownerId)
  return {
    kind: 'trigger',
    trigger: {
      ...happening(event, words.at),
      id: words.edit ? `${edited}-${id}-${words.edit}` : `${made}-${id}`,
      kind: 'comment',
      commentRef,
      ...words.text,
      word: word === usualTrigger.word ? undefined : word,
      app,
      snapshot: snapshotOf(event.subject),
      head: event.head,
    },
  }
}

function commentKey(ref: CommentRef, { repoId, number }: Thread): string | number {
  if (ref.kind === 'subject') return `${repoId}-${number}`
  return ref.kind === 'review' ? ref.reviewId : ref.commentId
}

/** ms after which edits add no commands. */
const editWindow = 15 * 60_000

interface Words {
  kind: 'words'
  at: number
  /** Identifies an edit, since GitHub's times have whole seconds. */
  edit?: string
  text: { text: string; before?: string; misplaced?: true }
}

type Writing = payloads.BasePayload & Pick<z.infer<typeof payloads.ReviewEvent>, 'changes'>

function commentWords(
  event: ThreadEvent<Writing>,
  comment: Pick<Subject, 'body' | 'created_at' | 'updated_at' | 'author_association'>,
): Words | IgnoredEvent {
  const { payload } = event
  const { action } = payload
  if (action !== 'created' && action !== 'edited') return notUsed
  const text = comment.body
  const calls = callsIn(event)
  const { thread, triggerOf } = event
  const isAsked = triggerOf(thread.ownerId).asked?.has(thread.url)
  const misplaced =
    (action === 'created' &&
      isInsider(comment.author_association) &&
      (isAsked || mayBeMisplaced(text, calls))) ||
    undefined
  if (!misplaced && !mayHoldCommand(text, calls)) return ignored('no command')
  const created = timeOf(comment.created_at)
  if (action === 'created') return { kind: 'words', at: created, text: { text, misplaced } }
  const before = payload.changes?.body?.from
  if (typeof before !== 'string') return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  if (at - created > editWindow) return ignored('edited too late')
  return {
    kind: 'words',
    at,
    edit: `${at}-${hashOf(10, before, comment.body)}`,
    text: { text, before },
  }
}

/** Somebody ticked a box of ours, which is an edit of our comment. Other bots may have copied one. */
function fromTick(event: ThreadEvent<z.infer<typeof payloads.IssueComment>>): Normalised {
  const { comment, changes, issue } = event.payload
  const { app } = event.triggerOf(event.thread.ownerId)
  if (app === undefined || comment.user?.login !== `${app}[bot]`) return ignored('by a bot')
  const box = ticked(changes?.body?.from ?? '', comment.body)
  if (!box) return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  return {
    kind: 'trigger',
    trigger: {
      ...happening(event, at),
      id: `tick-${comment.id}-${box}-${at}-${hashOf(10, comment.body)}`,
      kind: 'tick',
      text: comment.body,
      box,
      commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
      snapshot: snapshotOf(issue),
    },
  }
}
