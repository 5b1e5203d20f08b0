import { holds, isNewer } from '../core/model/pause.ts'
import { command, type Reads, reject } from './command.ts'
import { said, since } from './pause-command.ts'

export const resumeCommand = command({
  name: 'resume',
  usage: '/codex resume',
  example: '/codex resume',
  about: 'Ends a pause of this repository.',
  least: 'maintain',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  facts: async (reads: Pick<Reads, 'now' | 'pause' | 'waitingForPause'>) => {
    const [before, waiting] = await Promise.all([reads.pause(), reads.waitingForPause()])
    return { now: reads.now, before, waiting }
  },

  /** Kept whatever was known then: a pause that was said before it may come later. */
  decide(request, { now, before, waiting }) {
    const pause = said(request, false)
    if (before && isNewer(before, pause)) return reject(since(before))
    // It ended the pause, and the process died before it was answered.
    if (before?.id === pause.id) return { kind: 'pause', pause, reply: { kind: 'resumed', pause, waiting } }
    if (!before || !holds(before, now))
      return { kind: 'pause', pause, reply: { kind: 'nothing-to', command: 'resume' } }
    return { kind: 'pause', pause, reply: { kind: 'resumed', pause, before, waiting } }
  },
})
