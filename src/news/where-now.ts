/**
 * Where a repository is now is known from any webhook of it, and GitHub is asked before it is believed. Its Runs go on
 * there.
 */

import type { TriggerDeps } from '../commands/command-context.ts'
import { NoResponse, RetryLater } from '../core/model/errors.ts'
import type { Repository } from '../core/model/thread.ts'
import { sendMessage } from '../core/record/messages.ts'
import { sets } from '../core/record/run-index.ts'

/** Looks before what the webhook says is seen to. What GitHub does not answer now, the next webhook brings. */
export async function seeWhereNow(deps: TriggerDeps, id: string, said: Repository): Promise<void> {
  const count = (set: string) => ({ kind: 'count', set }) as const
  const [live = 0, here = 0] = await deps.runs.query([
    count(sets.repository(said.repoId)),
    count(sets.address(said)),
  ])
  if (live === here) return
  try {
    const now = await deps.whereNow(said)
    if (now) await isNow(deps, id, now)
  } catch (error) {
    if (!(error instanceof NoResponse || error instanceof RetryLater)) throw error
    deps.log.warn({ trigger: id, err: error }, 'GitHub does not say where a repository is')
  }
}

/** @param id of what it is known from */
export async function isNow(deps: TriggerDeps, id: string, now: Repository): Promise<void> {
  for (const { id: run, data } of await deps.runs.listed([sets.repository(now.repoId)]))
    if (data.mailbox.accessLost || sets.address(data.thread) !== sets.address(now))
      await sendMessage(deps.runs, run, { kind: 'poll', id: `${id}-moved`, to: now })
}
