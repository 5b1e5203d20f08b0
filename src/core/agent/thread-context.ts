/** Comments by trusted people as of the command; later ones and edits are left out. */

import type { CommentView } from '../model/views.ts'
import type { Context } from '../run/record/workspace-part.ts'
import { yieldToEventLoop } from '../text/event-loop.ts'
import { visibleText } from '../text/untrusted.ts'

const maxComments = 30
const maxOfOne = 4_000

export interface Reading {
  comments: readonly CommentView[]
  at: number
  trusted(author: string): boolean
}

/** GitHub's times are whole seconds, and the command is a comment itself. */
export async function contextOf({ comments, at, trusted }: Reading): Promise<Context> {
  const people = comments.filter(({ bot }) => !bot)
  const inTime = people.filter(({ createdAt, updatedAt }) => createdAt < at && updatedAt <= at)
  const byTrusted = inTime.filter(({ author }) => trusted(author))
  const read: Context['comments'] = []
  for (const { author, createdAt, body } of byTrusted.slice(-maxComments)) {
    await yieldToEventLoop()
    read.push({ author, at: createdAt, body: visibleText(body, maxOfOne) })
  }
  return {
    comments: read,
    leftOut: {
      bots: comments.length - people.length,
      outsiders: inTime.length - byTrusted.length,
      later: people.filter(({ createdAt, updatedAt }) => createdAt > at || (createdAt < at && updatedAt > at))
        .length,
      older: Math.max(0, byTrusted.length - maxComments),
    },
  }
}
