/** The App lost access. Agents there are ended and nothing starts. */

import { endOfJob, type TriggerDeps, withdrawn } from '../commands/command-context.ts'
import { isOfThread, type TriggerRecord } from '../commands/trigger-record.ts'
import type { LockedJob, StepResult } from '../core/model/ports.ts'
import { fullName, type Thread } from '../core/model/thread.ts'
import type { AccessLostTrigger } from '../core/model/trigger.ts'
import { sendMessage } from '../core/record/messages.ts'
import { sets } from '../core/record/run-index.ts'
import { madeIn } from '../core/text/newest-map.ts'

/** No thread can be told of a failure: the queue repeats it for ever. */
export async function acceptAccess(
  deps: TriggerDeps,
  job: LockedJob<TriggerRecord>,
): Promise<StepResult> {
  const { trigger } = job.data
  if (trigger.kind !== 'access-lost') return endOfJob
  await loseAccess(deps, trigger)
  const { installationId: installation, by } = trigger
  deps.log.info({ trigger: job.id, installation, by }, 'access lost')
  return endOfJob
}

async function loseAccess(deps: TriggerDeps, trigger: AccessLostTrigger) {
  const { id: eventId, sender, at, by, installationId, repositories } = trigger
  const there = repositories?.map(sets.repository) ?? [sets.installation(installationId)]
  const [runs, waiting] = await Promise.all([deps.runs.listed(there), deps.waiting.listed(there)])
  const checks = new Map<number, Promise<boolean>>()
  /** The event may be hours old: GitHub is asked once for each repository. */
  const isLost = async (thread: Thread) =>
    !(await madeIn(checks, thread.repoId, () => deps.mayWorkIn(thread)))
  for (const { id, data } of runs)
    if (await isLost(data.thread))
      await sendMessage(deps.runs, id, {
        kind: 'access-lost',
        id: eventId,
        by: sender,
        at,
        because: reasonOf[by].replace('…', fullName(data.thread)),
      })
  for (const { id, data } of waiting)
    if (isOfThread(data) && (await isLost(data.trigger.thread)))
      await deps.waiting.send(id, withdrawn)
}

const reasonOf: Readonly<Record<AccessLostTrigger['by'], string>> = {
  uninstalled: 'uninstalled the App',
  suspended: 'suspended the App',
  removed: 'took … out of the installation',
  transferred: 'transferred …',
  archived: 'archived …',
  deleted: 'deleted …',
}
