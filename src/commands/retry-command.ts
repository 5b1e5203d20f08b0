/** `retry` starts the last request of the thread again, with other options if some are given. */
import { OfRetry } from '../core/command/options.ts'
import type { Closer } from '../core/model/views.ts'
import { offerAfter } from '../core/record/last-word.ts'
import type { FollowUp } from '../core/record/mailbox-part.ts'
import { requestersOf } from '../core/record/own-pull-request.ts'
import { type NewRun, newRun, type Run } from '../core/record/run.ts'
import { replies } from '../core/words/replies.ts'
import { command, type LastRun, type Past, type Reads, type Request, reject, type Wanted } from './command.ts'
import { inTheWay } from './join-or-wait.ts'
import { goingOn, leaving, originOf, readUpToIn, type StartReads, superseding } from './new-run.ts'
import { mayDouble, refusalOf } from './refusals.ts'
import { checkOptions, type Settings, settingsFor } from './run-options.ts'

const wanted = (
  { options }: Request,
  { request: { options: before, what, approves } }: LastRun,
): Pick<Wanted, 'options' | 'what' | 'approves'> => ({
  options: { ...OfRetry.parse(before), ...options },
  what,
  approves,
})

export const retryCommand = command({
  name: 'retry',
  usage: '/codex retry [options]',
  example: '/codex retry --effort high',
  about: 'Starts the last request of this thread again.',
  least: 'write',
  takes: 'nothing',
  options: true,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'shown'>, request): Promise<Facts> {
    const live = await reads.live()
    if (live || !request.trigger.snapshot.open) return { live }
    const past = await reads.past()
    const marker = (await reads.shown()) ?? past?.marker
    const last = past && marker && (await reads.lastRun({ marker }))
    if (!past || !last) return {}
    // The words of an earlier round are not kept.
    const isOfEarlier = marker?.as === 'closing' && !marker.backup && last.result?.round !== marker.round
    if (isOfEarlier) return { goneOn: true }
    const [head, settings] = await Promise.all([reads.head('now'), reads.settings()])
    const asked = wanted(request, last)
    const held = await settingsFor(reads, settings, asked.options, request.options)
    return {
      before: { past, last, head, held, closers: mayDouble(asked) ? await reads.closers() : [] },
    }
  },

  decide(request, { live, before, goneOn }) {
    const { trigger, runId } = request
    if (live) return live.id === runId ? { kind: 'started' } : inTheWay(live, 'retry')
    if (!trigger.snapshot.open) return reject(replies.closed)
    if (goneOn) return reject(replies.goneOn)
    if (!before) return reject(replies.nothingToRetry)
    const { last } = before
    const outcome = last.result?.outcome
    const isFailed = outcome?.kind === 'failed' || outcome?.kind === 'unfinished'
    if (isFailed && !offerAfter(outcome) && Object.keys(request.options).length === 0)
      return reject(replies.noUse(outcome))
    const asked = wanted(request, last)
    const checked = checkOptions({ ...before.held, ...asked, owner: trigger.thread.ownerId })
    const given = request.options
    const refused = refusalOf({ ...before, request, wanted: asked, given, checked, again: true })
    if (refused) return reject(refused)
    return {
      kind: 'start',
      run: newRun({
        ...anew(request, before),
        ...superseding(trigger, before.last),
        request: {
          ...lastRequest(last),
          by: trigger.sender,
          before: requestersOf(last),
          goesOn: goesOn(request, last),
          at: trigger.at,
          delivery: trigger.deliveryId,
          origin: originOf(trigger),
          command: request.command,
          options: checked.options,
        },
      }),
    }
  },
})

interface Facts {
  live?: Run | undefined
  before?: Before
  /** The box that was ticked stands under an earlier round. */
  goneOn?: true
}

interface Before {
  past: Past
  last: LastRun
  head: NewRun['baseline']['head'] | undefined
  held: Settings
  closers: readonly Closer[]
}

/** What was asked first has its result once a round began for words. */
const roundWords = ({ mailbox, result }: LastRun): FollowUp[] =>
  (result?.round ?? 0) > 0 || result?.instructionDone ? (mailbox?.wordsOfRound ?? []) : []

const goesOn = ({ options }: Request, last: LastRun): true | undefined =>
  !options.new && (last.request.goesOn || roundWords(last).length > 0) ? true : undefined

function lastRequest(last: LastRun): NewRun['request'] {
  const { approves, ...request } = last.request
  const [words] = roundWords(last)
  const { text, attached, inline } = words ?? request
  if (words) return { ...request, template: undefined, text, attached, inline }
  return { ...request, approves: approves && { plan: approves.plan, text: approves.text } }
}

function anew(request: Request, { past, last, head = last.baseline.head, held }: Before) {
  const { trigger, runId, options } = request
  const { settings, problem } = held
  const { wordsOfRound = [] } = last.mailbox ?? {}
  const followUps = wordsOfRound.slice(roundWords(last).length > 0 ? 1 : 0)
  const { session, workspace } = leaving(past)
  return {
    id: runId,
    thread: trigger.thread,
    baseline: {
      snapshot: { ...last.baseline.snapshot, blockers: trigger.snapshot.blockers },
      settings,
      settingsProblem: problem,
      head,
    },
    mailbox: {
      pendingFollowUps: followUps.map(({ kind, text, inline, attached }, index) => ({
        ...{ kind, text, inline, attached, id: `${runId}-words-${index + 1}` },
        by: trigger.sender,
        at: trigger.at,
      })),
    },
    ...(goesOn(request, last)
      ? goingOn(past, readUpToIn(trigger, last))
      : {
          workspace,
          session: { ...session, taskId: options.new ? undefined : past.marker.task },
          ...(past.pull ? { result: { pulls: [past.pull], reported: 1 } } : {}),
        }),
  }
}
