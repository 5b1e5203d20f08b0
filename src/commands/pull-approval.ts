/** `pull_request.approval: somebody-else`: each commit of our pull requests has a check. Webhooks are hints. */
import { Rejected } from '../core/model/errors.ts'
import type { StepResult } from '../core/model/ports.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import { othersAmong, requestersOf } from '../core/record/own-pull-request.ts'
import { ofPull, ofThread, onBranch } from '../core/record/run-index.ts'
import { approvalCheck } from '../core/words/approval-check.ts'
import { type CommandContext, settingsOf } from './command-context.ts'

/** ms; the run that marks a pull request writes down a moment later that it did. */
const writtenIn = 10_000

export async function checkApproval(
  context: CommandContext,
  { thread, head, hasMarker, news }: PullNewsTrigger,
): Promise<StepResult> {
  const { deps, github, job } = context
  if (!hasMarker || deps.tenant === undefined) return end
  const { number } = thread
  const runs = await deps.runs.listed([
    ...[ofPull(thread, number), ofThread(thread)],
    ...(head?.repoId === thread.repoId ? [onBranch(thread, head.ref)] : []),
  ])
  if (runs.length === 0 && news === 'marked' && deps.now() - job.addedAt < writtenIn)
    return { kind: 'park', ms: 300 }
  // As they were for the runs that made it, so that nothing is asked of GitHub where nobody wants this.
  const all = runs.length > 0 ? runs.map(({ data }) => data.baseline) : [await settingsOf(context)]
  if (!all.some(({ settings }) => settings.pull_request.approval === 'somebody-else')) return end
  try {
    const found = await github.approvals(number)
    const markers = deps.signer.read(found?.body ?? '', thread).filter(({ as }) => as === 'pull')
    if (!found || markers.length === 0) return end
    const requesters = new Map(runs.flatMap(({ data }) => requestersOf(data)).map(each => [each.id, each]))
    const ids = new Set([...requesters.keys(), ...markers.flatMap(({ by = [] }) => by)])
    await job.assertLocked()
    await github.report(found.sha, approvalCheck(othersAmong(found.by, ids), [...requesters.values()]))
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    deps.log.warn({ thread: thread.url, err: error }, 'the approval of a pull request could not be shown')
  }
  return end
}

const end: StepResult = { kind: 'end' }
