/** Where the bot may not work any more, and where it may work again. */
import type { AccessBackTrigger, AccessLostTrigger } from '../../core/model/trigger.ts'
import { type AppEvent, type EventOf, type Normalised, notUsed, repositoryOf } from './event.ts'
import type * as payloads from './payloads.ts'
import { named, Repository } from './payloads.ts'

type Loss = Pick<AccessLostTrigger, 'by' | 'repositories' | 'to'>
type LossBy = Readonly<Record<string, Loss['by']>>

const ghost = { login: 'ghost', id: 10137 }

function accessEvent({ payload, deliveryId }: AppEvent<payloads.AccessPayload>, by: string) {
  const { installation, sender } = payload
  const { login, id } = sender ?? ghost
  return {
    id: `access-${installation.id}-${by}-${deliveryId}`,
    deliveryId,
    at: Date.now(),
    sender: { login, id },
    installationId: installation.id,
  }
}

const accessLost = (event: AppEvent<payloads.AccessPayload>, loss: Loss): Normalised => ({
  kind: 'trigger',
  trigger: { ...accessEvent(event, loss.by), kind: 'access-lost', ...loss },
})

const accessBack = (
  event: AppEvent<payloads.AccessPayload>,
  repositories: AccessBackTrigger['repositories'],
): Normalised => ({
  kind: 'trigger',
  trigger: { ...accessEvent(event, 'back'), kind: 'access-back', repositories },
})

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

export function fromInstallation(event: EventOf<typeof payloads.InstallationEvent>): Normalised {
  const { action, repositories } = event.payload
  const by = lossBy[action]
  if (by) return accessLost(event, { by })
  return action === 'created' || action === 'unsuspend'
    ? accessBack(event, repositories?.map(named))
    : notUsed
}

export function fromInstallationRepositories(
  event: EventOf<typeof payloads.InstallationRepositoriesEvent>,
): Normalised {
  const { action, repositories_added: added, repositories_removed: removed } = event.payload
  if (action === 'added' && added?.length) return accessBack(event, added.map(named))
  if (action !== 'removed' || !removed?.length) return notUsed
  return accessLost(event, { by: 'removed', repositories: removed.map(({ id }) => id) })
}

const repositoryLossBy: LossBy = {
  archived: 'archived',
  deleted: 'deleted',
  transferred: 'transferred',
}

export function fromRepository(event: EventOf<typeof payloads.RepositoryEvent>): Normalised {
  const { action, repository, installation } = event.payload
  const { data } = Repository.safeParse(repository)
  const whole = data && repositoryOf(installation.id, data)
  if ((action === 'unarchived' || action === 'renamed' || action === 'edited') && whole)
    return accessBack(event, [whole])
  const by = repositoryLossBy[action]
  if (!by) return notUsed
  return accessLost(event, {
    by,
    repositories: [repository.id],
    to: by === 'transferred' ? whole : undefined,
  })
}
