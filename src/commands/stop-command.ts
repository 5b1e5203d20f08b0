import { isBefore } from '../core/model/event-order.ts'
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

  facts: async (reads: Pick<Reads, 'live'>) => ({ live: await reads.live() }),

  decide({ trigger }, { live }) {
    if (!live || isOfAnother(trigger, live)) return reject({ kind: 'nothing-to', command: 'stop' })
    if (!isBefore(live.request, trigger)) return reject({ kind: 'asked-since' })
    return { kind: 'message', runId: live.id, message: { kind: 'stop' } }
  },
})

const isOfAnother = (trigger: Request['trigger'], live: Run): boolean =>
  trigger.kind === 'tick' && trigger.run !== undefined && trigger.run !== live.id
