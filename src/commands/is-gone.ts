/** Whether what was taken back is gone at GitHub too: a withdrawal may come late, and so may a command. */
import { mayHoldCommand } from '../core/command/find.ts'
import type { WithdrawalTrigger } from '../core/model/trigger.ts'
import { believeAbsent } from '../core/run/outage.ts'
import { triggerOf } from '../core/settings/deployment-settings.ts'
import { type CommandContext, type CommandTrigger, refusedReads } from './command-context.ts'
import { parseCommands } from './command-registry.ts'
import { inlineText } from './read-commands.ts'

type What = WithdrawalTrigger['what']
export type Deleted = What & { kind: 'comment' }

/** ms after which a webhook counts as late: its comment may be gone by now. */
const lateAfterMs = 30_000

/** Whether a command's comment, or its label, was gone before its webhook came. */
export async function wasGone(context: CommandContext, trigger: CommandTrigger): Promise<boolean> {
  const { record, job } = context
  if (record.reacted || record.passedAt !== undefined || job.addedAt - trigger.at < lateAfterMs) return false
  const what = whatIsBehind(trigger)
  return what !== undefined && isStillSo(context, { what, thread: trigger.thread }, false)
}

function whatIsBehind(trigger: CommandTrigger): What | undefined {
  if (trigger.kind === 'label') return { kind: 'label', label: trigger.label }
  if (trigger.kind !== 'comment' || trigger.commentRef.kind === 'review') return undefined
  const { kind, commentId } = trigger.commentRef
  return { kind: 'comment', in: kind, commentId, reviewId: null }
}

export async function isStillSo(
  context: CommandContext,
  { what, thread }: Pick<WithdrawalTrigger, 'what' | 'thread'>,
  byReview: boolean,
): Promise<boolean> {
  const { github, deps } = context
  const { word } = triggerOf(deps.settings.deployment, thread.owner)
  if (what.kind === 'comment')
    return !(await github.hasComment(what)) && !(byReview && (await stillRequests(context, what, word)))
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

async function stillRequests(context: CommandContext, { reviewId }: Deleted, word: string): Promise<boolean> {
  if (reviewId === null) return false
  const { github } = context
  const text = (await github.review(reviewId)) ?? believeAbsent('The review', refusedReads(context))
  if (text === undefined) return false
  const inline = (await github.reviewComments(reviewId)).map(inlineText)
  const texts = [{ text, addresses: 'whole' as const }, ...inline].filter(each =>
    mayHoldCommand(each.text, word),
  )
  const pages = await github.shown(texts)
  return texts.some(({ text }, at) => parseCommands({ text, page: pages[at] }, word).length > 0)
}
