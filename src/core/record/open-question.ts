/** What an agent's last words say to its people: answers to single remarks, and a question that waits for an answer. */
import { z } from 'zod'
import type { CommentRef } from '../model/trigger.ts'
import { countingNumber, jsonBlockIn } from '../text/json.ts'
import type { FollowUp } from './mailbox-part.ts'
import { pullNumberIn } from './own-pull-request.ts'
import type { OpenInline, Run } from './run.ts'

export function inlineAsked({ id, request, report }: Run): OpenInline[] {
  const { origin, inline = [] } = request
  const isReview = origin.kind === 'comment' && origin.commentRef.kind === 'review'
  const first = isReview ? inline.map(comment => ofReview(comment.id, id)) : []
  return [...first, ...(report.inlineAsked ?? [])]
}

export const ofReview = (commentId: number, messageId: string): OpenInline => ({
  commentId,
  rootId: commentId,
  messageId,
  by: 'review',
})

/** A comment in the inline thread where the last word comes needs no other answer. */
export function inlineOf(run: Run, { id, inline = [], source }: FollowUp): OpenInline[] {
  const target = source?.target
  if (target?.kind === 'review') return inline.map(comment => ofReview(comment.id, id))
  if (target?.kind !== 'inline') return []
  const { commentId, rootId } = target
  return inlinePlace(run)?.rootId === rootId
    ? []
    : [{ commentId, rootId, messageId: id, by: 'comment' }]
}

/** The comment on a line where the Run is answered, if it was asked on one. */
export function inlinePlace({
  request,
  report,
}: Run): (CommentRef & { kind: 'inline' }) | undefined {
  const { origin } = request
  const place = origin.kind === 'comment' ? origin.commentRef : undefined
  return place?.kind === 'inline' && !report.inlineGone ? place : undefined
}

/** What the fence of its block is called. */
export const lineAnswersFence = 'review-comments'

/** What the agent says of a comment on a line. */
const LineAnswer = z.object({
  /** GitHub's, of the comment. */
  id: countingNumber,
  done: z.boolean(),
  said: z.string().trim().min(1),
})
export type LineAnswer = z.infer<typeof LineAnswer>

/** Says whether threads on lines are resolved that the agent fixed, also those of before. */
export const resolvesThreads = ({ thread, request, baseline: { settings } }: Run): boolean =>
  settings.review.resolve && thread.kind === 'pull' && request.what === 'work'

/** The answers on lines. `text` is what the agent said besides. */
export function lineAnswersIn({ session: { sessionLog } }: Run) {
  const text = sessionLog?.answer
  const found = text === undefined ? text : jsonBlockIn(text, lineAnswersFence, LineAnswer)
  const ids = new Set(found?.value.map(({ id }) => id))
  // Two answers to one comment say nothing of either.
  return found?.value.length === ids.size
    ? { text: found.text, lineAnswers: found.value }
    : { text, lineAnswers: [] }
}

/** The pull requests of this repository that its words say it opened. */
export function pullsSaid({ thread, session: { sessionLog } }: Run): number[] {
  const named = [...(sessionLog?.answer ?? '').matchAll(openedPulls)]
  const numbers = named.flatMap(
    ([, number, url = '']) => Number(number) || (pullNumberIn(url, thread) ?? []),
  )
  return [...new Set(numbers)].slice(0, maxSaid)
}

const maxSaid = 5

const openedPulls =
  /\b(?:opened|created|submitted) (?:(?:an?|the|new|draft|pull request|PR):? )*\**\[?(?:#(\d{1,9})\b|(https:\S+\/pull\/\d{1,9})\b)/gi

/** Outside PostHog's plan mode an agent has no other way to ask: its question ends its last words, but for its choices. */
export function asksBack(run: Run): boolean {
  const { outcome } = run.result
  if (run.request.what !== 'work' || outcome?.kind !== 'answer') return false
  const said = lineAnswersIn(run).text ?? ''
  const lines = said.split('\n').map(line => line.trim())
  const last = lines.findLast(line => line !== '' && !/^(?:[-*+]|\d+[.)]) /.test(line)) ?? ''
  return /\?[*_)"'”’]*$/.test(last)
}
