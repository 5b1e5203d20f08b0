/**
 * News of a pull request: a reason to look for live Runs, and for the Run that opened it to show what has become of it.
 * How it stands is asked of GitHub, since news may come late and in any order.
 */

import type { Verdict } from '../core/model/ports.ts'
import { threadSlot } from '../core/model/thread.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import type { PullView } from '../core/model/views.ts'
import type { Run } from '../core/run/run.ts'
import { sentStatus } from '../runs/steps/tell-thread.ts'
import type { TriggerHand } from './command-context.ts'
import { withdraw } from './withdraw.ts'

export async function newsOfPull(hand: TriggerHand, trigger: PullNewsTrigger): Promise<Verdict> {
  if (trigger.news === 'opened') return lookAtOnce(hand, trigger)
  const view = await hand.github.pull(trigger.thread.number)
  if (!view) return { do: 'end' }
  await tellItsRun(hand, trigger, view)
  switch (trigger.news) {
    case 'reopened':
      return lookAtOnce(hand, trigger)
    case 'closed':
      // A run on the pull request itself has lost its subject. A merge takes its work, and stops nothing.
      return withdraw(hand, { ...trigger, kind: 'withdrawal', what: { of: 'thread', by: 'closed' } })
    case 'merged':
    case 'ready_for_review':
    case 'converted_to_draft':
      return { do: 'end' }
  }
}

/** A hint and no more: whom it wakes looks when the budget of calls allows it. */
async function lookAtOnce(hand: TriggerHand, news: PullNewsTrigger): Promise<Verdict> {
  const live = await hand.deps.runs.live()
  const touched = live.filter(({ data }) => data.taskRun && touches(data, news))
  await Promise.all(touched.map(({ id }) => hand.deps.runs.wake(id)))
  return { do: 'end' }
}

/** Into the default branch go all pull requests; that alone says nothing of a Run. */
function touches(
  { thread, branch, taskRun, pulls }: Run,
  { thread: { repoId }, head }: PullNewsTrigger,
): boolean {
  if (thread.repoId !== repoId || head?.repoId !== repoId) return false
  const own = [branch?.name, taskRun?.headBranch, ...pulls.map(pull => pull.head)]
  return own.includes(head.ref) || (head.base === branch?.name && head.base !== thread.defaultBranch)
}

/** The pull request's own marker names the Run; its status comment then says how the pull request stands. */
async function tellItsRun(hand: TriggerHand, trigger: PullNewsTrigger, view: PullView): Promise<void> {
  const marker = hand.deps.signer.read(view.body, trigger.thread).findLast(({ as }) => as === 'pull')
  const kept = marker && (await hand.deps.runs.get(marker.run))
  if (!kept || kept.data.thread.repoId !== trigger.thread.repoId) return
  const { number, state, draft } = view
  if (kept.standing === 'live') {
    await hand.deps.runs.tell(kept.id, JSON.stringify({ says: 'pull', id: trigger.id, number, state, draft }))
    return
  }
  const pulls = kept.data.pulls.map(pull => (pull.number === number ? { ...pull, state, draft } : pull))
  const amended = await redraw(hand, { ...kept.data, pulls })
  await hand.deps.runs.amendEnded(kept.id, amended)
}

async function redraw(hand: TriggerHand, run: Run): Promise<Run> {
  if (!run.status) return run
  const { text, status } = sentStatus({ deps: hand.deps, run }, run.status)
  const thread =
    threadSlot(run.thread) === threadSlot(hand.record.trigger.thread)
      ? hand.github
      : hand.deps.github(run.thread)
  await thread.edit(run.status.commentId, text)
  return { ...run, status }
}
