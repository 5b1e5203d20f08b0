import type { RunRequest } from '../run/record/request-part.ts'
import type { Trigger } from './trigger.ts'

/** Within a second, comment ids decide; without them, a stop counts as later. */
export function isBefore(request: Pick<RunRequest, 'at' | 'origin'>, happened: Trigger): boolean {
  if (request.at !== happened.at) return request.at < happened.at
  const earlier =
    request.origin.kind === 'comment' && request.origin.commentRef.kind === 'thread'
      ? request.origin.commentRef
      : undefined
  const later = happened.kind === 'comment' && happened.commentRef.kind === 'thread' ? happened : undefined
  if (!earlier || later?.commentRef.kind !== 'thread' || later.before !== undefined) return true
  return earlier.commentId <= later.commentRef.commentId
}
