/**
 * Where a repository is now is known from any webhook of it, and GitHub is asked before it is believed. Its Runs go on
 * there, and what could not be told while the App had no access is told.
 */

import type { TriggerDeps } from '../commands/command-context.ts'
import { isOfThread, requeued } from '../commands/trigger-record.ts'
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import { movedTo, type Repository } from '../core/model/thread.ts'
import { endsQuietly } from '../core/record/last-word.ts'
import { send, withRepository } from '../core/record/messages.ts'
import { type ChangeOf, changed, type Run } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import { sayLastWord } from '../runs/steps/closing-comment.ts'
import { showStatus } from '../runs/steps/status-comment.ts'
import { drawStatus } from '../runs/steps/step-context.ts'

/** Looks before what the webhook says is seen to. What GitHub does not answer now, the next webhook brings. */
export async function seeWhereNow(deps: TriggerDeps, id: string, said: Repository): Promise<void> {
  const count = (set: string) => ({ kind: 'count', set }) as const
  const unsaidHere = count(sets.unsaidIn(said.repoId))
  const [[live = 0, here = 0, ended = 0], [lost = 0]] = await Promise.all([
    deps.runs.query([count(sets.repository(said.repoId)), count(sets.address(said)), unsaidHere]),
    deps.waiting.query([unsaidHere]),
  ])
  if (live === here && ended + lost === 0) return
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
      await send(deps.runs, run, { kind: 'poll', id: `${id}-moved`, to: now })
  for (const run of await deps.runs.listed([sets.unsaidIn(now.repoId)]))
    await tellOf(deps, run.id, now)
  for (const { id: command, data, standing } of await deps.waiting.listed([
    sets.unsaidIn(now.repoId),
  ])) {
    // A live one is back already.
    if (!isOfThread(data) || standing === 'live') continue
    const { trigger, done, lost } = data
    const again = requeued(
      { ...data, trigger: { ...trigger, thread: movedTo(trigger.thread, now) } },
      done,
    )
    await deps.waiting.add(again.trigger.id, { ...again, lost })
    await deps.waiting.amendEnded(command, each => ({ ...each, lost: undefined }))
  }
}

/** Its status says why it was stopped, and so does a last word of whoever is the first to know that access is back. */
async function tellOf(deps: TriggerDeps, id: string, now: Repository): Promise<void> {
  const kept = await deps.runs.get(id)
  if (kept?.standing !== 'ended' || !kept.data.mailbox.accessLost) return
  const toTell = (run: Run): Run =>
    run.mailbox.accessLost
      ? changed(withRepository(run, now), { mailbox: { accessLost: false } })
      : run
  const run = toTell(kept.data)
  const { status } = run.report
  const { deployment, signer } = deps.wordsOf(run)
  const github = deps.github(run.thread)
  try {
    const shown = status && !status.minimized
    const drawing = drawStatus(run, deployment, deps.now())
    const edited = shown ? await showStatus(github, drawing, status, signer) : status
    const after: ChangeOf<'report'> = { report: { status: edited === 'gone' ? status : edited } }
    let isFirst = false
    await deps.runs.amendEnded(id, each => {
      isFirst = each.mailbox.accessLost
      return changed(toTell(each), after)
    })
    if (!isFirst || endsQuietly(run)) return
    const report = await sayLastWord(changed(run, after), {
      github,
      deps: { ...deps, deployment, signer },
    })
    await deps.runs.amendEnded(id, each => changed(each, { report }))
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    deps.log.warn({ run: id, err: error }, 'GitHub does not let the thread be told')
  }
}
