/** The pauses: each an errand that waits for its end, and wakes what waited for it. */
import type { WrittenOnce } from '../access/first-of.ts'
import { Pause, type PauseOf, type Pauses } from '../core/model/pause.ts'
import type { JobQueue } from '../core/model/ports.ts'
import { hour, redelivered } from '../core/model/time.ts'
import { wakeEach, whilePaused } from '../core/record/run-index.ts'

const kind = 'pause'

interface Errands {
  send(errand: { kind: string; id: string; subject: string; what: Pause }): Promise<void>
  what(kind: string, subject: string): Promise<unknown>
}

export function pausesIn(errands: Errands, records: WrittenOnce): Pauses {
  const known = async (of: PauseOf): Promise<Pause | undefined> =>
    Pause.safeParse(await errands.what(kind, subjectOf(of))).data
  const say = async (pause: Pause): Promise<void> => {
    const before = await known(pause)
    if (before && before.at > pause.at) return
    await errands.send({ kind, id: pause.id, subject: subjectOf(pause), what: pause })
  }
  return {
    say,
    async of(what, said) {
      const searched = `pauses-searched-${what.repoId}`
      if (said && !(await records.get(searched))) {
        const pause = await said()
        if (pause) await say(pause)
        await records.add(searched, {})
      }
      return known(what)
    },
  }
}

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
    async ({ what }: { what: unknown }): Promise<number | 'done'> => {
      const read = Pause.safeParse(what).data
      if (!read) return 'done'
      const end = read.paused ? (read.until ?? Number.POSITIVE_INFINITY) : read.at
      if (end > now()) return Math.min(hour, end - now())
      await wakeEach(runs, whilePaused(read))
      return now() - end > redelivered ? 'done' : hour
    },
}
