/** `retry` starts the last request of the thread again, with other options if some are given. */
import { OfRetry } from '../core/command/options.ts'
import { offerAfter } from '../core/record/last-word.ts'
import { wordsOfRound } from '../core/record/ledger.ts'
import type { FollowUp } from '../core/record/mailbox-part.ts'
import type { RunOptions, RunRequest } from '../core/record/request-part.ts'
import { newRun, type Run } from '../core/record/run.ts'
import {
  type CommandRequest,
  type Conversation,
  command,
  type Reads,
  reject,
  wants,
} from './command.ts'
import { inTheWay } from './join-or-wait.ts'
import { agreeOn, type Free, mayMeetOtherPull } from './may-start.ts'
import { inSession, requestAndBaseline, type StartReads, supersededBy } from './new-run.ts'
import { settingsFor } from './run-options.ts'

const wantedAgain = (request: CommandRequest, { request: { options, what, approves } }: Run) =>
  wants(request, { what, approves, options: { ...OfRetry.parse(options), ...request.options } })

export const retryCommand = command({
  name: 'retry',
  usage: '/codex retry [options]',
  example: '/codex retry --effort high',
  about: 'Starts the last request of this thread again.',
  least: 'write',
  takes: 'nothing',
  options: true,
  starts: true,

  async facts(reads: StartReads & Pick<Reads, 'shown'>, request): Promise<RetryFacts> {
    const live = await reads.live()
    if (live || !request.trigger.snapshot.open) return { live }
    const [conversation, shown] = await Promise.all([reads.conversation(), reads.shown()])
    const { marker, lastRun } = shown ?? conversation ?? {}
    if (!conversation || !lastRun) return {}
    // The words of an earlier round are not kept.
    const isOfEarlier =
      marker?.as === 'closing' && !marker.backup && lastRun.result.round !== marker.round
    if (isOfEarlier) return { goneOn: true }
    const [head = lastRun.baseline.head, read] = await Promise.all([
      reads.head('now'),
      reads.settings(),
    ])
    const asked = wantedAgain(request, lastRun)
    const held = await settingsFor(reads, read, asked.options, request.options)
    const closers = mayMeetOtherPull(asked) ? await reads.closers() : []
    return { before: { conversation: { ...conversation, lastRun }, head, held, closers } }
  },

  decide(request, { live, before, goneOn }) {
    if (live) return live.id === request.runId ? { kind: 'started' } : inTheWay(live, 'retry')
    if (!request.trigger.snapshot.open) return reject('closed')
    if (goneOn) return reject('goneOn')
    if (!before) return reject('nothingToRetry')
    const { lastRun } = before.conversation
    const { outcome } = lastRun.result
    const given = request.options
    const isFailed = outcome?.kind === 'failed' || outcome?.kind === 'unfinished'
    if (isFailed && !offerAfter(outcome) && Object.keys(given).length === 0)
      return reject('noUse', outcome)
    const asked = wantedAgain(request, lastRun)
    const { refused, options } = agreeOn({ ...before, request, wanted: asked, given, again: true })
    return refused ?? { kind: 'start', run: again(request, before, options) }
  },
})

interface RetryFacts {
  live?: Run | undefined
  before?: Before
  /** The box that was ticked stands under an earlier round. */
  goneOn?: true
}

type Before = Free & { conversation: Conversation & { lastRun: Run } }

function again(request: CommandRequest, before: Before, options: RunOptions): Run {
  const { trigger, options: given } = request
  const { sender: by, at } = trigger
  const { conversation } = before
  const { lastRun: last, pull } = conversation
  // After round 0 the first request has its result, and only what was said since is asked again.
  const isDone = last.result.round > 0 || last.result.instructionDone
  const said = wordsOfRound(last)
  const [first] = isDone ? said : []
  const later = said.slice(first ? 1 : 0)
  const goesOn = !given.new && (last.request.goesOn || first) ? true : undefined
  const otherSession = given.new ? 'a new task' : 'a new run'
  const { request: whose, baseline, ...begun } = requestAndBaseline(request, before)
  const { blockers, open } = trigger.snapshot
  const snapshot = { ...last.baseline.snapshot, blockers, open }
  const pulls = pull ? [pull] : []
  return newRun({
    ...begun,
    request: { ...lastRequest(last, first), ...whose, goesOn, options },
    baseline: { ...baseline, snapshot },
    mailbox: {
      words: later.map(({ kind, text, typed, fixes, inline, attached }, index) => {
        const id = `${request.runId}-words-${index + 1}`
        return { kind, id, by, at, text, typed, fixes, inline, attached, state: 'waiting' as const }
      }),
    },
    result: { pulls, reported: pulls.length },
    ...inSession(conversation, trigger, goesOn ? 'the same' : otherSession),
    report: { supersedes: supersededBy(trigger, last) },
  })
}

function lastRequest(
  { request: { approves, ...request } }: Run,
  words: FollowUp | undefined,
): RunRequest {
  if (!words)
    return { ...request, approves: approves && { plan: approves.plan, text: approves.text } }
  const { text, typed, fixes, attached, inline } = words
  return { ...request, text, typed, fixes, attached, inline }
}
