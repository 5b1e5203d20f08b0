/** `stop` ends the run of the thread, and what was asked before it and has not begun. */
import { isBefore, momentOf, momentOfRequest } from '../core/record/event-order.ts'
import { isAtWork } from '../core/record/situation.ts'
import { command, type Reads, reject } from './command.ts'

export const stopCommand = command({
  name: 'stop',
  aliases: ['cancel'],
  usage: '/codex stop',
  example: '/codex stop',
  about: 'Stops the run and says what it had done. `cancel` is the same.',
  least: 'write',
  takes: 'nothing',
  options: false,
  repliesAtOnce: true,

  async facts(reads: Pick<Reads, 'live' | 'beside' | 'notBegun' | 'hasStopped'>, { trigger }) {
    const live = await reads.live()
    if (trigger.kind === 'tick') return live ? { live } : { isDone: await reads.hasStopped() }
    const beside = live && isAtWork(live) ? undefined : await reads.beside()
    if (live ?? beside) return { live, beside }
    const asked = momentOf(trigger)
    const ended = (await reads.notBegun()).filter(({ moment, stopped }) =>
      stopped ? stopped.stop === trigger.id : isBefore(moment, asked),
    )
    return { isDone: ended.length > 0 || (await reads.hasStopped()) }
  },

  decide({ trigger }, { live, beside, isDone }) {
    const run = beside ?? live
    // Each that waited is told of it, and so is whoever asked for a Run that has ended.
    if (isDone) return { kind: 'silence' }
    const isOfAnother =
      trigger.kind === 'tick' && trigger.run !== undefined && trigger.run !== run?.id
    if (!run || isOfAnother) return reject('nothingToStop')
    // A box stands under the run that it stops.
    if (trigger.kind !== 'tick' && !isBefore(momentOfRequest(run.request), momentOf(trigger)))
      return reject('askedSince')
    if (!beside) return { kind: 'message', runId: run.id, message: { kind: 'stop' } }
    // No Run replies in another thread than its own, so what it would reply is known here.
    if (trigger.at < (run.mailbox.lastWordsAt ?? 0)) return reject('askedSince')
    return { kind: 'message', runId: run.id, message: { kind: 'stop' }, beside: run.thread }
  },
})
