/**
 * The step `gather-context` chooses which comments of the thread the agent reads with its next words.
 * It leaves them in the workspace, for the prompt.
 */
import { withListed } from '../../access/authorize.ts'
import {
  commentsToRead,
  contextOf,
  maxComments,
  type Trust,
} from '../../core/agent/thread-context.ts'
import { mayAct } from '../../core/model/command-grammar.ts'
import { isNotFound, Rejected } from '../../core/model/errors.ts'
import type { CommentView } from '../../core/model/views.ts'
import { pending } from '../../core/record/ledger.ts'
import { areRefusedFor } from '../../core/record/retries.ts'
import { limits } from '../../core/record/timing.ts'
import { knowsThread, nextWords, placeInThread } from '../../core/record/words-to-say.ts'
import { callsOf } from '../../core/settings/deployment-settings.ts'
import { refusedReads, type StepContext, step } from './step-context.ts'

const maxPeople = 15

export const gatherContext = step('gather-context', {
  github: ['comments.ofOthers', 'people.permission', 'reviews.remarks', 'pages.shown'],
  writes: ['workspace'],
  async do(context) {
    const { run, github, deps } = context
    const words = nextWords(run)
    const knows = knowsThread(run)
    const readUpTo = knows ? run.workspace.readUpTo : undefined
    const [written, onPull] = await Promise.all([
      github.comments.ofOthers({
        since: readUpTo?.at,
        holds: words.source?.target?.kind === 'thread' ? words.source.target.commentId : undefined,
      }),
      remarksOnPull(context),
    ])
    const all = withListed([...written, ...onPull], run.baseline.settings.context.bots)
    // People's words on the pull request were not said here, so only those of listed bots are read there.
    const comments = all.filter((comment, at) => comment.listed || at < written.length)
    const said = pending(run).flatMap(({ source }) => placeInThread(source?.target) ?? [])
    const description = knows ? undefined : run.baseline.snapshot.body
    const calls = callsOf(deps.triggerOf(run.thread.ownerId))
    const reading = { words, readUpTo, description, comments, said, calls }
    const { inTime } = commentsToRead(reading)
    const involved = [words.by.login, run.request.by.login, run.baseline.snapshot.author]
    const trust = await trustIn(context, inTime, involved)
    const pages = { shown: github.pages.shown, webUrl: run.thread.url }
    return { workspace: { threadContext: await contextOf(reading, trust, pages) } }
  },
})

/** For an issue, bots that the settings name write on the pull request that its work made. */
async function remarksOnPull({
  run,
  github,
}: StepContext<'reviews.remarks'>): Promise<CommentView[]> {
  const { thread, baseline, result } = run
  if (thread.kind === 'pull' || baseline.settings.context.bots.length === 0) return []
  const pull = result.pulls.findLast(({ state }) => state === 'open')
  return pull ? github.reviews.remarks(pull.number) : []
}

/**
 * Asks about as many people as may be: those first whom GitHub calls insiders, and of each kind who wrote last.
 * @param involved are read whoever they are, and asked about only where there is no room for all
 */
async function trustIn(
  context: StepContext<'people.permission'>,
  comments: readonly CommentView[],
  involved: readonly string[],
): Promise<(author: string | undefined) => Trust> {
  const isCrowded = comments.length > maxComments
  const known = new Map<string | undefined, Trust>(
    involved.map(login => [login, isCrowded ? 'involved' : 'trusted']),
  )
  for (const { listed, author } of comments) if (listed) known.set(author, 'involved')
  // An account that is gone, as the author of the thread may be, is nobody's.
  known.set(undefined, 'outsider')
  const newest = comments.toReversed()
  const first = [...newest.filter(({ insider }) => insider), ...newest]
  const authors = new Set(first.flatMap(({ author }) => author ?? []))
  const asked = [...authors].filter(author => !known.has(author)).slice(0, maxPeople)
  if (isCrowded) asked.push(...new Set(involved.filter(login => authors.has(login))))
  const may = await Promise.all(asked.map(author => mayWrite(context, author)))
  for (const [at, author] of asked.entries())
    known.set(author, may[at] ? 'trusted' : (known.get(author) ?? 'outsider'))
  return author => known.get(author) ?? 'unknown'
}

async function mayWrite(
  context: StepContext<'people.permission'>,
  author: string,
): Promise<boolean> {
  try {
    const permission = await context.github.people.permission(author)
    return permission !== undefined && mayAct(permission.role, 'write')
  } catch (error) {
    // One refusal proves nothing; a Run does not wait longer for an unknown person.
    const areRefused = areRefusedFor(limits.absent, refusedReads(context, 'github'))
    if (isNotFound(error) || (error instanceof Rejected && areRefused)) return false
    throw error
  }
}
