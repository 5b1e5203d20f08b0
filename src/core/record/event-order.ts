/** Tells whether something was asked before a stop, by GitHub's clock and the ids of comments. */
import type { CommentRef, Trigger } from '../model/trigger.ts'
import { isAdded } from './ledger.ts'
import type { RequestOrigin, RunRequest } from './request-part.ts'
import type { Run } from './run.ts'

/** When something was asked. */
export interface Moment {
  /** ms since the epoch, by GitHub's clock, which counts whole seconds. */
  at: number
  /** Numbers grow within a kind. */
  comment?: { kind: CommentRef['kind']; id: number }
  /** Which of the commands of that comment. */
  command?: number
  /** A box was ticked. */
  box?: boolean
}

/**
 * Within a second, comment ids decide; without them, what is asked counts as earlier than the stop. If both
 * are boxes, the one that stops was there first: a box that starts stands under a run that is over.
 */
export function isBefore(asked: Moment, stop: Moment): boolean {
  if (asked.at !== stop.at) return asked.at < stop.at
  if (asked.box && stop.box) return false
  if (asked.comment === undefined) return true
  if (asked.comment.kind !== stop.comment?.kind) return stop.comment?.kind !== 'subject'
  if (asked.comment.id !== stop.comment.id) return asked.comment.id < stop.comment.id
  return asked.command === undefined || stop.command === undefined || asked.command < stop.command
}

/** An edited comment is as old as its edit. */
export const momentOf = (trigger: Trigger, command?: number): Moment => ({
  at: trigger.at,
  comment:
    trigger.kind === 'comment' && trigger.before === undefined ? commentMoment(trigger) : undefined,
  command,
  box: trigger.kind === 'tick',
})

export const momentOfRequest = ({ at, origin, command }: RunRequest): Moment => ({
  at,
  comment: origin.kind === 'comment' ? commentMoment(origin) : undefined,
  command,
  box: origin.kind === 'tick',
})

/** When the newest of its words were asked. */
export function momentOfWords(run: Run): Moment {
  const { mailbox, request } = run
  const { lastWordsAt: at = request.at } = mailbox
  if (at <= request.at) return momentOfRequest(request)
  const newest = mailbox.words.filter(isAdded).findLast(word => word.at === at)
  const { target, command } = newest?.source ?? {}
  const isNew = target !== undefined && newest?.edits === undefined
  return { at, comment: isNew ? commentMoment({ commentRef: target }) : undefined, command }
}

function commentMoment({
  commentRef,
}: Pick<RequestOrigin & { kind: 'comment' }, 'commentRef'>): Moment['comment'] {
  switch (commentRef.kind) {
    // The subject is older than what is said below it.
    case 'subject':
      return { kind: commentRef.kind, id: 0 }
    case 'review':
      return { kind: commentRef.kind, id: commentRef.reviewId }
    case 'thread':
    case 'inline':
      return { kind: commentRef.kind, id: commentRef.commentId }
  }
}
