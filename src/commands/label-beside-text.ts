/** A label that comes with its issue or pull request: it may be older than that, or one wish with its text. */
import type { StepResult } from '../core/model/ports.ts'
import type { LabelTrigger } from '../core/model/trigger.ts'
import {
  endOfJob,
  liveRun,
  lostWakeMs,
  mayBeAnAgents,
  type ThreadContext,
} from './command-context.ts'
import { presetNameOf } from './run-options.ts'

/** Whoever transfers an issue has not put the labels on that come along. GitHub's times are whole seconds, and may be older. */
export async function cameWithTransfer(context: ThreadContext<LabelTrigger>): Promise<boolean> {
  const { thread, at } = context.record.trigger
  if (thread.kind !== 'issue') return false
  // What is asked here is read ahead with the settings.
  await context.settings()
  const moved = await context.github.issue.transferredAt()
  return moved !== undefined && at < moved + labelsComeWithin
}

/** ms */
const labelsComeWithin = 10_000
const textComesWithin = 10_000

/**
 * A new issue or pull request whose text has a command, too: that is one wish. The label waits until the text is judged,
 * joins the run that began by it, and else leaves it at what was told there.
 * @returns `undefined` for a label that stands for itself, as it does if the text never comes
 */
export async function besideText(
  context: ThreadContext<LabelTrigger>,
): Promise<StepResult | undefined> {
  const { deps, github, job, record } = context
  const { thread, label, withText } = record.trigger
  if (!withText || presetNameOf(record.trigger) !== '' || (await mayBeAnAgents(context)))
    return undefined
  const text = await deps.waiting.get(`text-${thread.repoId}-${thread.number}`)
  const isSoon = deps.now() - job.addedAt < textComesWithin
  if (text?.standing === 'live') return { kind: 'park', ms: isSoon ? 300 : lostWakeMs }
  if (!text) return isSoon ? { kind: 'park', ms: 300 } : undefined
  if (await liveRun(deps.runs, thread)) return undefined
  if (text.data.taken) await github.labels.remove(label)
  return endOfJob
}
