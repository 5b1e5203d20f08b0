/** `status` says what is going on in the thread, or how its last run ended. */
import type { Run } from '../core/record/run.ts'
import { replies } from '../core/words/replies.ts'
import { command, type NotBegun, type Reads, tell } from './command.ts'

interface Facts {
  repliedLately?: true
  live?: Run
  beside?: Run
  asked?: boolean
  last?: Run
  notBegun?: NotBegun[]
  now?: number
}

export const statusCommand = command({
  name: 'status',
  usage: '/codex status',
  example: '/codex status',
  about: 'Says what is going on in this thread.',
  least: 'read',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  async facts(
    reads: Pick<
      Reads,
      'repliedLately' | 'live' | 'beside' | 'asItWaits' | 'conversation' | 'run' | 'notBegun' | 'now'
    >,
  ): Promise<Facts> {
    if (reads.repliedLately()) return { repliedLately: true }
    const [live, notBegun] = await Promise.all([reads.live(), reads.notBegun()])
    const here = { notBegun, now: reads.now }
    if (live) return { live: await reads.asItWaits(live), ...here }
    const beside = await reads.beside()
    if (beside) return { beside: await reads.asItWaits(beside), ...here }
    const conversation = await reads.conversation()
    const last = conversation && (await reads.run(conversation.marker.run))
    return { asked: conversation !== undefined, last, ...here }
  },

  decide(_, { repliedLately, live, beside, asked = false, last, notBegun, now }) {
    if (repliedLately) return { kind: 'silence' }
    return tell(replies.status({ live, beside, last, asked, notBegun, now }))
  },
})
