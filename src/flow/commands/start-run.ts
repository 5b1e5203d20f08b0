/** Commands that start a Run, or give more words to one that lives. */
import { isBranchName } from '../../core/branch.ts'
import type { Options } from '../../core/command/parse.ts'
import { nearest } from '../../core/command/parse.ts'
import type { Reply } from '../../core/comments/replies.ts'
import { type Ask, type NewRun, newRun, type Run, type RunOptions } from '../../core/run.ts'
import { effortsFor, type ReasoningEffort } from '../../core/run-request.ts'
import { isFork, type PullHead, threadSlot } from '../../core/thread.ts'
import type { InlineComment } from '../../core/trigger.ts'
import { type Asking, commandId, type Handled, liveRun, refused, type TriggerHand } from './hand.ts'
import { type Past, pastOf } from './history.ts'

export interface Wanted {
  what: Ask['what']
  text: string
  options: Options
  /** Words for a Run that lives go to its agent; everything else waits for its turn. */
  mayJoin: boolean
  inline?: InlineComment[]
}

export async function startRun(hand: TriggerHand, trigger: Asking, wanted: Wanted): Promise<Handled> {
  const slot = threadSlot(trigger.thread)
  const live = await liveRun(hand, slot)
  if (live && live.id !== runId(hand)) return joinOrWait(hand, live.data, wanted, trigger)
  if (!trigger.snapshot.open) return refused({ reply: 'closed' })
  const head = await headOf(hand, trigger)
  if (head && isFork(head, trigger.thread)) return refused({ reply: 'fork' })
  const options = await settle(hand, wanted)
  if ('reply' in options) return refused(options)
  const past = wanted.options.new ? undefined : await pastOf(hand)
  return enqueue(hand, trigger, newRun({ ...facts(hand, trigger, wanted, options, head), ...goingOn(past) }))
}

export const runId = (hand: TriggerHand): string => `run-${commandId(hand)}`

export async function enqueue(hand: TriggerHand, trigger: Asking, run: Run): Promise<Handled> {
  const { outcome } = await hand.deps.runs.add(run.id, run, threadSlot(trigger.thread))
  // Somebody was faster: come back and be a follow-up.
  return outcome === 'held' ? { with: 'wait', ms: 50 } : { with: 'run' }
}

function facts(
  hand: TriggerHand,
  trigger: Asking,
  wanted: Wanted,
  options: RunOptions,
  head: PullHead | undefined,
): NewRun {
  return {
    id: runId(hand),
    thread: trigger.thread,
    ask: {
      by: trigger.sender,
      at: trigger.at,
      origin:
        trigger.kind === 'label'
          ? { by: 'label', label: trigger.label }
          : { by: 'comment', place: trigger.place },
      what: wanted.what,
      text: wanted.text,
      options,
      ...(wanted.inline ? { inline: wanted.inline } : {}),
    },
    snapshot: trigger.snapshot,
    ...(head ? { head } : {}),
  }
}

/** One task per thread: an earlier session is gone on with. */
export function goingOn(past: Past | undefined): Pick<NewRun, 'earlier' | 'taskId' | 'pulls' | 'reported'> {
  const { task, taskRun, branch } = past?.marker ?? {}
  if (task === undefined) return {}
  const pulls = past?.pull ? [past.pull] : []
  return {
    taskId: task,
    pulls,
    reported: pulls.length,
    ...(taskRun === undefined
      ? {}
      : {
          earlier: {
            taskId: task,
            taskRunId: taskRun,
            over: false,
            ...(branch === undefined ? {} : { branch }),
          },
        }),
  }
}

async function joinOrWait(hand: TriggerHand, live: Run, wanted: Wanted, trigger: Asking): Promise<Handled> {
  if (trigger.kind === 'label')
    return live.outcome ? takeOver(hand, live) : give(hand, live.id, { says: 'label', label: trigger.label })
  const joins = wanted.mayJoin && !wanted.options.new && live.ask.what === wanted.what
  if (joins) return give(hand, live.id, { says: 'more', text: wanted.text || 'Go on.' })
  return live.outcome
    ? takeOver(hand, live)
    : { with: 'wait', ms: 2_000, announce: { reply: 'queued-behind' } }
}

/** The Run has told how it ended and only stays to see the agent off: it makes room at once. */
export async function takeOver(hand: TriggerHand, live: Run): Promise<Handled> {
  if (!live.yielding)
    await hand.deps.runs.tell(live.id, JSON.stringify({ says: 'yield', id: `${commandId(hand)}-yield` }))
  return { with: 'wait', ms: 200 }
}

type Said = { says: 'more'; text: string } | { says: 'stop' } | { says: 'label'; label: string }

/** Tells a live Run something; the caller stays until the Run has read it. */
export async function give(hand: TriggerHand, to: string, said: Said): Promise<Handled> {
  const { trigger } = hand.record
  const noteId = commandId(hand)
  const told = await hand.deps.runs.tell(
    to,
    JSON.stringify({ ...said, id: noteId, by: trigger.sender, at: trigger.at }),
  )
  return told ? { with: 'note', runId: to, noteId } : { with: 'wait', ms: 50 }
}

async function headOf(hand: TriggerHand, trigger: Asking): Promise<PullHead | undefined> {
  if (trigger.thread.kind !== 'pull') return undefined
  return trigger.head ?? (await hand.github.pull(trigger.thread.number))?.head
}

/** Options and defaults together, checked against what the server knows. */
export async function settle(
  hand: TriggerHand,
  { options, what }: Pick<Wanted, 'options' | 'what'>,
): Promise<RunOptions | Reply> {
  const model = options.model ?? hand.deps.defaults.model
  const wrongModel = options.model === undefined ? undefined : await checkModel(hand, options.model)
  if (wrongModel) return wrongModel
  const known = effortsFor(model)
  if (options.effort && !known.includes(options.effort))
    return { reply: 'effort', effort: options.effort, model, known }
  if (options.branch !== undefined) {
    const found = isBranchName(options.branch) && (await hand.github.branch(options.branch))
    if (!found) return { reply: 'no-branch', branch: options.branch, meant: undefined }
  }
  const effort = options.effort ?? affordable(hand.deps.defaults.effort, known)
  return {
    model,
    ...(effort === undefined ? {} : { effort }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
    ...(what === 'plan' ? { permission: 'read-only' as const } : {}),
  }
}

/** A default that the model does not take gives way to the most that it takes. */
const affordable = (
  effort: ReasoningEffort | undefined,
  known: readonly ReasoningEffort[],
): ReasoningEffort | undefined => (effort === undefined || known.includes(effort) ? effort : known.at(-1))

async function checkModel(hand: TriggerHand, model: string): Promise<Reply | undefined> {
  const known = (await hand.deps.posthog.models()).map(({ name }) => name)
  if (known.length === 0 || known.some(name => name.toLowerCase() === model.toLowerCase())) return undefined
  return { reply: 'model', model, meant: nearest(model.toLowerCase(), known), known }
}
