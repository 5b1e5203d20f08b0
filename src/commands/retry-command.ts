/** `retry` starts the last request of the thread again, with other options if some are given. */
import { OfRetry } from '../core/command/options.ts'
import { offerAfter } from '../core/record/last-word.ts'
import type { FollowUp } from '../core/record/mailbox-part.ts'
import type { RunOptions, RunRequest } from '../core/record/request-part.ts'
import { newRun, type Run } from '../core/record/run.ts'
import { replies } from '../core/words/replies.ts'
import { type Conversation, command, type Reads, type Request, reject, type Wanted } from './command.ts'
import { inTheWay } from './join-or-wait.ts'
import { beginning, inSession, type StartReads, supersededBy } from './new-run.ts'
import { type Free, mayDouble, refusalOf } from './refusals.ts'
import { checkOptions, settingsFor } from './run-options.ts'

const wanted = (
  { options }: Request,
  { request: { options: before, what, approves } }: Run,
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
    const [conversation, shown] = await Promise.all([reads.conversation(), reads.shown()])
    const { marker, lastRun } = shown ?? conversation ?? {}
    if (!conversation || !lastRun) return {}
    // The words of an earlier round are not kept.
    const isOfEarlier = marker?.as === 'closing' && !marker.backup && lastRun.result.round !== marker.round
    if (isOfEarlier) return { goneOn: true }
    const [head = lastRun.baseline.head, read] = await Promise.all([reads.head('now'), reads.settings()])
    const asked = wanted(request, lastRun)
    const held = await settingsFor(reads, read, asked.options, request.options)
    const closers = mayDouble(asked) ? await reads.closers() : []
    return { before: { conversation: { ...conversation, lastRun }, head, held, closers } }
  },

  decide(request, { live, before, goneOn }) {
    const { trigger, runId } = request
    if (live) return live.id === runId ? { kind: 'started' } : inTheWay(live, 'retry')
    if (!trigger.snapshot.open) return reject(replies.closed)
    if (goneOn) return reject(replies.goneOn)
    if (!before) return reject(replies.nothingToRetry)
    const { lastRun } = before.conversation
    const { outcome } = lastRun.result
    const given = request.options
    const isFailed = outcome?.kind === 'failed' || outcome?.kind === 'unfinished'
    if (isFailed && !offerAfter(outcome) && Object.keys(given).length === 0)
      return reject(replies.noUse(outcome))
    const asked = wanted(request, lastRun)
    const checked = checkOptions({ ...before.held, ...asked, owner: trigger.thread.ownerId })
    const refused = refusalOf({ ...before, request, wanted: asked, given, checked, again: true })
    return refused ? reject(refused) : { kind: 'start', run: again(request, before, checked.options) }
  },
})

interface Facts {
  live?: Run | undefined
  before?: Before
  /** The box that was ticked stands under an earlier round. */
  goneOn?: true
}

interface Before extends Free {
  conversation: Conversation & { lastRun: Run }
}

function again(request: Request, before: Before, options: RunOptions): Run {
  const { trigger, options: given } = request
  const { conversation } = before
  const { lastRun: last, pull } = conversation
  // After round 0 the first request has its result, and only what was said since is asked again.
  const isDone = last.result.round > 0 || last.result.instructionDone
  const { wordsOfRound } = last.mailbox
  const [first] = isDone ? wordsOfRound : []
  const later = wordsOfRound.slice(first ? 1 : 0)
  const goesOn = !given.new && (last.request.goesOn || first) ? true : undefined
  const { request: whose, baseline, ...begun } = beginning(request, before)
  const pulls = pull ? [pull] : []
  return newRun({
    ...begun,
    request: { ...lastRequest(last, first), ...whose, goesOn, options },
    baseline: {
      ...baseline,
      snapshot: { ...last.baseline.snapshot, blockers: trigger.snapshot.blockers },
    },
    mailbox: {
      pendingFollowUps: later.map(({ kind, text, inline, attached }, index) => ({
        ...{ kind, text, inline, attached, id: `${request.runId}-words-${index + 1}` },
        by: trigger.sender,
        at: trigger.at,
      })),
    },
    result: { pulls, reported: pulls.length },
    ...inSession(conversation, trigger, goesOn ? 'the same' : given.new ? 'a new task' : 'a new run'),
    report: { supersedes: supersededBy(trigger, last) },
  })
}

function lastRequest({ request: { approves, ...request } }: Run, words: FollowUp | undefined): RunRequest {
  if (!words) return { ...request, approves: approves && { plan: approves.plan, text: approves.text } }
  const { text, attached, inline } = words
  return { ...request, template: undefined, text, attached, inline }
}
