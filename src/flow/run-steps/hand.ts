/** What a step has in hand, and the one way to do something that can't be taken back. */

import type { Deployment } from '../../core/comments/words.ts'
import type { Signer } from '../../core/marker.ts'
import { limits } from '../../core/pace.ts'
import type { Intent, Run, Session } from '../../core/run.ts'
import type { OtherRun } from '../../core/turn.ts'
import type { GitHub, Held, Log, TasksClient, ThreadClient } from '../edges.ts'

/** News of a task run as they happen; what they are is looked up. */
export interface NewsStream {
  /** Wakes the Run on news of its session; false when this process does not listen. */
  watch(session: Session, runId: string): boolean
  unwatch(taskRunId: string): void
}

export interface RunDeps {
  github: GitHub
  posthog: TasksClient
  signer: Signer
  deployment: Deployment
  log: Log
  now(): number
  /** Live Runs of the whole deployment, which share one key. */
  liveRuns(): Promise<number>
  stream: NewsStream
  /** All live Runs, and those that ended and began since then (ms since the epoch). */
  others(since: number): Promise<OtherRun[]>
  /** The deployment's token for pull requests by its own user; kept out of every record. */
  userToken: string | undefined
  /** A random word for each prompt. */
  fence(): string
}

export interface Hand {
  deps: RunDeps
  job: Held<Run>
  github: ThreadClient
  /** The record as last saved. */
  run: Run
  save(run: Run): Promise<void>
}

export function handOf(deps: RunDeps, job: Held<Run>): Hand {
  return {
    deps,
    job,
    github: deps.github(job.data.thread),
    run: job.data,
    async save(run) {
      await job.save(run)
      this.run = run
    },
  }
}

/** How far GitHub's and PostHog's clocks may be from ours. */
export const skew = 60_000

interface Once<T> {
  intent: Intent
  /** Looks for the trace of an earlier attempt. */
  find(intent: Intent): Promise<T | undefined>
  perform(): Promise<T>
}

/**
 * Does something that has no idempotency key: the intent is written, the effect done once, and the caller
 * writes the result. When an earlier attempt left its intent behind, its trace is looked for first, until
 * it has had time to become visible.
 */
export async function once<T>(hand: Hand, { intent, find, perform }: Once<T>): Promise<T> {
  const earlier = hand.run.intent
  if (earlier) {
    const done = await find(earlier)
    if (done !== undefined) return done
    const settled = earlier.at + limits.unanswered
    if (hand.deps.now() < settled) throw new NotSettled(settled)
  }
  await hand.save({ ...hand.run, intent })
  await hand.job.assertHeld()
  return await perform()
}

/** An earlier attempt may still become visible: look again a little later. */
export class NotSettled extends Error {
  override name = 'NotSettled'
  readonly until: number

  constructor(until: number) {
    super('an unanswered write may still become visible')
    this.until = until
  }
}
