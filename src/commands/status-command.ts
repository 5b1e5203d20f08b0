import { command } from './command.ts'
import type { Reads } from './reads.ts'

export const statusCommand = command({
  name: 'status',
  usage: '/codex status',
  example: '/codex status',
  about: 'Says what is going on in this thread.',
  least: 'read',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  async facts(reads: Pick<Reads, 'repliedLately' | 'live' | 'beside' | 'past' | 'run'>) {
    if (reads.repliedLately('status')) return { repliedLately: true }
    const live = await reads.live()
    if (live) return { live }
    const beside = await reads.beside()
    if (beside) return { beside }
    const past = await reads.past()
    return { past, last: past && (await reads.run(past.marker.run)) }
  },

  decide(_, { repliedLately, live, beside, past, last }) {
    if (repliedLately) return { kind: 'silence' }
    return { kind: 'reply', reply: { kind: 'status', live, beside, last, asked: past !== undefined } }
  },
})
