/**
 * A stop that its sender may give leaves its mark before it looks for what it ends. Whatever is to begin is written
 * first and looks for marks then. So one of the two sees the other, whichever comes first, and whatever either of them
 * had to wait for.
 */
import { unlessRejected } from '../core/model/errors.ts'
import type { GitHubWith } from '../core/model/ports.ts'
import type { Person, Thread } from '../core/model/thread.ts'
import { isBefore, type Moment } from '../core/record/event-order.ts'
import type { Signer } from '../core/record/marker.ts'
import { mayUseNow, type PersonCheck } from './authorize.ts'

export interface Stop {
  /** The id of its trigger. */
  id: string
  by: Person
  moment: Moment
}

interface Unjudged extends Pick<Stop, 'id' | 'by'> {
  at: number
  /** Reads the text: when it stops something, if it does; of a ticked box, which Run. */
  read(check: StopCheck): Promise<{ moment: Moment; run?: string } | undefined>
}

/** What tells who may stop, and what a text shows. */
export interface StopCheck extends PersonCheck {
  github: PersonCheck['github'] & GitHubWith<'pages.shown' | 'reviews.comments'>
  signer: Signer
}

export interface StopsOfThread {
  /** Stops of people who may stop. They are kept as long as GitHub redelivers what was asked before. */
  judged: Stop[]
  /** What lies in the queue, oldest first. */
  unjudged: Unjudged[]
}

export type StopsOf = (thread: Thread) => Promise<StopsOfThread>

/** More stops than this are dropped, so that nobody can keep others from starting by writing many. */
const maxAskedFor = 5

/**
 * The stop that ends what was asked at that moment, by the Run if there is one. One that waits to be judged is judged
 * here.
 */
export async function stopAfter(
  { run, ...asked }: Moment & { run?: string },
  { judged, unjudged }: StopsOfThread,
  check: () => Promise<StopCheck>,
): Promise<Stop | undefined> {
  const known = judged.find(({ moment }) => isBefore(asked, moment))
  const later = unjudged.filter(({ at }) => at >= asked.at)
  if (known || later.length === 0) return known
  const personCheck = await check()
  const senders = new Map(later.map(({ by }) => [by.id, by]))
  for (const by of [...senders.values()].slice(-maxAskedFor)) {
    // If GitHub refuses to say, it is asked again when that stop is judged.
    if (!(await mayUseNow(personCheck, by, 'stop').catch(unlessRejected))) continue
    for (const { id, read } of later.filter(each => each.by.id === by.id).slice(-maxAskedFor)) {
      const stop = await read(personCheck).catch(unlessRejected)
      if (!stop || (stop.run !== undefined && stop.run !== run)) continue
      if (isBefore(asked, stop.moment)) return { id, by, moment: stop.moment }
    }
  }
  return undefined
}
