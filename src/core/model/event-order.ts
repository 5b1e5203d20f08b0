/** What came first, by GitHub's clock, which tells whole seconds. Pure. */
import type { Ask } from '../run/run.ts'
import type { Trigger } from './trigger.ts'

/**
 * Whether something was asked before something else happened. Within one second the numbers of comments decide,
 * which grow; where there are none, what takes back counts as the later.
 */
export function isBefore(asked: Pick<Ask, 'at' | 'origin'>, happened: Trigger): boolean {
  if (asked.at !== happened.at) return asked.at < happened.at
  const earlier =
    asked.origin.by === 'comment' && asked.origin.place.in === 'thread' ? asked.origin.place : undefined
  const later = happened.kind === 'comment' && happened.place.in === 'thread' ? happened : undefined
  if (!earlier || later?.place.in !== 'thread' || later.before !== undefined) return true
  return earlier.commentId <= later.place.commentId
}
