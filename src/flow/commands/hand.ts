/** What the handling of a command has in hand, and how it ends. */

import { type Reply, replyComment } from '../../core/comments/replies.ts'
import { type Deployment, maxComment } from '../../core/comments/words.ts'
import type { Marker, Signer } from '../../core/marker.ts'
import type { FlowMeter } from '../../core/meter.ts'
import { limits } from '../../core/pace.ts'
import type { RepoSettings } from '../../core/repo-settings.ts'
import type { Run } from '../../core/run.ts'
import type { ReasoningEffort } from '../../core/run-request.ts'
import type { Target } from '../../core/seen.ts'
import type { CommentTrigger, LabelTrigger, Place, TickTrigger, Trigger } from '../../core/trigger.ts'
import type { Reached } from '../crash-points.ts'
import type { GitHub, Held, KeptRun, Log, RunQueue, TasksClient, ThreadClient } from '../edges.ts'
import { logAbout } from '../log.ts'
import type { TriggerRecord } from '../trigger-record.ts'

export interface TriggerDeps {
  github: GitHub
  posthog: Pick<TasksClient, 'models' | 'sandboxes'>
  runs: RunQueue<Run>
  /** Other triggers that wait, to take them back. */
  waiting: WaitingTriggers
  deployment: Deployment
  signer: Signer
  defaults: { model: string; effort: ReasoningEffort | undefined }
  /** The label that starts a run. */
  label: string
  reached: Reached
  log: Log
  meter?: Pick<FlowMeter, 'handled'>
  now(): number
}

interface WaitingTriggers {
  live(): Promise<{ id: string; data: TriggerRecord }[]>
  tell(id: string, message: string): Promise<boolean>
}

/** A trigger that asks for something. */
export type Asking = CommentTrigger | LabelTrigger | TickTrigger

/**
 * How the handling of one command ends: with words, with a Run that will answer, in silence, or not yet.
 */
export type Handled =
  | { with: 'reply'; reply: Reply; well: boolean }
  | { with: 'run' }
  | { with: 'note'; runId: string; noteId: string }
  | { with: 'silence' }
  | { with: 'wait'; ms: number; announce?: Reply }

export const answered = (reply: Reply): Handled => ({ with: 'reply', reply, well: true })
export const refused = (reply: Reply): Handled => ({ with: 'reply', reply, well: false })

export interface TriggerHand {
  deps: TriggerDeps
  job: Held<TriggerRecord>
  github: ThreadClient
  record: TriggerRecord
  /** The command at hand is a stop, which the Run's last word answers. */
  stopping: boolean
  /** The repository's settings, read once each time the job is taken up. */
  settings?: Promise<{ settings: RepoSettings; problem: string | undefined }>
  save(record: TriggerRecord): Promise<void>
}

export function triggerHand(deps: TriggerDeps, job: Held<TriggerRecord>): TriggerHand {
  const { id, deliveryId, thread } = job.data.trigger
  return {
    deps: { ...deps, log: logAbout(deps.log, { trigger: id, delivery: deliveryId }) },
    job,
    github: deps.github(thread),
    record: job.data,
    stopping: false,
    async save(record) {
      await job.save(record)
      this.record = record
    },
  }
}

export const targetOf = (trigger: Trigger): Target =>
  trigger.kind === 'comment' ? trigger.place : { in: 'subject' }

/** The id of the command at hand: the trigger's, with a number from the second command of a comment on. */
export const commandId = ({ record }: TriggerHand): string =>
  record.done === 0 ? record.trigger.id : `${record.trigger.id}-${record.done + 1}`

const skew = 60_000

const day = 24 * 60 * 60_000

/** Strangers get one answer a day in a thread, so that nobody can make the bot talk. */
export async function isRepeatedRefusal(hand: TriggerHand, words: Reply): Promise<boolean> {
  if (!isRefusal(words) || hand.record.replying !== undefined) return false
  const sent = await ownMarked(hand, 'refusal', hand.deps.now() - day)
  return sent.some(({ marker }) => marker.to === hand.record.trigger.sender.id)
}

const isRefusal = ({ reply }: Reply): boolean => reply === 'not-allowed' || reply === 'not-known'

/** Posts an answer once: an earlier attempt that left no result is looked for first. */
export async function reply(hand: TriggerHand, words: Reply): Promise<void> {
  const { trigger, replying } = hand.record
  const first = words.reply === 'queued-behind' || words.reply === 'kept'
  const as = words.reply === 'status' ? 'status-reply' : isRefusal(words) ? 'refusal' : 'reply'
  const marker: Marker = {
    run: `${commandId(hand)}${first ? '-first' : ''}`,
    repo: trigger.thread.repoId,
    thread: trigger.thread.number,
    as,
    to: trigger.sender.id,
  }
  if (replying !== undefined && (await alreadySent(hand, marker, replying))) return
  await hand.save({ ...hand.record, replying: hand.deps.now() })
  await send(hand, words, marker)
}

async function alreadySent(hand: TriggerHand, { run, as }: Marker, since: number): Promise<boolean> {
  const sent = await ownMarked(hand, as, since - skew)
  if (sent.some(({ marker }) => marker.run === run)) return true
  if (hand.deps.now() < since + limits.unanswered) throw new ReplyNotSettled(since + limits.unanswered)
  return false
}

async function send(hand: TriggerHand, words: Reply, marker: Marker): Promise<void> {
  const signed = hand.deps.signer.write(marker)
  const { sender } = hand.record.trigger
  const text = replyComment(sender.login, words).slice(0, maxComment - signed.length - 2)
  const old = marker.as === 'status-reply' ? await ownMarked(hand, 'status-reply') : []
  await hand.job.assertHeld()
  await hand.github.comment(`${text}\n\n${signed}`, placeOf(hand))
  hand.deps.reached('reply posted, not recorded')
  // Only the newest answer to "status" is of any use.
  for (const { id } of old) await hand.github.deleteComment(id)
}

const placeOf = ({ record: { trigger } }: TriggerHand): Place | undefined =>
  trigger.kind === 'comment' ? trigger.place : undefined

async function ownMarked(
  hand: TriggerHand,
  as: Marker['as'],
  since?: number,
): Promise<{ id: number; marker: Marker }[]> {
  const { thread } = hand.record.trigger
  const comments = await hand.github.ownComments(since, placeOf(hand))
  return comments.flatMap(({ id, body }) =>
    hand.deps.signer
      .read(body, thread)
      .filter(marker => marker.as === as)
      .map(marker => ({ id, marker })),
  )
}

export class ReplyNotSettled extends Error {
  override name = 'ReplyNotSettled'
  readonly until: number

  constructor(until: number) {
    super('an unanswered reply may still become visible')
    this.until = until
  }
}

/** The live Run of the thread. */
export async function liveRun(hand: TriggerHand, slot: string): Promise<KeptRun<Run> | undefined> {
  const id = await hand.deps.runs.holder(slot)
  const kept = id === undefined ? undefined : await hand.deps.runs.get(id)
  return kept?.standing === 'live' ? kept : undefined
}
