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

/** The number of a message's first inline comment: they are numbered throughout a Run, from 1. */
export function firstNumber(run: Run, messageId: string): number {
  const asked = inlineAsked(run)
  const known = asked.findIndex(each => each.messageId === messageId)
  return (known === -1 ? asked.length : known) + 1
}

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

/** The answers on lines, if the settings ask for them. `text` is what the agent said besides. */
export function lineAnswersIn({ session, baseline }: Run) {
  const text = session.sessionLog?.answer
  const isAsked = baseline.settings.review.resolve && text !== undefined
  const found = isAsked ? jsonBlockIn(text, lineAnswersFence, LineAnswer) : undefined
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
  const said = withoutRemarks(lineAnswersIn(run).text ?? '', inlineAsked(run).length)
  const lines = said.split('\n').map(line => line.trim())
  const last = lines.findLast(line => line !== '' && !/^(?:[-*+]|\d+[.)]) /.test(line)) ?? ''
  return /\?[*_)"'”’]*$/.test(last)
}

/** What a comment of a review is called, before its number. */
export const remarkName = 'Review comment'

const marks = '[ \\t>*_#`-]*'

const beginningOf = (number: number) =>
  new RegExp(`^${marks}${remarkName} ${number}${marks}:${marks}(?=[^ \\t])`, 'i')

export function saidOfRemark(answer: string, number: number): string | undefined {
  const begins = beginningOf(number)
  for (const line of answer.split('\n')) {
    const [name] = begins.exec(line) ?? []
    const said = name === undefined ? '' : line.slice(name.length).trim()
    if (said !== '') return said
  }
  return undefined
}

/** What is said of the first remarks stands in their own threads. */
export function withoutRemarks(answer: string, count: number): string {
  const begins = Array.from({ length: count }, (_, index) => beginningOf(index + 1))
  const rest = answer.split('\n').filter(line => !begins.some(remark => remark.test(line)))
  return rest.join('\n').trim()
}
