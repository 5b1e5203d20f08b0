import type { Thread } from '../../core/model/thread.ts'
import type { Trigger } from '../../core/model/trigger.ts'
import { timeOf } from '../written.ts'
import { arrived, type Installed, ignored, isBot, type Normalised } from './event.ts'
import type * as payloads from './payloads.ts'

type Withdrawn = Extract<Trigger, { kind: 'withdrawal' }>['what']

export const deletedComment = (
  commentId: number,
  where: 'thread' | 'inline',
  reviewId: number | null = null,
) => ({ kind: 'comment', in: where, commentId, reviewId }) as const

export interface Withdrawing {
  thread: Thread
  deliveryId: string
  what: Withdrawn
  at?: string | null | undefined
}

export function withdrawn(
  payload: Installed<payloads.BasePayload>,
  { thread, deliveryId, what, at }: Withdrawing,
): Normalised {
  // Ours takes labels off and deletes comments, but never ends a thread.
  if (isBot(payload) && what.kind !== 'thread') return ignored('by a bot')
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, deliveryId, timeOf(at)),
      id: `withdrawal-${thread.repoId}-${thread.number}-${nameOf(what)}-${deliveryId}`,
      kind: 'withdrawal',
      what,
    },
  }
}

function nameOf(what: Withdrawn): string {
  switch (what.kind) {
    case 'comment':
      return `${what.in === 'inline' ? 'inline' : 'comment'}-${what.commentId}`
    case 'label':
      return 'label'
    case 'thread':
      return what.by
  }
}

export const endings = ['closed', 'deleted', 'transferred', 'locked'] as const

export function endedBy(
  by: (typeof endings)[number],
  { closed_at, updated_at }: payloads.IssuePayload | payloads.PullRequestPayload,
): Pick<Withdrawing, 'what' | 'at'> {
  const at = by === 'closed' ? (closed_at ?? updated_at) : by === 'locked' ? updated_at : undefined
  return { what: { kind: 'thread', by }, at }
}
