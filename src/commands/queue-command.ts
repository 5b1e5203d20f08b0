import { command, type Reads } from './command.ts'

export const queueCommand = command({
  name: 'queue',
  usage: '/codex queue',
  example: '/codex queue',
  about: 'Says what the run of this thread waits for.',
  least: 'read',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  facts: async (reads: Pick<Reads, 'repliedLately' | 'live' | 'now'>) =>
    reads.repliedLately('queue') ? { repliedLately: true } : { live: await reads.live(), now: reads.now },

  decide(_, { repliedLately, live, now = 0 }) {
    if (repliedLately) return { kind: 'silence' }
    return { kind: 'reply', reply: { kind: 'queue', run: live, now } }
  },
})
