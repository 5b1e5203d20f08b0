/** What the events have in common that say the bot may not work somewhere any more. */
import { z } from 'zod'
import type { AccessLostTrigger } from '../../core/model/trigger.ts'
import { type Delivery, ignored, type Normalised } from './event.ts'
import { User } from './payloads.ts'

const accessPayload = {
  action: z.string(),
  installation: z.object({ id: z.number().int().positive() }),
  sender: User.nullish(),
}
type AccessPayload = z.infer<z.ZodObject<typeof accessPayload>>

type Loss = Pick<AccessLostTrigger, 'by' | 'repositories'>
type LossBy = Readonly<Record<string, Loss['by']>>

const lossReader =
  <P extends AccessPayload>(schema: z.ZodType<P>, lossOf: (payload: P) => Loss | undefined) =>
  (delivery: Delivery): Normalised => {
    const { data: payload } = schema.safeParse(delivery.payload)
    if (!payload) return ignored('payload not understood')
    const loss = lossOf(payload)
    return loss ? lost(payload, loss, delivery.id) : ignored('event not used')
  }

const ghost = { login: 'ghost', id: 10137 }

function lost({ installation, sender }: AccessPayload, loss: Loss, deliveryId: string): Normalised {
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

const lossBy: LossBy = { deleted: 'uninstalled', suspend: 'suspended' }

export const fromInstallation = lossReader(z.object(accessPayload), ({ action }) => {
  const by = lossBy[action]
  return by && { by }
})

const InstallationRepositories = z.object({
  ...accessPayload,
  repositories_removed: z.array(z.object({ id: z.number().int() })).nullish(),
})

export const fromInstallationRepositories = lossReader(
  InstallationRepositories,
  ({ action, repositories_removed: removed }) =>
    action === 'removed' && removed?.length
      ? { by: 'removed', repositories: removed.map(({ id }) => id) }
      : undefined,
)

const Repository = z.object({ ...accessPayload, repository: z.object({ id: z.number().int() }) })

const repositoryLossBy: LossBy = { archived: 'archived', deleted: 'deleted', transferred: 'transferred' }

export const fromRepository = lossReader(Repository, ({ action, repository }) => {
  const by = repositoryLossBy[action]
  return by && { by, repositories: [repository.id] }
})
