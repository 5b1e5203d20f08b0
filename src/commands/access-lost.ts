/** The App lost access: agents there are ended, and GitHub is told nothing. */
import { NoResponse, Rejected, RetryLater } from '../core/model/errors.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import type { Thread } from '../core/model/thread.ts'
import type { AccessLostTrigger } from '../core/model/trigger.ts'
import { send } from '../core/record/messages.ts'
import { ofInstallation, ofRepository } from '../core/record/run-index.ts'
import { backoff, limits } from '../core/record/timing.ts'
import { type TriggerDeps, withdrawn } from './command-context.ts'
import { isOfThread, type TriggerRecord } from './trigger-record.ts'

/** No thread can be told of a failure, so it is retried for ever. */
export async function acceptLoss(deps: TriggerDeps, job: LockedJob<TriggerRecord>): Promise<StepResult> {
  const { trigger } = job.data
  if (trigger.kind !== 'access-lost') return { kind: 'end' }
  const { log } = deps
  try {
    await loseAccess(deps, trigger)
    log.info({ trigger: job.id, installation: trigger.installationId, by: trigger.by }, 'access lost')
    return { kind: 'end' }
  } catch (error) {
    if (error instanceof RetryLater) return { kind: 'park', ms: Math.max(1, error.until - deps.now()) }
    if (!(error instanceof NoResponse) || deps.now() - job.addedAt > limits.outage) throw error
    log.warn({ trigger: job.id, err: error }, 'no usable answer')
    return { kind: 'park', ms: backoff(2) }
  }
}

async function loseAccess(deps: TriggerDeps, trigger: AccessLostTrigger): Promise<void> {
  const { id: eventId, sender, at, by, installationId, repositories } = trigger
  const sets = repositories?.map(ofRepository) ?? [ofInstallation(installationId)]
  const [runs, waiting] = await Promise.all([deps.runs.listed(sets), deps.waiting.listed(sets)])
  const checks = new Map<number, boolean>()
  /** The event may be hours old: GitHub is asked once for each repository. */
  const isLost = async (thread: Thread): Promise<boolean> => {
    const { repoId } = thread
    if (repositories ? !repositories.includes(repoId) : thread.installationId !== installationId) return false
    const known = checks.get(repoId)
    if (known !== undefined) return known
    const mayStillWork = await deps.mayWorkIn(thread).catch(error => {
      if (error instanceof Rejected) return false
      throw error
    })
    checks.set(repoId, !mayStillWork)
    return !mayStillWork
  }
  for (const { id, data } of runs) {
    const { owner, repo } = data.thread
    const said = because[by].replace('…', `${owner}/${repo}`)
    if (await isLost(data.thread))
      await send(deps.runs, id, { kind: 'access-lost', id: eventId, by: sender, at, because: said })
  }
  for (const { id, data } of waiting)
    if (isOfThread(data) && (await isLost(data.trigger.thread))) await deps.waiting.send(id, withdrawn)
}

const because: Readonly<Record<AccessLostTrigger['by'], string>> = {
  uninstalled: 'uninstalled the App',
  suspended: 'suspended the App',
  removed: 'took … out of the installation',
  transferred: 'transferred …',
  archived: 'archived …',
  deleted: 'deleted …',
}
