/** What one account may leave in the queue, and whose trigger is taken up next. */
import { hour, latelyCounted, second } from '../../core/model/time.ts'
import type { Trigger } from '../../core/model/trigger.ts'

/** Bytes of words that wait in the queue, or that it keeps, of one account in an hour. */
const mostBytes = 8e6
/** The least that a trigger takes there, as long as its id is known. */
const leastBytes = 2_000

/** Whether there is room for what an account writes, however fast that is. */
export type MayLeave = (trigger: Trigger) => boolean

export function leavesWithin(now: () => number): MayLeave {
  const left = latelyCounted(hour, now)
  return trigger => {
    const { kind } = trigger
    if (kind !== 'comment' && kind !== 'label' && kind !== 'tick') return true
    const { id } = trigger.sender
    const bytes = leastBytes + Buffer.byteLength(JSON.stringify(trigger))
    const isRoom = left(id, 0) + bytes <= mostBytes
    if (isRoom) left(id, bytes)
    return isRoom
  }
}

/** Whoever sent more lately than this is taken up in the order in which it came. */
const lastInLine = 100

/** Owners take turns, and so do the people of each: the more has come of them lately, the later their next is taken up. */
export function turnsOfOwners(now: () => number): (trigger: Trigger) => number {
  const came = latelyCounted(10 * second, now)
  const before = (name: string) => Math.min(lastInLine, Math.round(came(name, 1)))
  return trigger => {
    const owner =
      trigger.kind === 'access-lost' ? trigger.installationId : trigger.thread.installationId
    return before(`${owner}`) + before(`${owner} ${trigger.sender.id}`)
  }
}
