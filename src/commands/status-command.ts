/** `status` says what is going on in the thread, or how its last run ended. */
import { replies } from '../core/words/replies.ts'
import type { ThreadStanding } from '../core/words/thread-standing.ts'
import { answerWith, command, type Reads } from './command.ts'

type StandingReads = Pick<
  Reads,
  | 'repliedLately'
  | 'live'
  | 'beside'
  | 'asItWaits'
  | 'pageOf'
  | 'conversation'
  | 'run'
  | 'notBegun'
  | 'refused'
  | 'now'
>

export const statusCommand = command({
  name: 'status',
  usage: '/codex status',
  example: '/codex status',
  about: 'Says what is going on in this thread.',
  least: 'read',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  async facts(reads: StandingReads): Promise<ThreadStanding | undefined> {
    if (reads.repliedLately()) return undefined
    const [live, notBegun] = await Promise.all([reads.live(), reads.notBegun()])
    const here = { notBegun, now: reads.now }
    if (live) return { live: await reads.asItWaits(live), page: reads.pageOf(live), ...here }
    const beside = await reads.beside()
    if (beside)
      return { beside: await reads.asItWaits(beside), page: reads.pageOf(beside), ...here }
    const [conversation, refused] = await Promise.all([reads.conversation(), reads.refused()])
    const last = conversation && (await reads.run(conversation.marker.run))
    return { asked: conversation !== undefined, last, refused, ...here }
  },

  decide: (_, standing) => (standing ? answerWith(replies.status(standing)) : { kind: 'silence' }),
})
