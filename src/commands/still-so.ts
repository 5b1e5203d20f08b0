/** What a webhook says was taken back may be there again: GitHub is asked. */
import { mayHoldCommand } from '../core/command/find.ts'
import type { CommentRef, ThreadTrigger, WithdrawalTrigger } from '../core/model/trigger.ts'
import { believeAbsent } from '../core/record/retries.ts'
import { callsOf } from '../core/settings/deployment-settings.ts'
import { refusedReads, type ThreadContext } from './command-context.ts'
import { parseCommands } from './command-registry.ts'
import { writtenIn } from './read-commands.ts'

type Deleted = WithdrawalTrigger['what'] & { kind: 'comment' }

/** Whether it is gone at GitHub too: a withdrawal may come late, and so may a command. */
export async function isStillSo(
  context: ThreadContext,
  { what, thread }: Pick<WithdrawalTrigger, 'what' | 'thread'>,
  byReview: boolean,
): Promise<boolean> {
  const { github, deps } = context
  const calls = callsOf(deps.triggerOf(thread.ownerId))
  if (what.kind === 'comment')
    return !(await github.hasComment(what)) && !(byReview && (await stillRequests(context, what, calls)))
  const leaves = what.kind === 'thread' && (what.by === 'deleted' || what.by === 'transferred')
  const state =
    (await github.state()) ?? (leaves ? undefined : believeAbsent('The thread', refusedReads(context)))
  if (!state) return true
  if (what.kind === 'label') return !state.labels.includes(what.label)
  switch (what.by) {
    case 'closed':
      return !state.open
    case 'locked':
      return state.locked
    case 'deleted':
    case 'transferred':
      return false
  }
}

async function stillRequests(context: ThreadContext, { reviewId }: Deleted, calls: string): Promise<boolean> {
  if (reviewId === null) return false
  const { github } = context
  const text = (await github.review(reviewId)) ?? believeAbsent('The review', refusedReads(context))
  if (text === undefined) return false
  const inline = (await github.reviewComments(reviewId)).map(writtenIn)
  const texts = [{ text, addresses: 'whole' as const }, ...inline].filter(each =>
    mayHoldCommand(each.text, calls),
  )
  const pages = await github.shown(texts)
  return texts.some(({ text }, at) => parseCommands({ text, page: pages[at] }, calls).length > 0)
}

/** Where it was asked. */
export const placeOf = (trigger: ThreadTrigger): CommentRef | undefined =>
  trigger.kind === 'comment' ? trigger.commentRef : undefined
