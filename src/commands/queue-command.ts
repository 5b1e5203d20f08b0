/** What waits before the thread's Run, among those of its owner. */
import { threadSlot } from '../core/model/thread.ts'
import { command } from './command.ts'
import type { Reads } from './reads.ts'

export const queueCommand = command({
  name: 'queue',
  usage: '/codex queue',
  example: '/codex queue',
  about: 'Says what waits before this thread, and why.',
  least: 'read',
  takes: 'nothing',
  options: false,

  facts: async (reads: Pick<Reads, 'toldLately' | 'liveOfOwner'>) =>
    reads.toldLately('queue') ? { told: true } : { live: await reads.liveOfOwner() },

  decide({ trigger }, { told, live = [] }) {
    if (told) return { kind: 'silence' }
    const mine = live.find(({ data }) => threadSlot(data.thread) === threadSlot(trigger.thread))
    const ahead = mine
      ? live.filter(({ data, addedAt }) => addedAt < mine.addedAt && !data.taskRun).length
      : 0
    return { kind: 'reply', reply: { reply: 'queue', ahead, live: live.length, run: mine?.data } }
  },
})
