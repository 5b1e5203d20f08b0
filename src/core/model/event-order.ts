import type { RunRequest } from '../run/record/request-part.ts'
import type { Trigger } from './trigger.ts'

/** Within one second the numbers of comments decide, which grow; without any, what takes back counts as the later. */
export function isBefore(asked: Pick<RunRequest, 'at' | 'origin'>, happened: Trigger): boolean {
  if (asked.at !== happened.at) return asked.at < happened.at
  const earlier =
    asked.origin.kind === 'comment' && asked.origin.commentRef.kind === 'thread'
      ? asked.origin.commentRef
      : undefined
  const later = happened.kind === 'comment' && happened.commentRef.kind === 'thread' ? happened : undefined
  if (!earlier || later?.commentRef.kind !== 'thread' || later.before !== undefined) return true
  return earlier.commentId <= later.commentRef.commentId
}
