import { readPause } from '../core/command/pause-time.ts'
import { pauseOfRepository } from '../core/model/pause.ts'
import { command, type Reads, reject } from './command.ts'

export const pauseCommand = command({
  name: 'pause',
  usage: '/codex pause [until TIME] [reason]',
  example: '/codex pause until 18:00 release',
  about:
    'Nothing new starts in this repository until then, or until `/codex resume`. What is asked meanwhile is kept and starts by itself. Runs at work go on.',
  least: 'maintain',
  takes: 'text',
  options: false,
  repliesAtOnce: true,

  facts: async (reads: Pick<Reads, 'now' | 'pause'>) => ({ now: reads.now, before: await reads.pause() }),

  decide({ trigger, text, command }, { now, before }) {
    const read = readPause(text, now)
    if (read.kind === 'no-time') return reject({ ...read, kind: 'no-pause-time' })
    const { until, why } = read
    const { thread, sender, at } = trigger
    if (before && before.at > at) return reject({ kind: 'said-since', by: before.by, paused: before.paused })
    const pause = {
      paused: true,
      ...pauseOfRepository(thread.repoId),
      id: `${trigger.id}-${command}`,
      at,
      by: sender.login,
      why,
      until,
    }
    return { kind: 'pause', pause, reply: { kind: 'paused', pause, now } }
  },
})
