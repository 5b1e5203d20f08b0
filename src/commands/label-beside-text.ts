/** A label that comes with its issue or pull request may be one wish with its text. */
import { isMistake } from '../core/command/parse.ts'
import type { StepResult } from '../core/model/ports.ts'
import type { CommentTrigger, LabelTrigger } from '../core/model/trigger.ts'
import {
  endOfJob,
  liveRun,
  lostWakeMs,
  mayBeAnAgents,
  runId,
  type ThreadContext,
} from './command-context.ts'
import { commandNamed } from './command-registry.ts'
import { commandsOf, ownText } from './read-commands.ts'
import { presetNameOf } from './run-options.ts'

/** ms */
const textComesWithin = 10_000

/**
 * A new issue or pull request whose text asks for a run, too: that is one wish, and the label joins what came of it.
 * @returns `undefined` for a label that stands for itself, as it does if the text never comes
 */
export async function besideText(
  context: ThreadContext<LabelTrigger>,
): Promise<StepResult | undefined> {
  const { deps, github, job, record } = context
  const { trigger } = record
  if (!trigger.withText || presetNameOf(trigger) !== '' || (await mayBeAnAgents(context)))
    return undefined
  const runIds = await runIdsOfText(context)
  if (runIds.length === 0) return undefined
  const text = await deps.waiting.get(textTriggerId(trigger))
  const isSoon = deps.now() - job.addedAt < textComesWithin
  if (text?.standing === 'live') return { kind: 'park', ms: isSoon ? 300 : lostWakeMs }
  if (!text) return isSoon ? { kind: 'park', ms: 300 } : undefined
  if (await liveRun(deps.runs, trigger.thread)) return undefined
  const begun = await Promise.all(runIds.map(id => deps.runs.get(id)))
  if (begun.some(run => run !== undefined)) await github.labels.remove(trigger.label)
  return endOfJob
}

const textTriggerId = ({ thread }: LabelTrigger) => `text-${thread.repoId}-${thread.number}`

/** Which may begin by it. */
async function runIdsOfText(context: ThreadContext<LabelTrigger>): Promise<string[]> {
  const { trigger } = context.record
  const { thread, sender, at, deliveryId, snapshot, head } = trigger
  const { word, app } = context.deps.triggerOf(thread.ownerId)
  const text: CommentTrigger = {
    thread,
    sender,
    at,
    deliveryId,
    snapshot,
    head,
    id: textTriggerId(trigger),
    kind: 'comment',
    commentRef: { kind: 'subject' },
    text: trigger.snapshot.body,
    word,
    app,
  }
  const { parsed } = await commandsOf(context, text, [ownText(text)])
  return parsed.flatMap((each, done) =>
    !isMistake(each) && commandNamed(each.command.name).starts
      ? runId({ record: { ...context.record, trigger: text, done } })
      : [],
  )
}
