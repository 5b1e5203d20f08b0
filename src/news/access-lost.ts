/** The App lost access, or has it back. Where it is lost, agents are ended and nothing starts. */

import { type TriggerDeps, withdrawn } from '../commands/command-context.ts'
import { isOfThread, type TriggerRecord } from '../commands/trigger-record.ts'
import { NoResponse, RetryLater } from '../core/model/errors.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import { fullName, type Repository, type Thread } from '../core/model/thread.ts'
import { second } from '../core/model/time.ts'
import type { AccessBackTrigger, AccessLostTrigger } from '../core/model/trigger.ts'
import { sendMessage } from '../core/record/messages.ts'
import type { Run } from '../core/record/run.ts'
import { sets } from '../core/record/run-index.ts'
import { limits } from '../core/record/timing.ts'
import { madeIn } from '../core/text/newest-map.ts'
import { isNow } from './where-now.ts'

/** No thread can be told of a failure, so it is retried for ever. */
export async function acceptAccess(
  deps: TriggerDeps,
  job: LockedJob<TriggerRecord>,
): Promise<StepResult> {
  const { trigger } = job.data
  const { log } = deps
  try {
    if (trigger.kind === 'access-lost') {
      await loseAccess(deps, trigger)
      log.info(
        { trigger: job.id, installation: trigger.installationId, by: trigger.by },
        'access lost',
      )
    } else if (trigger.kind === 'access-back' && (await haveAccess(deps, trigger)))
      log.info({ trigger: job.id, installation: trigger.installationId }, 'access is back')
    return { kind: 'end' }
  } catch (error) {
    if (error instanceof RetryLater)
      return { kind: 'park', ms: Math.max(1, error.until - deps.now()) }
    if (!(error instanceof NoResponse) || deps.now() - job.addedAt > limits.outage) throw error
    log.warn({ trigger: job.id, err: error }, 'no usable answer')
    return { kind: 'park', ms: 4 * second }
  }
}

async function loseAccess(deps: TriggerDeps, trigger: AccessLostTrigger): Promise<void> {
  const { id: eventId, sender, at, by, installationId, repositories } = trigger
  const there = repositories?.map(sets.repository) ?? [sets.installation(installationId)]
  const [runs, waiting] = await Promise.all([deps.runs.listed(there), deps.waiting.listed(there)])
  const checks = new Map<number, Promise<Repository | undefined>>()
  /** The event may be hours old: GitHub is asked once for each repository. */
  const isLost = async (thread: Thread): Promise<boolean> => {
    const { repoId } = thread
    if (repositories ? !repositories.includes(repoId) : thread.installationId !== installationId)
      return false
    return (await madeIn(checks, repoId, () => deps.whereNow(thread))) === undefined
  }
  const to = trigger.to && (await deps.whereNow(trigger.to))
  for (const { id, data } of runs) {
    if (await isLost(data.thread))
      await sendMessage(deps.runs, id, {
        kind: 'access-lost',
        id: eventId,
        by: sender,
        at,
        because: reasonOf[by].replace('…', fullName(data.thread)),
        to,
      })
  }
  for (const { id, data } of waiting)
    if (isOfThread(data) && (await isLost(data.trigger.thread)))
      await deps.waiting.send(id, withdrawn)
  if (to) await isNow(deps, eventId, to)
}

/** @returns whether there was a Run to be put right */
async function haveAccess(deps: TriggerDeps, trigger: AccessBackTrigger): Promise<boolean> {
  const { id, installationId, repositories } = trigger
  const there = repositories?.map(({ repoId }) => sets.repository(repoId)) ?? [
    sets.installation(installationId),
  ]
  const saidOf = ({ repoId }: Thread) => repositories?.find(each => each.repoId === repoId)
  const isHere = ({ thread, mailbox }: Run): boolean => {
    const { owner, repo, defaultBranch = thread.defaultBranch } = saidOf(thread) ?? thread
    const said = { ...thread, installationId, owner, repo, defaultBranch }
    return !mailbox.accessLost && sets.address(thread) === sets.address(said)
  }
  const runs = (await deps.runs.listed(there)).map(({ data }) => data)
  const threads = runs.filter(run => !isHere(run)).map(({ thread }) => thread)
  for (const [repoId, thread] of new Map(threads.map(each => [each.repoId, each]))) {
    const { owner, repo } = saidOf(thread) ?? thread
    const now = await deps.whereNow({ repoId, owner, repo, installationId })
    if (now) await isNow(deps, id, now)
  }
  return threads.length > 0
}

const reasonOf: Readonly<Record<AccessLostTrigger['by'], string>> = {
  uninstalled: 'uninstalled the App',
  suspended: 'suspended the App',
  removed: 'took … out of the installation',
  transferred: 'transferred …',
  archived: 'archived …',
  deleted: 'deleted …',
}
