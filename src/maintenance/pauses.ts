/** The pauses of repositories: each an errand that waits for its end, and wakes what waited for it. */
import { Pause, type Pauses } from '../core/model/pause.ts'
import type { JobQueue } from '../core/model/ports.ts'
import { hour, redelivered } from '../core/model/time.ts'
import { wakeEach, whilePaused } from '../core/record/run-index.ts'

const kind = 'pause'

interface Errands {
  send(errand: { kind: string; id: string; subject: string; what: Pause }): Promise<void>
  what(kind: string, subject: string): Promise<unknown>
}

export const pausesIn = (errands: Errands): Pauses => {
  const of = async (repoId: number): Promise<Pause | undefined> =>
    Pause.safeParse(await errands.what(kind, String(repoId))).data
  return {
    of,
    async say(pause) {
      const before = await of(pause.repoId)
      if (before && before.at > pause.at) return
      await errands.send({ kind, id: pause.id, subject: String(pause.repoId), what: pause })
    },
  }
}

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
      await wakeEach(runs, whilePaused(read.repoId))
      return now() - end > redelivered ? 'done' : hour
    },
}
