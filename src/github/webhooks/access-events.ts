import { z } from 'zod'
import type { AccessLostTrigger } from '../../core/model/trigger.ts'
import { User } from './payloads.ts'

const base = {
  action: z.string(),
  installation: z.object({ id: z.number().int().positive() }),
  sender: User.nullish(),
}
const Repositories = z.array(z.object({ id: z.number().int() })).nullish()

const InstallationEvent = z.object(base)
const RepositoriesEvent = z.object({ ...base, repositories_removed: Repositories })
const RepositoryEvent = z.object({ ...base, repository: z.object({ id: z.number().int() }) })

type Loss = Pick<AccessLostTrigger, 'by' | 'repositories'>

type Reader = (
  payload: unknown,
) => { payload: z.infer<typeof InstallationEvent>; loss: Loss | undefined } | undefined

const reader =
  <P extends z.infer<typeof InstallationEvent>>(
    schema: z.ZodType<P>,
    lossBy: (payload: P) => Loss | undefined,
  ): Reader =>
  given => {
    const { data } = schema.safeParse(given)
    return data && { payload: data, loss: lossBy(data) }
  }

const byInstallation: Readonly<Record<string, AccessLostTrigger['by']>> = {
  deleted: 'uninstalled',
  suspend: 'suspended',
}

const byRepository: Readonly<Record<string, AccessLostTrigger['by']>> = {
  archived: 'archived',
  deleted: 'deleted',
  transferred: 'transferred',
}

/** The first two come to every App, the third on subscription. */
export const accessEvents = ['installation', 'installation_repositories', 'repository'] as const
export type AccessEvent = (typeof accessEvents)[number]

const readers: Readonly<Record<AccessEvent, Reader>> = {
  installation: reader(InstallationEvent, ({ action }) => {
    const by = byInstallation[action]
    return by && { by }
  }),
  installation_repositories: reader(RepositoriesEvent, ({ action, repositories_removed }) =>
    action === 'removed' && repositories_removed?.length
      ? { by: 'removed', repositories: repositories_removed.map(({ id }) => id) }
      : undefined,
  ),
  repository: reader(RepositoryEvent, ({ action, repository }) => {
    const by = byRepository[action]
    return by && { by, repositories: [repository.id] }
  }),
}

const ghost = { login: 'ghost', id: 10137 }

export function accessLost(
  delivery: { id: string; payload: unknown },
  event: AccessEvent,
): AccessLostTrigger | 'payload not understood' | 'event not used' {
  const read = readers[event](delivery.payload)
  if (!read) return 'payload not understood'
  const { payload, loss } = read
  if (!loss) return 'event not used'
  const { login, id } = payload.sender ?? ghost
  return {
    id: `access-${payload.installation.id}-${loss.by}-${delivery.id}`,
    deliveryId: delivery.id,
    at: Date.now(),
    kind: 'access-lost',
    sender: { login, id },
    installationId: payload.installation.id,
    ...loss,
  }
}
