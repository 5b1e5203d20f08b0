/** What the rest of the bot sees of the queue: nothing above this folder knows which backend it runs on. */
import { describe, QueueUnavailable } from '../core/model/errors.ts'
import type { ChoreContext, LockedJob, Log, StepResult } from '../core/model/ports.ts'
import { onceAMinute } from '../core/model/time.ts'

/**
 * Works one step. When it throws, the job is parked for a while (1 s, doubling up to 60 s) and never dropped: how often
 * to try is the processor's business, see `failures`. `QueueUnavailable` is no failure of the job and is not counted.
 */
export type Processor<Data> = (job: LockedJob<Data>) => Promise<StepResult>

export interface Working<Data> {
  /** So many jobs at the most are in hand at once in this process. */
  concurrency: number
  /** Hears of each job that this process has ended, once its slot is free; of none that ended when the process died. */
  ended?(data: Data): Promise<void>
}

/**
 * @returns ms until the next run of the chore, or nothing for the usual time. When it throws, it comes back soon (1 s, doubling up
 * to 60 s).
 */
export type Chore = (context: ChoreContext) => Promise<number | undefined>

/** Its memory begins with what was said last. */
export type Errand = (context: ChoreContext) => Promise<number | 'done'>

/** What is to be done once. `subject`: of several about one, the newest replaces those before. */
export interface Sent {
  kind: string
  id: string
  subject: string
  what: unknown
}

/** Nothing brings it back while this process lives. */
export class QueueGone extends QueueUnavailable {
  override name = 'QueueGone'
  readonly fix =
    'Start the bot again: if the queue is lost, it makes a new one, takes up the runs that have a status comment and asks GitHub for the webhooks that nobody took.'
}

/** It goes on by itself when there is room. */
export class QueueFull extends QueueUnavailable {
  override name = 'QueueFull'
  readonly fix = 'Free some space, or move DATA_DIR to another disk.'

  constructor(folder: string, lacks: string) {
    super(`the disk under ${folder} is full: it has room for less than ${lacks}`)
  }
}

export class UnreadableRecord extends Error {
  override name = 'UnreadableRecord'
}

export class ShuttingDown extends Error {
  override name = 'ShuttingDown'
}

export class LockLost extends Error {
  override name = 'LockLost'
}

export type QueueLog = Pick<Log, 'warn' | 'error'>

export const SILENT: QueueLog = { warn: () => {}, error: () => {} }

/** Logs each connection error once a minute, by message only: Redis errors carry command arguments, AUTH's too. */
export function errorReporter(log: QueueLog, now = Date.now): (error: Error) => void {
  const tell = onceAMinute(now)
  return error => {
    const message = describe(error)
    tell(message, () => log.warn({ error: message }, 'trouble with the queue'))
  }
}
