/**
 * The record of a trigger in the queue: what arrived, which commands are done, and what the next waits for.
 * Its index finds triggers by thread, repository and installation.
 */
import { z } from 'zod'
import { Sender } from '../core/model/command-grammar.ts'
import type { IndexEntry } from '../core/model/ports.ts'
import { Thread, threadSlot } from '../core/model/thread.ts'
import { redelivered } from '../core/model/time.ts'
import { type ThreadTrigger, Trigger, withTexts } from '../core/model/trigger.ts'
import { RunMessage } from '../core/record/mailbox-part.ts'
import { Marker } from '../core/record/marker.ts'
import { Retries } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'

const ReplyRecord = z.object({
  /** What it tells, for whoever has to find it again. */
  text: z.string(),
  as: Marker.shape.as,
  well: z.boolean().default(true),
  /** What 0.4.0 wrote has none. */
  sign: z.enum(['done', 'refused', 'failed']).optional(),
  begun: z.object({ at: z.number(), lostAt: z.number().optional() }).optional(),
})
export type ReplySign = NonNullable<z.infer<typeof ReplyRecord>['sign']>

const SeenPage = z.object({
  text: z.string(),
  own: z.array(z.object({ at: z.number(), plain: z.number(), from: z.number() })),
  elsewhere: z.array(z.string()),
  indented: z.array(z.string()),
  files: z.array(z.object({ url: z.string(), words: z.string() })),
  cut: z.boolean(),
  unshown: z.number(),
  hidden: z.array(z.number()),
  minimized: z.literal(true).optional(),
})

export const TriggerRecord = z.object({
  trigger: Trigger,
  done: z.number().int().default(0),
  reacted: z.boolean().default(false),
  answer: ReplyRecord.optional(),
  pendingMessage: z
    .object({
      runId: z.string(),
      message: RunMessage,
      /** The thread of that Run, if it is another. */
      beside: Thread.pick({ number: true, kind: true }).optional(),
    })
    .optional(),
  onlyOne: z.boolean().default(false),
  sender: Sender.optional(),
  /** The command at hand was let in once. */
  passed: z.boolean().default(false),
  refused: z.boolean().default(false),
  /** A Run has something of it, and may have it asked again. */
  taken: z.boolean().default(false),
  /** Nothing is left to be done. */
  over: z.boolean().default(false),
  /** What the command at hand asks again later, as in a Run. */
  retries: Retries,
  /** What GitHub showed of the trigger's texts, in their order; `null` where that could not be had. */
  pages: z.array(SeenPage.nullable()).optional(),
  /** The threads in which a stop ends what was asked before it, as its sender may. */
  stop: z.object({ threads: z.array(z.string()), command: z.number().int() }).optional(),
  /** The stop that ended it before it began, by the id of its trigger, and at which command that was told. */
  stopped: z.object({ stop: z.string(), by: z.string(), command: z.number().int() }).optional(),
  /** Since when it waits, in ms since the epoch. `run`: for that Run, as it stood. */
  waits: z.object({ since: z.number(), run: z.string().optional() }).optional(),
})
export type TriggerRecord = z.infer<typeof TriggerRecord>

export const triggerFormat = { parse: (data: unknown) => TriggerRecord.parse(data) }

export const triggerIndex = {
  version: '5',
  entries: ({ data, addedAt: score }: { data: TriggerRecord; addedAt: number }): IndexEntry[] => {
    if (!isOfThread(data)) return []
    const { thread, at } = data.trigger
    const kept = (set: string): IndexEntry => ({ set, score: at, keptMs: redelivered })
    return [
      { set: sets.thread(thread), score },
      { set: sets.installation(thread.installationId), score },
      { set: sets.repository(thread.repoId), score },
      ...(data.stop?.threads ?? []).map(slot => kept(stopsIn(slot))),
      ...(data.stopped ? [kept(stoppedIn(thread))] : []),
    ]
  },
}

export const stopsIn = (slot: string): string => `stop ${slot}`
export const stoppedIn = (thread: Pick<Thread, 'repoId' | 'number'>): string =>
  `stopped ${threadSlot(thread)}`

export type ThreadRecord<Of extends ThreadTrigger = ThreadTrigger> = TriggerRecord & { trigger: Of }

export const isOfThread = (record: TriggerRecord): record is ThreadRecord =>
  record.trigger.kind !== 'access-lost'

/** The next command of the same comment. */
export const afterOne = <Of extends ThreadTrigger>(
  record: ThreadRecord<Of>,
  { refused = false, taken = false },
): ThreadRecord<Of> => ({
  ...record,
  done: record.done + 1,
  answer: undefined,
  pendingMessage: undefined,
  waits: undefined,
  passed: false,
  retries: {},
  refused: record.refused || refused,
  taken: record.taken || taken,
})

/** What is left in the queue: who wrote, where and when. The words stay with what a Run has, or what has still to be told. */
export const leftOver = <Of extends ThreadTrigger>(record: ThreadRecord<Of>): ThreadRecord<Of> =>
  record.taken || record.stopped
    ? { ...record, over: true }
    : {
        ...record,
        over: true,
        trigger: withTexts(record.trigger, () => ''),
        answer: undefined,
        pages: undefined,
      }

const untouched = TriggerRecord.omit({ trigger: true }).parse({})

export const triggerRecord = (trigger: Trigger): TriggerRecord => ({ trigger, ...untouched })

export const requeued = ({ trigger, reacted }: TriggerRecord, command: number): TriggerRecord =>
  TriggerRecord.parse({
    trigger: { ...trigger, id: `${trigger.id}-${command + 1}-again` },
    done: command,
    onlyOne: true,
    reacted,
  })
