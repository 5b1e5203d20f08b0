import type { z } from 'zod'
import type { Thread } from '../../core/model/thread.ts'
import { ticked } from '../../core/words/details.ts'
import {
  type AppIdentity,
  arrived,
  commentWords,
  deletedComment,
  endedBy,
  endings,
  hashOf,
  type Installed,
  ignored,
  inText,
  isBot,
  issueThread,
  labelled,
  type Normalised,
  said,
  snapshotOf,
  timeOf,
  unlabelled,
  withdrawn,
} from './event.ts'
import type * as payloads from './payloads.ts'

export function fromIssueComment(
  payload: Installed<z.infer<typeof payloads.IssueComment>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, comment, issue } = payload
  const app = isBot(payload) ? comment.performed_via_github_app?.id : undefined
  // The settings may let in other Apps, by number only.
  if (isBot(payload) && (app === undefined || app === identity.appId || action !== 'created'))
    return ignored('by a bot')
  const thread = issueThread(payload, issue)
  if (action === 'deleted')
    return withdrawn(payload, { thread, deliveryId, what: deletedComment(comment.id, 'thread') })
  if (comment.user?.type === 'Bot')
    return action === 'edited' ? fromTick(payload, thread, deliveryId) : ignored('by a bot')
  const { word } = identity.triggerOf(thread.owner)
  const words = commentWords(payload, comment, word)
  if (words.kind === 'ignored') return words
  return said(payload, {
    thread,
    deliveryId,
    words,
    word,
    names: ['comment', 'edit'],
    commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
    subject: issue,
    app,
  })
}

function fromTick(
  payload: Installed<z.infer<typeof payloads.IssueComment>>,
  thread: Thread,
  deliveryId: string,
): Normalised {
  const { comment, changes } = payload
  const box = ticked(changes?.body?.from ?? '', comment.body)
  if (!box) return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(payload, thread, deliveryId, at),
      id: `tick-${comment.id}-${box}-${at}-${hashOf(comment.body)}`,
      kind: 'tick',
      text: comment.body,
      box,
      snapshot: snapshotOf(payload.issue),
    },
  }
}

export function fromIssue(
  payload: Installed<z.infer<typeof payloads.IssueEvent>>,
  deliveryId: string,
  identity: AppIdentity,
): Normalised {
  const { action, issue } = payload
  const thread = issueThread(payload, issue)
  const ending = endings.find(known => known === action)
  if (ending) return withdrawn(payload, { thread, deliveryId, ...endedBy(ending, issue) })
  if (action === 'unlabeled') return unlabelled(payload, { identity, thread, subject: issue, deliveryId })
  if (action === 'opened' || action === 'edited')
    return inText(payload, { identity, thread, subject: issue, deliveryId })
  if (action !== 'labeled') return ignored('event not used')
  return labelled(payload, { identity, thread, subject: issue, deliveryId })
}
