import type { z } from 'zod'
import { ticked } from '../../core/words/details.ts'
import {
  type Arrival,
  arrived,
  commentWords,
  deletedComment,
  ended,
  endings,
  hashOf,
  type InThread,
  ignored,
  inText,
  isBot,
  labelled,
  type Normalised,
  ofIssue,
  said,
  snapshotOf,
  timeOf,
  unlabelled,
  withdrawn,
} from './event.ts'
import type * as payloads from './payloads.ts'

type IssueComment = z.infer<typeof payloads.IssueComment>

export function fromIssueComment(arrival: Arrival<IssueComment>): Normalised {
  const { payload } = arrival
  const { action, comment } = payload
  if (isBot(payload)) return ignored('by a bot')
  const here = ofIssue(arrival)
  if (action === 'deleted') return withdrawn(here, deletedComment(comment.id, 'thread'))
  if (comment.user?.type === 'Bot') return action === 'edited' ? fromTick(here) : ignored('by a bot')
  const of = {
    author: comment.user,
    names: ['comment', 'edit'],
    commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
  } as const
  return said(here, commentWords(here, comment), of)
}

function fromTick(here: InThread<IssueComment>): Normalised {
  const { comment, changes, issue } = here.payload
  const box = ticked(changes?.body?.from ?? '', comment.body)
  if (!box) return ignored('no new command')
  const at = timeOf(comment.updated_at ?? comment.created_at)
  return {
    kind: 'trigger',
    trigger: {
      ...arrived(here, at),
      id: `tick-${comment.id}-${box}-${at}-${hashOf(comment.body)}`,
      kind: 'tick',
      text: comment.body,
      box,
      commentRef: { kind: 'thread', commentId: comment.id, nodeId: comment.node_id },
      snapshot: snapshotOf(issue),
    },
  }
}

export function fromIssue(arrival: Arrival<z.infer<typeof payloads.IssueEvent>>): Normalised {
  const { action } = arrival.payload
  const here = ofIssue(arrival)
  const ending = endings.find(known => known === action)
  if (ending) return ended(here, ending)
  if (action === 'unlabeled') return unlabelled(here)
  if (action === 'opened' || action === 'edited') return inText(here)
  return action === 'labeled' ? labelled(here) : ignored('event not used')
}
