import { holds, pauseOfRepository } from '../core/model/pause.ts'
import { command, type Reads, reject } from './command.ts'

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

  decide({ trigger, command }, { now, before, waiting }) {
    const { thread, sender, at } = trigger
    if (before && before.at > at) return reject({ kind: 'said-since', by: before.by, paused: before.paused })
    const id = `${trigger.id}-${command}`
    const what = pauseOfRepository(thread.repoId)
    const pause = { ...what, paused: false, id, at, by: sender.login, why: '' }
    // It ended the pause, and the process died before it was answered.
    if (before?.id === id) return { kind: 'pause', pause, reply: { kind: 'resumed', pause, waiting } }
    if (!before || !holds(before, now)) return reject({ kind: 'nothing-to', command: 'resume' })
    return { kind: 'pause', pause, reply: { kind: 'resumed', pause, before, waiting } }
  },
})
