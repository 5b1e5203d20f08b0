import { type NewRun, newRun } from '../core/run/run.ts'
import { command, type Request, reject } from './command.ts'
import { inTheWay } from './in-the-way.ts'
import type { Reads } from './reads.ts'
import { previousOptions } from './run-options.ts'
import {
  leaving,
  originOf,
  rejectStart,
  type Settings,
  settled,
  superseding,
  type Wanted,
} from './start-decision.ts'
import { type StartReads, settlingOf } from './start-facts.ts'
import type { LastRun, Past } from './thread-history.ts'

const wanted = ({ options }: Request, { request }: LastRun): Pick<Wanted, 'options' | 'what'> => ({
  options: { ...previousOptions(request.options), ...options },
  what: request.what,
})

export const retryCommand = command({
  name: 'retry',
  usage: '/codex retry [options]',
  example: '/codex retry --effort high',
  about: 'Starts the last request of this thread again.',
  least: 'write',
  takes: 'nothing',
  options: true,

  async facts(reads: StartReads & Pick<Reads, 'shown'>, request) {
    const live = await reads.live()
    if (live || !request.trigger.snapshot.open) return { live }
    const past = await reads.past()
    const marker = reads.shown() ?? past?.marker
    const last = past && marker && (await reads.lastRun({ marker }))
    if (!past || !last) return {}
    const [head, settings] = await Promise.all([reads.head('now'), reads.settings()])
    const settling = await settlingOf(reads, settings, wanted(request, last).options)
    return { before: { past, last, head, settling, paused: reads.paused } }
  },

  decide(request, { live, before }) {
    const { trigger, runId } = request
    if (live) return live.id === runId ? { kind: 'started' } : inTheWay(live, 'retry')
    if (!trigger.snapshot.open) return reject({ kind: 'closed' })
    if (!before) return reject({ kind: 'nothing-to', command: 'retry' })
    const { settling, paused } = before
    if (!settling.usable) return reject({ kind: 'bad-settings', problem: settling.problem ?? '' })
    const agreed = settled(wanted(request, before.last), trigger.thread, settling)
    if (agreed.kind !== 'settled') return rejectStart(settling, agreed)
    if (paused !== undefined) return rejectStart(settling, { kind: 'paused', why: paused })
    return {
      kind: 'start',
      run: newRun({
        ...again(request, before),
        ...superseding(trigger, before.last),
        request: repeated(request, before, agreed.options),
      }),
    }
  },
})

interface Before {
  past: Past
  last: LastRun
  head: NewRun['baseline']['head'] | undefined
  settling: Settings
}

const repeated = (
  { trigger }: Request,
  { last: { request } }: Before,
  options: NewRun['request']['options'],
): NewRun['request'] => ({
  ...request,
  ...(request.approves ? { approves: { plan: request.approves.plan, text: request.approves.text } } : {}),
  by: trigger.sender,
  at: trigger.at,
  delivery: trigger.deliveryId,
  origin: originOf(trigger),
  options,
})

function again({ trigger, runId }: Request, { past, last, head = last.baseline.head, settling }: Before) {
  const { settings, problem } = settling
  const { session, workspace } = leaving(past)
  return {
    id: runId,
    thread: trigger.thread,
    baseline: { snapshot: last.baseline.snapshot, settings, settingsProblem: problem, head },
    workspace,
    session: { ...session, taskId: past.marker.task },
    ...(past.pull ? { result: { pulls: [past.pull], reported: 1 } } : {}),
  }
}
