/** The events that say the bot may not work somewhere any more. */
import type { z } from 'zod'
import type { AccessLostTrigger } from '../../core/model/trigger.ts'
import { type Arrival, ignored, type Normalised } from './event.ts'
import type * as payloads from './payloads.ts'

type Loss = Pick<AccessLostTrigger, 'by' | 'repositories'>
type LossBy = Readonly<Record<string, Loss['by']>>

const ghost = { login: 'ghost', id: 10137 }

function lost({ payload, deliveryId }: Arrival<payloads.AccessPayload>, loss: Loss): Normalised {
  const { installation, sender } = payload
  const { login, id } = sender ?? ghost
  return {
    kind: 'trigger',
    trigger: {
      id: `access-${installation.id}-${loss.by}-${deliveryId}`,
      deliveryId,
      at: Date.now(),
      kind: 'access-lost',
      sender: { login, id },
      installationId: installation.id,
      ...loss,
    },
  }
}

const notUsed = ignored('event not used')

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

export function fromInstallation(arrival: Arrival<payloads.AccessPayload>): Normalised {
  const by = lossBy[arrival.payload.action]
  return by ? lost(arrival, { by }) : notUsed
}

export function fromInstallationRepositories(
  arrival: Arrival<z.infer<typeof payloads.InstallationRepositoriesEvent>>,
): Normalised {
  const { action, repositories_removed: removed } = arrival.payload
  if (action !== 'removed' || !removed?.length) return notUsed
  return lost(arrival, { by: 'removed', repositories: removed.map(({ id }) => id) })
}

const repositoryLossBy: LossBy = { archived: 'archived', deleted: 'deleted', transferred: 'transferred' }

export function fromRepository(arrival: Arrival<z.infer<typeof payloads.RepositoryEvent>>): Normalised {
  const { action, repository } = arrival.payload
  const by = repositoryLossBy[action]
  return by ? lost(arrival, { by, repositories: [repository.id] }) : notUsed
}
