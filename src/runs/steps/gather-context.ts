import { contextOf } from '../../core/agent/thread-context.ts'
import { isNotFound, Rejected } from '../../core/model/errors.ts'
import { mayAct } from '../../core/model/role.ts'
import type { CommentView } from '../../core/model/views.ts'
import { areRefusedFor } from '../../core/run/outage.ts'
import type { ChangeOf } from '../../core/run/run.ts'
import { limits } from '../../core/run/timing.ts'
import { refusedReads, type StepContext } from './step-context.ts'

const maxPeople = 15

export async function gatherContext(
  context: StepContext<'comments' | 'permission'>,
): Promise<ChangeOf<'workspace'>> {
  const { run, github } = context
  const comments = await github.comments()
  const trusted = await trustedAuthors(context, comments)
  const threadContext = await contextOf({
    comments,
    at: run.request.at,
    trusted: author => trusted.has(author),
  })
  return { workspace: { threadContext } }
}

async function trustedAuthors(
  context: StepContext<'permission'>,
  comments: readonly CommentView[],
): Promise<Set<string>> {
  const { run } = context
  const known = new Set([run.request.by.login, run.baseline.snapshot.author])
  const others = new Set(
    comments.filter(({ bot, author }) => !bot && !known.has(author)).map(({ author }) => author),
  )
  const candidates = [...others].slice(-maxPeople)
  const may = await Promise.all(candidates.map(author => mayWrite(context, author)))
  return new Set([...known, ...candidates.filter((_, n) => may[n])])
}

async function mayWrite(context: StepContext<'permission'>, author: string): Promise<boolean> {
  try {
    const { role } = await context.github.permission(author)
    return mayAct(role, 'write')
  } catch (error) {
    if (isNotFound(error) || (error instanceof Rejected && areStillRefused(context))) return false
    throw error
  }
}

/** One refusal proves nothing; a Run does not wait longer for an unknown person. */
const areStillRefused = (context: StepContext): boolean =>
  areRefusedFor(limits.absent, refusedReads(context, 'github'))
