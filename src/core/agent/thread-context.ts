/**
 * Which comments of a thread the agent is given: those of people with trust, as they were when the command
 * was given. What came or was changed later is not read, whoever wrote it.
 */

import type { CommentView } from '../model/views.ts'
import type { Context } from '../run/run.ts'
import { visibleText } from '../text/untrusted.ts'

const maxComments = 30
const maxOfOne = 4_000

export interface Reading {
  comments: readonly CommentView[]
  /** When the command was given, ms since the epoch, GitHub's clock. */
  at: number
  trusted(author: string): boolean
}

/** GitHub tells times in seconds; the command itself is one of the comments. */
export function contextOf({ comments, at, trusted }: Reading): Context {
  const people = comments.filter(({ bot }) => !bot)
  const inTime = people.filter(({ createdAt, updatedAt }) => createdAt < at && updatedAt <= at)
  const byTrusted = inTime.filter(({ author }) => trusted(author))
  return {
    comments: byTrusted
      .slice(-maxComments)
      .map(({ author, createdAt, body }) => ({ author, at: createdAt, body: visibleText(body, maxOfOne) })),
    leftOut: {
      bots: comments.length - people.length,
      outsiders: inTime.length - byTrusted.length,
      later: people.filter(({ createdAt, updatedAt }) => createdAt > at || (createdAt < at && updatedAt > at))
        .length,
      older: Math.max(0, byTrusted.length - maxComments),
    },
  }
}
