/** The pauses: each an errand that waits for its end, and wakes what waited for it. */
import type { WrittenOnce } from '../access/first-of.ts'
import { newestPause, Pause, type PauseOf, type Pauses } from '../core/model/pause.ts'
import type { JobQueue } from '../core/model/ports.ts'
import { hour, redelivered } from '../core/model/time.ts'
import { wakeEach, whilePaused } from '../core/record/run-index.ts'

const kind = 'pause'

interface Errands {
  send(errand: { kind: string; id: string; subject: string; what: Pause }): Promise<void>
  allSaid(kind: string, subject: string): Promise<unknown[]>
}

/** @param connectedAt since when the queue has forgotten nothing, ms since the epoch */
export function pausesIn(errands: Errands, records: WrittenOnce, connectedAt: () => number): Pauses {
  const known = async (of: PauseOf): Promise<Pause | undefined> =>
    newestIn(await errands.allSaid(kind, subjectOf(of)))
  const say = (pause: Pause): Promise<void> =>
    errands.send({ kind, id: pause.id, subject: subjectOf(pause), what: pause })
  return {
    say,
    async of(what, said) {
      // Known by the queue, and for this connection: a queue may lose what it had at any time.
      const searched = `pauses-searched-${what.repoId}-${connectedAt()}`
      if (said && !(await records.get(searched))) {
        const pause = await said()
        if (pause) await say(pause)
        await records.add(searched, {})
      }
      return known(what)
    },
  }
}

/** Two that arrive together are both kept, and whoever asks picks the one that GitHub had last. */
const newestIn = (allSaid: readonly unknown[]): Pause | undefined =>
  newestPause(allSaid.flatMap(each => Pause.safeParse(each).data ?? []))

const subjectOf = ({ of, repoId }: PauseOf): string =>
  of === 'repository' ? String(repoId) : `${of} ${repoId}`

export interface PauseDeps {
  runs: Pick<JobQueue<unknown>, 'members' | 'wake'>
  now(): number
}

export const pauseErrand = {
  kind,
  run:
    ({ runs, now }: PauseDeps) =>
    async ({ allSaid }: { allSaid: readonly unknown[] }): Promise<number | 'done'> => {
      const read = newestIn(allSaid)
      if (!read) return 'done'
      const end = read.paused ? (read.until ?? Number.POSITIVE_INFINITY) : read.at
      if (end > now()) return Math.min(hour, end - now())
      await wakeEach(runs, whilePaused(read))
      return now() - end > redelivered ? 'done' : hour
    },
}
