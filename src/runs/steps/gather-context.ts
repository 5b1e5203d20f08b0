/** Gathers what the agent may read of the thread's comments. */

import { contextOf } from '../../core/agent/thread-context.ts'
import { mayAct } from '../../core/command/table.ts'
import { ComeBack } from '../../core/model/errors.ts'
import type { CommentView } from '../../core/model/views.ts'
import type { Run } from '../../core/run/run.ts'
import type { Hand } from './step-context.ts'

/** Asking about more people than this would cost more than it helps. */
const mostPeople = 15

export async function gatherContext(hand: Hand): Promise<Run> {
  const { run, github } = hand
  const comments = await github.comments()
  const trusted = await trustedAuthors(hand, comments)
  return { ...run, context: contextOf({ comments, at: run.ask.at, trusted: author => trusted.has(author) }) }
}

/** The asker and the author of the thread, and whoever may write to the repository; an error is a no. */
async function trustedAuthors({ run, github }: Hand, comments: readonly CommentView[]): Promise<Set<string>> {
  const known = new Set([run.ask.by.login, run.snapshot.author])
  const others = new Set(
    comments.filter(({ bot, author }) => !bot && !known.has(author)).map(({ author }) => author),
  )
  for (const author of [...others].slice(-mostPeople)) {
    const may = await github.permission(author).then(
      ({ role }) => mayAct(role, 'write'),
      (error: unknown) => {
        if (error instanceof ComeBack) throw error
        return false
      },
    )
    if (may) known.add(author)
  }
  return known
}
