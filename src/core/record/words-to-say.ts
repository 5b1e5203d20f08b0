/** What the agent is told next, and up to where it has been given what stands in the thread. */
import type { CommentRef } from '../model/trigger.ts'
import { isAdded, nextWord } from './ledger.ts'
import type { FollowUp, Word } from './mailbox-part.ts'
import { type ChangeOf, type Run, resumedSession } from './run.ts'
import { GivenContext } from './workspace-part.ts'

export type WordsToSay = Omit<FollowUp, 'kind' | 'source'> & {
  source?: { target?: CommentRef } | undefined
  /** What others wrote up to then goes with them, if that is later: when a Run that waited began. */
  until?: number
}

/** How a reply names them. */
export const asTyped = ({ text, typed = text }: WordsToSay): string => typed.slice(0, 200)

export const firstWords = ({ id, request, schedule }: Run): WordsToSay => ({
  ...request,
  id,
  until: waitedUntil(schedule),
  source: { target: request.origin.kind === 'comment' ? request.origin.commentRef : undefined },
})

const waitedUntil = ({ enteredAt = 0, admissionExpectedAt = 0 }: Run['schedule']) =>
  admissionExpectedAt > enteredAt ? admissionExpectedAt : undefined

export const toSay = (run: Run, word: Word | undefined): WordsToSay =>
  word && isAdded(word) ? word : firstWords(run)

export const nextWords = (run: Run): WordsToSay => toSay(run, nextWord(run))

/** Whether the agent has read of the thread before. */
export const knowsThread = (run: Run): boolean =>
  run.session.taskRun !== undefined || resumedSession(run) !== undefined

/** What is new since the words before; all of it for an agent that knows nothing. */
export function contextIsDue(run: Run): boolean {
  const context = run.workspace.threadContext
  return context?.of !== nextWords(run).id || (context.goesOn && !knowsThread(run))
}

/** @returns one string for what a target names in its thread; ids count within their kind */
export function placeInThread(target: CommentRef | undefined): string | undefined {
  switch (target?.kind) {
    case 'thread':
      return `thread-${target.commentId}`
    case 'review':
      return `review-${target.reviewId}`
    case 'inline':
      return `line-${target.commentId}`
    default:
      return undefined
  }
}

/** Whether both are the same comment, or the thread's own text. */
export const isSamePlace = (one: CommentRef | undefined, other: CommentRef | undefined): boolean =>
  one?.kind === 'subject'
    ? other?.kind === 'subject'
    : placeInThread(one) !== undefined && placeInThread(one) === placeInThread(other)

/** Notes the context that was given with these words. */
export function contextGiven({ workspace }: Run, { id }: WordsToSay): ChangeOf<'workspace'> {
  const { threadContext: now, readUpTo, given: before = noneGiven } = workspace
  if (now?.of !== id || readUpTo?.of === id) return {}
  const { comments, leftOut } = now
  const given: GivenContext = {
    thread: before.thread || now.thread,
    comments: before.comments + comments.length,
    onLines: before.onLines + comments.filter(({ on }) => on).length,
    authors: [...new Set([...before.authors, ...comments.map(({ author }) => author)])],
    cut: [...new Set([...before.cut, ...now.cut])],
    cutComments: before.cutComments + now.cutComments,
    unshown: before.unshown + now.unshown,
    leftOut: {
      outsiders: before.leftOut.outsiders + leftOut.outsiders,
      unknown: before.leftOut.unknown + leftOut.unknown,
      // What was too late for the words before is read with these, or given as words of its own.
      later: leftOut.later,
      resolved: before.leftOut.resolved + leftOut.resolved,
      minimized: before.leftOut.minimized + leftOut.minimized,
      unseen: before.leftOut.unseen + leftOut.unseen,
      older: before.leftOut.older + leftOut.older,
    },
  }
  return { workspace: { readUpTo: { of: id, ...now.upTo }, given } }
}

const noneGiven = GivenContext.parse({ thread: false })
