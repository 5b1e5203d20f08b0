/** The events that say where the bot may not work any more, and where it may work again. */
import type { z } from 'zod'
import type { AccessBackTrigger, AccessLostTrigger } from '../../core/model/trigger.ts'
import { type Arrival, ignored, type Normalised, repositoryOf } from './event.ts'
import type * as payloads from './payloads.ts'
import { named, Repository } from './payloads.ts'

type Loss = Pick<AccessLostTrigger, 'by' | 'repositories' | 'to'>
type LossBy = Readonly<Record<string, Loss['by']>>
type Back = Pick<AccessBackTrigger, 'repositories'>

const ghost = { login: 'ghost', id: 10137 }

function arrivedWith({ payload, deliveryId }: Arrival<payloads.AccessPayload>, by: string) {
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

const lost = (arrival: Arrival<payloads.AccessPayload>, loss: Loss): Normalised => ({
  kind: 'trigger',
  trigger: { ...arrivedWith(arrival, loss.by), kind: 'access-lost', ...loss },
})

const isBack = (arrival: Arrival<payloads.AccessPayload>, back: Back): Normalised => ({
  kind: 'trigger',
  trigger: { ...arrivedWith(arrival, 'back'), kind: 'access-back', ...back },
})

const notUsed = ignored('event not used')

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

export function fromInstallation(arrival: Arrival<z.infer<typeof payloads.InstallationEvent>>): Normalised {
  const { action, repositories } = arrival.payload
  const by = lossBy[action]
  if (by) return lost(arrival, { by })
  return action === 'created' || action === 'unsuspend'
    ? isBack(arrival, { repositories: repositories?.map(named) })
    : notUsed
}

export function fromInstallationRepositories(
  arrival: Arrival<z.infer<typeof payloads.InstallationRepositoriesEvent>>,
): Normalised {
  const { action, repositories_added: added, repositories_removed: removed } = arrival.payload
  if (action === 'added' && added?.length) return isBack(arrival, { repositories: added.map(named) })
  if (action !== 'removed' || !removed?.length) return notUsed
  return lost(arrival, { by: 'removed', repositories: removed.map(({ id }) => id) })
}

const repositoryLossBy: LossBy = { archived: 'archived', deleted: 'deleted', transferred: 'transferred' }

export function fromRepository(arrival: Arrival<z.infer<typeof payloads.RepositoryEvent>>): Normalised {
  const { action, repository, installation } = arrival.payload
  const { data } = Repository.safeParse(repository)
  const whole = data && repositoryOf(installation.id, data)
  if ((action === 'unarchived' || action === 'renamed' || action === 'edited') && whole)
    return isBack(arrival, { repositories: [whole] })
  const by = repositoryLossBy[action]
  if (!by) return notUsed
  return lost(arrival, { by, repositories: [repository.id], to: by === 'transferred' ? whole : undefined })
}
