/** Inline comments that are answered in their own threads, in the order and with the numbers the agent reads. */
import { inlinePlace } from './last-word.ts'
import type { FollowUp } from './record/mailbox-part.ts'
import type { InlineAsked } from './record/report-part.ts'
import type { Run } from './run.ts'

export function inlineAsked({ id, request, report }: Run): InlineAsked[] {
  const { origin, inline = [] } = request
  const isReview = origin.kind === 'comment' && origin.commentRef.kind === 'review'
  const first = isReview ? inline.map(comment => ofReview(comment.id, id)) : []
  return [...first, ...(report.inlineAsked ?? [])]
}

/** The number of a message's first inline comment: they are numbered throughout a Run, from 1. */
export function firstNumber(run: Run, messageId: string): number {
  const asked = inlineAsked(run)
  const known = asked.findIndex(each => each.messageId === messageId)
  return (known === -1 ? asked.length : known) + 1
}

/** A comment in the inline thread where the last word comes needs no other answer. */
export function inlineOf(run: Run, { id, inline = [], source }: FollowUp): InlineAsked[] {
  const target = source?.target
  if (target?.kind === 'review') return inline.map(comment => ofReview(comment.id, id))
  if (target?.kind !== 'inline') return []
  const { commentId, rootId } = target
  return inlinePlace(run)?.rootId === rootId ? [] : [{ commentId, rootId, messageId: id, by: 'comment' }]
}

const ofReview = (commentId: number, messageId: string): InlineAsked => ({
  commentId,
  rootId: commentId,
  messageId,
  by: 'review',
})
