import { isBefore } from '../core/model/event-order.ts'
import { isAtWork } from '../core/run/messages.ts'
import type { Run } from '../core/run/run.ts'
import { command, type Request, reject } from './command.ts'
import type { Reads } from './reads.ts'

export const stopCommand = command({
  name: 'stop',
  aliases: ['cancel'],
  usage: '/codex stop',
  example: '/codex stop',
  about: 'Stops the run, waiting or working, and says what is left behind. `cancel` is the same.',
  least: 'write',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  async facts(reads: Pick<Reads, 'live' | 'beside'>, { trigger }) {
    const live = await reads.live()
    const isHere = trigger.kind === 'tick' || (live && isAtWork(live))
    return isHere ? { live } : { live, beside: await reads.beside() }
  },

  decide({ trigger }, { live, beside }) {
    const run = beside ?? live
    if (!run || isOfAnother(trigger, run)) return reject({ kind: 'nothing-to', command: 'stop' })
    if (!isBefore(run.request, trigger)) return reject({ kind: 'asked-since' })
    if (!beside) return { kind: 'message', runId: run.id, message: { kind: 'stop' } }
    // No Run replies in another thread than its own, so what it would reply is known here.
    if (trigger.at < (run.mailbox.lastWordsAt ?? 0)) return reject({ kind: 'asked-since' })
    return { kind: 'message', runId: run.id, message: { kind: 'stop' }, beside: run.thread }
  },
})

const isOfAnother = (trigger: Request['trigger'], live: Run): boolean =>
  trigger.kind === 'tick' && trigger.run !== undefined && trigger.run !== live.id
