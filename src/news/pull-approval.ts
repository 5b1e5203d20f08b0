/**
 * `pull_request.approval: somebody-else`: each newest commit of a pull request has a check, so that it can be required.
 * It waits for an approval where Codex had a part in it. Webhooks are hints.
 */

import { settingsOf, type ThreadContext } from '../commands/command-context.ts'
import { isUserAtWork } from '../commands/given-commands.ts'
import { loggedIfRejected } from '../core/model/errors.ts'
import type { StepResult } from '../core/model/ports.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import { agentLogin, othersAmong, requestersOf } from '../core/record/own-pull-request.ts'
import { isReadOnly } from '../core/record/request-part.ts'
import { ofPull, ofThread, onBranch } from '../core/record/run-index.ts'
import type { RepoSettings } from '../core/settings/repository-settings.ts'
import { approvalCheck, inMergeQueue, noneOfCodex } from '../core/words/approval-check.ts'

/** ms; the run that marks a pull request writes down a moment later that it did. */
const writtenIn = 10_000

export async function checkApproval(
  context: ThreadContext,
  { thread, head, hasMarker, news, sender }: PullNewsTrigger,
): Promise<StepResult> {
  const { deps, github, job } = context
  // What its agent opens is marked by the run.
  if (deps.tenant === undefined || (news === 'opened' && sender.login === agentLogin)) return end
  const { number } = thread
  const known = await deps.runs.listed([
    ...[ofPull(thread, number), ofThread(thread)],
    ...(head?.repoId === thread.repoId ? [onBranch(thread, head.ref)] : []),
  ])
  const runs = known.map(({ data }) => data).filter(({ request }) => !isReadOnly(request.what))
  if (hasMarker && runs.length === 0 && news === 'marked' && deps.now() - job.addedAt < writtenIn)
    return { kind: 'park', ms: 300 }
  // Those of the runs that made it hold, too, whatever was changed since. What was made just now has no others.
  const isNew = news === 'marked' && runs.length > 0
  const wanted =
    runs.some(({ baseline }) => isWanted(baseline)) || (!isNew && isWanted(await settingsOf(context)))
  if (!wanted) return end
  // An agent that works as a user looks like one until its run knows of the pull request.
  if (!hasMarker && runs.length === 0 && (await isUserAtWork(context))) return { kind: 'park', ms: userWorks }
  return shown(context, async () => {
    const found = await github.approvals(number)
    if (!found) return
    const markers = deps.signer.read(found.body, thread).filter(({ as }) => as === 'pull')
    const requesters = new Map(runs.flatMap(requestersOf).map(each => [each.id, each]))
    const ids = new Set([...requesters.keys(), ...markers.flatMap(({ by = [] }) => by)])
    const isCodexs =
      runs.length > 0 ||
      markers.length > 0 ||
      found.author === agentLogin ||
      (await github.hasCommitOf(number, agentLogin))
    const check = isCodexs ? approvalCheck(othersAmong(found.by, ids), [...requesters.values()]) : noneOfCodex
    await job.assertLocked()
    await github.report(found.sha, check)
  })
}

export async function checkMergeGroup(
  context: ThreadContext,
  { head }: PullNewsTrigger,
): Promise<StepResult> {
  if (!head || context.deps.tenant === undefined || !isWanted(await settingsOf(context))) return end
  return shown(context, async () => {
    await context.job.assertLocked()
    await context.github.report(head.sha, inMergeQueue)
  })
}

/** ms */
const userWorks = 10_000

interface Approved {
  settings: { pull_request: Pick<RepoSettings['pull_request'], 'approval'> }
}

const isWanted = ({ settings }: Approved): boolean => settings.pull_request.approval === 'somebody-else'

async function shown({ deps, record }: ThreadContext, show: () => Promise<void>): Promise<StepResult> {
  const about = { thread: record.trigger.thread.url }
  const untold = loggedIfRejected(deps.log, 'the approval of a pull request could not be shown', about)
  await show().catch(untold)
  return end
}

const end: StepResult = { kind: 'end' }
