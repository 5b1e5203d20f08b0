/** Where the bot may not work any more. */
import type { AccessLostTrigger } from '../../core/model/trigger.ts'
import { type AppEvent, type EventOf, type Normalised, notUsed } from './event.ts'
import type * as payloads from './payloads.ts'

const ghost = { login: 'ghost', id: 10137 }

/** @param repositories their numbers; without them, all of the installation */
function accessLost(
  { payload, deliveryId }: AppEvent<payloads.AccessPayload>,
  by: AccessLostTrigger['by'],
  repositories?: number[],
): Normalised {
  const { installation, sender } = payload
  const { login, id } = sender ?? ghost
  return {
    kind: 'trigger',
    trigger: {
      kind: 'access-lost',
      id: `access-${installation.id}-${by}-${deliveryId}`,
      deliveryId,
      at: Date.now(),
      sender: { login, id },
      installationId: installation.id,
      by,
      repositories,
    },
  }
}

const lossBy: Record<string, AccessLostTrigger['by']> = {
  deleted: 'uninstalled',
  suspend: 'suspended',
}

export function fromInstallation(event: EventOf<typeof payloads.InstallationEvent>): Normalised {
  const by = lossBy[event.payload.action]
  return by ? accessLost(event, by) : notUsed
}

export function fromInstallationRepositories(
  event: EventOf<typeof payloads.InstallationRepositoriesEvent>,
): Normalised {
  const { repositories_removed: removed } = event.payload
  if (!removed?.length) return notUsed
  return accessLost(
    event,
    'removed',
    removed.map(({ id }) => id),
  )
}

const repositoryLosses = ['archived', 'deleted', 'transferred'] as const

export function fromRepository(event: EventOf<typeof payloads.RepositoryEvent>): Normalised {
  const { action, repository } = event.payload
  const by = repositoryLosses.find(known => known === action)
  return by ? accessLost(event, by, [repository.id]) : notUsed
}
