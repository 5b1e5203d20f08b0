/** Pull request events come late and in any order, so GitHub is asked for the state. */

import { Rejected } from '../core/model/errors.ts'
import type { JobRecord, StepResult } from '../core/model/ports.ts'
import { threadSlot } from '../core/model/thread.ts'
import type { PullNewsTrigger } from '../core/model/trigger.ts'
import type { PullView } from '../core/model/views.ts'
import { send } from '../core/record/messages.ts'
import { agentLogin } from '../core/record/own-pull-request.ts'
import { believeAbsent } from '../core/record/retries.ts'
import { changed, type Run } from '../core/record/run.ts'
import { ofPull, onBranch, untilPullEnds, wakeEach } from '../core/record/run-index.ts'
import { settingsPath } from '../core/settings/repository-file.ts'
import { settingsCheck } from '../core/words/settings-check.ts'
import { statusToSend } from '../runs/steps/status-comment.ts'
import { drawStatus } from '../runs/steps/step-context.ts'
import { wantedBody } from '../runs/steps/tend-pull.ts'
import { type CommandContext, refusedReads } from './command-context.ts'
import { settingsFile } from './command-registry.ts'
import { withdraw } from './withdraw.ts'

export async function newsOfPull(context: CommandContext, trigger: PullNewsTrigger): Promise<StepResult> {
  if (trigger.news === 'closed' || trigger.news === 'merged')
    await wakeEach(context.deps.runs, untilPullEnds(trigger.thread.repoId))
  if (trigger.news === 'opened') await pollNow(context, trigger)
  if (trigger.news === 'opened' || trigger.news === 'reopened' || trigger.news === 'pushed')
    await checkSettings(context, trigger)
  if (trigger.news === 'opened' || trigger.news === 'pushed') return { kind: 'end' }
  const { number } = trigger.thread
  const view = (await context.github.pull(number)) ?? believeAbsent('The pull request', refusedReads(context))
  if (!view) return { kind: 'end' }
  if (!(await notifyRuns(context, trigger, view))) return { kind: 'park', ms: 200 }
  switch (trigger.news) {
    case 'unmarked':
      await markAgain(context, trigger, view)
      return { kind: 'end' }
    case 'reopened':
      await pollNow(context, trigger)
      return { kind: 'end' }
    case 'closed':
      // A run on a closed pull request has lost its subject; a merged one keeps its work.
      return withdraw(context, { ...trigger, what: { kind: 'thread', by: 'closed' } })
    case 'merged':
    case 'ready_for_review':
    case 'converted_to_draft':
      return { kind: 'end' }
  }
}

/** Its description was written anew without our lines, which say what it closes and which Run made it. */
async function markAgain(
  { deps, github }: CommandContext,
  { thread }: PullNewsTrigger,
  view: PullView,
): Promise<void> {
  const maker = (await deps.runs.listed([ofPull(thread, view.number)])).at(-1)
  if (!maker || view.state !== 'open') return
  const body = wantedBody({ run: maker.data, deps }, view)
  if (body === view.body) return
  const { refused } = await github.settle({ pull: { number: view.number, change: { body } } })
  if (refused.length > 0) deps.log.warn({ pull: view.url }, 'the pull request could not be put right')
}

/** The Run named in the pull request polls at once; others when the budget allows it. */
async function pollNow({ deps: { runs } }: CommandContext, news: PullNewsTrigger): Promise<void> {
  const { head, thread, sender, id } = news
  if (head?.repoId !== thread.repoId) return
  const named = await runs.listed([head.ref, head.base].map(ref => onBranch(thread, ref)))
  const touched = named.filter(({ data }) => data.session.taskRun && touches(data, news))
  const [first, ...others] = touched
  if (first && others.length === 0 && sender.login === agentLogin)
    await send(runs, first.id, { kind: 'poll', id, pull: thread.url })
  else await Promise.all(touched.map(run => runs.wake(run.id)))
}

function touches(
  { thread, workspace: { branch }, session: { taskRun }, result: { pulls } }: Run,
  { thread: { repoId }, head }: PullNewsTrigger,
): boolean {
  if (thread.repoId !== repoId || head?.repoId !== repoId) return false
  const own = [branch?.name, taskRun?.headBranch, ...pulls.map(pull => pull.head)]
  return own.includes(head.ref) || (head.base === branch?.name && head.base !== thread.defaultBranch)
}

async function notifyRuns(
  context: CommandContext,
  trigger: PullNewsTrigger,
  view: PullView,
): Promise<boolean> {
  const { runs, signer } = context.deps
  const marker = signer.read(view.body, trigger.thread).findLast(({ as }) => as === 'pull')
  const holders = await runs.listed([ofPull(trigger.thread, view.number)])
  const maker = marker && !holders.some(({ id }) => id === marker.run) && (await runs.get(marker.run))
  const kept = [...holders, ...(maker && maker.data.thread.repoId === trigger.thread.repoId ? [maker] : [])]
  const accepted = await Promise.all(kept.map(run => notify(context, run, { id: trigger.id, ...view })))
  return accepted.every(Boolean)
}

type News = Pick<PullView, 'number' | 'state' | 'draft'> & { id: string }

async function notify(
  context: CommandContext,
  { id: run, standing, data }: JobRecord<Run>,
  { id, number, state, draft }: News,
): Promise<boolean> {
  const { runs } = context.deps
  if (standing === 'live') return send(runs, run, { kind: 'pull', id, number, state, draft })
  const known = data.result.pulls.find(pull => pull.number === number)
  if (!known || (known.state === state && known.draft === draft)) return true
  const pulls = data.result.pulls.map(pull => (pull === known ? { ...pull, state, draft } : pull))
  return runs.amendEnded(run, await redraw(context, changed(data, { result: { pulls } })))
}

async function redraw(context: CommandContext, run: Run): Promise<Run> {
  if (!run.report.status || run.report.status.minimized) return run
  const { deployment, signer } = context.deps
  const drawing = drawStatus(run, deployment, context.deps.now())
  const { text, status } = statusToSend(drawing, run.report.status, signer)
  const thread =
    threadSlot(run.thread) === threadSlot(context.record.trigger.thread)
      ? context.github
      : context.deps.github(run.thread)
  await thread.edit(run.report.status.commentId, text)
  return changed(run, { report: { status } })
}

async function checkSettings(context: CommandContext, { thread, head }: PullNewsTrigger): Promise<void> {
  const { github, deps } = context
  if (!head || deps.tenant === undefined) return
  try {
    const files = await github.changedFiles(thread.number)
    if (!files.some(({ path }) => path === settingsPath)) return
    const text = await github.file(settingsPath, head.sha)
    if (text === undefined) return
    await context.job.assertLocked()
    await github.report(head.sha, {
      id: `settings-${thread.number}`,
      ...settingsCheck(settingsFile.read(text).problems),
    })
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    deps.log.warn({ thread: thread.url, err: error }, 'the settings of a pull request could not be checked')
  }
}
