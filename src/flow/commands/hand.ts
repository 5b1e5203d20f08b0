/** What the handling of a command has in hand, and how it ends. */

import { type Reply, replyComment } from '../../core/comments/replies.ts'
import { maxComment } from '../../core/comments/words.ts'
import type { Signer } from '../../core/marker.ts'
import { limits } from '../../core/pace.ts'
import type { Run } from '../../core/run.ts'
import type { ReasoningEffort } from '../../core/run-request.ts'
import type { Target } from '../../core/seen.ts'
import type { CommentTrigger, LabelTrigger, Trigger } from '../../core/trigger.ts'
import type { GitHub, Held, KeptRun, Log, RunQueue, TasksClient, ThreadClient } from '../edges.ts'
import type { TriggerRecord } from '../trigger-record.ts'

export interface TriggerDeps {
  github: GitHub
  posthog: Pick<TasksClient, 'models'>
  runs: RunQueue<Run>
  signer: Signer
  defaults: { model: string; effort: ReasoningEffort | undefined }
  /** The label that starts a run. */
  label: string
  log: Log
  now(): number
}

/** A trigger that asks for something. */
export type Asking = CommentTrigger | LabelTrigger

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
  save(record: TriggerRecord): Promise<void>
}

export function triggerHand(deps: TriggerDeps, job: Held<TriggerRecord>): TriggerHand {
  return {
    deps,
    job,
    github: deps.github(job.data.trigger.thread),
    record: job.data,
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

/** Posts an answer once: an earlier attempt that left no result is looked for first. */
export async function reply(hand: TriggerHand, words: Reply): Promise<void> {
  const { trigger, replying } = hand.record
  const place = trigger.kind === 'comment' ? trigger.place : undefined
  const run = `${commandId(hand)}${words.reply === 'queued-behind' || words.reply === 'kept' ? '-first' : ''}`
  if (replying !== undefined) {
    const since = await hand.github.ownComments(replying - skew, place)
    const sent = since.some(({ body }) =>
      hand.deps.signer.read(body, trigger.thread).some(marker => marker.as === 'reply' && marker.run === run),
    )
    if (sent) return
    if (hand.deps.now() < replying + limits.unanswered)
      throw new ReplyNotSettled(replying + limits.unanswered)
  }
  await hand.save({ ...hand.record, replying: hand.deps.now() })
  const marker = hand.deps.signer.write({
    run,
    repo: trigger.thread.repoId,
    thread: trigger.thread.number,
    as: 'reply',
  })
  const text = replyComment(trigger.sender.login, words).slice(0, maxComment - marker.length - 2)
  await hand.job.assertHeld()
  await hand.github.comment(`${text}\n\n${marker}`, place)
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
